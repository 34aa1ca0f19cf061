package engine

import (
	"errors"
	"fmt"

	"muninn/model/decode"
	"muninn/model/engine/pager"
)

// giveWay makes room where no request can go on for want of pages or of live rows: the youngest gives up what it holds and begins
// again later. Being the same request it gives the same tokens, and those that were handed out are not handed out again. One alone ends
// with the error.
func (b *Batch) giveWay(err error) {
	r := b.runs[len(b.runs)-1]
	if len(b.runs) == 1 {
		if errors.Is(err, pager.ErrNoPages) {
			err = fmt.Errorf("%w: %w", decode.ErrContextFull, err)
		}
		r.job, r.err = nil, err
		return
	}
	b.gaveWay++
	r.stop()
	b.vacate(r)
	b.parked = append([]*batchRun{r}, b.parked...) // older than those that gave way before it
	b.tight = true
}

// unpark has requests that gave way begin again, once another has left, as far as there is room.
func (b *Batch) unpark() {
	for len(b.parked) > 0 && (!b.tight || len(b.runs) == 0) && len(b.free) > 0 && b.fits(b.parked[0].req, b.parked[0].setting) {
		r := b.parked[0]
		b.parked = b.parked[1:]
		r.job, r.err, r.out, r.failed, r.gone = nil, nil, decode.Outcome{}, nil, false
		if r.failed = b.start(r); r.failed != nil {
			r.tell()
		}
	}
}

// fits tells whether there are pages for the prompt of a request that begins, beside those that others need next. Where none is under
// way there will not be more.
func (b *Batch) fits(req decode.Request, setting decode.Sequence) bool {
	return len(b.runs) == 0 || b.s.pagesFor(req, setting, len(b.runs))
}

// once returns the request's emit, which passes over tokens that were handed out before it gave way.
func (r *batchRun) once() func(decode.Token) error {
	at := 0
	return func(token decode.Token) error {
		if at++; at <= len(r.given) {
			if was := r.given[at-1]; was != token.Token {
				return fmt.Errorf("model: begun again for want of pages, the text has token %d at place %d, where it had %d: the device does not repeat its results; run `muninn check`", token.Token, at-1, was)
			}
			return nil
		}
		r.given = append(r.given, token.Token)
		return r.emit(token)
	}
}
