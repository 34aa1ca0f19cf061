package arch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muninn/model/internal/strict"
)

// checkArchitecture refuses everything but Huginn by what config.json says, and gives the base of rope.
func checkArchitecture(f *strict.Fields) (ropeBase float64, err error) {
	modelType := f.Text("model_type")
	var classes []string
	if _, raw := f.Get("architectures"); raw != nil {
		if err := json.Unmarshal(raw, &classes); err != nil {
			f.Fail("architectures is %s, want a list of strings", raw)
		}
	}
	if f.Err != nil {
		return 0, f.Err
	}
	found := strict.Clip(modelType)
	if len(classes) > 0 {
		found = strings.TrimSpace(found + " (" + strict.Clip(strings.Join(classes, ", ")) + ")")
	}
	switch {
	case modelType == "" && len(classes) == 0:
		return 0, &UnknownArchitectureError{Found: "(none named)", Evidence: "config.json has neither model_type nor architectures",
			Known: KnownArchitectures}
	case modelType != "" && modelType != "huginn_raven",
		len(classes) > 0 && !slices.Contains(classes, "RavenForCausalLM"):
		return 0, &UnknownArchitectureError{Found: found, Evidence: "model_type and architectures in config.json", Known: KnownArchitectures}
	}
	return checkRelative(f)
}

// checkRelative refuses the retrofitted relatives, which carry Huginn's model_type and class names: other fields betray
// them. What they are exactly is only to be seen in the tensors, see RelativeByTensors.
func checkRelative(f *strict.Fields) (ropeBase float64, err error) {
	ropeBase, seen := rope(f)
	heads := f.Integer(55, 1, maxHeads, "n_heads", "num_attention_heads")
	if kv := f.Integer(heads, 1, maxHeads, "num_key_value_heads"); kv != heads {
		seen = append(seen, fmt.Sprintf("num_key_value_heads %d with %d heads", kv, heads))
	}
	width := f.Integer(5280, 2, MaxEmbd, "n_embd", "hidden_size")
	if scale := f.Object("init_values").Number(0, 0, 1e6, "embed_scale"); scale == 1 && width != 1 {
		seen = append(seen, "init_values.embed_scale 1")
	}
	if f.Err == nil && len(seen) > 0 {
		f.Err = relativeError("retrofitted relative of Huginn (Llama, TinyLlama or OLMo-2 turned recurrent)",
			"config.json has "+strings.Join(seen, ", "))
	}
	return ropeBase, f.Err
}

// rope reads the base of rope: the reference's rope_base, else rope_theta in the rope_parameters that transformers 5 writes.
// Another base beside it, and the rescaling of Llama-3, are seen in relatives only; other types of rope are refused.
func rope(f *strict.Fields) (base float64, relative []string) {
	read := func(o *strict.Fields, name string) float64 { return o.Number(0, 1, 1e12, name) }
	base = read(f, "rope_base")
	parameters, scaling := f.Object("rope_parameters"), f.Object("rope_scaling")
	if base == 0 {
		base = read(parameters, "rope_theta")
	}
	if base == 0 {
		base = 50000
	}
	for _, o := range []*strict.Fields{f, parameters} {
		if theta := read(o, "rope_theta"); theta != 0 && theta != base {
			relative = append(relative, fmt.Sprintf("%srope_theta %g, not rope_base %g", o.Prefix, theta, base))
		}
	}
	for _, o := range []*strict.Fields{parameters, scaling} {
		kind := o.Text("rope_type")
		if kind == "" {
			kind = o.Text("type")
		}
		if kind == "llama3" {
			relative = append(relative, o.Prefix+"rope_type llama3")
			continue
		}
		o.Only("rope_type", "default")
		o.Only("type", "default")
		o.Only("partial_rotary_factor", "1")
		for _, name := range slices.Sorted(maps.Keys(o.Raw)) {
			if !o.Read[name] && string(o.Raw[name]) != "null" {
				o.Fail(name+" is %s, which is not supported", o.Raw[name])
			}
		}
	}
	return base, relative
}

func relativeError(found, evidence string) error {
	return &UnknownArchitectureError{Found: found, Evidence: evidence, Known: KnownArchitectures}
}

// RelativeByTensors tells the families apart where config.json cannot: Huginn's blocks have norm_3, OLMo's have q_norm,
// Llama's have neither. nil for Huginn and for files without any core block.
func RelativeByTensors(has func(name string) bool) error {
	first := BlockTensor(PartCore, 0, "")
	switch {
	case has(first + "norm_3.weight"):
		return nil
	case has(first + "attn.q_norm.weight"):
		return relativeError("retrofitted OLMo-2 (relative of Huginn)", first+"attn.q_norm.weight")
	case has(first+"norm_1.weight") && has(first+"norm_2.weight"):
		return relativeError("retrofitted Llama (relative of Huginn)", "two norms a block, no "+first+"norm_3.weight")
	}
	return nil
}

// UnknownArchitectureError refuses a checkpoint of another architecture by name.
type UnknownArchitectureError struct {
	Found    string   // what the checkpoint is, as far as it can be told
	Evidence string   // where that was seen
	Known    []string // architectures that can be run
}

func (e *UnknownArchitectureError) Error() string {
	return fmt.Sprintf("model: architecture %s is not supported by this version (seen: %s); supported: %s",
		e.Found, e.Evidence, strings.Join(e.Known, ", "))
}

// Is makes the error one of the checkpoint.ErrModel family.
func (e *UnknownArchitectureError) Is(target error) bool { return target == strict.ErrUnusable }
