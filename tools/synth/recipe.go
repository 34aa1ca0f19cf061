package main

import (
	"hash/fnv"
	"math"

	"muninn/model/arch"
	"muninn/shaders/format"
)

// The recipe. Random weights of ordinary scale make a core block that never settles: each step moves the state by 0.2 to
// 1 of its norm, even the 32nd. Trained ones settle, and exit criteria, 16-bit comparisons and depth statistics are only
// meaningful then. What makes this core block contract:
//
//   - The adapter's state half has gain 0.65 (elements of deviation 0.65/sqrt(d)), its embedding half 0.76. Both inputs
//     have rms 1, so its output has too, and a difference between two states is 0.65 of itself before the blocks.
//   - Output projections are small: attention adds at most 0.2, the MLP about 0.17 of the stream's rms. The blocks are
//     then close to the identity. Four of them still stretch a difference by a quarter; with a state gain of 0.75 and
//     projections of 0.25 and 0.4 it stretched to 1 and nothing settled.
//
// The relative change of the state then falls below 0.03 after 8 to 25 steps, by token. wte has the reference's own
// deviation sqrt(2/(5d)); ln_f is scaled by 4, which gives logits the spread of a model that prefers some tokens.
//
// Other families have a plain residual stream. Embeddings have rms 1 there, the head gives the spread, and the blocks of a step add
// as much in all as four do, however many they are; norms after attention and MLP have weights of that size.
const (
	stateGain     = 0.65
	injectionGain = 0.76
	attnGain      = 0.2
	mlpGain       = 0.3
	logitGain     = 4
	headGain      = 2.5 // the spread of logits where the head is no embedding
	normedGain    = 0.2 // what half a block adds through a norm
	exitGain      = 1.5 // the spread of the exit gate's logits
)

// distribution of a tensor's elements: normal, cut where a table of 65536 quantiles ends (4.3 deviations).
type distribution struct{ mean, std float64 }

// recipe is the distribution of a tensor; a matrix whose right half differs gives two.
func recipe(c arch.Config, role arch.Role) (left, right distribution) {
	d, m, q, depth := float64(c.NEmbd), float64(c.IntermediateSize), float64(c.QueryWidth()), 1.0
	plain := c.Block.Norms != arch.NormsSandwich
	if plain {
		depth = min(1, 2/math.Sqrt(float64(c.StepBlocks())))
	}
	one := func(mean, std float64) (distribution, distribution) {
		return distribution{mean, std}, distribution{mean, std}
	}
	switch role {
	case arch.RoleEmbedding:
		if plain {
			return one(0, 1/c.EmbedScale())
		}
		return one(0, c.StateStd())
	case arch.RoleHead:
		return one(0, headGain/math.Sqrt(d))
	case arch.RoleExitGate:
		return one(0, exitGain/math.Sqrt(d))
	case arch.RoleSecond:
		return one(0, 1)
	case arch.RoleAdapter:
		return distribution{0, stateGain / math.Sqrt(d)}, distribution{0, injectionGain / math.Sqrt(d)}
	case arch.RoleFinalNorm:
		if plain {
			return one(1, 0.05)
		}
		return one(logitGain, 0.05*logitGain)
	case arch.RoleQKV, arch.RoleQ, arch.RoleK, arch.RoleV, arch.RoleAttnGate, arch.RoleGateQKV, arch.RoleGateUp, arch.RoleGate, arch.RoleUp:
		return one(0, 1/math.Sqrt(d))
	case arch.RoleQKBias, arch.RoleExitGateBias:
		return one(0, 0.1)
	case arch.RoleAttnOut:
		return one(0, attnGain*depth/math.Sqrt(q))
	case arch.RoleDown:
		return one(0, mlpGain*depth/math.Sqrt(m))
	case arch.RoleNorm2, arch.RoleNorm4:
		if plain {
			return one(normedGain*depth, 0.05*normedGain*depth)
		}
		return one(1, 0.05)
	case arch.RoleNorm1, arch.RoleNorm3, arch.RoleQNorm, arch.RoleKNorm:
		return one(1, 0.05)
	default:
		panic("synth: no recipe for " + string(role))
	}
}

// quantiles of the unit normal distribution, in the middle of 65536 equal shares.
var quantiles = func() (q [1 << 16]float32) {
	for i := range q {
		q[i] = float32(math.Sqrt2 * math.Erfinv((2*float64(i)+1)/(1<<16)-1))
	}
	return q
}()

// table is the stored form of every value that a distribution can take.
func (d distribution) table(dtype format.Type) []byte {
	values := make([]float32, len(quantiles))
	for i, q := range quantiles {
		values[i] = float32(d.mean + d.std*float64(q))
	}
	stored := make([]byte, dtype.Bytes(int64(len(values))))
	dtype.Encode(stored, values)
	return stored
}

// key starts a tensor's own stream of random words.
func key(seed uint64, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return mix(seed) ^ h.Sum64()
}

// word is the n-th random word of a stream: SplitMix64, whose state is a counter, so any part can be made on its own.
func word(key uint64, n int64) uint64 { return mix(key + uint64(n+1)*0x9e3779b97f4a7c15) }

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
