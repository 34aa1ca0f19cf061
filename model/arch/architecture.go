package arch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"muninn/model/internal/strict"
)

// checkArchitecture refuses everything but Huginn by what config.json says.
func checkArchitecture(f *strict.Fields) error {
	modelType := f.Text("", "model_type")
	var classes []string
	if _, raw := f.Get("architectures"); raw != nil {
		if err := json.Unmarshal(raw, &classes); err != nil {
			f.Fail("architectures is %s, want a list of strings", raw)
		}
	}
	if f.Err != nil {
		return f.Err
	}
	found := strict.Clip(modelType)
	if len(classes) > 0 {
		found = strings.TrimSpace(found + " (" + strict.Clip(strings.Join(classes, ", ")) + ")")
	}
	switch {
	case modelType == "" && len(classes) == 0:
		return &UnknownArchitectureError{Found: "(none named)", Evidence: "config.json has neither model_type nor architectures",
			Known: KnownArchitectures}
	case modelType != "" && modelType != "huginn_raven",
		len(classes) > 0 && !slices.Contains(classes, "RavenForCausalLM"):
		return &UnknownArchitectureError{Found: found, Evidence: "model_type and architectures in config.json", Known: KnownArchitectures}
	}
	return checkRelative(f)
}

// checkRelative refuses the retrofitted relatives, which carry Huginn's model_type and class names: other fields betray
// them. What they are exactly is only to be seen in the tensors, see relativeByTensors.
func checkRelative(f *strict.Fields) error {
	var seen []string
	for _, name := range []string{"rope_theta", "rope_scaling"} {
		if f.Has(name) {
			seen = append(seen, name)
		}
	}
	heads := f.Integer(55, 1, maxHeads, "n_heads", "num_attention_heads")
	if kv := f.Integer(heads, 1, maxHeads, "num_key_value_heads"); kv != heads {
		seen = append(seen, fmt.Sprintf("num_key_value_heads %d with %d heads", kv, heads))
	}
	width := f.Integer(5280, 2, MaxEmbd, "n_embd", "hidden_size")
	init := f.Object("init_values")
	if scale := init.Number(0, 0, 1e6, "embed_scale"); scale == 1 && width != 1 {
		seen = append(seen, "init_values.embed_scale 1")
	}
	if f.Err != nil {
		return f.Err
	}
	if init.Err != nil {
		return init.Err
	}
	if len(seen) == 0 {
		return nil
	}
	return relativeError("retrofitted relative of Huginn (Llama, TinyLlama or OLMo-2 turned recurrent)",
		"config.json has "+strings.Join(seen, ", "))
}

func relativeError(found, evidence string) error {
	return &UnknownArchitectureError{Found: found, Evidence: evidence, Known: KnownArchitectures}
}

// relativeByTensors tells the families apart where config.json cannot: Huginn's blocks have norm_3, OLMo's have q_norm,
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
