package shaders_test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
	"muninn/vk"
)

// liveStep is the buffers of a core step of n rows, d = 96 in 2 heads.
type liveStep struct {
	t           *testing.T
	d           *vk.Device
	k           *shaders.Kernels
	arena       *vk.Arena
	rnd         *rand.Rand
	spans       map[string]vk.Span
	start       map[string][]byte
	n, rowCells int
	table       []shaders.Row
	rows        shaders.Rows
	groups      shaders.Groups
	live        *shaders.Live
	cache       shaders.Cache
	attention   shaders.AttentionScratch
	arrived     vk.Span
	norm        vk.Span
	rope        vk.Span
	bias        vk.Span

	adapter, qkvW, projW, gate, up, down                   shaders.Matrix
	inputs, state, older, x, y, qkv, q, attn, proj, hidden shaders.Tensor
}

func (s *liveStep) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// span is memory that is watched: content is what it holds at the start.
func (s *liveStep) span(name string, content []byte) vk.Span {
	v, err := s.arena.Alloc(uint64(len(content)))
	s.must(err)
	s.watch(name, v, content)
	return v
}

func (s *liveStep) watch(name string, v vk.Span, content []byte) {
	s.spans[name], s.start[name] = v, content
}

func (s *liveStep) tensor(name string, rows, cols int) shaders.Tensor {
	stride := shaders.Padded(cols)
	x := make([]byte, rows*stride*4)
	for r := range rows {
		copy(x[r*stride*4:], s.floats(cols))
	}
	return shaders.Tensor{Span: s.span(name, x), Rows: rows, Cols: cols, Stride: stride}
}

func (s *liveStep) floats(n int) []byte {
	var b []byte
	for range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(2*s.rnd.Float32()-1))
	}
	return b
}

func (s *liveStep) matrix(rows, cols int) shaders.Matrix {
	m, err := shaders.NewMatrix(s.arena, rows, cols, format.F32, s.d.Caps().ShardLimit())
	s.must(err)
	for _, shard := range m.Shards {
		s.must(s.d.Write(shard.Span, s.floats(int(shard.Span.Size()/4))))
	}
	return m
}

func newLiveStep(t *testing.T, d *vk.Device, n int) *liveStep {
	const width, heads, hidden, cells, checks = 96, 2, 160, 8, 4
	k, err := shaders.New(d, shaders.Options{VecRows: mostVectors})
	s := &liveStep{t: t, d: d, k: k, arena: d.NewArena("live rows", vk.DeviceLocal), rnd: rand.New(rand.NewPCG(1, uint64(n))),
		spans: map[string]vk.Span{}, start: map[string][]byte{}, n: n, rowCells: n + 2}
	s.must(err)
	t.Cleanup(s.arena.Free)
	s.inputs, s.older = s.tensor("inputs", 2*s.rowCells, width), s.tensor("older", 2*s.rowCells, width)
	s.state = s.inputs.From(0, s.rowCells)
	for name, to := range map[string]*shaders.Tensor{"x": &s.x, "y": &s.y, "attn": &s.attn, "proj": &s.proj} {
		*to = s.tensor(name, n, width)
	}
	s.qkv, s.q, s.hidden = s.tensor("qkv", n, 3*width), s.tensor("q", n, width), s.tensor("hidden", n, hidden)
	s.adapter, s.qkvW, s.projW = s.matrix(width, 2*shaders.Padded(width)), s.matrix(3*width, width), s.matrix(width, width)
	s.gate, s.up, s.down = s.matrix(hidden, width), s.matrix(hidden, width), s.matrix(width, hidden)
	s.bias = s.span("bias", s.floats(1))
	s.norm, s.rope = s.span("norm", s.floats(width)), s.span("rope", s.floats(cells*width/heads))

	slots := shaders.Slots{Period: 4, Rule: plain.RuleLatest}
	pages, err := shaders.NewPages(s.arena, n, cells, 0, 0, slots)
	s.must(err)
	words := pages.Table
	for i := range pages.Units * shaders.PagePositions {
		stored := uint32(4)
		if i%shaders.PagePositions >= 3 {
			stored = 0
		}
		words = append(words, stored)
	}
	content, _ := binary.Append(nil, binary.LittleEndian, words) // fixed-size elements cannot fail
	s.watch("pages", pages.Span, content)
	s.cache, err = shaders.NewCache(s.arena, heads, width/heads, shaders.KVF32, slots, pages, d.Caps().ShardLimit())
	s.must(err)
	for _, shard := range s.cache.Shards { // small: there is one
		s.watch("k", shard.K, s.floats(int(shard.K.Size()/4)))
		s.watch("v", shard.V, s.floats(int(shard.V.Size()/4)))
	}
	parts, counters := shaders.AttentionScratchBytes(heads, width/heads, cells)
	s.attention = shaders.AttentionScratch{Parts: s.span("parts", make([]byte, parts)), Arrived: s.span("counters", make([]byte, counters))}
	s.arrived = s.span("arrived", make([]byte, 4))

	for i := range uint32(n) { // every other row is of the second group
		s.table = append(s.table, shaders.Row{Seq: i, Pos: 3, Sees: 4, KeyLo: i, Cell: uint32(s.rowCells) - 1 - i, Group: i % 2, Noise: 0.1})
	}
	raw := rowBytes(s.table)
	s.rows = shaders.Rows{Span: s.span("rows", raw), N: n}
	s.groups = shaders.Groups{Rules: s.span("rules", make([]byte, 2*shaders.RuleBytes)), Progress: s.span("progress", make([]byte, 2*shaders.ProgressBytes)),
		Change: s.span("change", make([]byte, s.rowCells*shaders.ChangeBytes)), Gates: s.span("gates", make([]byte, s.rowCells*shaders.ExitGateBytes)), Values: s.span("values", make([]byte, 2*4*checks)), N: 2, Checks: checks}
	s.live, err = shaders.NewLive(d, s.arena)
	s.must(err)
	return s
}

