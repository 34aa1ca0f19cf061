package decode

import (
	"errors"
	"fmt"
	"slices"

	"muninn/model/arch"
)

// ErrContextFull is wrapped by errors of a pass whose tokens do not fit in the session's context.
var ErrContextFull = errors.New("context full")

// Task is what a strategy wants done next with rows of one sequence: some are begun, all take core steps together, and
// the last of them give choices. Strategies know little else of the engine; Session and reference.Session both do tasks.
//
// A row is a live position of the sequence. It stays live, with its latent state and embeds, until the
// sequence's next task leaves it out (unless that has Keep), a task for it fails midway, or the sequence is rewound to its position
// or before. After a task, the sequence ends with the task's last row.
//
// A session runs a task of more rows or outputs than a pass has chunk by chunk, if it has Last and its rows but the first start anew.
// Each chunk is as a task of its own: with an exit each leaves by itself, and Logits, States and Exit.Values are called for each.
//
// What is wrong with a task is an error before anything has changed; of the errors ErrContextFull, ErrExit and ErrNoise are wrapped.
type Task struct {
	Seq  int
	Rows []TaskRow // consecutive positions, ascending; the first follows a position of the sequence or is one
	Keep bool      // live rows before the first of Rows stay so
	Last bool      // of Rows only the last stays live, as is enough after a prompt

	Prompt bool // the rows are read, not decoded: what Lookup.DecodeLast goes by
	Prefix int  // positions from the sequence's first on that see each other; a task has all of them that are new, or none. 0: none

	Steps   int     // core steps to take at most
	Readout Readout // of which step the outputs are; not beside an exit, unless it is the last
	Exit    *Exit   // may end the steps sooner, for all rows at once; nil: never. Not of more than one row unless it has Prefill

	EMA   float64    // embeds of rows begun: (1 - EMA) new + EMA old; old is zero for rows that were not live
	Noise StateNoise // before each core step
	Draw  int        // numbers the noise of rows that a strategy comes back to: part of the key of Noise and TaskRow.Mix

	Outputs int      // the last so many rows get a choice. The coda runs over all rows, for its cache
	Pick    *Filters // of those choices, each with the tokens up to its row for history; nil: greedy
	Given   []int32  // nil, or a token for each output, of which Below and LogProbs are wanted
	Score   bool     // the outputs before the last are for Given alone: Pick is of the last
	Top     int      // so many of the likeliest tokens with each choice, MostTop at most
	Begun   int      // position of the first token that was generated, for penalties; 0: all of the sequence was

	Compare Compare // what Changes are to hold; not beside an exit
	Shift   int     // row i's change is from where row i+Shift starts

	// Logits, if set, is given the logits of the outputs (Outputs, padded_vocab_size), before penalties. For inspection: it
	// reads back.
	Logits func(rows [][]float32)
	// States, likewise, is given the states of all rows (Rows, n_embd), before ln_f.
	States func(rows [][]float32)
	// Progress, if set, is told from time to time how many of the rows are through.
	Progress func(done, total int)

	// What came of it.
	Taken    int       // core steps taken, by the last chunk
	Passes   int       // core steps of all chunks: as often the core's weights were gone through
	RowSteps int       // core steps of all rows
	Choices  []Choice  // one for each output; Steps counts those behind the row too
	Below    []float32 // for each output, the largest logit minus that of Given, after penalties
	LogProbs []float32 // for each output, the log probability of Given, as Choice.LogProb
	Changes  []float32 // of the first len(Rows) - Shift rows; of these, the ones that have one
}

// Choice is what the model makes of a row: the token picked to follow it, and how sure it was.
type Choice struct {
	Seq, Pos int   // the row
	Token    int32 // picked to follow it
	Steps    int   // core steps spent on the row
	Logit    float32
	LogProb  float32  // of the plain softmax: before penalties, temperature and filters
	Margin   float32  // largest logit minus the second largest
	Kept     int      // tokens that the filters left; 1 when greedy
	Top      []Likely // the likeliest tokens, as many as the task asks for: the likeliest first, of equal ones the lowest
}

