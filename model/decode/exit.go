package decode

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"muninn/model/arch"
)

// ErrExit is wrapped by errors about exits.
var ErrExit = errors.New("bad exit")

// Exit is an adaptive exit: after which core step the rows of a task are done. The step of index t, counted from the task's
// first, is checked if t >= MinSteps and t - MinSteps is a multiple of Every. What a criterion calls the previous state or
// distribution is that of the last check; before the first, the state that the rows started from. When no check ends
// the steps, choices are of the final state, where the reference takes those of its last check.
type Exit struct {
	Criterion Criterion
	Threshold float64 // 0: the criterion's own (auto)
	MinSteps  int     // no check while the index of the step is below it
	Every     int     // check every so many steps; 0 and 1: each
	Delay     int     // core steps that are still taken once the threshold is met
	Prefill   bool    // false: a task of more than one row takes all steps, and strategies run the prompt without an exit
	// Values, if set, is given the criterion's value after each checked step, counted from 1 (of the first 256 checks, on a
	// device). For inspection: it reads back.
	Values func(step int, value float64)
}

// Criterion names a way to tell that a state has settled. The names are the reference's, but for acceleration.
type Criterion string

// The criteria. Values are of one task: state criteria take the mean over its rows, those of logits its last row.
const (
	LatentDiff      Criterion = "latent-diff"      // norm(s - s') / norm(s)
	Cosine          Criterion = "cosine"           // 1 - cosine(s, s')
	Acceleration    Criterion = "acceleration"     // norm(s - 2 s' + s'') / norm(s); at the first check s'' is s'
	EntropyDiff     Criterion = "entropy-diff"     // change of the entropy of the next token, 100 before the first check
	KL              Criterion = "kl"               // KL(previous || current) of the next token, uniform before the first check
	MinPKL          Criterion = "minp-kl"          // the same, probabilities below a tenth of the largest set to 1/V and all renormalised
	ArgmaxStability Criterion = "argmax-stability" // checks in a row that kept the likeliest token
	Gate            Criterion = "gate"             // of the model's exit gate: how likely it is to have let the row go by now
)

// Measure is what a criterion measures; for those of logits, the stem of their kernel.
type Measure string

// The measures: four of states, four of the next token's logits.
const (
	MeasureDiff            Measure = "diff"
	MeasureCosine          Measure = "cosine"
	MeasureAcceleration    Measure = "acceleration"
	MeasureEntropyDiff     Measure = "entropy_diff"
	MeasureKL              Measure = "kl"
	MeasureMinPKL          Measure = "minp_kl"
	MeasureArgmaxStability Measure = "argmax_stability"
	MeasureGate            Measure = "gate"
)

var stateMeasures = []Measure{MeasureDiff, MeasureCosine, MeasureAcceleration, MeasureGate}

// CriterionInfo is a row of the table of criteria.
type CriterionInfo struct {
	Name    Criterion
	Auto    float64 // the threshold by default
	AtLeast bool    // exits at or above the threshold; else below it
	ID      uint32  // on the device
	Measure Measure // what it measures
}

// Logits tells whether the criterion needs the next token's logits at each check; else the latent state.
func (c CriterionInfo) Logits() bool { return !slices.Contains(stateMeasures, c.Measure) }

// Criteria is the table of exit criteria. A further one is a row here, and a measure where it needs a new one. model/README.md says what a further one takes.
//
// The threshold of acceleration is measured on the demo model, 54 problems of 0 to 8 hops, at the question: 0.1 takes 6.5 steps in
// the mean and leaves nothing in mid-chain, as latent-diff at its own 0.03 (5.9 steps); 0.03 takes 7.0; 0.3 takes 6.0; 0.5 is
// the first to leave too soon (1 of 54). While a state is still on its way, its change and its turn are of its own size.
var Criteria = []CriterionInfo{
	{Name: LatentDiff, ID: 1, Measure: MeasureDiff, Auto: 0.03},
	{Name: Cosine, ID: 2, Measure: MeasureCosine, Auto: 1e-3},
	{Name: Acceleration, ID: 3, Measure: MeasureAcceleration, Auto: 0.1},
	{Name: EntropyDiff, ID: 4, Measure: MeasureEntropyDiff, Auto: 1e-3},
	{Name: KL, ID: 5, Measure: MeasureKL, Auto: 1e-3},
	{Name: MinPKL, ID: 6, Measure: MeasureMinPKL, Auto: 1e-5},
	{Name: ArgmaxStability, ID: 7, Measure: MeasureArgmaxStability, Auto: 5, AtLeast: true},
	{Name: Gate, ID: 8, Measure: MeasureGate, Auto: 0.5, AtLeast: true},
}

// CriteriaOf are those that a model's tokens can leave by.
func CriteriaOf(c arch.Config) []CriterionInfo {
	return slices.DeleteFunc(slices.Clone(Criteria), func(info CriterionInfo) bool { return Exit{Criterion: info.Name}.Fits(c) != nil })
}

// Info is the criterion's row of the table.
func (c Criterion) Info() (CriterionInfo, error) {
	var names []string
	for _, row := range Criteria {
		if row.Name == c {
			return row, nil
		}
		names = append(names, string(row.Name))
	}
	return CriterionInfo{}, fmt.Errorf("model: %w: criterion %q is not known; known: %s", ErrExit, c, strings.Join(names, ", "))
}

