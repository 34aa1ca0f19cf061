package strict

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Fields reads typed, range-checked values out of one JSON object of a checkpoint. The first error sticks in err; the
// readers return the default after it. null counts as absent.
type Fields struct {
	File   string
	Prefix string // "init_values." inside that object
	Raw    map[string]json.RawMessage
	Read   map[string]bool // names that were asked for
	*findings
}

// findings are shared by a file's top object and the objects in it.
type findings struct {
	Lenient bool // what is wrong becomes a note, and the default is taken
	Notes   []string
	Err     error
}

func newFields(file, prefix string, to *findings) *Fields {
	return &Fields{File: file, Prefix: prefix, Read: map[string]bool{}, findings: to}
}

// configLimits suits config.json and generation_config.json: tens of fields, little nesting.
var configLimits = Limits{Depth: 16, Keys: 10000, Items: 100000}

// Parse reads the text of a file.
func Parse(file string, data []byte) (*Fields, error) {
	data = quoteNonFinite(data)
	if err := Check(data, configLimits); err != nil {
		return nil, Unusable("%s: %w", file, err)
	}
	f := newFields(file, "", &findings{})
	if err := json.Unmarshal(data, &f.Raw); err != nil {
		return nil, Unusable("%s: %w", file, err)
	}
	return f, nil
}

// Lenient reads a file that a model can do without: what is wrong with it becomes a note.
func Lenient(file string, data []byte) *Fields {
	f, err := Parse(file, data)
	if err != nil {
		f = newFields(file, "", &findings{Notes: []string{strings.TrimPrefix(err.Error(), "model: ") + "; it is passed over"}})
	}
	f.Lenient = true
	return f
}

// Get gives the value of the first name that is present; aliases that are present must say the same.
func (f *Fields) Get(names ...string) (name string, raw json.RawMessage) {
	for _, n := range names {
		f.Read[n] = true
		v, ok := f.Raw[n]
		if !ok || string(v) == "null" {
			continue
		}
		if raw != nil && PlainText(raw) != PlainText(v) {
			f.Fail(name+" is "+Clip(string(raw))+" but its alias "+n+" is %s", v)
			continue
		}
		if raw == nil {
			name, raw = n, v
		}
	}
	return name, raw
}

// Fail keeps the first error, or every one as a note; %s in what stands for the value found.
func (f *Fields) Fail(what string, raw json.RawMessage) {
	text := f.File + ": " + f.Prefix + strings.Replace(what, "%s", Clip(string(raw)), 1)
	if f.Lenient {
		f.Notes = append(f.Notes, text+"; it is passed over")
	} else if f.Err == nil {
		f.Err = Unusable("%s", text)
	}
}

// PlainText writes a value as fmt prints it: 1.0 and 1e0 are 1, "linear" is linear.
func PlainText(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	return fmt.Sprint(v)
}

// Only refuses the field unless its value is one of supported or, without any, means "off".
func (f *Fields) Only(name string, supported ...string) {
	_, raw := f.Get(name)
	if len(supported) == 0 && !slices.Contains([]string{"false", "0", "", "[]", "map[]"}, PlainText(raw)) {
		f.Fail(name+" is %s, supported: off", raw)
	} else if raw != nil && len(supported) > 0 && !slices.Contains(supported, PlainText(raw)) {
		f.Fail(name+" is %s, supported: "+strings.Join(supported, ", "), raw)
	}
}

func (f *Fields) Has(name string) bool {
	_, raw := f.Get(name)
	return raw != nil
}

// Integer reads a whole number in [low, high]; 50.0 is one too.
func (f *Fields) Integer(def, low, high int, names ...string) int {
	name, raw := f.Get(names...)
	if raw == nil {
		return def
	}
	n, ok := WholeNumber(raw)
	if !ok || n < low || n > high {
		f.Fail(name+" is %s, want a whole number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high), raw)
		return def
	}
	return n
}

func WholeNumber(raw json.RawMessage) (n int, ok bool) {
	if n, err := strconv.Atoi(string(raw)); err == nil {
		return n, true
	}
	x, err := strconv.ParseFloat(string(raw), 64) // JSON strings begin with a quote and fail here
	return int(x), err == nil && x == math.Trunc(x) && math.Abs(x) < 1<<53
}

// Number reads a finite number in [low, high].
func (f *Fields) Number(def, low, high float64, names ...string) float64 {
	name, raw := f.Get(names...)
	if raw == nil {
		return def
	}
	var v float64
	if json.Unmarshal(raw, &v) != nil || !(v >= low && v <= high) {
		show := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
		f.Fail(name+" is %s, want a number from "+show(low)+" to "+show(high), raw)
		return def
	}
	return v
}

func (f *Fields) Boolean(def bool, names ...string) bool {
	name, raw := f.Get(names...)
	if raw != nil && json.Unmarshal(raw, &def) != nil {
		f.Fail(name+" is %s, want true or false", raw)
	}
	return def
}

// Text reads a string.
func (f *Fields) Text(name string) (s string) {
	_, raw := f.Get(name)
	if raw != nil && json.Unmarshal(raw, &s) != nil {
		f.Fail(name+" is %s, want a string", raw)
	}
	return s
}

// Object opens a nested object; absent, it is empty.
func (f *Fields) Object(name string) *Fields {
	sub := newFields(f.File, f.Prefix+name+".", f.findings)
	_, raw := f.Get(name)
	if raw == nil {
		return sub
	}
	if err := json.Unmarshal(raw, &sub.Raw); err != nil {
		f.Fail(name+" is %s, want an object", raw)
	}
	return sub
}

// Integers reads a whole number or a list of them, each in [low, high].
func (f *Fields) Integers(name string, low, high int) []int {
	_, raw := f.Get(name)
	if raw == nil {
		return nil
	}
	var list []json.RawMessage // a fresh one: the decoder writes into the elements it finds
	if raw[0] != '[' {
		list = []json.RawMessage{raw}
	} else if err := json.Unmarshal(raw, &list); err != nil {
		f.Fail(name+" is %s, want a list", raw)
	}
	var out []int
	for _, item := range list {
		n, ok := WholeNumber(item)
		if !ok || n < low || n > high {
			f.Fail(name+" is %s, want a whole number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high)+", or a list of them", raw)
		} else if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// TokenID reads one id below rows, the first one of a list; -1 without any.
func (f *Fields) TokenID(name string, rows int) int {
	if n, ok := WholeNumber(f.Raw[name]); ok && n == -1 { // "none", as old programs write it
		return -1
	}
	ids := f.Integers(name, 0, rows-1)
	if len(ids) > 1 {
		f.Notes = append(f.Notes, fmt.Sprintf("%s: %s is a list; its first token, %d, is taken", f.File, name, ids[0]))
	}
	if len(ids) == 0 {
		return -1
	}
	return ids[0]
}
