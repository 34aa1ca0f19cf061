package shaders

import (
	"fmt"
	"reflect"
	"slices"

	"muninn/shaders/format"
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
	Dot        bool   // by integer dot products; else by multiplications, APART in lib/quantized.glsl
	Arrivals   bool   // a workgroup can go on with what others of its dispatch wrote
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
	if t.Subgroup = t.size; t.opt.Reduction == Subgroup {
		return asked
	}
	return "a size that can be counted on"
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

// int8Spans is the number of spans that the largest kernel with int8 activations binds.
const int8Spans = 9

func ruleInt8(t *Tuning) string {
	switch {
	case !t.caps.IntegerDot:
		return "the device has no integer dot product"
	case t.caps.MaxStorageBuffers < int8Spans:
		return fmt.Sprintf("the device binds %d buffers, the kernels %d", t.caps.MaxStorageBuffers, int8Spans)
	case t.Subgroup == 0:
		return "there are no kernels without subgroups"
	}
	t.Int8 = true
	return "the device has integer dot products"
}

// pays goes by what the device says, and on CPU devices by what was measured there: time with floats over time with 8
// bits, for 1, 2, 4, 8 and 16 rows at 5280 columns (BenchmarkInt8).
//
//	lavapipe     q8_0  1.48 1.33 1.29 1.18 1.18   q4_0  1.60 1.59 1.48 1.42 1.36
//	SwiftShader  q8_0  1.94 1.70 0.91 0.90 0.89   q4_0  1.35 1.28 0.74 0.75 0.72
//
// SwiftShader works a dot out byte by byte, once for each pair of rows, while floats share the unpacked weights among four
// rows of x. In q8_0 decoding gains more than a prompt loses; in q4_0 it does not.
func (t *Tuning) pays(field *bool, measured bool) string {
	*field = t.Int8 && (t.opt.Activations == Int8Activations || t.opt.Activations == AutoActivations && (t.caps.IntegerDotAccelerated || measured))
	switch {
	case !t.Int8:
		return "see int8"
	case t.opt.Activations != AutoActivations:
		return asked
	case t.caps.IntegerDotAccelerated:
		return "the device says that it is fast at them"
	case measured:
		return "measured on this driver"
	}
	return "nothing says that it pays"
}

// lavapipe takes a dot apart; multiplications do without it there: dots took 1.3 times as long in q4_0 for 8 and 16 rows, 1.1
// times in q8_0. Units of whole blocks were no faster for q8_0.
func ruleDot(t *Tuning) string {
	if t.Dot = t.caps.IntegerDotAccelerated || !t.Texels; t.Dot {
		return "as the device has it"
	}
	return "the driver takes dots apart"
}

func ruleArrivals(t *Tuning) string {
	t.Arrivals = true
	return "barriers reach the whole device"
}

func ruleNormRows(t *Tuning) string {
	switch {
	case t.opt.Separate:
		return asked
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

// CanInt8 tells whether GEMV of so many rows of x with weights of that format can take int8 activations. More rows go in float tiles.
func (t Tuning) CanInt8(f format.Type, rows int) bool {
	return t.Int8 && f.Blocked() && rows <= t.GEMVRows
}

// PaysInt8 tells whether it should. It does not go by the number of rows as long as they are taken as GEMV, so that a row's
// result does not depend on how many share the pass.
func (t Tuning) PaysInt8(f format.Type, rows int) bool {
	return t.CanInt8(f, rows) && (f == format.Q8_0 && t.Int8Q8 || f == format.Q4_0 && t.Int8Q4)
}
