package decode

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"muninn/shaders/plain"
)

// ErrLookupUnsupported is wrapped by ParseLookup for strategies of the reference that are refused on purpose.
var ErrLookupUnsupported = errors.New("lookup strategy not supported")

// Uncompressed is the Period of a cache with a slot for every core step.
const Uncompressed = 1 << 30

// Compress anchor keeps a slot for each of the first anchorSteps core steps; later steps share one.
const anchorSteps = 8

// DefaultLookup is the strategy for adaptive depth: with `full`, tokens that go deeper than the ones before
// them see fewer and fewer positions.
const DefaultLookup = "latest-m4"

// Lookup is a cache lookup strategy: how core steps map to KV slots and which slot a reader gets of a position.
// A core block has its own set of slots, so a slot is named by its core step alone ("physical step"). Period is Uncompressed
// when nothing is shared.
type Lookup struct {
	plain.Slots
	Blocks   int  // core blocks on end that share their slots: 1, except under compress-rN
	OneByOne bool // the positions of a prompt run one after the other, so that each sees the last steps of those before it
	// DecodeLast: once a prompt is read, of each position the slot of its last step alone is kept; what is decoded keeps one slot.
	DecodeLast bool
	name       string
}

// lookupRules lists the names of the reference. `skip` is `full` by another name, `available-m4` is
// `latest-m4`: they give identical results. Unlike the reference, in which "m4" is the number 4, it stands
// here for the number of core blocks of whatever model is loaded.
var lookupRules = []struct {
	name string
	rule plain.Rule
}{
	{"full", plain.RuleFull},
	{"skip", plain.RuleFull},
	{"latest-m4", plain.RuleLatest},
	{"available-m4", plain.RuleLatest},
	{"always-last-m4", plain.RuleAlwaysLast},
}

// LookupNames lists the accepted strategies, for help texts.
func LookupNames() []string {
	var names []string
	for _, r := range lookupRules {
		names = append(names, r.name)
	}
	return append(names, LookupLastExited, LookupShared, LookupDecodeLast, "RULE-compress-sN", "RULE-compress-anchor", "RULE-compress-rN", "compress-...")
}

// Strategies by names that the reference does not have.
const (
	LookupLastExited = "last-exited" // latest-m4 by another name: of a position that left sooner, its last step
	LookupShared     = "shared"      // each position has one slot, of its last step
	LookupDecodeLast = "decode-last" // all steps while a prompt is read, the last of each position while text is decoded
)

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
	switch name {
	case LookupLastExited, LookupDecodeLast:
		return Lookup{Slots: plain.Slots{Rule: plain.RuleLatest, Every: 1, Period: Uncompressed}, Blocks: 1, DecodeLast: name == LookupDecodeLast, name: name}, nil
	case LookupShared:
		return Lookup{Slots: plain.Slots{Rule: plain.RuleLatest, Every: 1, Period: 1}, Blocks: 1, OneByOne: true, name: name}, nil
	}
	rule, compress, compressed := strings.Cut(name, "compress-")
	rule, dashed := strings.CutSuffix(cmp.Or(rule, DefaultLookup+"-"), "-")
	if dashed != compressed {
		return Lookup{}, unknownLookup(name)
	}
	l := Lookup{Slots: plain.Slots{Every: 1, Period: Uncompressed}, Blocks: 1, name: name}
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

// keeps tells whether each of so many core steps has a slot of its own.
func (l Lookup) keeps(steps int) bool {
	return l.Blocks == 1 && l.Stored(steps) >= steps && !l.DecodeLast
}

// LastOnly tells whether the rows of a task read and write one slot of each position, that of its last step.
func (l Lookup) LastOnly(a *Task) bool { return l.DecodeLast && !a.Prompt }
