// Package archtest holds the families to golden files of config.json, for tests and tools.
package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"muninn/model/arch"
)

// expected is what a config.json means, as the goldens put it: by the names of each family.
type expected struct {
	Layers, Loops, Width, Heads, FF, Vocab, Context, Prelude, Core, Coda int
	LayersPerStack                                                       int      `json:"layers_per_stack"`
	HCycles                                                              int      `json:"H_cycles"`
	LCycles                                                              int      `json:"L_cycles"`
	KVHeads                                                              int      `json:"kv_heads"`
	HeadDim                                                              int      `json:"head_dim"`
	CacheSlots                                                           int      `json:"cache_slots"`
	DefaultSteps                                                         int      `json:"default_steps"`
	RopeTheta                                                            float64  `json:"rope_theta"`
	NormEps                                                              float64  `json:"norm_eps"`
	EmbeddingScale                                                       float64  `json:"embedding_scale"`
	EmbedScale                                                           float64  `json:"embed_scale"`
	StateStd                                                             float64  `json:"state_std"`
	ExitThreshold                                                        *float64 `json:"exit_threshold"`
	ExitAtStep                                                           *int     `json:"exit_at_step"`
	Tied                                                                 bool
	PrefixLM                                                             bool  `json:"prefix_lm"`
	NormBetweenLoops                                                     *bool `json:"norm_between_loops"`
	StopIDs                                                              []int `json:"stop_ids"`
	Variant                                                              string
	InitialStateMode                                                     string `json:"initial_state_mode"`
	RopeScaling                                                          *struct {
		Factor   float64
		Low      float64 `json:"low_freq_factor"`
		High     float64 `json:"high_freq_factor"`
		Original float64 `json:"original_max_position_embeddings"`
		Type     string  `json:"rope_type"`
	} `json:"rope_scaling"`
}

// ConfigCase is a config.json and what its own class reads in it, or the field that should be refused.
type ConfigCase struct {
	Name, Family string
	Config       json.RawMessage
	Expect       *expected
	Refuse       string `json:"refuse_because_of"`
}

// Title names the case.
func (c ConfigCase) Title() string { return c.Family + ": " + c.Name }

// Check says what is wrong with what ParseConfig makes of the case; nil if nothing is.
func (c ConfigCase) Check() error {
	got, _, err := arch.ParseConfig(c.Config, c.tensors())
	switch {
	case c.Refuse != "":
		if err == nil || !strings.Contains(err.Error(), "config.json: ") || !strings.Contains(err.Error(), c.Refuse) {
			return fmt.Errorf("%v, want a refusal that names %s", err, c.Refuse)
		}
		return nil
	case c.Expect == nil:
		return errors.New("the case has neither expect nor refuse_because_of")
	case err != nil:
		return err
	}
	if diff := cmp.Diff(c.want(got), got, cmp.Comparer(func(a, b *arch.Family) bool { return a == b })); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}
	if n := slots(got); c.Expect.CacheSlots != 0 && n != c.Expect.CacheSlots {
		return fmt.Errorf("%d caches a token, want %d", n, c.Expect.CacheSlots)
	}
	stops := got.Family.Generation(got.VocabSize).WithStops(map[string][]byte{arch.FileConfig: c.Config}, got.VocabSize).EOS
	if !slices.Equal(stops, c.Expect.StopIDs) {
		return fmt.Errorf("stops %v, want %v", stops, c.Expect.StopIDs)
	}
	return nil
}

// tensors are those that tell the variants of a family.
func (c ConfigCase) tensors() arch.Has {
	names := map[string][]string{"T": {"norm_1.weight", "norm_2.weight"}, "P": {"norm_1.weight", "norm_2.weight"},
		"S": {"norm_1.weight", "norm_2.weight", "attn.q_norm.weight"}}[c.Name[:min(1, len(c.Name))]]
	return func(tensor string) bool {
		return tensor == arch.NameEmbedding && names != nil || slices.ContainsFunc(names, func(leaf string) bool { return tensor == arch.BlockTensor(arch.PartCore, 0, leaf) })
	}
}

// want is the Config that the goldens describe.
func (c ConfigCase) want(got arch.Config) arch.Config {
	e := c.Expect
	w := arch.Config{NEmbd: e.Width, NHeads: e.Heads, NKVHeads: e.KVHeads, HeadDim: e.HeadDim, IntermediateSize: e.FF, VocabSize: e.Vocab,
		PaddedVocabSize: e.Vocab, BlockSize: e.Context, RopeBase: e.RopeTheta, NormEps: e.NormEps, TieEmbeddings: e.Tied,
		Block: arch.BlockForm{Halves: true, Norms: arch.NormsBefore}, FinalNorm: arch.NormEachPass, Start: arch.StartEmbeds,
		NLayersInRecurrentBlock: e.Layers, MeanRecurrence: e.Loops}
	switch c.Family {
	case "ouro":
		w.Family, w.Block.Norms = arch.Ouro, arch.NormsInside
		if e.ExitThreshold != nil && *e.ExitThreshold < 1 {
			w.ExitThreshold = *e.ExitThreshold
		}
		if e.ExitAtStep != nil {
			w.ExitStep = *e.ExitAtStep + 1
		}
	case "nanbeige":
		w.Family = arch.Nanbeige
		if e.NormBetweenLoops != nil && !*e.NormBetweenLoops {
			w.FinalNorm = arch.NormLast
		}
	case "hrm_text":
		w.Family, w.Block.Weightless, w.Block.Gate, w.NLayersInRecurrentBlock = arch.HRMText, true, true, 2*e.LayersPerStack
		w.MeanRecurrence, w.Cycles, w.EmbedFactor, w.PrefixLM = e.HCycles, e.LCycles, e.EmbeddingScale, e.PrefixLM
	default:
		w.Family, w.FinalNorm, w.Start, w.BlockSize = arch.Retrofit, arch.NormLast, arch.StartDrawn, got.BlockSize
		w.NLayersInPrelude, w.NLayersInRecurrentBlock, w.NLayersInCoda, w.MeanRecurrence = e.Prelude, e.Core, e.Coda, e.DefaultSteps
		w.EmbedFactor, w.InitStd = e.EmbedScale, e.StateStd
		if e.Variant == "olmo" {
			w.Block.Norms, w.Block.QKNorm = arch.NormsAfter, true
		}
		if e.InitialStateMode == "skip-adapter" {
			w.Start = arch.StartEmbedsOnly
		}
		if s := e.RopeScaling; s != nil {
			w.RopeScaling = arch.RopeScaling{Factor: s.Factor, Low: s.Low, High: s.High, Original: s.Original}
		}
	}
	return w
}

// slots is the number of caches that a token fills at the default depth.
func slots(c arch.Config) int {
	return c.NLayersInPrelude + c.MeanRecurrence*c.StepBlocks() + c.NLayersInCoda
}
