package trace

import (
	"fmt"
	"math"
	"slices"
)

// Limits of the number of principal components.
const (
	MinComponents = 2
	MaxComponents = 6
)

// Options of a Builder.
type Options struct {
	Width      int                   // n_embd: length of a state
	Components int                   // principal components, 2 to 6
	Text       func(id int32) []byte // a token's bytes; nil: no texts
}

// Builder makes a Trace of states and logits. It copies what it is given, so the caller may reuse its buffers; it keeps
// all states, 4 * Width bytes each, until Build. Tokens may be fed side by side, a core step of each at a time. The first
// error stays and comes out of Build.
type Builder struct {
	trace  Trace
	opts   Options
	tokens []*Path
	starts []*Path
	early  *pca // of the states that there were when Path.Now was first called
	err    error
}

// Path is the path of one token from one initial state, being fed.
type Path struct {
	b      *Builder
	index  int
	token  Token
	exit   int // -1: none said
	seed   uint64
	states [][]float32 // initial state first
}

// NewBuilder begins a trace. Of t, what describes the run is taken: all but tokens, starts and what is computed from them.
func NewBuilder(t Trace, o Options) (*Builder, error) {
	if o.Components < MinComponents || o.Components > MaxComponents {
		return nil, fmt.Errorf("trace: %d principal components: want %d to %d", o.Components, MinComponents, MaxComponents)
	}
	if o.Width < 1 {
		return nil, fmt.Errorf("trace: states of width %d", o.Width)
	}
	t.Version, t.Explained, t.Tokens, t.Starts = Version, nil, nil, nil
	return &Builder{trace: t, opts: o}, nil
}

// Token begins the path of the token at a position, from its initial state (n_embd).
func (b *Builder) Token(pos int, id int32, prompt bool, initial []float32) *Path {
	p := &Path{b: b, index: len(b.tokens), exit: -1, token: Token{Pos: pos, ID: id, Prompt: prompt}}
	if b.opts.Text != nil {
		p.token.Text, p.token.Bytes = textOf(b.opts.Text(id))
	}
	b.tokens = append(b.tokens, p)
	p.keep(initial)
	return p
}

// Start begins a path of a token from another initial state (n_embd). All of a trace's starts are of one token; its own path
// is not among them unless it is fed here too.
func (b *Builder) Start(of *Path, seed uint64, initial []float32) *Path {
	p := &Path{b: b, index: of.index, exit: -1, seed: seed}
	if len(b.starts) > 0 && b.starts[0].index != of.index {
		b.fail("starts of tokens %d and %d: want those of one token", b.starts[0].index, of.index)
	}
	b.starts = append(b.starts, p)
	p.keep(initial)
	return p
}

// Step adds the state (n_embd) after one more core step. Logits (vocabulary; log probabilities will do) may be nil, and are
// not looked at on the path of a Start.
func (p *Path) Step(state, logits []float32) {
	if !p.keep(state) {
		return
	}
	n := len(p.states)
	if n < 2 {
		p.b.fail("token %d: a step from no initial state", p.index)
		return
	}
	s := Step{Residual: round(residual(p.states[n-2], p.states[n-1])), Entropy: Real(math.NaN())}
	if len(logits) > 0 {
		entropy, top := predict(logits, p.b.opts.Text)
		s.Entropy, s.Top = round(entropy), top
	}
	p.token.Path = append(p.token.Path, s)
}

// Exit says after how many core steps the token was done. Unless it is called, that is all that were fed.
func (p *Path) Exit(steps int) { p.exit = steps }

// Now is the token as far as it has come. Its components are along the directions in which the states spread that there were at
// the first call; Build finds those of all states.
func (p *Path) Now() Token {
	b := p.b
	if b.early == nil {
		var all [][]float32
		for _, q := range b.tokens {
			all = append(all, q.states...)
		}
		b.early = fitPCA(thinned(all, earlyRows), b.opts.Width, b.opts.Components)
	}
	where, _ := b.early.project(p.states)
	return p.finished(func() (c []Real) {
		c, where = rounded(where[0]), where[1:]
		return c
	})
}

// finished is the token with the components that next gives for one state after the other.
func (p *Path) finished(next func() []Real) Token {
	t := p.token
	t.Start, t.Path = next(), slices.Clone(t.Path)
	for k := range t.Path {
		t.Path[k].Components = next()
	}
	t.Steps = len(t.Path)
	if p.exit >= 0 {
		t.Steps = p.exit
	}
	return t
}

// keep copies a state.
func (p *Path) keep(state []float32) bool {
	if len(state) != p.b.opts.Width {
		p.b.fail("token %d: a state of %d values: want %d", p.index, len(state), p.b.opts.Width)
		return false
	}
	p.states = append(p.states, slices.Clone(state))
	return true
}

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("trace: "+format, args...)
	}
}

// Build computes the principal components and gives the trace. The Builder is done then.
func (b *Builder) Build() (*Trace, error) {
	if b.err != nil {
		return nil, b.err
	}
	var all [][]float32
	for _, p := range slices.Concat(b.tokens, b.starts) {
		all = append(all, p.states...)
	}
	basis := fitPCA(all, b.opts.Width, b.opts.Components)
	where, explained := basis.project(all)

	t := &b.trace
	t.Explained = rounded(explained)
	next := func() (c []Real) {
		c, where = rounded(where[0]), where[1:]
		return c
	}
	t.Tokens = make([]Token, 0, len(b.tokens))
	for _, p := range b.tokens {
		t.Tokens = append(t.Tokens, p.finished(next))
	}
	if len(b.starts) > 0 {
		t.Starts = b.pathIndependence()
		for i, p := range b.starts {
			for range p.states {
				t.Starts.Paths[i].Components = append(t.Starts.Paths[i].Components, next())
			}
		}
	}
	return t, t.check()
}

// pathIndependence measures how the paths from several initial states come together.
func (b *Builder) pathIndependence() *Starts {
	s := &Starts{Token: b.starts[0].index}
	mean := make([]float32, b.opts.Width) // of the last states
	steps := math.MaxInt
	for _, p := range b.starts {
		for i, x := range p.states[len(p.states)-1] {
			mean[i] += x / float32(len(b.starts))
		}
		steps = min(steps, len(p.states))
	}
	for _, p := range b.starts {
		path := Start{Seed: p.seed}
		for _, state := range p.states {
			path.Distance = append(path.Distance, round(residual(state, mean)))
		}
		s.Paths = append(s.Paths, path)
	}
	if len(b.starts) < 2 {
		return s
	}
	for k := range steps {
		var sum, pairs float64
		for i, p := range b.starts {
			for _, q := range b.starts[:i] {
				sum += apart(p.states[k], q.states[k])
				pairs++
			}
		}
		s.Spread = append(s.Spread, round(sum/pairs))
	}
	return s
}

// apart is norm(a - b) over the mean of both norms.
func apart(a, b []float32) float64 {
	between, na, nb := norms(a, b)
	if between == 0 {
		return 0
	}
	return between / ((na + nb) / 2)
}
