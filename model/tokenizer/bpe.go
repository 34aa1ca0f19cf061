package tokenizer

import (
	"container/heap"
	"slices"
)

// bpe is the merge table of a byte-pair encoding model. Token ids index the vocabulary.
type bpe struct {
	vocab        map[string]int32
	longest      int        // bytes of the longest token
	byteID       [256]int32 // id of each byte's rune of the alphabet, -1: none
	fallback     [256]int32 // id of the token <0xAB> of each byte, for runes without a token; -1: none
	ranks        map[uint64]uint32
	merged       []int32 // rank -> id of the result
	ignoreMerges bool
	unk          int32 // id of the unknown token, -1: none, -2: named by the file but absent
	unkToken     string
	fuseUnk      bool
}

func pair(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// symbol is a node of the linked list of one piece. Dead symbols have id -1.
type symbol struct{ id, prev, next int32 }

// merger holds the scratch space of one Encode.
type merger struct {
	m       *bpe
	symbols []symbol
	queue   mergeQueue
	text    []byte
	lost    int  // bytes that no token carries
	noUnk   bool // the unknown token was needed and the file names one that it does not have
	inUnk   bool
}

// encode appends the ids of one piece. With bytes set every byte of the piece stands for its rune of the
// byte alphabet, otherwise the runes of the piece are looked up as they are.
func (g *merger) encode(dst []int32, piece string, bytes bool) []int32 {
	if g.m.ignoreMerges && len(piece) <= g.m.longest {
		whole := append(g.text[:0], piece...)
		if bytes {
			whole = AppendAlphabet(g.text[:0], piece)
		}
		g.text = whole
		if id, ok := g.m.vocab[string(whole)]; ok {
			return append(dst, id)
		}
	}
	g.symbols, g.inUnk = g.symbols[:0], false
	if bytes {
		for i := range len(piece) {
			g.add(g.m.byteID[piece[i]], 1)
		}
	} else {
		for _, r := range piece {
			g.addRune(string(r))
		}
	}
	g.merge()
	for _, s := range g.symbols {
		if s.id >= 0 {
			dst = append(dst, s.id)
		}
	}
	return dst
}

// addRune appends the token of a rune, or else those of its bytes if each of them has one.
func (g *merger) addRune(r string) {
	id := g.m.idOf(r)
	for i := range len(r) {
		if id >= 0 || g.m.fallback[r[i]] < 0 {
			g.add(id, len(r))
			return
		}
	}
	for i := range len(r) {
		g.add(g.m.fallback[r[i]], 1)
	}
}

// add appends a symbol of n bytes of text. id -1 is a rune outside the vocabulary: the unknown token takes
// its place or, where the file has none, nothing does.
func (g *merger) add(id int32, n int) {
	if id < 0 {
		g.lost += n
		g.noUnk = g.noUnk || g.m.unk == -2
		if g.m.unk < 0 || g.m.fuseUnk && g.inUnk {
			return
		}
		id, g.inUnk = g.m.unk, true
	} else {
		g.inUnk = false
	}
	at := int32(len(g.symbols))
	if at > 0 {
		g.symbols[at-1].next = at
	}
	g.symbols = append(g.symbols, symbol{id, at - 1, -1})
}

// merge applies the merge rules, lowest rank first and leftmost among equals, in O(n log n).
func (g *merger) merge() {
	s, m := g.symbols, g.m
	g.queue = g.queue[:0]
	for i := 1; i < len(s); i++ {
		if rank, ok := m.ranks[pair(s[i-1].id, s[i].id)]; ok {
			g.queue = append(g.queue, uint64(rank)<<32|uint64(i-1))
		}
	}
	slices.Sort(g.queue) // a sorted slice is a heap
	for len(g.queue) > 0 {
		top := heap.Pop(&g.queue).(uint64)
		at, id := int32(uint32(top)), m.merged[top>>32]
		next := s[at].next
		if s[at].id < 0 || next < 0 {
			continue
		}
		// The entry is stale if one of its symbols has merged otherwise since, which changes the result.
		if rank, ok := m.ranks[pair(s[at].id, s[next].id)]; !ok || m.merged[rank] != id {
			continue
		}
		s[at].id, s[at].next = id, s[next].next
		s[next].id = -1
		if after := s[at].next; after >= 0 {
			s[after].prev = at
			if rank, ok := m.ranks[pair(id, s[after].id)]; ok {
				heap.Push(&g.queue, uint64(rank)<<32|uint64(at))
			}
		}
		if prev := s[at].prev; prev >= 0 {
			if rank, ok := m.ranks[pair(s[prev].id, id)]; ok {
				heap.Push(&g.queue, uint64(rank)<<32|uint64(prev))
			}
		}
	}
}

// mergeQueue holds rank<<32 | position; the lowest comes first.
type mergeQueue []uint64

func (q mergeQueue) Len() int           { return len(q) }
func (q mergeQueue) Less(i, j int) bool { return q[i] < q[j] }
func (q mergeQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *mergeQueue) Push(v any)        { *q = append(*q, v.(uint64)) }

// Pop takes the last element, as container/heap asks for.
func (q *mergeQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
