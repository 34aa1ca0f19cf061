// Package decode says how a text is decoded: tasks, strategies, exits, filters, and which stored steps a reader sees. It knows no device.
//
// A Request has a prompt and a Strategy; Decode runs it on an Engine by Tasks, each some rows of one sequence that take core steps together.
//
// An Exit ends the steps of a token sooner, by a criterion: that its state or its logits have settled, or that the model's exit gate
// has let it go (Gate). The steps that it leaves out are not run. What later tokens see in their place, the Lookup of the cache
// says. Under the rule full every step is run, and a Gate chooses only where the token is picked.
//
// A Readout picks tokens from other core steps than the last, all of which run: from one, or from the sum of all, each with the
// probability that the gate lets the token go there. It is for models with nothing but a head behind the core.
//
// Request.Top and Request.Score ask for log probabilities, of the likeliest tokens and of the prompt's own. They are of the plain
// softmax, whatever picks the token.
//
// A prefix (Request.Prefix) is the beginning of a prompt whose tokens all see each other. It is read in one pass.
package decode

import (
	"errors"
	"fmt"
	"slices"

	"muninn/model/arch"
	"muninn/shaders/plain"
)

// Engine is what strategies run on: Session, reference.Session, or a scheduler's share of one. Strategies are straight-line code
// over it; they start nothing of their own and wait for nothing but Do.
type Engine interface {
	// Do does a task and fills in what came of it.
	Do(*Task) error
	// Rewind drops the tokens of sequence seq from position pos on.
	Rewind(seq, pos int) error
	// Pos is the number of tokens that sequence seq holds.
	Pos(seq int) int
	// Context is the number of positions of each sequence, Rows that of rows of a task at most.
	Context() int
	Rows() int
	// Lookup is the cache lookup strategy.
	Lookup() Lookup
}

// Strategy says how a text is decoded: plainly if neither Speculative nor Wave is set.
type Strategy struct {
	Exit              *Exit      // plain: each token takes as many core steps as it needs, Request.Steps at most
	Readout           Readout    // of which core step a token is picked
	Noise             StateNoise // of every core step
	ContinuousCompute bool       // plain and wave: tokens start from the state of the one before
	Speculative       *Speculative
	Wave              *Wave
}

// Strategies by name.
const (
	PlainDecoding       = "plain"
	SpeculativeDecoding = "speculative"
	WaveDecoding        = "wave"
)

// Strategies are the names.
var Strategies = []string{PlainDecoding, SpeculativeDecoding, WaveDecoding}

// Name is the strategy's.
func (s Strategy) Name() string {
	switch {
	case s.Speculative != nil:
		return SpeculativeDecoding
	case s.Wave != nil:
		return WaveDecoding
	}
	return PlainDecoding
}

// Plain tells whether text is decoded token by token.
func (s Strategy) Plain() bool { return s.Speculative == nil && s.Wave == nil }

// Simple tells whether each token is the likeliest by its logits alone, at one depth, and nothing more is asked.
func (r Request) Simple() bool {
	f, s := r.Pick, r.Strategy
	if s.Noise.Weight == 0 {
		s.Noise = StateNoise{}
	}
	edited := f.penalised() || f.FrequencyPenalty != 0 || f.PresencePenalty != 0 || len(f.Bias) > 0
	return f.Greedy && !edited && r.Top == 0 && !r.Score && s == Strategy{}
}

// ErrStrategy is wrapped by errors about strategies.
var ErrStrategy = errors.New("bad strategy")

func strategyError(format string, args ...any) error {
	return fmt.Errorf("model: %w: "+format, append([]any{ErrStrategy}, args...)...)
}

