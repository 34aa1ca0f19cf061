package shaders

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"muninn/shaders/format"
)

// Measured are choices that were measured on a device, by package tune. They come before the rules: behind what Options fix, and what is
// known of the driver or was found wrong is taken from them too. A value that the device cannot have is passed over.
type Measured struct {
	Settings []Setting      `json:"settings,omitempty"` // rows of the table
	GEMVs    []MeasuredGEMV `json:"gemvs,omitempty"`
}

// Product is a matrix of weights and what multiplies it.
type Product struct {
	Op     string      `json:"op"` // matmul, swiglu or adapter; with norms and int8 written the same
	Format format.Type `json:"format"`
	Rows   int         `json:"rows"` // 0: of any size
	Cols   int         `json:"cols"`
	Int8   bool        `json:"int8"` // activations
}

// MeasuredGEMV is how a product is best taken, and why.
type MeasuredGEMV struct {
	Product
	GEMV
	Why string `json:"why"`
}

// measurable are the rows of the table that can be measured: the values that the field may have on the device, by what the rows before
// have chosen; nil: what the rule says.
var measurable = map[string]func(t *Tuning) []any{
	"subgroup": func(t *Tuning) (list []any) {
		for size := t.caps.SubgroupMin; t.Subgroup != 0 && t.opt.Reduction == AutoReduction && size <= t.caps.SubgroupMax && size != 0; size *= 2 {
			if t.caps.Guarantees(size) {
				list = append(list, size)
			}
		}
		return list
	},
	"texel buffers of blocks": func(t *Tuning) []any { return values(t.Texels, true, false) },
	"attention queries": func(t *Tuning) (list []any) {
		for _, n := range []int{16, attentionTile, 0} {
			list = append(list, values(!t.Texels && n <= t.Queries, n)...)
		}
		return list
	},
	"attention positions": func(t *Tuning) []any {
		list := values(!t.Texels && t.Queries > 0, stagedSegment, stagedSegment/2)
		return append(list, values(len(list) > 0 && t.caps.MaxSharedMemory >= 48<<10, 2*stagedSegment)...)
	},
	"attention loads": func(t *Tuning) []any {
		return values(!t.Texels && t.Queries > 0, stagedLoads, stagedLoads/2, 2*stagedLoads)
	},
	"norm rows": func(t *Tuning) []any { return values(t.NormRows > 0 && !t.opt.Separate, t.NormRows, 0) },
	"gemv rows": func(t *Tuning) []any {
		return values(t.Tiles && !t.caps.IsCPU() && t.opt.VecRows == 0, 4, 8, 16, 32)
	},
	"int8 q8_0": func(t *Tuning) []any { return values(t.Int8 && t.opt.Activations == AutoActivations, true, false) },
	"int8 q4_0": func(t *Tuning) []any { return values(t.Int8 && t.opt.Activations == AutoActivations, true, false) },
	"integer dot": func(t *Tuning) []any { // CPU drivers take tens of seconds to compile dots for many rows
		return values(t.Int8 && t.opt.Dot == 0 && !t.caps.IsCPU(), Apart, SignedDot, MixedDot)
	},
	"matrix units": func(t *Tuning) []any { return values(t.MatrixUnits && t.opt.Matrices == AutoMatrices, true, false) },
	"tile results": func(t *Tuning) []any { return values(t.TileResults == 8 && t.opt.TileResults == 0, 8, 4) },
	"int8 tiles":   func(t *Tuning) []any { return values(t.Int8Tiles && t.opt.Activations == AutoActivations, true, false) },
	"norm lanes": func(t *Tuning) (list []any) {
		for n := t.Subgroup; n != 0 && t.opt.Norms == AutoNorms && !t.caps.IsCPU() && n <= t.mostNormLanes(); n *= 2 {
			list = append(list, n)
		}
		return list
	},
}

func values[T any](can bool, of ...T) (list []any) {
	for _, v := range of {
		if can {
			list = append(list, v)
		}
	}
	return list
}

// Measurable lists the values that can be measured of a setting, as Settings has them.
func (t Tuning) Measurable(name string) (list []string) {
	if of := measurable[name]; of != nil {
		for _, v := range of(&t) {
			list = append(list, fmt.Sprint(v))
		}
	}
	return list
}

// measured sets the field of a setting to what was measured, if anything was that it can be, and says why.
func (t *Tuning) measured(name string, field reflect.Value) (why string) {
	i := slices.IndexFunc(t.opt.Measured.Settings, func(s Setting) bool { return s.Name == name })
	if i < 0 || measurable[name] == nil {
		return ""
	}
	for _, v := range measurable[name](t) {
		if m := t.opt.Measured.Settings[i]; fmt.Sprint(v) == m.Value {
			field.Set(reflect.ValueOf(v))
			return m.Why
		}
	}
	return ""
}

// GEMVs are the values that the numbers of a GEMV may have, each beside any of the others.
type GEMVs struct{ Groups, Beside, WeightRows, XRows, Depths []int }

// GEMVs lists what can be measured of a product; what the rule says comes beside it.
func (t Tuning) GEMVs(p Product) GEMVs {
	if t.Fixed || t.Subgroup == 0 {
		return GEMVs{}
	}
	g := GEMVs{WeightRows: []int{2, 4, 8, 16}, XRows: []int{2, 4, 8, 16}}
	if t.GEMVLanes > 0 {
		g.WeightRows = append(g.WeightRows, 32) // shared by sets of lanes; a lane that had all would take a CPU's driver half a minute to compile
		g.Beside, g.Depths = []int{1, 2, 4, 8}, []int{1, 2, 4}
		for n := 1; uint32(n)*t.Subgroup <= t.GEMVLanes; n *= 2 {
			g.Groups = append(g.Groups, n)
		}
	}
	return g
}

// measuredGEMV is the choice for a product if one was measured that the device can have, else the rule's.
func (t Tuning) measuredGEMV(rule GEMV, p Product) GEMV {
	p.Op, _, _ = strings.Cut(p.Op, "_")
	any := p
	any.Rows, any.Cols = 0, 0
	for _, p := range []Product{p, any} {
		if i := slices.IndexFunc(t.opt.Measured.GEMVs, func(m MeasuredGEMV) bool { return m.Product == p }); i >= 0 {
			return t.limited(t.opt.Measured.GEMVs[i].GEMV, rule, t.GEMVs(p))
		}
	}
	return rule
}

// limited is a measured choice with what the device cannot have, or does without, by the rule.
func (t Tuning) limited(g, rule GEMV, can GEMVs) GEMV {
	for _, n := range []struct {
		of   *int
		rule int
		can  []int
	}{{&g.Groups, rule.Groups, can.Groups}, {&g.Beside, rule.Beside, can.Beside}, {&g.WeightRows, rule.WeightRows, can.WeightRows}, {&g.XRows, rule.XRows, can.XRows}, {&g.Depth, rule.Depth, can.Depths}} {
		if !slices.Contains(n.can, *n.of) {
			*n.of = n.rule
		}
	}
	for _, o := range t.off {
		if o.Name == "x rows" {
			g.XRows = min(g.XRows, max(o.Most, 1))
		}
	}
	return g
}
