package shaders

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"muninn/vk"
)

// Tuning is every choice that depends on the device. Its fields are filled in by the rows of tunings, in their order.
type Tuning struct {
	Subgroup    uint32 // invocations that a workgroup of an sg kernel has, one subgroup; 0: sums in shared memory
	Unrolls     bool   // loops over specialization constants are unrolled
	Fixed       bool   // GEMV kernels with fixed numbers of rows: 4 of weights, 1 or 4 of x
	Texels      bool   // GEMV reads through texel buffers; attention too, a row and a head a lane
	BlockTexels bool   // ... with weights in blocks and float activations too
	GEMVLanes   uint32 // invocations that a workgroup of a GEMV has at most; 0: one subgroup, whose lanes have all of its rows
	WeightRows  int    // weight rows that a workgroup of a GEMV takes
	XRows       int    // rows of x that it takes at most
	Tiles       bool   // matmul and attention take many rows in tiles of shared memory
	TileResults int    // rows of x that an invocation of a tile has, at most: 4 or 8
	Queries     int    // rows by query heads, at most, that share keys in attention's shared memory: 4 or 16; 0: by other kernels
	Positions   int    // that a softmax runs over there, and a workgroup where a long cache is cut: they fix the order of sums
	Loads       int    // of a lane there that do not wait for each other
	GEMVRows    int    // rows of x up to which matmul is GEMV; beyond, in tiles
	MatrixUnits bool   // ... or on matrix units, in half precision
	HalfQueries bool   // attention of many rows too
	Int8        bool   // GEMV with block formats can take int8 activations
	Int8Q8      bool   // ... and does for q8_0
	Int8Q4      bool   // ... and does for q4_0
	Dot         Dot    // how
	Int8Tiles   bool   // rows that go in tiles keep int8 activations
	Int8Written bool   // attention and swiglu write int8 activations
	Arrivals    bool   // a workgroup can go on with what others of its dispatch wrote
	NormLanes   uint32 // invocations that a workgroup of a norm has at most; 0: as many as its kernel says
	NormRows    int    // rows up to which MatMulNorm is one dispatch
	PassRows    int    // rows of a pass that a session has room for if nobody says
	Lanes       int    // invocations of a workgroup of the kernels that measure the device, and that pick tokens: a power of two
	SharesCPU   bool   // the device computes on the host's processors: its time is theirs
	caps        vk.Caps
	size        uint32 // subgroup size that can be counted on
	opt         Options
	off         []Off // of the options, and what is known of the driver
	settings    []Setting
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
	{"texel buffers of blocks", func(t *Tuning) any { return &t.BlockTexels }, ruleBlockTexels, false},
	{"gemv lanes", func(t *Tuning) any { return &t.GEMVLanes }, ruleGEMVLanes, true},
	{"weight rows", func(t *Tuning) any { return &t.WeightRows }, ruleWeightRows, false},
	{"x rows", func(t *Tuning) any { return &t.XRows }, ruleXRows, true},
	{"tiles", func(t *Tuning) any { return &t.Tiles }, ruleTiles, true},
	{"tile results", func(t *Tuning) any { return &t.TileResults }, ruleTileResults, true},
	{"attention queries", func(t *Tuning) any { return &t.Queries }, ruleQueries, true},
	{"attention positions", func(t *Tuning) any { return &t.Positions }, func(t *Tuning) string {
		t.Positions = stagedSegment
		return "workgroups for a large GPU, and room for two in shared memory"
	}, false},
	{"attention loads", func(t *Tuning) any { return &t.Loads }, func(t *Tuning) string {
		t.Loads = stagedLoads
		return "few registers"
	}, false},
	{"gemv rows", func(t *Tuning) any { return &t.GEMVRows }, ruleGEMVRows, false},
	{"matrix units", func(t *Tuning) any { return &t.MatrixUnits }, ruleMatrixUnits, true},
	{"attention in halves", func(t *Tuning) any { return &t.HalfQueries }, ruleHalfQueries, true},
	{"int8", func(t *Tuning) any { return &t.Int8 }, ruleInt8, true},
	{"int8 q8_0", func(t *Tuning) any { return &t.Int8Q8 }, func(t *Tuning) string { return t.pays(&t.Int8Q8, t.caps.IsCPU()) }, true},
	{"int8 q4_0", func(t *Tuning) any { return &t.Int8Q4 }, func(t *Tuning) string { return t.pays(&t.Int8Q4, t.caps.IsCPU() && t.Unrolls) }, true},
	{"integer dot", func(t *Tuning) any { return &t.Dot }, ruleDot, true},
	{"int8 tiles", func(t *Tuning) any { return &t.Int8Tiles }, ruleInt8Tiles, true},
	{"arrivals", func(t *Tuning) any { return &t.Arrivals }, ruleArrivals, true},
	{"int8 written", func(t *Tuning) any { return &t.Int8Written }, ruleInt8Written, true},
	{"norm lanes", func(t *Tuning) any { return &t.NormLanes }, ruleNormLanes, true},
	{"norm rows", func(t *Tuning) any { return &t.NormRows }, ruleNormRows, true},
	{"pass rows", func(t *Tuning) any { return &t.PassRows }, rulePassRows, false},
	{"lanes", func(t *Tuning) any { return &t.Lanes }, ruleLanes, false},
	{"shares the CPU", func(t *Tuning) any { return &t.SharesCPU }, func(t *Tuning) string {
		t.SharesCPU = t.caps.IsCPU()
		return "by the type of device: " + t.caps.Type
	}, false},
}

// Tune chooses for a device of which so large a subgroup can be counted on (vk.Device.Subgroup; 0: none). What the options fix
// comes before what they take away, then what is known of the driver, then what was measured, then the rule.
func Tune(c vk.Caps, subgroup uint32, opt Options) Tuning {
	t := Tuning{caps: c, size: subgroup, opt: opt}
	t.off = slices.Clone(opt.Off)
	for _, q := range c.Quirks() {
		t.off = append(t.off, Off{Name: q.Off, Why: fmt.Sprintf("%s (%s)", q.Why, q.Source)})
	}
	for _, row := range tunings {
		why := row.rule(&t)
		field := reflect.ValueOf(row.field(&t)).Elem()
		if why != asked {
			why = cmp.Or(t.measured(row.name, field), why)
		}
		for _, o := range t.off {
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

// SharesCPU tells whether a device computes on the host's processors.
func SharesCPU(c vk.Caps) bool { return Tune(c, 0, Options{}).SharesCPU }

// Unrolls tells whether the device's driver unrolls loops over specialization constants.
func Unrolls(c vk.Caps) bool { return Tune(c, 0, Options{}).Unrolls }
