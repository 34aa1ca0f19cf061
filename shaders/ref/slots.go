package ref

import (
	"math"
	"math/rand/v2"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// slotted are n rows whose slots come in another order than the rows, among more slots than there are rows.
type slotted struct {
	table []shaders.Row
	slots int // of them all
}

func newSlotted(n int, name string) slotted {
	s := slotted{table: make([]shaders.Row, n), slots: n + 3}
	order := rand.New(rand.NewPCG(seed("slots", name), 1)).Perm(s.slots)
	for i := range s.table {
		k := uint32(i)
		s.table[i] = shaders.Row{Token: k + 7, Base: 100 * k, Pos: 3 * k, Step: k * k, KeyLo: ^k, KeyHi: k << 20, Scale: float32(k) / 3, Slot: uint32(order[i])}
	}
	return s
}

// scatter puts row n of x (n, d) into its slot of dst (slots, d), a copy of which it returns.
func (s slotted) scatter(dst, x []float32, d int) []float32 {
	y := slices.Clone(dst)
	for n, r := range s.table {
		copy(y[int(r.Slot)*d:][:d], x[n*d:][:d])
	}
	return y
}

// place is scatter of what an oracle found.
func (s slotted) place(dst []float32, x []float64, d int) []float64 {
	y := plain.Widen(dst)
	for n, r := range s.table {
		copy(y[int(r.Slot)*d:][:d], x[n*d:][:d])
	}
	return y
}

// filler is what slots hold that no row has: reading it shows.
func filler(n int) []float32 { return slices.Repeat([]float32{math.Float32frombits(nanWord)}, n) }
