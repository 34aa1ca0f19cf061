package serve

import (
	"context"
	"slices"
	"sync"
)

// places are taken by a model's requests, running or waiting.
type places struct {
	mu    sync.Mutex
	most  int
	taken []*place // in the order of their coming
}

// place is that of one request.
type place struct {
	of     *places
	client string
	out    context.CancelCauseFunc // ends the request for want of places; nil: it has begun, and stays
}

// enter takes a place for a client's request. Where all are taken, that of the client who has the most makes room for one who has fewer: the one that came last
// of those that have not begun, whose client is told to come again. So nobody has more than half of the places while another wants that many. out ends the
// request; nil: it is not turned out.
func (m *Model) enter(client string, out context.CancelCauseFunc) (*place, error) {
	all := m.places
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.taken) >= all.most && !all.makeRoom(client) {
		return nil, busy("%d requests run or wait already, as many as this server takes for %s; try again later", all.most, m.ID)
	}
	p := &place{all, client, out}
	all.taken = append(all.taken, p)
	return p, nil
}

func (all *places) makeRoom(client string) bool {
	has, last := map[string]int{}, -1
	for _, p := range all.taken {
		has[p.client]++
	}
	for i, p := range all.taken {
		if p.out != nil && (last < 0 || has[p.client] >= has[all.taken[last].client]) {
			last = i
		}
	}
	if last < 0 || has[all.taken[last].client] <= has[client]+1 {
		return false
	}
	all.taken[last].out(busy("another client's request has taken this one's place in the queue, of which you had the most; try again later"))
	all.taken = slices.Delete(all.taken, last, last+1)
	return true
}

// largeText is how many bytes of text take turns in being tokenized: a body as large as may be takes a processor for seconds.
const largeText = 256 << 10

// inTurn has a body of so many bytes tokenized, one large one at a time.
func (s *Server) inTurn(ctx context.Context, size int, tokenize func() error) error {
	if size >= largeText {
		select {
		case s.reading <- struct{}{}:
			defer func() { <-s.reading }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return tokenize()
}

// begun has the request stay.
func (p *place) begun() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.out = nil
}

// leave gives the place back, if it has not been taken.
func (p *place) leave() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.of.taken = slices.DeleteFunc(p.of.taken, func(o *place) bool { return o == p })
}

// len is how many are taken.
func (all *places) len() int {
	all.mu.Lock()
	defer all.mu.Unlock()
	return len(all.taken)
}
