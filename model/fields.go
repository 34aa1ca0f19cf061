package model

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// fields reads typed, range-checked values out of one JSON object of a checkpoint. The first error sticks in err; the
// readers return the default after it. null counts as absent.
type fields struct {
	file    string
	prefix  string // "init_values." inside that object
	raw     map[string]json.RawMessage
	read    map[string]bool // names that were asked for
	lenient bool            // what is wrong becomes a note, and the default is taken
	notes   []string
	err     error
}

// configLimits suits config.json and generation_config.json: tens of fields, little nesting.
var configLimits = jsonLimits{depth: 16, keys: 10000, items: 100000}

func parseFields(file string, data []byte) (*fields, error) {
	data = quoteNonFinite(data)
	if err := checkJSON(data, configLimits); err != nil {
		return nil, unusable("%s: %w", file, err)
	}
	f := &fields{file: file, read: map[string]bool{}}
	if err := json.Unmarshal(data, &f.raw); err != nil {
		return nil, unusable("%s: %w", file, err)
	}
	return f, nil
}

// get is the value of the first name that is present; aliases that are present must say the same.
func (f *fields) get(names ...string) (name string, raw json.RawMessage) {
	for _, n := range names {
		f.read[n] = true
		v, ok := f.raw[n]
		if !ok || string(v) == "null" {
			continue
		}
		if raw != nil && !bytes.Equal(raw, v) {
			f.fail(name+" is "+clip(string(raw))+" but its alias "+n+" is %s", v)
			continue
		}
		if raw == nil {
			name, raw = n, v
		}
	}
	return name, raw
}

// fail keeps the first error, or every one as a note; %s in what stands for the value found.
func (f *fields) fail(what string, raw json.RawMessage) {
	text := f.file + ": " + f.prefix + strings.Replace(what, "%s", clip(string(raw)), 1)
	if f.lenient {
		f.notes = append(f.notes, text+"; it is passed over")
	} else if f.err == nil {
		f.err = unusable("%s", text)
	}
}

func (f *fields) has(name string) bool {
	_, raw := f.get(name)
	return raw != nil
}

// integer reads a whole number in [low, high]; 50.0 is one too.
func (f *fields) integer(def, low, high int, names ...string) int {
	name, raw := f.get(names...)
	if raw == nil {
		return def
	}
	n, ok := wholeNumber(raw)
	if !ok || n < low || n > high {
		f.fail(name+" is %s, want a whole number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high), raw)
		return def
	}
	return n
}

func wholeNumber(raw json.RawMessage) (n int, ok bool) {
	if n, err := strconv.Atoi(string(raw)); err == nil {
		return n, true
	}
	x, err := strconv.ParseFloat(string(raw), 64) // JSON strings begin with a quote and fail here
	return int(x), err == nil && x == math.Trunc(x) && math.Abs(x) < 1<<53
}

// number reads a finite number in [low, high].
func (f *fields) number(def, low, high float64, names ...string) float64 {
	name, raw := f.get(names...)
	if raw == nil {
		return def
	}
	v := math.NaN()
	if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
		if x, err := strconv.ParseFloat(string(raw), 64); err == nil {
			v = x
		}
	}
	if !(v >= low && v <= high) {
		show := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
		f.fail(name+" is %s, want a number from "+show(low)+" to "+show(high), raw)
		return def
	}
	return v
}

func (f *fields) boolean(def bool, names ...string) bool {
	name, raw := f.get(names...)
	switch string(raw) {
	case "":
		return def
	case "true":
		return true
	case "false":
		return false
	}
	f.fail(name+" is %s, want true or false", raw)
	return def
}

// text reads a string, one of supported when that list is not empty.
func (f *fields) text(def, name string, supported ...string) string {
	_, raw := f.get(name)
	if raw == nil {
		return def
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		f.fail(name+" is %s, want a string", raw)
		return def
	}
	if len(supported) > 0 && !slices.Contains(supported, s) {
		f.fail(name+" is %s, supported: "+strings.Join(supported, ", "), raw)
		return def
	}
	return s
}

// object opens a nested object; absent, it is empty.
func (f *fields) object(name string) *fields {
	sub := &fields{file: f.file, prefix: f.prefix + name + ".", read: map[string]bool{}, lenient: f.lenient}
	_, raw := f.get(name)
	if raw == nil {
		return sub
	}
	if err := json.Unmarshal(raw, &sub.raw); err != nil {
		f.fail(name+" is %s, want an object", raw)
	}
	return sub
}

// integers reads a whole number or a list of them, each in [low, high].
func (f *fields) integers(name string, low, high int) []int {
	_, raw := f.get(name)
	if raw == nil {
		return nil
	}
	var list []json.RawMessage // a fresh one: the decoder writes into the elements it finds
	if raw[0] != '[' {
		list = []json.RawMessage{raw}
	} else if err := json.Unmarshal(raw, &list); err != nil {
		f.fail(name+" is %s, want a list", raw)
	}
	var out []int
	for _, item := range list {
		n, ok := wholeNumber(item)
		if !ok || n < low || n > high {
			f.fail(name+" is %s, want a whole number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high)+", or a list of them", raw)
		} else if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
