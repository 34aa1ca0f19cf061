package main

import "muninn/model/decode"

// diffusionCase is the diffusion-style strategy: many live positions.
type diffusionCase struct {
	textCase
	MaxTokens    int           `json:"max_new_tokens"`
	InitScale    float64       `json:"init_scale"`
	NoiseMixing  float64       `json:"state_noise_mixing"`
	FreezeName   decode.Freeze `json:"freeze_strategy"`
	ExitT        float64       `json:"exit_t"`
	Headway      int
	Inner        int     `json:"inner_recurrence"`
	Steps        int     `json:"num_steps"`
	EMA          float64 `json:"ema_embeds"`
	MaxWavefront int     `json:"max_wavefront"`
	FullPrefill  bool    `json:"full_prefill"`
	Continuous   bool    `json:"continuous_compute"`

	Tokens        []int32
	Recurrence    []int    `json:"recurrence_per_position"`
	Stable        []int    `json:"token_stable_per_position"`
	Passes        int      `json:"num_core_forward_passes"`
	TokensForward int      `json:"num_tokens_forward"`
	CacheClears   int      `json:"num_cache_clears"`
	Standing      int      `json:"num_standing_waves"`
	Outer         int      `json:"diffusion_steps"`
	SeqLength     int      `json:"gen_seq_length"`
	LenPrefill    int      `json:"len_prefill"`
	Waves         [][2]int `json:"wave_start_and_width"`

	extras []int32 // the file's extra_tokens_cycle
}

// leftOut: a rule that no engine has on purpose.
func (d diffusionCase) leftOut() string {
	if d.FreezeName == "latent-acceleration-2" {
		return "the reference's slices of this rule do not line up"
	}
	return ""
}

func (d *diffusionCase) ofFile(f goldenFile) { d.extras = f.Extras }

func (d *diffusionCase) run(m *loaded, ts tensors, c *check) {
	if d.InitScale != 0 || d.NoiseMixing != 0 {
		c.fatalf("init_scale %g, state_noise_mixing %g: random numbers of the reference, which the file does not give", d.InitScale, d.NoiseMixing)
	}
	e := d.open(m, ts, m.config.BlockSize, d.Steps)
	defer e.Close()
	drawn := 0
	wave := decode.Wave{InnerRecurrence: d.Inner, Headway: d.Headway, Freeze: d.FreezeName, ExitThreshold: d.ExitT, EMA: d.EMA,
		MaxWavefront: d.MaxWavefront, FullPrefill: d.FullPrefill, PromptMayChange: true}
	if len(d.extras) > 0 {
		wave.Extra = func() int32 { drawn++; return d.extras[(drawn-1)%len(d.extras)] }
	}
	out := d.decode(e, decode.Strategy{Wave: &wave, ContinuousCompute: d.Continuous}, d.Steps, d.MaxTokens)
	n := out.Wave
	for i := range min(len(n.StartAndWidth), len(d.Waves)) {
		if n.StartAndWidth[i] != d.Waves[i] {
			c.errorf("outer step %d: wave at %d of %d positions, want %d of %d", i, n.StartAndWidth[i][0], n.StartAndWidth[i][1], d.Waves[i][0], d.Waves[i][1])
		}
	}
	compareInts("token", out.Tokens, d.Tokens, c)
	compareInts("recurrence of position", n.RecurrencePerPosition, d.Recurrence, c)
	compareInts("token_stable of position", n.TokenStablePerPosition, d.Stable, c)
	for _, count := range []struct {
		name      string
		got, want int
	}{
		{"num_core_forward_passes", n.NumCoreForwardPasses, d.Passes},
		{"num_tokens_forward", n.NumTokensForward, d.TokensForward},
		{"num_cache_clears", n.NumCacheClears, d.CacheClears},
		{"num_standing_waves", n.NumStandingWaves, d.Standing},
		{"diffusion_steps", n.DiffusionSteps, d.Outer},
		{"gen_seq_length", n.GenSeqLength, d.SeqLength},
		{"len_prefill", len(d.Prompt), d.LenPrefill},
		{"tokens frozen unsettled", n.ForcedFreezes, 0},
	} {
		if count.got != count.want {
			c.errorf("%s is %d, want %d", count.name, count.got, count.want)
		}
	}
}
