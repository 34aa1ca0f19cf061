package arch

import (
	"cmp"
	"fmt"

	"muninn/model/internal/strict"
)

// Ouro is ByteDance's LoopLM (Ouro-1.4B, Ouro-2.6B and their Thinking forms): all layers are the loop, which is given nothing but
// its own result, and a gate says after each loop how likely a token has had enough.
var Ouro = &Family{
	Name: "ouro", ModelType: "ouro", Class: "OuroForCausalLM",
	Config: ouroConfig, Tensors: ouroTensors,
	StateStd: undrawn, EmbedScale: unscaled,
	Generation: libraryGeneration, Stops: []Stop{{chatEnd, -1}}, Chats: ouroForms,
}

// ouroConfig reads config.json with the defaults of the authors' class, but for sizes.
func ouroConfig(f *strict.Fields, _ Has) Config {
	c := hubConfig(f)
	c.NLayersInRecurrentBlock = needed(f, 1, MaxLayers, "num_hidden_layers")
	c.MeanRecurrence = f.Integer(4, 1, MaxRecur, "total_ut_steps")
	c.Block, c.FinalNorm, c.Start = BlockForm{Norms: NormsInside, Halves: true}, NormEachPass, StartEmbeds
	kv := 32
	if _, null := f.Raw["num_key_value_heads"]; null {
		kv = c.NHeads
	}
	c.NKVHeads = f.Integer(kv, 1, maxHeads, "num_key_value_heads")
	readHeads(&c, f, 0, "head_dim")
	c.RopeBase = cmp.Or(readRope(f, false).base(f), 10000)
	ouroExit(&c, f)
	checkRest(f)
	return c
}

// ouroExit reads when rows leave the loop. The class counts steps from 0 and passes over one that there is not.
func ouroExit(c *Config, f *strict.Fields) {
	if q := f.Number(1, 1e-6, 1e6, "early_exit_threshold"); q < 1 {
		c.ExitThreshold = q
	}
	step := f.Integer(-1, -MaxRecur, MaxRecur, "early_exit_step")
	if step >= 0 && step < c.MeanRecurrence {
		c.ExitStep = step + 1
	} else if f.Has("early_exit_step") {
		f.Notes = append(f.Notes, fmt.Sprintf("%s: early_exit_step is %d, of %d steps from 0 on; it is passed over", f.File, step, c.MeanRecurrence))
	}
}

// ouroTensors lists Ouro's tensors: the gate stands before the head.
func ouroTensors(c Config) Table {
	table := hubTensors(c)
	head := len(table) - 1
	return append(table[:head:head],
		TensorSpec{Name: "model.early_exit_gate.weight", Part: PartExitGate, Role: RoleExitGate, Shape: []int{1, c.NEmbd}},
		TensorSpec{Name: "model.early_exit_gate.bias", Part: PartExitGate, Role: RoleExitGateBias, Shape: []int{1}}, table[head])
}
