package shaders

import (
	"fmt"
	"reflect"
	"slices"

	"muninn/vk"
)

// Tuning is every choice that depends on the device. Its fields are filled in by the rows of tunings, in their order.
type Tuning struct {
	Subgroup   uint32 // invocations that a workgroup of an sg kernel has, one subgroup; 0: sums in shared memory
	Unrolls    bool   // loops over specialization constants are unrolled
	Fixed      bool   // GEMV kernels with fixed numbers of rows: 4 of weights, 1 or 4 of x
	Texels     bool   // GEMV reads through texel buffers; attention too, a row and a head a lane
	WeightRows int    // weight rows that a workgroup of a GEMV takes
	XRows      int    // rows of x that it takes at most
	Tiles      bool   // matmul and attention take many rows in tiles of shared memory
	GEMVRows   int    // rows of x up to which matmul is GEMV; beyond, in tiles
	Int8       bool   // GEMV with block formats can take int8 activations
	Int8Q8     bool   // ... and does for q8_0
	Int8Q4     bool   // ... and does for q4_0
	Dot        Dot    // how
	Arrivals   bool   // a workgroup can go on with what others of its dispatch wrote
	NormLanes  uint32 // invocations that a workgroup of a norm has; 0: as many as its kernel says
	NormRows   int    // rows up to which MatMulNorm is one dispatch
	PassRows   int    // rows of a pass that a session has room for if nobody says
	Lanes      int    // invocations of a workgroup of the kernels that measure the device
	SharesCPU  bool   // the device computes on the host's processors: its time is theirs
	caps       vk.Caps
	size       uint32 // subgroup size that can be counted on
	opt        Options
	settings   []Setting
}

// Setting is a row of the table in words.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

// Off takes a choice away that the rule would make: what is known of a driver, or was found on the device.
type Off struct {
	Name string `json:"name"` // of the setting
	Most int    `json:"most"` // what a number may be at most; 0: do without
	Why  string `json:"why"`
}

// tunings are the choices. A rule sets its field and says why. Those in which zero means "do without" can be taken away.
var tunings = []struct {
	name  string
	field func(t *Tuning) any // pointer to it
	rule  func(t *Tuning) (why string)
	off   bool
}{
	{"subgroup", func(t *Tuning) any { return &t.Subgroup }, ruleSubgroup, true},
	{"unrolled loops", func(t *Tuning) any { return &t.Unrolls }, func(t *Tuning) string {
		t.Unrolls = true
		return "nothing else is known of the driver"
	}, true},
	{"fixed rows", func(t *Tuning) any { return &t.Fixed }, ruleFixed, false},
	{"texel buffers", func(t *Tuning) any { return &t.Texels }, ruleTexels, true},
	{"weight rows", func(t *Tuning) any { return &t.WeightRows }, ruleWeightRows, false},
	{"x rows", func(t *Tuning) any { return &t.XRows }, ruleXRows, true},
	{"tiles", func(t *Tuning) any { return &t.Tiles }, ruleTiles, true},
	{"gemv rows", func(t *Tuning) any { return &t.GEMVRows }, ruleGEMVRows, false},
	{"int8", func(t *Tuning) any { return &t.Int8 }, ruleInt8, true},
	{"int8 q8_0", func(t *Tuning) any { return &t.Int8Q8 }, func(t *Tuning) string { return t.pays(&t.Int8Q8, t.caps.IsCPU()) }, true},
	{"int8 q4_0", func(t *Tuning) any { return &t.Int8Q4 }, func(t *Tuning) string { return t.pays(&t.Int8Q4, t.caps.IsCPU() && t.Unrolls) }, true},
	{"integer dot", func(t *Tuning) any { return &t.Dot }, ruleDot, true},
	{"arrivals", func(t *Tuning) any { return &t.Arrivals }, ruleArrivals, true},
	{"norm lanes", func(t *Tuning) any { return &t.NormLanes }, ruleNormLanes, true},
	{"norm rows", func(t *Tuning) any { return &t.NormRows }, ruleNormRows, true},
	{"pass rows", func(t *Tuning) any { return &t.PassRows }, rulePassRows, false},
	{"roofline lanes", func(t *Tuning) any { return &t.Lanes }, ruleLanes, false},
	{"shares the CPU", func(t *Tuning) any { return &t.SharesCPU }, func(t *Tuning) string {
		t.SharesCPU = t.caps.IsCPU()
		return "by the type of device: " + t.caps.Type
	}, false},
}

