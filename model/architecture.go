package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// checkArchitecture refuses everything but Huginn by what config.json says.
func checkArchitecture(f *fields) error {
	modelType := f.text("", "model_type")
	var classes []string
	if _, raw := f.get("architectures"); raw != nil {
		if err := json.Unmarshal(raw, &classes); err != nil {
			f.fail("architectures is %s, want a list of strings", raw)
		}
	}
	if f.err != nil {
		return f.err
	}
	found := clip(modelType)
	if len(classes) > 0 {
		found = strings.TrimSpace(found + " (" + clip(strings.Join(classes, ", ")) + ")")
	}
	switch {
	case modelType == "" && len(classes) == 0:
		return &UnknownArchitectureError{Found: "(none named)", Evidence: "config.json has neither model_type nor architectures",
			Known: knownArchitectures}
	case modelType != "" && modelType != "huginn_raven",
		len(classes) > 0 && !slices.Contains(classes, "RavenForCausalLM"):
		return &UnknownArchitectureError{Found: found, Evidence: "model_type and architectures in config.json", Known: knownArchitectures}
	}
	return checkRelative(f)
}

// checkRelative refuses the retrofitted relatives, which carry Huginn's model_type and class names: other fields betray
// them. What they are exactly is only to be seen in the tensors, see relativeByTensors.
func checkRelative(f *fields) error {
	var seen []string
	for _, name := range []string{"rope_theta", "rope_scaling"} {
		if f.has(name) {
			seen = append(seen, name)
		}
	}
	heads := f.integer(55, 1, maxHeads, "n_heads", "num_attention_heads")
	if kv := f.integer(heads, 1, maxHeads, "num_key_value_heads"); kv != heads {
		seen = append(seen, fmt.Sprintf("num_key_value_heads %d with %d heads", kv, heads))
	}
	width := f.integer(5280, 2, maxEmbd, "n_embd", "hidden_size")
	init := f.object("init_values")
	if scale := init.number(0, 0, 1e6, "embed_scale"); scale == 1 && width != 1 {
		seen = append(seen, "init_values.embed_scale 1")
	}
	if f.err != nil {
		return f.err
	}
	if init.err != nil {
		return init.err
	}
	if len(seen) == 0 {
		return nil
	}
	return relativeError("retrofitted relative of Huginn (Llama, TinyLlama or OLMo-2 turned recurrent)",
		"config.json has "+strings.Join(seen, ", "))
}

func relativeError(found, evidence string) error {
	return &UnknownArchitectureError{Found: found, Evidence: evidence, Known: knownArchitectures}
}

// relativeByTensors tells the families apart where config.json cannot: Huginn's blocks have norm_3, OLMo's have q_norm,
// Llama's have neither. nil for Huginn and for files without any core block.
func relativeByTensors(has func(name string) bool) error {
	first := blockTensor(PartCore, 0, "")
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
