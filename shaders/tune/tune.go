// Package tune measures, on the device that a model runs on, how its kernels are best taken: what the table of package shaders chooses by
// rule, and how each product's weights are shared out. It knows of products, not of models.
package tune

import (
	"fmt"
	"slices"
	"time"

	"muninn/shaders"
	"muninn/vk"
)

// Level is how much is measured.
type Level int

// The levels. Auto is Quick on GPUs; on CPU devices it measures nothing, as the rules were measured there.
const (
	Auto Level = iota
	Off        // the rules, whatever was measured before
	Quick
	Full
)

// Names are the levels' names, in their order.
func Names() []string { return []string{"auto", "off", "quick", "full"} }

func (l Level) String() string { return Names()[l] }

// MarshalText and UnmarshalText have levels by name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(Names(), string(text))
	if i < 0 {
		return fmt.Errorf("tune: no such level: %q", text)
	}
	*l = Level(i)
	return nil
}

// on is what a level means on a device.
func (l Level) on(c vk.Caps) Level {
	switch {
	case l == Auto && shaders.SharesCPU(c):
		return Off
	case l == Auto:
		return Quick
	}
	return l
}

// Limit is the longest time that measuring takes, on the wall. CPU devices, which are measured only when that is asked for, take long
// to compile.
func (l Level) Limit(c vk.Caps) time.Duration {
	quick := 8 * time.Second
	switch {
	case shaders.SharesCPU(c):
		quick = 30 * time.Second
	case c.Type == "discrete":
		quick = 4 * time.Second
	}
	if l == Full {
		return 10 * quick
	}
	return quick
}

// The Op of a Use that is no product: a norm after a residual, of one row of Cols; or attention.
const (
	Norm      = "norm"
	Attention = "attention"
)

// Use is a product, a norm, or attention, and how often one token takes it.
type Use struct {
	shaders.Product
	// Written int8 activations come of attention or swiglu, others of a norm. Product.Int8 says that there may be any.
	Written bool    `json:"written"`
	Normed  bool    `json:"normed,omitempty"` // a residual takes in what a matmul gives, and a norm follows
	Heads   Heads   `json:"heads,omitzero"`   // of attention
	Times   float64 `json:"times"`
}

// Heads are those of attention.
type Heads struct {
	Queries int            `json:"queries"`
	Keys    int            `json:"keys"`
	Dim     int            `json:"dim"`
	KV      shaders.KVType `json:"kv"`
}

func (u Use) product() bool { return u.Op != Norm && u.Op != Attention }

// Job is what is to be measured.
type Job struct {
	Device  string          `json:"device"` // as vk.Select takes it
	Level   Level           `json:"level"`
	Uses    []Use           `json:"uses"`
	Kernels shaders.Options `json:"kernels"` // with what is done without
	Needs   []string        `json:"needs"`   // as ref.Quick takes them: what must be right before a choice for the whole device may be made
	Speed   vk.Speed        `json:"speed"`   // that the device was measured to reach
	Again   bool            `json:"-"`       // whatever was kept
}

// Result is what was measured.
type Result struct {
	Level    Level            `json:"level"`
	Measured shaders.Measured `json:"measured"`
	Why      string           `json:"why"`     // the rules are kept, if they are
	Choices  []Choice         `json:"choices"` // of each product, those that take longest first
	Settings []Trial          `json:"settings"`
	Ratio    float64          `json:"ratio"` // time of all products against that by the rules
	Took     time.Duration    `json:"took"`
	Proven   []string         `json:"proven,omitempty"` // needs that are right by the settings measured
}

// Choice is what was chosen for a product.
type Choice struct {
	Use
	Share  float64      `json:"share"` // of the time of all products, by the rules
	Rule   shaders.GEMV `json:"rule"`
	GEMV   shaders.GEMV `json:"gemv"`
	Ratio  float64      `json:"ratio"`   // time against that by the rules; 1 where these are kept
	OneRow float64      `json:"one_row"` // seconds of a product with one row of x, by the rules
	Trials []Trial      `json:"trials"`
}

// Trial is a value that was measured, and its time against the rule's.
type Trial struct {
	Name  string  `json:"name"`
	Ratio float64 `json:"ratio"`
	Won   bool    `json:"won"`

	gemv shaders.GEMV // of a product
}

// Said is a result in words: what is not as the rules have it.
func (r Result) Said() (list []string) {
	for _, s := range r.Measured.Settings {
		list = append(list, s.Name+" "+s.Value)
	}
	for _, g := range r.Measured.GEMVs {
		list = append(list, fmt.Sprintf("%s %s", Named(g.Product), Form(g.GEMV)))
	}
	return list
}

// Named is a product in words.
func Named(p shaders.Product) string {
	text := fmt.Sprintf("%s %s %dx%d", p.Op, p.Format, p.Rows, p.Cols)
	switch p.Op {
	case Norm:
		return fmt.Sprintf("%s %d", p.Op, p.Cols)
	case Attention:
		return fmt.Sprintf("%s, %d positions", p.Op, attentionPositions)
	}
	if p.Int8 {
		text += " int8"
	}
	return text
}

// Form is a GEMV in words: weight rows by rows of x; of GPUs, sets of rows side by side, subgroups, depth.
func Form(g shaders.GEMV) string {
	text := fmt.Sprintf("%dx%d", g.WeightRows, g.XRows)
	if g.Groups > 1 || g.Beside > 1 || g.Depth > 1 {
		text += fmt.Sprintf(" in %d of %d groups, depth %d", g.Beside, g.Groups, g.Depth)
	}
	return text
}
