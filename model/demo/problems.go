package demo

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// MaxHops is the longest chain that a problem can have: the most names drawn, less the constant that ends it.
const MaxHops = maxNames - 1

// How problems are drawn for measuring. Hops are definitions between a name and the constant at the end of its chain.
const (
	alphabet  = "abcdefghijklmnopqrst" // the names that the model was trained on
	minNames  = 4
	maxNames  = 18
	shortHops = 4    // chains up to here come with more constants among the other definitions
	pConstant = 0.06 // that a name after the first is a constant
	pShort    = 0.25 // the same where hops <= shortHops
	pPrevious = 0.7  // that a name stands for the one drawn just before it, else for any earlier one
	asks      = "?"
	ends      = ";"
)

// Definition is `x=y;` for a name or `x=7;` for a constant.
type Definition struct {
	Name byte // a letter of a to t
	Is   byte // another name, or a digit
}

// String is the definition as the model reads it.
func (d Definition) String() string { return string([]byte{d.Name, '=', d.Is, ';'}) }

// Constant tells whether the definition ends a chain.
func (d Definition) Constant() bool { return d.Is >= '0' && d.Is <= '9' }

// Problem is a number of definitions and the question what one of their names is.
type Problem struct {
	Definitions []Definition // in the order written: each before the one it needs
	Asked       byte         // the name in question
	Hops        int          // definitions between Asked and the constant
	// Chain is what Asked stands for, definition by definition: Hops names, then the value. Chain[i] is i+1 definitions away.
	Chain []byte
}

// Rand gives the generator of a seed. The same seed draws the same problems on every machine.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// Draw draws a problem of so many hops, 0 to MaxHops.
func Draw(rng *rand.Rand, hops int) (Problem, error) {
	if hops < 0 || hops > MaxHops {
		return Problem{}, fmt.Errorf("demo: a problem of %d hops: there are problems of 0 to %d", hops, MaxHops)
	}
	for { // a drawing has a name of MaxHops hops about once in 300 times, shorter chains far more often
		drawn := drawDefinitions(rng, hops)
		at := map[byte]Definition{}
		for _, d := range drawn {
			at[d.Name] = d
		}
		var asked []byte
		for _, d := range drawn {
			if len(chain(at, d.Name)) == hops+1 {
				asked = append(asked, d.Name)
			}
		}
		if len(asked) == 0 {
			continue
		}
		name := asked[rng.IntN(len(asked))]
		slices.Reverse(drawn) // so that none can be resolved while reading
		return Problem{Definitions: drawn, Asked: name, Hops: hops, Chain: chain(at, name)}, nil
	}
}

// drawDefinitions gives one definition of each name, in the order drawn.
func drawDefinitions(rng *rand.Rand, hops int) []Definition {
	least := max(minNames, hops+1)
	names := rng.Perm(len(alphabet))[:least+rng.IntN(maxNames-least+1)]
	constant := pConstant
	if hops <= shortHops {
		constant = pShort
	}
	list := make([]Definition, len(names))
	for i, n := range names {
		list[i].Name = alphabet[n]
		switch {
		case i == 0 || rng.Float64() < constant:
			list[i].Is = '0' + byte(rng.IntN(10))
		case rng.Float64() < pPrevious:
			list[i].Is = list[i-1].Name
		default:
			list[i].Is = list[rng.IntN(i)].Name
		}
	}
	return list
}

// chain lists what a name stands for, up to and with the constant. Names stand for names drawn earlier, so it ends.
func chain(at map[byte]Definition, name byte) []byte {
	d := at[name]
	list := []byte{d.Is}
	for !d.Constant() {
		d = at[d.Is]
		list = append(list, d.Is)
	}
	return list
}

// Text is the problem as the model reads it: the definitions and the question.
func (p Problem) Text() string {
	var b strings.Builder
	for _, d := range p.Definitions {
		b.WriteString(d.String())
	}
	return b.String() + p.Question()
}

// Question is the end of Text.
func (p Problem) Question() string { return string(p.Asked) + asks }

// Value is the digit at the end of the chain.
func (p Problem) Value() byte { return p.Chain[p.Hops] }

// At is what the model was trained to say after the question at num_steps = depth: what stands so many definitions
// away, or the value if that is nearer.
func (p Problem) At(depth int) string {
	if depth > p.Hops {
		return string(p.Value()) + ends
	}
	return string(p.Chain[max(depth, 1)-1]) + asks
}

// Check tells what is wrong with a spelled-out answer such as `d?a?3;`, or nil: each name must be further down the chain
// than the one before it, and the value must be right and last.
func (p Problem) Check(answer string) error {
	next := 0 // in Chain
	for at := 0; at < len(answer); at += 2 {
		if at+2 > len(answer) {
			return fmt.Errorf("demo: answer %q ends within a token", answer)
		}
		said, mark := answer[at], answer[at+1:at+2]
		i := next + bytes.IndexByte(p.Chain[next:], said)
		switch {
		case i < next:
			return fmt.Errorf("demo: answer %q: %s leads nowhere from %s", answer, answer[at:at+2], p.Question())
		case i == p.Hops && mark == ends:
			if at+2 != len(answer) {
				return fmt.Errorf("demo: answer %q goes on after the value", answer)
			}
			return nil
		case i == p.Hops || mark != asks:
			return fmt.Errorf("demo: answer %q: %s is neither a question nor the value", answer, answer[at:at+2])
		}
		next = i + 1
	}
	return fmt.Errorf("demo: answer %q has no value", answer)
}
