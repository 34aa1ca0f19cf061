package fit

import (
	"errors"
	"fmt"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// Model is what is planned for.
type Model struct {
	Config  arch.Config
	Stored  format.Type                              // of most of the weights
	Formats func(quant *format.Type) weights.Formats // of the matrices when quant is asked for; nil: as stored
}

// Of returns what is planned for a checkpoint whose weights a scheme keeps in part; the rest of the scheme is left open.
func Of(ck *checkpoint.Checkpoint, scheme checkpoint.Scheme) Model {
	stored := weights.DeviceFormats(checkpoint.Scheme{}, ck.Config, ck.Stored)
	core := ck.Config.TensorSpecs().Pieces(arch.PartCore, 0, arch.RoleDown)[0].TensorSpec // stands for most weights
	return Model{Config: ck.Config, Stored: stored(core), Formats: func(quant *format.Type) weights.Formats {
		return weights.DeviceFormats(scheme.With(quant), ck.Config, ck.Stored)
	}}
}

// Wish is what the user wants. What is fixed stays; what is nil or zero is Choose's to choose.
type Wish struct {
	Quant   *format.Type    // fixed format of the weights
	Lookup  *decode.Lookup  // fixed KV rule
	KV      *shaders.KVType // fixed KV type
	Context int             // positions wanted; 0: the model's block_size
	// ContextFixed says that the user asked for Context; else it may be cut down to Least, or Floor if that is more.
	ContextFixed bool
	Least        int
	// Session has the rest: Sequences, MaxSteps, Outputs and, when not 0, Rows. Its Lookup and Context are not used.
	Session engine.SessionOptions
}

// Floor is the shortest context that is chosen on the user's behalf.
const Floor = 512

// Setting is one way to hold a model.
type Setting struct {
	Quant   *format.Type // nil: as stored
	Lookup  decode.Lookup
	KV      shaders.KVType
	Context int
	Rows    int // of a pass; 0: the default
	Steps   int // num_steps, the most
}

// Choice is a setting with its plan.
type Choice struct {
	Setting
	Plan  engine.MemoryPlan
	Space Space
	Why   string // one line
}

// ErrDoesNotFit is matched by the error when no setting fits.
var ErrDoesNotFit = errors.New("does not fit")

// Plan is the memory that a setting takes on a device.
func (m Model) Plan(c vk.Caps, s Setting, o engine.SessionOptions) (engine.MemoryPlan, error) {
	o.Context, o.Lookup, o.MaxSteps = s.Context, s.Lookup, s.Steps
	if s.Rows > 0 {
		o.Rows = s.Rows
	}
	o.KV = s.KV
	return engine.PlanMemory(m.Config, c, m.Formats(s.Quant), o)
}

// Given is the setting of a wish with nothing chosen to make it fit: weights as stored, the default rule.
func Given(m Model, c vk.Caps, w Wish) (Choice, error) {
	space, err := SpaceOf(c)
	if err != nil {
		return Choice{}, err
	}
	s := m.candidates(w)[0]
	p, err := m.Plan(c, s, w.Session)
	return Choice{Setting: s, Plan: p, Space: space, Why: s.describe(m) + " as given; " + Verdict(p, c)}, err
}

// Choose picks the first setting that fits. Weights count most, as every token reads them at every step: they stay as
// stored, or at 16 bits, while the cache can make room without losing much. Then they go to 8 bits and then to 4, before
// the cache is squeezed into fewer slots than a Huginn keeps well with, and before the context is cut. What the wish
// fixes is never changed. When nothing fits the error is an *Error.
func Choose(m Model, c vk.Caps, w Wish) (Choice, error) {
	space, err := SpaceOf(c)
	if err != nil {
		return Choice{}, err
	}
	var preferred engine.MemoryPlan
	list := m.candidates(w)
	e := &Error{Device: c.Name, Space: space, Nearest: list[0], model: m}
	for i, s := range list {
		p, err := m.Plan(c, s, w.Session)
		if errors.Is(err, shaders.ErrBindingLimit) {
			e.binding = err
			continue
		}
		if err != nil {
			return Choice{}, err
		}
		if p.Short == 0 {
			choice := Choice{Setting: s, Plan: p, Space: space}
			choice.Why = m.why(choice, list[0], preferred, i == 0)
			return choice, nil
		}
		if preferred.Device == 0 {
			preferred = p
		}
		if e.Plan.Device == 0 || p.Device < e.Plan.Device {
			e.Nearest, e.Plan = s, p
		}
	}
	e.Fitting, e.Least = m.fitting(c, space, w)
	return Choice{}, e
}

// why is the line that says what was chosen, and what of it was not the first choice.
func (m Model) why(c Choice, first Setting, preferred engine.MemoryPlan, wanted bool) string {
	text := fmt.Sprintf("%s: %s of %s free", c.Setting.describe(m), Size(c.Plan.Device), Size(c.Space.Free))
	switch {
	case wanted:
		return text
	case preferred.Device == 0:
		return text + fmt.Sprintf("; %s is more than the device binds", first.describe(m))
	}
	return text + fmt.Sprintf("; %s would take %s", first.describe(m), Size(preferred.Device))
}

// describe names a setting in a few words.
func (s Setting) describe(m Model) string {
	return fmt.Sprintf("%s weights, %s KV in %s, %d positions", m.QuantName(s.Quant), s.Lookup, s.KV, s.Context)
}

// QuantName is the name of a format; nil, as stored, is that of most of the weights.
func (m Model) QuantName(f *format.Type) string {
	if f != nil {
		return f.String()
	}
	return m.Stored.String()
}

// Verdict is one line on whether a plan fits a device.
func Verdict(p engine.MemoryPlan, c vk.Caps) string {
	s, err := SpaceOf(c)
	switch {
	case err != nil:
		return err.Error()
	case p.Short == 0:
		return fmt.Sprintf("fits %s: %s of %s free", c.Name, Size(p.Device), Size(s.Free))
	}
	return fmt.Sprintf("does not fit %s: %s", c.Name, s.needs(p))
}