// Tune chooses for a device of which so large a subgroup can be counted on (vk.Device.Subgroup; 0: none). What the options fix
// comes before what they take away, then what is known of the driver, then the rule.
func Tune(c vk.Caps, subgroup uint32, opt Options) Tuning {
	t := Tuning{caps: c, size: subgroup, opt: opt}
	off := slices.Clone(opt.Off)
	for _, q := range c.Quirks() {
		off = append(off, Off{Name: q.Off, Why: fmt.Sprintf("%s (%s)", q.Why, q.Source)})
	}
	for _, row := range tunings {
		why := row.rule(&t)
		field := reflect.ValueOf(row.field(&t)).Elem()
		for _, o := range off {
			if o.Name == row.name && row.off && why != asked && o.limit(field) {
				why = o.Why
			}
		}
		t.settings = append(t.settings, Setting{row.name, fmt.Sprint(field.Interface()), why})
	}
	return t
}

// limit takes away what field has beyond Most, and tells whether that was anything.
func (o Off) limit(field reflect.Value) bool {
	switch {
	case field.CanInt() && field.Int() > int64(o.Most):
		field.SetInt(int64(o.Most))
	case field.CanUint() && field.Uint() > uint64(o.Most):
		field.SetUint(uint64(o.Most))
	case field.Kind() == reflect.Bool && field.Bool() && o.Most == 0:
		field.SetBool(false)
	default:
		return false
	}
	return true
}

// Settings lists the choices, each with its reason.
func (t Tuning) Settings() []Setting { return t.settings }

// asked is the reason of what the options fix.
const asked = "asked for"

// Unrolls tells whether the device's driver unrolls loops over specialization constants.
func Unrolls(c vk.Caps) bool { return Tune(c, 0, Options{}).Unrolls }

func ruleSubgroup(t *Tuning) string {
	switch {
	case t.opt.Reduction == SharedMemory:
		return asked
	case t.size == 0:
		return "no subgroup size can be counted on"
	}
	size, why := t.size, "a size that can be counted on"
	if better, because := t.betterSubgroup(); t.caps.Guarantees(better) {
		size, why = better, because
	}
	if t.Subgroup = size; t.opt.Reduction == Subgroup {
		return asked
	}
	return why
}

// betterSubgroup is the size that GPUs of a vendor do better with than with the one that the driver reports, and why; 0: the same.
// As Mesa 26.2 compiles, Intel's spilled in half of the pipelines at 32 lanes and in none at the smallest size, of 8 or 16; Adreno's
// take the same instructions with 64 lanes as with 128, of which a row's end leaves fewer idle.
func (t *Tuning) betterSubgroup() (size uint32, why string) {
	switch {
	case t.caps.IsCPU():
	case t.caps.VendorID == vk.VendorIntel:
		return t.caps.SubgroupMin, "the smallest: larger ones spill registers"
	case t.caps.VendorID == vk.VendorQualcomm && t.size > 64:
		return 64, "half of what the driver reports keeps more lanes busy"
	}
	return 0, ""
}

func ruleFixed(t *Tuning) string {
	t.Fixed = true
	switch {
	case t.Subgroup == 0:
		return "there are no others without subgroups"
	case t.opt.Vectors == Fixed:
		return asked
	case t.opt.Vectors == AutoVectors && !t.Unrolls:
		return "the driver does not unroll loops over specialization constants"
	}
	t.Fixed = false
	return "the driver unrolls loops over specialization constants"
}

// The figures for CPU devices are measured on lavapipe and SwiftShader: loads cost most there, so as many results as the compiler can
// hold share each. lavapipe reads storage buffers lane by lane; through texel buffers GEMV takes 0.5 of the time at one row and 0.6
// to 0.8 at 16, and compiles faster. Lanes of a CPU device gather as fast as they load side by side, and nothing waits at barriers:
// attention with heads of 64 of a prompt takes a third to a fifth of the time, a token with a long cache a fourth to an eighth.
func ruleTexels(t *Tuning) string {
	c := t.caps
	switch {
	case !c.IsCPU():
		return "a GPU reads storage buffers as fast"
	case t.Fixed:
		return "no fixed kernel has them"
	case t.opt.Loads == StorageBuffers:
		return asked
	case c.MaxTexels < c.ShardLimit()/4 || c.TexelAlignment > c.OffsetAlignment:
		return "a view does not reach all that is bound"
	}
	t.Texels = true
	return "the driver reads storage buffers lane by lane"
}

