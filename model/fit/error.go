package fit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/shaders/format"
	"muninn/vk"
)

// Error says that no setting within a wish fits, what the nearest one needs, and which settings outside the wish fit. It
// matches ErrDoesNotFit.
type Error struct {
	Device  string
	Space   Space
	Nearest Setting // of the settings within the wish, the one that needs least
	Plan    engine.MemoryPlan
	Fitting []Choice // settings that fit, of different kinds; empty when none does
	Least   uint64   // when none does: what the smallest of all settings needs
	binding error
	model   Model
}

func (e *Error) Unwrap() error { return ErrDoesNotFit }

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the model does not fit %s: %s ", e.Device, e.Nearest.describe(e.model))
	if e.Plan.Device == 0 {
		fmt.Fprintf(&b, "needs larger bindings (%v)", e.binding)
	} else {
		fmt.Fprintf(&b, "%s\n", e.Space.needs(e.Plan))
		for _, l := range e.Plan.Lines {
			if l.Bytes >= e.Plan.Device/1000 {
				fmt.Fprintf(&b, "  %-8s %-12s %10s\n", l.Group, l.Part, Size(l.Bytes))
			}
		}
		fmt.Fprintf(&b, "  %-8s %-12s %10s of %s; %s of that is left to the driver", "", "free", Size(e.Space.Free), Size(e.Space.Size), Size(e.Space.Reserve))
	}
	if len(e.Fitting) == 0 {
		fmt.Fprintf(&b, "\nno setting fits: the smallest needs %s. Free memory on the device, or choose another with --device", Size(e.Least))
		return b.String()
	}
	b.WriteString("\nwhat fits:")
	for _, c := range e.Fitting {
		fmt.Fprintf(&b, "\n  %s  (%s)", e.model.Flags(c.Setting), Size(c.Plan.Device))
	}
	return b.String()
}

// Flags are the flags of the command line that make a setting.
func (m Model) Flags(s Setting) string {
	return fmt.Sprintf("--quant %s --cache-lookup-strategy %s --ctx %d --num-steps %d --kv-type %s", m.QuantName(s.Quant), s.Lookup, s.Context, s.Steps, s.KV)
}

// fitting are up to three settings outside a wish that fit, of different kinds where there are such: those first that give up least.
// least is what the smallest of all settings takes.
func (m Model) fitting(c vk.Caps, space Space, w Wish) (list []Choice, least uint64) {
	var fits []Choice
	for _, s := range m.relaxations(w) {
		p, err := m.Plan(c, s, w.Session)
		if err != nil {
			continue
		}
		if least == 0 || p.Device < least {
			least = p.Device
		}
		if p.Short == 0 {
			fits = append(fits, Choice{Setting: s, Plan: p, Space: space})
		}
	}
	slices.SortStableFunc(fits, func(a, b Choice) int { return len(m.gives(w, a.Setting)) - len(m.gives(w, b.Setting)) })
	taken := make(map[string]bool) // by flags: as stored and the format's own name may mean the same
	for _, alike := range []bool{false, true} {
		kinds := make(map[string]bool)
		for _, one := range fits {
			if len(list) == 3 {
				return list, least
			}
			flags, gives := m.Flags(one.Setting), m.gives(w, one.Setting)
			if taken[flags] || !alike && kinds[gives] {
				continue
			}
			taken[flags], kinds[gives] = true, true
			list = append(list, one)
		}
	}
	return list, least
}

// relaxations are all settings that this program knows, in order of preference, whatever the wish fixes. Contexts go down
// to 64 positions, steps to an eighth.
func (m Model) relaxations(w Wish) []Setting {
	free := Wish{Context: w.Context, Least: w.Least, Session: w.Session}
	want := m.contexts(w)[0]
	quants := m.quants(free)
	if w.Quant != nil && !slices.ContainsFunc(quants, func(q *format.Type) bool { return q != nil && *q == *w.Quant }) {
		quants = append([]*format.Type{w.Quant}, quants...)
	}
	caches := m.caches(free)
	if w.Lookup != nil {
		own := w
		own.KV = nil
		caches = append(m.caches(own), caches...)
	}
	var list []Setting
	for steps := m.steps(w); steps > 0 && steps >= m.steps(w)/8; steps /= 2 {
		for n := want; n >= 64 || n == want; n /= 2 {
			if n < w.Least {
				break
			}
			for _, q := range quants {
				for _, k := range caches {
					if steps < m.steps(w) && k.lookup.Period != decode.Uncompressed {
						continue // takes the same whatever the steps
					}
					list = append(list, Setting{Quant: q, Lookup: k.lookup, KV: k.kv, Context: n, Steps: steps, Rows: cmp.Or(max(w.Session.Rows, 0), 128)})
				}
			}
		}
	}
	return list
}

// gives lists the things that a setting gives up of a wish, one letter each.
func (m Model) gives(w Wish, s Setting) (list string) {
	if w.Quant != nil && (s.Quant == nil || *s.Quant != *w.Quant) {
		list += "q"
	}
	if w.Lookup != nil && s.Lookup != *w.Lookup {
		list += "l"
	}
	if w.KV != nil && s.KV != *w.KV {
		list += "k"
	}
	if floor := min(m.contexts(w)[0], max(Floor, w.Least)); w.ContextFixed && s.Context != w.Context || s.Context < floor {
		list += "c"
	}
	if s.Steps != m.steps(w) {
		list += "s"
	}
	return list
}