// MostTop is how many of the likeliest tokens a task can ask for.
const MostTop = 20

// Likely is a token and its log probability, the very float that is a choice's LogProb if that has the token.
type Likely struct {
	Token   int32
	LogProb float32
}

// Scored is the log probability of a token that was given, and what was likeliest in its place.
type Scored struct {
	LogProb float32
	Top     []Likely
}

// Adaptive tells whether the task may leave before its last step.
func (a *Task) Adaptive() bool { return a.Exit != nil && (len(a.Rows) == 1 || a.Exit.Prefill) }

// TaskRow is one row of an Task.
type TaskRow struct {
	Pos   int
	Token int32
	Begin bool    // embed the token and run the prelude: for a row that is new or whose token may have changed
	From  From    // the state that the row's core steps start from
	Back  int     // how many positions before, for FromNormed and FromPrevious; 0 is 1
	Step  int     // core steps that lie behind it, for its cache slots: 0 when it starts anew. Deeper slots are dropped
	Mix   float64 // share of a fresh state (MixedState) put into the state before the first step; 0: none
}

// From is where a row's core steps start.
type From int

const (
	FromInitial  From = iota // the initial state of the position
	FromOwn                  // the state that the row has: it is live
	FromNormed               // the state of the position Back before as the last task left it, after ln_f: continuous compute at fixed depth
	FromPrevious             // the same before ln_f: continuous compute at adaptive depth
)

// Fits says why the task asks for what a model cannot do, if so.
func (a *Task) Fits(c arch.Config) error {
	if err := a.Readout.Fits(c); err != nil {
		return err
	}
	if a.Exit != nil {
		if err := a.Exit.Fits(c); err != nil {
			return err
		}
	}
	if a.Noise.Weight != 0 && c.FinalNorm != arch.NormAroundCoda {
		return fmt.Errorf("model: %w: noise in the state of this %s model: it is for states that a norm brings back to one size, as huginn's", ErrNoise, c.FamilyName())
	}
	if a.Prefix > 0 && !c.PrefixLM {
		return fmt.Errorf("model: %w: tokens of a prompt that see each other, in this %s model, whose attention is causal", ErrStrategy, c.FamilyName())
	}
	fromState := func(r TaskRow) bool { return r.Mix != 0 || r.From == FromNormed || r.From == FromPrevious }
	if !c.Adapter() && (a.EMA != 0 || slices.ContainsFunc(a.Rows, fromState)) {
		return fmt.Errorf("model: %w: the state of this %s model begins as the token itself: none can start from another state, as continuous compute and waves do; decode plainly, or with drafts", ErrStrategy, c.FamilyName())
	}
	return nil
}

// Sees is how many positions, from the sequence's first on, a row of the task attends to.
func (a *Task) Sees(pos int) int {
	if pos < a.Prefix {
		return a.Prefix
	}
	return pos + 1
}

// source is the position that a row FromNormed or FromPrevious starts from.
func (r TaskRow) Source() int { return r.Pos - max(r.Back, 1) }

// Compare says what a task's Changes hold. A row's change is d = s - s', s being its state after the steps and s' the state
// (before any Mix) from which row i+Shift of the same task starts; the last Shift rows have none.
type Compare int

const (
	CompareNone         Compare = iota
	CompareDifference           // norm(d) / norm(s)
	CompareAcceleration         // norm(d - d') / norm(s), d' being that of the row of the same number in the sequence's previous task. Rows without d' have no change; d' is zero if that task compared nothing
)