func ruleWeightRows(t *Tuning) string {
	if t.WeightRows = 4; t.Texels {
		t.WeightRows = 16
		return "loads cost most: many results share each"
	}
	return "few registers"
}

func ruleXRows(t *Tuning) string {
	switch {
	case t.Fixed:
		t.XRows = 4
		return "the fixed kernels' number"
	case t.Texels:
		t.XRows = 16
		return "loads cost most: many results share each"
	case t.caps.VendorID == vk.VendorIntel: // by Mesa's estimate for Xe2 a row of q4_0 takes 1.4 times as long with 6 or 8, of bf16 1.2
		t.XRows = 4
		return "few registers: more rows spill them, or take longer each"
	case t.caps.VendorID == vk.VendorQualcomm && t.caps.DeviceID>>16 >= 0x600 && t.caps.DeviceID>>16 <= 0x603: // Adreno 605 to 630; what fits is in q4_0
		t.XRows = 2
		return "registers of the first Adreno 6xx: more rows spill them"
	}
	t.XRows = 8
	return "few registers"
}

func ruleTiles(t *Tuning) string {
	t.Tiles = true
	return "rows share what is read"
}

func ruleGEMVRows(t *Tuning) string {
	switch {
	case t.opt.VecRows > 0:
		t.GEMVRows = t.opt.VecRows
		return asked
	case t.caps.IsCPU():
		t.GEMVRows = 1 << 20
		return "barriers of tiles are switches between coroutines"
	case !t.Tiles:
		t.GEMVRows = 1 << 20
		return "see tiles"
	}
	t.GEMVRows = 16
	return "more rows are faster in tiles of shared memory"
}

func ruleArrivals(t *Tuning) string {
	t.Arrivals = true
	return "barriers reach the whole device"
}

// A row of 5280 on 64 lanes is 83 loads one after the other, three times, while the rest of the GPU waits. In CPU devices the lanes of a
// subgroup are what runs side by side.
func ruleNormLanes(t *Tuning) string {
	most := min(1024, t.caps.MaxWorkgroupInvocations, t.caps.MaxWorkgroupSize[0])
	if n := t.Subgroup * t.caps.MaxSubgroups; n != 0 {
		most = min(most, n)
	}
	if t.NormLanes = t.Subgroup; t.Subgroup == 0 {
		return "see subgroup"
	}
	wide := t.opt.Norms == NormsInWorkgroup || t.opt.Norms == AutoNorms && !t.caps.IsCPU()
	if wide {
		t.NormLanes = max(t.Subgroup, most/t.Subgroup*t.Subgroup)
	}
	switch {
	case t.opt.Norms != AutoNorms:
		return asked
	case wide:
		return "as many as the device allows, up to 1024: the fewest loads that wait for each other"
	}
	return "a subgroup is all that runs side by side"
}

func ruleNormRows(t *Tuning) string {
	switch {
	case t.opt.Separate:
		return asked
	case t.NormLanes > t.Subgroup || t.opt.Norms == AutoNorms && !t.caps.IsCPU():
		return "the GPU would wait for a norm on one subgroup"
	case !t.Arrivals:
		return "see arrivals"
	case t.Fixed:
		t.NormRows = 1
		return "for which there is a kernel"
	}
	t.NormRows = min(4, t.GEMVRows)
	return "one workgroup norms them as quickly as a dispatch of its own"
}

func rulePassRows(t *Tuning) string {
	if t.PassRows = 512; t.caps.IsCPU() {
		t.PassRows = 128
		return "a CPU is busy with fewer, and is interrupted sooner"
	}
	return "enough to fill a GPU"
}

func ruleLanes(t *Tuning) string {
	if t.Lanes = int(min(256, t.caps.MaxWorkgroupInvocations)); t.caps.IsCPU() {
		t.Lanes = 8
		return "what a CPU driver runs side by side"
	}
	return "enough to hide a GPU memory's delays"
}