// Validate says which option is out of range or cannot go with another.
func (s Strategy) Validate() error {
	if err := s.Noise.Validate(); err != nil {
		return err
	}
	switch {
	case s.Speculative != nil && s.Wave != nil:
		return strategyError("speculative and wave are two strategies: choose one")
	case s.Readout.Kind != ReadLast && !s.Plain():
		return strategyError("a readout of other steps goes with plain decoding")
	case s.Readout.Kind != ReadLast && s.Exit != nil:
		return strategyError("an exit ends with the last step that is run, the readout is of another: choose one")
	case s.Exit != nil && !s.Plain():
		return strategyError("an exit criterion goes with plain decoding: drafts are verified at one depth, and a wave freezes tokens by its own rule")
	case s.Speculative != nil && s.ContinuousCompute:
		return strategyError("speculation cannot start a token from the one before, whose final state a draft does not have")
	case s.Exit != nil:
		return s.Exit.Validate()
	case s.Speculative != nil:
		return s.Speculative.Validate()
	case s.Wave != nil:
		return s.Wave.Validate()
	}
	return nil
}

// FitsModel says why a model cannot be decoded so, if so.
func (s Strategy) FitsModel(c arch.Config) error {
	task := Task{Exit: s.Exit, Readout: s.Readout, Noise: s.Noise, Rows: []TaskRow{{}}}
	if s.Wave != nil || s.ContinuousCompute {
		task.Rows[0].From = FromPrevious
	}
	return task.Fits(c)
}

// Outcome is what a strategy made of a request.
type Outcome struct {
	Finish     Finish
	Tokens     []int32     // decided; speculation and waves may decide more than were handed out
	Emitted    int         // handed out
	Held       int         // tokens of the prompt that did not run, since the sequence held them
	Prompt     []Scored    // of each token of the prompt, if the request asks for that: of the first, and of those before ScoreFrom, zero
	Passes     int         // of its rows through the core block; in a Batch they may be shared, and count for each request
	RowSteps   int         // core steps of all rows
	Iterations [][]int32   // speculative: the tokens that each round of drafts added
	Drafted    int         // speculative: drafts of all iterations
	Accepted   int         // of these, those that stood
	Wave       *WaveCounts // wave
}

// decoding is a strategy at work on one request.
type decoding struct {
	Request
	e    Engine
	seq  int
	emit func(Choice) (stop bool, err error)
	base int // position of the prompt's first token
	// stale is the first position whose token has run as another; 0: none.
	stale int
	out   Outcome
}

// Decode runs a request on a sequence of an engine. emit is handed each token as it is decided and tells whether the
// text is to stop with it; an error of emit ends the run. The sequence is left with all tokens but the last; by a wave, which
// may freeze a token in the very step that changed it, up to the first that has run as another.
func Decode(e Engine, seq int, req Request, emit func(Choice) (stop bool, err error)) (Outcome, error) {
	s := &decoding{Request: req, e: e, seq: seq, emit: emit, base: e.Pos(seq) - req.Held}
	s.out.Held = req.Held
	err := s.check()
	switch {
	case err != nil:
	case s.scoresOnly():
		if s.out.Finish = FinishLength; len(s.Prompt) > 1 {
			_, err = s.prompt()
		}
	case req.Strategy.Speculative != nil:
		err = s.speculative(*req.Strategy.Speculative)
	case req.Strategy.Wave != nil:
		err = s.wave(*req.Strategy.Wave)
	default:
		err = s.plain()
	}
	end := s.base + len(s.Prompt) + s.out.Emitted - 1
	if s.stale > 0 {
		end = min(end, s.stale)
	}
	if err == nil && end < e.Pos(seq) {
		err = e.Rewind(seq, end)
	}
	return s.out, err
}