// ParseExit reads a criterion, and a threshold as a number or `auto` (also if empty).
func ParseExit(criterion, threshold string) (Exit, error) {
	e := Exit{Criterion: Criterion(criterion)}
	if threshold != "" && threshold != "auto" {
		var err error
		if e.Threshold, err = strconv.ParseFloat(threshold, 64); err != nil || !(e.Threshold > 0) {
			return e, fmt.Errorf("model: %w: threshold %q, want auto or a number above 0", ErrExit, threshold)
		}
	}
	return e, e.Validate()
}

// Validate says which option is out of range. The error wraps ErrExit.
func (e Exit) Validate() error {
	info, err := e.Criterion.Info()
	switch {
	case err != nil:
		return err
	case !(e.Threshold >= 0) || math.IsInf(e.Threshold, 0):
		return fmt.Errorf("model: %w: threshold %g, want auto or a number above 0", ErrExit, e.Threshold)
	case info.Name == ArgmaxStability && e.Threshold != math.Trunc(e.Threshold):
		return fmt.Errorf("model: %w: threshold %g of %s, which counts checks: want a whole number", ErrExit, e.Threshold, e.Criterion)
	case e.MinSteps < 0:
		return fmt.Errorf("model: %w: min_steps is %d, want 0 or more", ErrExit, e.MinSteps)
	case e.Delay < 0:
		return fmt.Errorf("model: %w: delay is %d, want 0 or more", ErrExit, e.Delay)
	case e.Every < 0:
		return fmt.Errorf("model: %w: check every %d steps, want 1 or more", ErrExit, e.Every)
	}
	return nil
}

// Fits says why a model cannot leave so, if so.
func (e Exit) Fits(c arch.Config) error {
	if e.Criterion == Gate && !c.ExitGate() {
		return fmt.Errorf("model: %w: criterion %s asks for an exit gate, which this %s model has not; use %s", ErrExit, Gate, c.FamilyName(), LatentDiff)
	}
	return nil
}

// Off tells whether no value can reach the threshold of a valid exit: a gate that must be certain never is.
func (e Exit) Off() bool { return e.Criterion == Gate && e.Limit() >= 1 }

// Limit is the threshold that holds for a valid exit: the given one, or the criterion's own.
func (e Exit) Limit() float64 {
	if e.Threshold != 0 {
		return e.Threshold
	}
	info, _ := e.Criterion.Info()
	return info.Auto
}

// Checks tells whether the step of an index, counted from 0, is checked.
func (e Exit) Checks(step int) bool {
	return step >= e.MinSteps && (step-e.MinSteps)%max(e.Every, 1) == 0
}

// Done tells whether a value of the criterion ends the steps of a valid exit.
func (e Exit) Done(value float64) bool {
	info, _ := e.Criterion.Info()
	if info.AtLeast {
		return value >= e.Limit()
	}
	return value < e.Limit()
}

// Effort is a preset of depth: num_steps as a share of the depth that the model was trained around, and what ends the core
// steps of a token before.
type Effort struct {
	Name      string
	num, den  int       // num_steps = mean_recurrence * num / den
	Criterion Criterion // what ends the core steps of a token before; empty: nothing
	Threshold string    // of the criterion; empty: its own
}

// Efforts are presets, from shallow to deep: 8, 16, 32 and 64 core steps at most of a Huginn, whose mean_recurrence is 32; 2, 4, 4
// and 4 of an Ouro, which was trained for no more than 4.
// latent-diff is the criterion that costs least, as it needs no logits. High has a third of its threshold, so that only what stands nearly still is
// done; max is for what the model was not trained for, and so does not leave at all.
var Efforts = []Effort{
	{"low", 1, 4, LatentDiff, ""},
	{"medium", 1, 2, LatentDiff, ""},
	{"high", 1, 1, LatentDiff, "0.01"},
	{"max", 2, 1, "", ""},
}

// EffortOf finds a preset; nil for the empty name.
func EffortOf(name string) *Effort {
	if i := slices.IndexFunc(Efforts, func(e Effort) bool { return e.Name == name }); i >= 0 {
		return &Efforts[i]
	}
	return nil
}

// Steps are the preset's num_steps for a model, at least 1. One that gets worse beyond what it was trained for takes no more than
// that, and half of it as the least.
func (e Effort) Steps(c arch.Config) int {
	if most := c.MostSteps(); most > 0 {
		return max(min(2*most*e.num/e.den, most), 1)
	}
	return max(c.MeanRecurrence*e.num/e.den, 1)
}

// Exit is what ends a token's core steps before for a model: criterion and threshold as ParseExit takes them; an empty criterion: nothing does. A model with an exit gate
// goes by that, one of fixed depth has none.
func (e Effort) Exit(c arch.Config) (criterion Criterion, threshold string) {
	switch {
	case e.Criterion == "" || c.MostSteps() == 0:
		return e.Criterion, e.Threshold
	case !c.ExitGate():
		return "", ""
	case e.Threshold != "":
		return Gate, "0.9"
	}
	return Gate, ""
}
