package decode

import (
	"fmt"
	"strconv"
	"strings"

	"muninn/model/arch"
)

// Readout says of which core step a row's logits are, in models whose head alone follows the core. The zero value reads the last.
type Readout struct {
	Kind      ReadoutKind
	Step      int     // ReadAt: after so many core steps, or the last if there are fewer
	Threshold float64 // ReadExit: of the exit gate; the last step if it is not reached
}

// ReadoutKind is how a Readout chooses.
type ReadoutKind int

// The kinds. ReadExit takes the step at which the exit gate would have let the row go, though all are run; ReadWeighted the sum of
// the states after each step, weighted by the gate's exit distribution.
const (
	ReadLast ReadoutKind = iota
	ReadAt
	ReadExit
	ReadWeighted
)

// Gated tells whether the readout asks the exit gate.
func (r Readout) Gated() bool { return r.Kind == ReadExit || r.Kind == ReadWeighted }

// ParseReadout reads last, weighted, or at:N.
func ParseReadout(text string) (Readout, error) {
	step, at := strings.CutPrefix(text, "at:")
	n, err := strconv.Atoi(step)
	switch {
	case text == "last" || text == "":
		return Readout{}, nil
	case text == "weighted":
		return Readout{Kind: ReadWeighted}, nil
	case at && err == nil && n > 0 && n <= arch.MaxRecur:
		return Readout{Kind: ReadAt, Step: n}, nil
	}
	return Readout{}, fmt.Errorf("model: %w: readout %q, want last, weighted, or at:N with a core step from 1 on", ErrExit, text)
}

// Fits says why a model cannot be read so, if so.
func (r Readout) Fits(c arch.Config) error {
	switch {
	case r.Kind == ReadLast:
		return nil
	case c.NLayersInCoda > 0 || c.FinalNorm == arch.NormAroundCoda:
		return fmt.Errorf("model: %w: a readout of other core steps than the last, of this %s model: its coda runs on the last", ErrExit, c.FamilyName())
	case r.Gated() && !c.ExitGate():
		return fmt.Errorf("model: %w: the readout asks for an exit gate, which this %s model has not", ErrExit, c.FamilyName())
	}
	return nil
}
