package engine

import (
	"context"
	"encoding/binary"
	"fmt"

	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// Logits reads back the logits of the last pass, a row for each output in order: (outputs, padded_vocab_size); after one that failed, none.
func (s *scheduler) Logits() ([][]float32, error) { return s.read(s.buf.Logits, s.outputs) }

// Latents reads back the states of the first n rows of the last pass, before ln_f: (n, n_embd). For inspection:
// nothing else reads the state. After a pass that failed there are none.
func (s *Session) Latents(n int) ([][]float32, error) {
	if n > len(s.last) {
		return nil, fmt.Errorf("model: %d latent states: the last pass has left %d", n, len(s.last))
	}
	all, err := s.read(s.buf.State, s.opt.cells())
	if err != nil {
		return nil, err
	}
	return s.byCell(all)[:n], nil
}

// Depths reads back how many core steps the cache stores for each position of sequence seq.
func (s *Session) Depths(seq int) ([]int, error) {
	n := uint64(s.Pos(seq))
	if n == 0 {
		return nil, nil
	}
	raw := make([]byte, 4*n)
	for done := 0; done < len(raw); {
		depth := s.pages.Depth(seq, done/4, len(raw)/4-done/4)
		if err := s.m.dev.Read(depth, raw[done:][:depth.Size()]); err != nil {
			return nil, err
		}
		done += int(depth.Size())
	}
	depths := make([]int, n)
	for i := range depths {
		depths[i] = int(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return depths, nil
}

func (r *recordings) read(t shaders.Tensor, n int) ([][]float32, error) {
	raw := make([]byte, n*t.Stride*4)
	if n == 0 {
		return nil, nil
	}
	if err := r.m.dev.Read(t.First(n).Span, raw); err != nil {
		return nil, err
	}
	return tensorRows(t.First(n), raw), nil
}

func tensorRows(t shaders.Tensor, raw []byte) [][]float32 {
	rows := make([][]float32, t.Rows)
	for i := range rows {
		rows[i] = weights.BytesToFloats(raw[i*t.Stride*4 : (i*t.Stride+t.Cols)*4])
	}
	return rows
}

// tapped runs the programs of an iteration one by one, recorded anew, and hands out the tensors named on the way. A core step's
// taps are named after its number, from 1.
func (s *scheduler) tapped(ctx context.Context, keys []programKey) error {
	if _, err := s.all(keys); err != nil { // what follows the live rows is counted from the first program on
		return err
	}
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
