package engine

import (
	"encoding/binary"
	"fmt"

	"muninn/model/engine/weights"
	"muninn/shaders"
)

// Logits reads back the logits of the last pass, a row for each output in order: (outputs, padded_vocab_size); after one that failed, none.
func (s *Session) Logits() ([][]float32, error) { return s.logits() }

func (s *scheduler) logits() ([][]float32, error) { return s.read(s.buf.Logits, s.outputs) }

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
	if err := s.m.dev.Read(s.core[0].Depth.Slice(uint64(seq*s.opt.Context)*4, 4*n), raw); err != nil {
		return nil, err
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
