package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

const (
	// matchTimeout bounds one match; budget bounds all matches of one Encode.
	matchTimeout = 10 * time.Second
	budgetBase   = 10 * time.Second
	budgetPerMiB = 10 * time.Second

	// backtrackSlots bounds the memory of one match (8 bytes a slot).
	backtrackSlots = 1 << 22

	// gpt2Pattern is the split built into HuggingFace's ByteLevel pre-tokenizer.
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
)

// span is a part of a piece in bytes, and whether the pattern matched it.
type span struct {
	start, end int
	match      bool
}

// pattern finds matches as HuggingFace's library does, which uses Oniguruma.
type pattern struct{ re *regexp2.Regexp }

func compilePattern(source, where string) (*pattern, error) {
	translated, err := translate(source, where)
	if err != nil {
		return nil, err
	}
	re, err := regexp2.Compile(translated, regexp2.OptionMaxBacktrackingStackSize(backtrackSlots))
	if err != nil {
		return nil, fileErrorf("split pattern: %w", err)
	}
	re.MatchTimeout = matchTimeout
	return &pattern{re}, nil
}

// budget is the time one Encode may spend in patterns, and what it is at.
type budget struct {
	first    bool // the first piece is where the text begins
	deadline time.Time
	calls    int
	over     bool
	retried  bool
}

func newBudget(bytes int) *budget {
	return &budget{deadline: time.Now().Add(budgetBase + time.Duration(bytes>>20)*budgetPerMiB)}
}

// spent reports whether the time is over; the clock is read on every 64th call only.
func (b *budget) spent() bool {
	b.calls++
	b.over = b.over || b.calls&63 == 0 && time.Now().After(b.deadline)
	return b.over
}

// spans cuts piece, which is valid UTF-8, at the matches. The spans cover piece without gaps. A machine that sleeps in
// the middle of a match looks like a match that does not end: a second try tells them apart.
func (p *pattern) spans(piece string, b *budget) ([]span, error) {
	out, err := p.cut(piece, b)
	if errors.Is(err, ErrTimeout) && !b.spent() && !b.retried {
		b.retried = true
		return p.cut(piece, b)
	}
	return out, err
}

func (p *pattern) cut(piece string, b *budget) ([]span, error) {
	runes := []rune(piece)
	like := runes // as Go's tables know them
	if at := slices.IndexFunc(runes, func(r rune) bool { return known(r) != r }); at >= 0 {
		like = slices.Clone(runes)
		for i, r := range like[at:] {
			like[at+i] = known(r)
		}
	}
	var out []span
	runeAt, byteAt := 0, 0 // the same place in runes and in bytes
	prev := 0              // end of the last match
	late := false
	seek := func(to int) int {
		for ; runeAt < to; runeAt++ {
			byteAt += utf8.RuneLen(runes[runeAt])
		}
		return byteAt
	}
	err := p.re.FindRunesMatches(like, 0, func(m regexp2.MatchView) bool {
		if late = b.spent(); late {
			return false
		}
		at, length, _ := m.GroupRange(0)
		start := seek(at)
		end := seek(at + length)
		if start == end && end == prev && len(out) > 0 {
			return true // Oniguruma's iterator skips an empty match right after another match
		}
		if prev != start {
			out = append(out, span{prev, start, false})
		}
		out = append(out, span{start, end, true})
		prev = end
		return true
	})
	if late {
		return nil, fmt.Errorf("tokenizer: %w on %d bytes of text; split the text", ErrTimeout, len(piece))
	}
	if errors.Is(err, regexp2.ErrBacktrackingStackLimit) {
		return nil, fmt.Errorf("tokenizer: split pattern on %d bytes of text: %w; split the text", len(piece), err)
	}
	if err != nil { // regexp2's own words quote the whole text
		return nil, fmt.Errorf("tokenizer: %w on %d bytes of text: no match decided in %v; split the text", ErrTimeout, len(piece), matchTimeout)
	}
	if prev != len(piece) {
		out = append(out, span{prev, len(piece), false})
	}
	return out, nil
}