// rowBytes is a row table as the device reads it.
func rowBytes(table []shaders.Row) []byte {
	raw := make([]byte, len(table)*shaders.RowBytes)
	for i, r := range table {
		r.Put(raw[i*shaders.RowBytes:])
	}
	return raw
}

// restore puts everything as it was, with groups of so many steps at most.
func (s *liveStep) restore(steps ...uint32) {
	for g, n := range steps { // a rule that looks at states, and is never met
		shaders.ExitRule{Steps: n, Criterion: 1, Measure: shaders.MeasureDiff, Threshold: -1}.Put(s.start["rules"][g*shaders.RuleBytes:])
	}
	for name, v := range s.spans {
		s.must(s.d.Write(v, s.start[name]))
	}
}

func (s *liveStep) snapshot() map[string][]byte {
	all := map[string][]byte{}
	for name, v := range s.spans {
		all[name] = make([]byte, v.Size())
		s.must(s.d.Read(v, all[name]))
	}
	return all
}

func (s *liveStep) run(list ...*vk.Program) {
	s.t.Helper()
	s.must(s.d.Run(context.Background(), vk.RunOptions{}, list...))
}

// compactRows does by hand what retire does after the first step: every so many rows of the table stay, and groups have taken a
// step with a check.
func (s *liveStep) compactRows(every, stay int) {
	raw := make([]byte, s.rows.Span.Size())
	s.must(s.d.Read(s.rows.Span, raw))
	for i := range stay {
		copy(raw[i*shaders.RowBytes:], raw[every*i*shaders.RowBytes:][:shaders.RowBytes])
	}
	s.must(s.d.Write(s.rows.Span, raw))
	progress := make([]byte, 2*shaders.ProgressBytes)
	for g := range 2 {
		shaders.Progress{Taken: 1, Checks: 1}.Put(progress[g*shaders.ProgressBytes:])
	}
	s.must(s.d.Write(s.groups.Progress, progress))
}

// record is a program of other ops, or of a step of n rows.
func (s *liveStep) record(name string, n int, ops func(*shaders.Recorder)) *vk.Program {
	s.t.Helper()
	r := s.k.Record(name)
	if ops == nil {
		s.step(r, n)
	} else {
		ops(r)
	}
	p, err := r.End()
	s.must(err)
	s.t.Cleanup(p.Free)
	return p
}

func (s *liveStep) follow(r *shaders.Recorder) {
	r.Follow(s.live, false)
	s.step(r, s.n)
}

// step is a core step of a block, with noise and a gate.
func (s *liveStep) step(r *shaders.Recorder, n int) {
	const eps = 1e-6
	rows := shaders.Rows{Span: s.rows.Span.Slice(0, uint64(n)*shaders.RowBytes), N: n}
	x, y, qkv, q, attn, proj, hidden := s.x.First(n), s.y.First(n), s.qkv.First(n), s.q.First(n), s.attn.First(n), s.proj.First(n), s.hidden.First(n)
	r.Noise(s.state, s.norm, eps, 32, rows)
	r.Adapter(x, s.adapter, s.inputs, vk.Span{}, rows)
	r.RMSNorm(y, x, s.norm, eps)
	r.MatMul(qkv, s.qkvW, y)
	r.QKVRope(q, s.cache, qkv, vk.Span{}, s.rope, false, rows, shaders.MarkStep)
	r.Attention(attn, q, s.cache, shaders.Gate{}, rows, 8, s.attention)
	r.MatMulNorm(y, x, proj, s.projW, attn, shaders.ResidualNormed, s.norm, s.norm, eps, s.arrived)
	r.SwiGLU(hidden, s.gate, s.up, y)
	r.MatMul(proj, s.down, hidden)
	r.Advance(s.state, s.older, x, proj, shaders.ResidualNormed, s.norm, vk.Span{}, eps, rows, s.groups, true)
	r.ExitGate(s.state, s.norm, s.bias, rows, s.groups, shaders.Readouts{})
}
