package arch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"muninn/model/internal/strict"
)

// ropeFields are what config.json says of rope's frequencies; 0: nothing.
type ropeFields struct {
	theta      float64 // rope_theta
	parameters float64 // rope_theta in the rope_parameters that transformers 5 writes
	scaling    RopeScaling
}

// readRope reads rope_theta, rope_parameters and rope_scaling. Llama 3's rescaling is refused unless the family may have it, and
// every other kind always.
func readRope(f *strict.Fields, llama3 bool) (r ropeFields) {
	parameters, scaling := f.Object("rope_parameters"), f.Object("rope_scaling")
	r.theta, r.parameters = ropeBase(f, "rope_theta"), ropeBase(parameters, "rope_theta")
	for _, o := range []*strict.Fields{parameters, scaling} {
		if llama3 && slices.Contains([]string{o.Text("rope_type"), o.Text("type")}, "llama3") {
			s := readLlama3(o)
			if r.scaling != (RopeScaling{}) && r.scaling != s && f.Err == nil {
				f.Err = strict.Unusable("config.json: rope_scaling and rope_parameters rescale rope in two ways")
			}
			r.scaling = s
		} else {
			o.Only("rope_type", "default")
			o.Only("type", "default")
		}
		o.Only("partial_rotary_factor", "1")
		for _, name := range slices.Sorted(maps.Keys(o.Raw)) {
			if !o.Read[name] && string(o.Raw[name]) != "null" {
				o.Fail(name+" is %s, which is not supported", o.Raw[name])
			}
		}
	}
	return r
}

func ropeBase(f *strict.Fields, name string) float64 { return f.Number(0, 1, 1e12, name) }

// readLlama3 reads the numbers of Llama 3's rescaling, all of which must be there.
func readLlama3(o *strict.Fields) RopeScaling {
	n := func(name string, low, high float64) float64 {
		if !o.Has(name) {
			o.Fail(name+" is missing, and rope_type llama3 has no default for it", nil)
		}
		return o.Number(low, low, high, name)
	}
	s := RopeScaling{Factor: n("factor", 1, 1e6), Low: n("low_freq_factor", 1e-6, 1e6), High: n("high_freq_factor", 1e-6, 1e6),
		Original: n("original_max_position_embeddings", 1, MaxBlockSize)}
	if s.High <= s.Low && o.Err == nil {
		o.Err = strict.Unusable("config.json: %shigh_freq_factor is %g, want more than low_freq_factor %g", o.Prefix, s.High, s.Low)
	}
	return s
}

// base is what the fields agree on; 0: they say nothing. Other names may be given a value.
func (r ropeFields) base(f *strict.Fields) float64 {
	if r.theta != 0 && r.parameters != 0 {
		r.agree(f, "rope_theta", r.theta)
	}
	return cmp.Or(r.theta, r.parameters)
}

// agree refuses bases that are not that of a field.
func (r ropeFields) agree(f *strict.Fields, name string, base float64) {
	if other := r.against(name, base); other != "" && f.Err == nil {
		f.Err = strict.Unusable("config.json: %s", other)
	}
}

// against says which base contradicts that of a field; empty: none does.
func (r ropeFields) against(name string, base float64) string {
	switch {
	case r.theta != 0 && r.theta != base:
		return fmt.Sprintf("rope_theta is %g, but %s is %g", r.theta, name, base)
	case r.parameters != 0 && r.parameters != base:
		return fmt.Sprintf("rope_parameters.rope_theta is %g, but %s is %g", r.parameters, name, base)
	}
	return ""
}
