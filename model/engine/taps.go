package engine

import (
	"context"
	"fmt"

	"muninn/vk"
)

// tapped runs the programs of an iteration one by one, recorded anew, and hands out the tensors named on the way. A core step's
// taps are named after its number, from 1.
func (s *scheduler) tapped(ctx context.Context, keys []programKey) error {
	step := 0
	for _, k := range keys {
		if k.part == "step" {
			step++
		}
		if err := s.tappedPart(ctx, k, step); err != nil {
			return err
		}
	}
	return nil
}

func (s *scheduler) tappedPart(ctx context.Context, k programKey, step int) error {
	arena := s.m.dev.NewArena("taps", vk.Readback)
	defer arena.Free()
	rec := s.m.kernels.Record(k.name())
	rec.KeepTaps(arena)
	prog, err := s.record(rec, k).End()
	if err != nil {
		return err
	}
	defer prog.Free()
	if err := s.run(ctx, nil, prog); err != nil {
		return err
	}
	for _, t := range rec.Taps() {
		rows, name := tensorRows(t.Tensor, t.Span.Bytes()), t.Name
		if len(rows) == s.opt.cells() { // more than a pass has: a row for each slot
			rows = s.byCell(rows)
		}
		switch {
		case k.part == "step" && name == "state":
			name = fmt.Sprintf("state.r%d", step)
		case k.part == "step":
			name = fmt.Sprintf("step%d.%s", step, name)
		}
		s.opt.Taps(name, rows)
	}
	return nil
}

// byCell picks the rows of the last pass in their order.
func (s *scheduler) byCell(all [][]float32) [][]float32 {
	rows := make([][]float32, len(s.last))
	for i, slot := range s.last {
		rows[i] = all[slot]
	}
	return rows
}
