package decode

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrLookupUnsupported is wrapped by ParseLookup for strategies of the reference that are refused on purpose.
var ErrLookupUnsupported = errors.New("lookup strategy not supported")

// LookupRule says which stored core step a reader is given at a position that lacks the reader's own step.
// The values are those of the attention kernel; its 0 means a block with one slot (prelude and coda).
type LookupRule uint32

const (
	LookupFull       LookupRule = 1 // such positions are not seen
	LookupLatest     LookupRule = 2 // their deepest step that is not deeper than the reader's
	LookupAlwaysLast LookupRule = 3 // every position's deepest step, as soon as one position lacks the reader's
)

// Uncompressed is the Period of a cache with a slot for every core step.
const Uncompressed = 1 << 30

// Compress anchor keeps a slot for each of the first anchorSteps core steps; later steps share one.
const anchorSteps = 8

// DefaultLookup is the strategy for adaptive depth: with `full`, tokens that go deeper than the ones before
// them see fewer and fewer positions.
const DefaultLookup = "latest-m4"

// Lookup is a cache lookup strategy: how core steps map to KV slots and which slot a reader gets of a position.
// A core block has its own set of slots, so a slot is named by its core step alone ("physical step").
// Every steps on end share a slot; of these runs the first Anchor have a slot each, later ones share Period slots in
// turn, the newest write winning.
type Lookup struct {
	Rule   LookupRule
	Every  int // steps, at least 1
	Anchor int // runs of steps
	Period int // slots, at least 1; Uncompressed when nothing is shared
	Blocks int // core blocks on end that share their slots: 1, except under compress-rN
	name   string
}

// lookupRules lists the names of the reference. `skip` is `full` by another name, `available-m4` is
// `latest-m4`: they give identical results. Unlike the reference, in which "m4" is the number 4, it stands
// here for the number of core blocks of whatever model is loaded.
var lookupRules = []struct {
	name string
	rule LookupRule
}{
	{"full", LookupFull},
	{"skip", LookupFull},
	{"latest-m4", LookupLatest},
	{"available-m4", LookupLatest},
	{"always-last-m4", LookupAlwaysLast},
}

// LookupNames lists the accepted strategies, for help texts.
func LookupNames() []string {
	var names []string
	for _, r := range lookupRules {
		names = append(names, r.name)
	}
	return append(names, "RULE-compress-sN", "RULE-compress-anchor", "RULE-compress-rN", "compress-...")
}

// ParseLookup reads a strategy by the reference's name for a model with coreBlocks blocks in its core.
// A rule may be followed by -compress-sN (N slots of the reference, a multiple of coreBlocks: N/coreBlocks
// steps share their slots in turn) or -compress-anchor (the first 8 steps keep theirs, later ones share one).
// With -compress-rN, N writes on end share a slot: N is a multiple of coreBlocks or divides it. Where that puts several core
// blocks in one slot, a position keeps the last block's keys for all of them, as in the reference: a curiosity.
// A bare compress-X means latest-m4-compress-X. The error wraps ErrLookupUnsupported for randomized.
func ParseLookup(name string, coreBlocks int) (Lookup, error) {
	if coreBlocks < 1 {
		return Lookup{}, fmt.Errorf("model: lookup strategy %q: the model has %d core blocks, want at least 1", name, coreBlocks)
	}
	rule, compress, compressed := strings.Cut(name, "compress-")
	if compressed {
		switch {
		case rule == "":
			rule = DefaultLookup
		case strings.HasSuffix(rule, "-"):
			rule = strings.TrimSuffix(rule, "-")
		default:
			return Lookup{}, unknownLookup(name)
		}
	}
	l := Lookup{Every: 1, Period: Uncompressed, Blocks: 1, name: name}
	for _, r := range lookupRules {
		if r.name == rule {
			l.Rule = r.rule
		}
	}
	if rule == "randomized" {
		return Lookup{}, fmt.Errorf("model: lookup strategy %q reads a random earlier step, a sanity check of the reference; use one of %s: %w",
			name, strings.Join(LookupNames(), ", "), ErrLookupUnsupported)
	}
	if l.Rule == 0 {
		return Lookup{}, unknownLookup(name)
	}
	if !compressed {
		return l, nil
	}
	if compress == "anchor" {
		l.Anchor, l.Period = anchorSteps, 1
		return l, nil
	}
	if len(compress) < 2 || compress[0] != 's' && compress[0] != 'r' {
		return Lookup{}, unknownLookup(name)
	}
	n, err := strconv.ParseUint(compress[1:], 10, 20)
	if err != nil {
		return Lookup{}, unknownLookup(name)
	}
	if compress[0] == 'r' {
		switch {
		case n > 0 && n%uint64(coreBlocks) == 0:
			l.Every, l.Blocks = int(n)/coreBlocks, coreBlocks
		case n > 0 && uint64(coreBlocks)%n == 0:
			l.Blocks = int(n)
		default:
			return Lookup{}, fmt.Errorf("model: lookup strategy %q: runs of %d writes do not fit %d core blocks; use a multiple or a divisor of %d",
				name, n, coreBlocks, coreBlocks)
		}
		return l, nil
	}
	if n == 0 || n%uint64(coreBlocks) != 0 {
		return Lookup{}, fmt.Errorf("model: lookup strategy %q: %d slots do not divide among %d core blocks; use a multiple of %d",
			name, n, coreBlocks, coreBlocks)
	}
	l.Period = int(n) / coreBlocks
	return l, nil
}

func unknownLookup(name string) error {
	return fmt.Errorf("model: unknown lookup strategy %q; known: %s", name, strings.Join(LookupNames(), ", "))
}

// String is the name the strategy was parsed from.
func (l Lookup) String() string { return l.name }

// Slot is the slot that core step `step` (from 0) of a position is written to.
func (l Lookup) Slot(step int) int {
	run := step / l.Every
	if run < l.Anchor {
		return run
	}
	return l.Anchor + (run-l.Anchor)%l.Period
}

// Slots is how many slots are in use after `steps` core steps: what to allocate for a largest number of
// steps, and what a position of that depth has stored.
func (l Lookup) Slots(steps int) int { return min((steps+l.Every-1)/l.Every, l.Anchor+l.Period) }

// Select is the slot that a reader at slot own gets of a position with `stored` slots, or ok = false when it
// does not see the position. anyMissing tells whether any position the reader could see lacks slot own; only
// always-last asks.
func (l Lookup) Select(own, stored int, anyMissing bool) (slot int, ok bool) {
	switch l.Rule {
	case LookupLatest:
		slot = min(own, stored-1)
	case LookupAlwaysLast:
		slot = own
		if anyMissing {
			slot = stored - 1
		}
	default:
		slot = own
	}
	return slot, slot >= 0 && slot < stored
}