// check says what is wrong with a task for a sequence that holds pos tokens in a context of so many positions.
func (a *Task) Check(pos, context, vocabulary int, isLive func(pos int) bool) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("model: task of sequence %d: "+format, append([]any{a.Seq}, args...)...)
	}
	n := len(a.Rows)
	switch {
	case n == 0:
		return refuse("no rows")
	case a.Rows[0].Pos < 0 || a.Rows[0].Pos > pos:
		return refuse("rows from position %d on: it holds %d tokens", a.Rows[0].Pos, pos)
	case a.Rows[0].Pos+n > context:
		return fmt.Errorf("model: sequence %d would reach %d tokens, its context holds %d: %w; use a larger one", a.Seq, a.Rows[0].Pos+n, context, ErrContextFull)
	case a.Steps < 0:
		return refuse("num_steps is %d, want 0 or more", a.Steps)
	case a.Outputs < 0 || a.Outputs > n:
		return refuse("%d outputs of %d rows", a.Outputs, n)
	case a.Given != nil && len(a.Given) != a.Outputs:
		return refuse("%d given tokens for %d outputs", len(a.Given), a.Outputs)
	case a.Top < 0 || a.Top > MostTop:
		return refuse("the %d likeliest tokens, want 0 to %d", a.Top, MostTop)
	case a.Shift < 0:
		return refuse("shift of %d rows", a.Shift)
	case a.Exit != nil && a.Compare != CompareNone:
		return refuse("an exit looks back to the last check, a comparison to the start: one of them at a time")
	case a.Exit != nil && a.Readout.Kind != ReadLast:
		return refuse("an exit ends with the last step, the readout is of another")
	case a.Prefix < 0 || a.Prefix > 0 && a.Rows[0].Pos < a.Prefix && (a.Rows[0].Pos != 0 || n < a.Prefix):
		return refuse("rows %d to %d of a prefix of %d: it is read at once", a.Rows[0].Pos, a.Rows[0].Pos+n, a.Prefix)
	case a.Exit != nil && a.Exit.Criterion == Gate && a.Adaptive() && n > 1:
		return refuse("%d rows leave by the exit gate, which lets each go by itself: one at a time", n)
	case !(a.EMA >= 0 && a.EMA <= 1):
		return refuse("ema of embeds is %g, want 0 to 1", a.EMA)
	}
	for i, r := range a.Rows {
		before := r.Source()
		switch {
		case r.Pos != a.Rows[0].Pos+i:
			return refuse("row %d is at position %d, want %d", i, r.Pos, a.Rows[0].Pos+i)
		case r.Token < 0 || int(r.Token) >= vocabulary:
			return refuse("token %d at position %d: the vocabulary has %d", r.Token, r.Pos, vocabulary)
		case r.Step < 0 || r.Back < 0:
			return refuse("row at position %d: %d steps behind it, %d positions back", r.Pos, r.Step, r.Back)
		case !(r.Mix >= 0 && r.Mix <= 1):
			return refuse("row at position %d: mixes in %g of a fresh state, want 0 to 1", r.Pos, r.Mix)
		case (!r.Begin || r.From == FromOwn) && !isLive(r.Pos):
			return refuse("the row at position %d is not in flight", r.Pos)
		case (r.From == FromNormed || r.From == FromPrevious) && !isLive(before):
			return refuse("the row at position %d starts from position %d, which is not in flight", r.Pos, before)
		case r.From == FromPrevious && before >= a.Rows[0].Pos && a.Rows[before-a.Rows[0].Pos].From != FromOwn:
			return refuse("the row at position %d starts from position %d, which starts anew itself", r.Pos, before)
		}
	}
	for i, token := range a.Given {
		if token < 0 || int(token) >= vocabulary {
			return refuse("given token %d is %d: the vocabulary has %d", i, token, vocabulary)
		}
	}
	if err := a.Pick.within(vocabulary); err != nil {
		return err
	}
	if err := a.Noise.Validate(); err != nil {
		return err
	}
	if a.Exit != nil {
		return a.Exit.Validate()
	}
	return nil
}

// divisible tells whether the task may be run chunk by chunk. Where rows stay live, or are compared, they take each step together;
// and behind the first chunk nothing is left of what was live before.
func (a *Task) Divisible() bool {
	return a.Last && a.Compare == CompareNone && a.EMA == 0 &&
		!slices.ContainsFunc(a.Rows[1:], func(r TaskRow) bool { return !r.Begin || r.From != FromInitial })
}
