package arch

import (
	"encoding/json"

	"muninn/model/internal/strict"
)

// Nanbeige is Nanbeige4.2: a Llama whose layers all run num_loops times over.
var Nanbeige = &Family{
	Name: "nanbeige", ModelType: "nanbeige", Class: "NanbeigeForCausalLM",
	Config: nanbeigeConfig, Tensors: hubTensors,
	StateStd: undrawn, EmbedScale: unscaled,
	Generation: libraryGeneration, Stops: []Stop{{chatEnd, -1}}, Chats: []*ChatForm{nanbeigeForm},
}

// nanbeigeConfig reads config.json. What it does not name a default for is refused where it is missing.
func nanbeigeConfig(f *strict.Fields, _ Has) Config {
	c := hubConfig(f)
	c.NLayersInRecurrentBlock = needed(f, 1, MaxLayers, "num_hidden_layers")
	c.MeanRecurrence = f.Integer(1, 1, MaxRecur, "num_loops")
	if _, raw := f.Get("loop_loss_weights"); raw != nil {
		var weights []float64
		if err := json.Unmarshal(raw, &weights); err != nil || len(weights) >= MaxRecur {
			f.Fail("loop_loss_weights is %s, want a list of numbers", raw)
		} else if len(weights) > 0 {
			c.MeanRecurrence = len(weights) + 1 // wins, as in the authors' class
		}
	}
	c.Block, c.FinalNorm, c.Start = BlockForm{Norms: NormsBefore, Halves: true}, NormEachPass, StartEmbeds
	if f.Boolean(false, "skip_loop_final_norm") {
		c.FinalNorm = NormLast
	}
	c.NKVHeads = f.Integer(c.NHeads, 1, maxHeads, "num_key_value_heads")
	readHeads(&c, f, 0, "head_dim", "kv_channels")
	if c.RopeBase = readRope(f, false).base(f); c.RopeBase == 0 {
		f.Fail("rope_theta is missing, and has no default here", nil)
	}
	checkRest(f)
	return c
}
