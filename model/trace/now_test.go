package trace

import (
	"slices"
	"testing"
)

// TestNow: a token that is told as it is done has the numbers of the finished trace; only its components are along earlier directions.
func TestNow(t *testing.T) {
	b, err := NewBuilder(Trace{}, Options{Width: 3, Components: 2})
	if err != nil {
		t.Fatal(err)
	}
	states := [][]float32{{1, 0, 0}, {0, 2, 0}, {0, 2, 1}}
	p := b.Token(0, 7, true, states[0])
	p.Step(states[1], []float32{1, 2, 3})
	p.Step(states[2], nil)
	p.Exit(1)
	now := p.Now()
	b.Token(1, 8, false, []float32{9, 9, 9}).Step([]float32{-5, 1, 4}, nil)
	whole, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	end := whole.Tokens[0]
	if now.Steps != 1 || len(now.Path) != 2 || now.Path[0].Residual != end.Path[0].Residual || now.Path[0].Top[0].ID != 2 {
		t.Errorf("now %+v, in the end %+v", now, end)
	}
	if len(now.Start) != 2 || slices.Equal(now.Start, end.Start) {
		t.Errorf("components %v, in the end %v: want those of the states until then", now.Start, end.Start)
	}
}