func (s *decoding) check() error {
	switch {
	case len(s.Prompt) == 0:
		return errors.New("model: the prompt has no tokens: give at least one")
	case s.Held < 0 || s.Held >= len(s.Prompt) || s.base < 0:
		return fmt.Errorf("model: %d of the prompt's %d tokens are held, by a sequence of %d: at least the last one runs", s.Held, len(s.Prompt), s.e.Pos(s.seq))
	case s.Prefix < 0 || s.Prefix > len(s.Prompt) || s.Prefix > 0 && s.base > 0:
		return strategyError("a prefix of %d of the prompt's %d tokens, at position %d: it begins a sequence", s.Prefix, len(s.Prompt), s.base)
	case s.Prefix > 0 && s.Held == 0 && s.Prefix > s.e.Rows():
		return strategyError("the %d tokens of the prefix are read in one pass, this session's have up to %d: give a shorter prompt, a session with more rows, or no prefix", s.Prefix, s.e.Rows())
	case s.Steps < 0 || s.MaxTokens < 0:
		return strategyError("num_steps is %d, max tokens %d: want 0 or more", s.Steps, s.MaxTokens)
	case s.Top < 0 || s.Top > MostTop:
		return strategyError("the %d likeliest tokens, want 0 to %d", s.Top, MostTop)
	}
	if err := s.checkScore(); err != nil {
		return err
	}
	if err := s.Pick.Validate(); err != nil {
		return err
	}
	return s.Strategy.Validate()
}

// do does a task of this run and counts it.
func (s *decoding) do(a *Task) error {
	a.Seq, a.Noise, a.Pick, a.Begun, a.Readout = s.seq, s.Strategy.Noise, &s.Pick, s.base+len(s.Prompt), s.Strategy.Reads(s.e.Lookup())
	if a.Readout.Kind != ReadLast {
		a.Exit = nil
	}
	if err := s.e.Do(a); err != nil {
		return err
	}
	s.out.Passes += a.Passes
	s.out.RowSteps += a.RowSteps
	return nil
}

// plain decodes token by token, each with its own number of core steps if there is an exit.
func (s *decoding) plain() error {
	next, err := s.prompt()
	for err == nil {
		var done bool
		if done, err = s.put(next); done || err != nil {
			break
		}
		row := TaskRow{Pos: next.Pos + 1, Token: next.Token, Begin: true}
		switch {
		case s.Strategy.ContinuousCompute && s.Strategy.Exit == nil:
			row.From = FromNormed
		case s.Strategy.ContinuousCompute:
			row.From = FromPrevious // the reference leaves out ln_f here
		}
		a := &Task{Rows: []TaskRow{row}, Steps: s.Steps, Exit: s.Strategy.Exit, Outputs: 1, Top: s.Top}
		if err = s.do(a); err == nil {
			next = a.Choices[0]
		}
	}
	return err
}

// Reads is where tokens are picked: with a gate and a cache that is to hold every step, all are run, and the gate only picks.
func (s Strategy) Reads(l Lookup) Readout {
	if s.Exit != nil && s.Exit.Criterion == Gate && l.Rule == plain.RuleFull {
		return Readout{Kind: ReadExit, Threshold: s.Exit.Limit()}
	}
	return s.Readout
}

// put decides a token, and hands it out unless the text has ended.
func (s *decoding) put(c Choice) (done bool, err error) {
	s.out.Tokens = append(s.out.Tokens, c.Token)
	if s.out.Finish != "" {
		return true, nil
	}
	s.out.Emitted++
	stop, err := s.emit(c)
	switch {
	case err != nil:
		return true, err
	case stop || slices.Contains(s.StopIDs, c.Token):
		s.out.Finish = FinishStop
	case s.out.Emitted == s.MaxTokens:
		s.out.Finish = FinishLength
	case c.Pos+1 == s.e.Context():
		s.out.Finish = FinishContext
	}
	return s.out.Finish != "", nil
}

// Lookup names the cache lookup strategy that the strategy is meant for, with so many core blocks: the reference's own.
func (s Strategy) Lookup(coreBlocks int) string {
	if s.Wave != nil {
		// One slot: whoever looks at a position sees its newest state, however many core steps are behind either.
		return fmt.Sprintf("%s-compress-s%d", DefaultLookup, coreBlocks)
	}
	return DefaultLookup
}

// Fits says why a strategy cannot run under a lookup strategy at num_steps = steps, if so.
func (s Strategy) Fits(l Lookup, steps int) error {
	if s.Speculative == nil {
		return nil
	}
	return s.Speculative.fits(l, steps, 0)
}
