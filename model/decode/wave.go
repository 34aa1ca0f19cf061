package decode

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"muninn/shaders/plain"
)

// Wave decodes many positions at once, after the reference's diffusion-style strategy: each outer step gives all positions in
// flight a few core steps and a new guess of the tokens, appends positions at the head, and freezes tokens at the tail
// that have settled. Request.Steps is num_steps: the depth of the prompt's pass, and the scale of the rules that count steps.
type Wave struct {
	InnerRecurrence  int     // core steps of an outer step
	Headway          int     // positions appended each outer step; above 1, the further ones begin with random tokens
	Freeze           Freeze  // which tokens have settled
	ExitThreshold    float64 // of the latent rules
	EMA              float64 // ema_embeds: share of a position's old embeds
	StateNoiseMixing float64 // share of a fresh state mixed in, divided by 1 + core steps of the position so far
	MaxWavefront     int     // live positions at most; 0: no limit but the context
	FullPrefill      bool    // run the prompt at num_steps first; false: it flies along
	// PromptMayChange is what the reference does with a prompt that flies: where the wave settles within it, all behind that
	// place is guessed anew, the prompt's own tokens too. false: the prompt stands.
	PromptMayChange bool

	// Extra gives the random tokens; nil: tokens of the prompt, drawn by the seed of the choices. (The reference takes any
	// of the vocabulary.)
	Extra func() int32
	// Patience is how many outer steps may go by without a token frozen before the wave freezes one as it is, which the
	// reference does not: there a wave may stand for good. 0: eight times as many as num_steps takes.
	Patience int
}

// PaperWave are the paper's settings.
var PaperWave = Wave{InnerRecurrence: 4, Headway: 1, Freeze: FreezeLatentDiff, ExitThreshold: 0.03, EMA: 0.1, MaxWavefront: 128, FullPrefill: true}

// Freeze names a rule, as the reference does.
type Freeze string

// The rules. All positions before the last settled one freeze with it.
const (
	FreezeLatentDiff   Freeze = "latent-diff"           // the state changed by less than a share of itself
	FreezeAcceleration Freeze = "latent-acceleration-1" // its change did
	FreezeStability    Freeze = "token-stability"       // the token stood for more outer steps than num_steps takes
	FreezeFixed        Freeze = "fixed"                 // Headway tokens each outer step, once there were so many
)

// Freezes lists the rules.
var Freezes = []Freeze{FreezeLatentDiff, FreezeAcceleration, FreezeStability, FreezeFixed}

func (f Freeze) Compare() Compare {
	switch f {
	case FreezeLatentDiff:
		return CompareDifference
	case FreezeAcceleration:
		return CompareAcceleration
	}
	return CompareNone
}

// Validate says which option is out of range.
func (w Wave) Validate() error {
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	switch {
	case w.Freeze == "latent-acceleration-2":
		return strategyError("freeze_strategy %s is not supported: the reference's slices of three outer steps do not line up; use %s", w.Freeze, FreezeAcceleration)
	case !slices.Contains(Freezes, w.Freeze):
		return strategyError("freeze_strategy %q is not known; known: %v", w.Freeze, Freezes)
	case w.InnerRecurrence < 1:
		return strategyError("inner_recurrence is %d, want 1 or more", w.InnerRecurrence)
	case w.Headway < 1:
		return strategyError("headway is %d, want 1 or more", w.Headway)
	case !(w.ExitThreshold >= 0):
		return strategyError("exit_t is %g, want 0 or more", w.ExitThreshold)
	case !share(w.EMA) || w.EMA == 1:
		return strategyError("ema_embeds is %g, want 0 to below 1", w.EMA)
	case !share(w.StateNoiseMixing):
		return strategyError("state_noise_mixing is %g, want 0 to 1", w.StateNoiseMixing)
	case w.MaxWavefront < 0 || w.Patience < 0:
		return strategyError("max_wavefront is %d, patience %d: want 0 or more", w.MaxWavefront, w.Patience)
	}
	return nil
}

// patience with its default filled in: outer steps.
func (w Wave) patience(steps int) int {
	return cmp.Or(w.Patience, 8*max(1, (steps+w.InnerRecurrence-1)/w.InnerRecurrence))
}

// WaveCounts are the reference's counters of a wave. Lists by position count from the prompt's first and end with the last
// frozen token.
type WaveCounts struct {
	DiffusionSteps          int      `json:"diffusion_steps"`         // outer steps, which guess all tokens in flight
	NumCoreForwardPasses    int      `json:"num_core_forward_passes"` // the prompt's pass counts as one
	NumTokensForward        int      `json:"num_tokens_forward"`
	NumStandingWaves        int      `json:"num_standing_waves"` // outer steps at MaxWavefront, or at what else bounds a wave: context, rows of a pass
	NumCacheClears          int      `json:"num_cache_clears"`
	ForcedFreezes           int      `json:"forced_freezes"` // tokens that Patience froze
	RecurrencePerPosition   []int    `json:"-"`
	TokenStablePerPosition  []int    `json:"-"`
	GenSeqLength            int      `json:"-"` // tokens frozen or guessed at the end
	StartAndWidth           [][2]int `json:"-"`
	recurrence, tokenStable []int    // of all positions
}

func (n *WaveCounts) grow(positions int) {
	for len(n.recurrence) < positions {
		n.recurrence, n.tokenStable = append(n.recurrence, 0), append(n.tokenStable, 0)
	}
}

// extra is where a wave's random tokens come from.
func (s *decoding) extra(w Wave) func() int32 {
	if w.Extra != nil {
		return w.Extra
	}
	rng := rand.New(rand.NewPCG(s.Pick.Seed, uint64(plain.KindExtra)))
	return func() int32 { return s.Prompt[rng.IntN(len(s.Prompt))] }
}
