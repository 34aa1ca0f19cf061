package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"
	"unicode/utf8"
)

// Bounds on what is read of a request.
const (
	maxBody   = 8 << 20
	maxHeader = 64 << 10
	maxDepth  = 64 // of nested JSON

	bodyTime = 30 * time.Second
)

// readBody reads a request's JSON whole, within bounds.
func readBody(w http.ResponseWriter, r *http.Request) (*Fields, error) {
	data, err := io.ReadAll(r.Body)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &Error{Status: http.StatusRequestTimeout, Type: typeRequest, Message: "the body did not come within " + bodyTime.String()}
	}
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, err
		}
		return nil, Refuse("", "the body ends early")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // else the connection would seem to be lost when it has passed
	return ParseFields(data)
}

// Fields are the fields of a JSON object. Its methods read them by name; null counts as left out. The first error sticks in Err.
type Fields struct {
	Err *Error

	raw  map[string]json.RawMessage
	size int    // bytes of the body
	at   string // in front of names in errors
}

// ParseFields reads an object that has no key twice and is no deeper than a request can be.
func ParseFields(data []byte) (*Fields, error) {
	if !utf8.Valid(data) {
		return nil, Refuse("", "the body is not valid UTF-8")
	}
	if err := checkKeys(data); err != nil {
		return nil, err
	}
	f := &Fields{size: len(data)}
	if json.Unmarshal(data, &f.raw) != nil || f.raw == nil {
		return nil, Refuse("", "the body is not a JSON object")
	}
	return f, nil
}

// checkKeys refuses what is no JSON, JSON that is too deep, and objects that have a key twice.
func checkKeys(data []byte) error {
	var objects []map[string]bool // nil: an array
	if depthOf(data) > maxDepth {
		return Refuse("", "the body is nested more than %d deep", maxDepth)
	}
	if !json.Valid(data) {
		var v any
		return Refuse("", "the body is not JSON: %v", json.Unmarshal(data, &v))
	}
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			objects = append(objects, map[string]bool{})
		case '[':
			objects = append(objects, nil)
		case '}', ']':
			objects = objects[:len(objects)-1]
		case '"':
			end := stringEnd(data, i)
			rest := bytes.TrimLeft(data[end:], " \t\r\n")
			if len(rest) > 0 && rest[0] == ':' {
				var key string
				_ = json.Unmarshal(data[i:end], &key) // it is valid
				if keys := objects[len(objects)-1]; keys[key] {
					return Refuse(key, "the key %q is there twice", key)
				} else {
					keys[key] = true
				}
			}
			i = end - 1
		}
	}
	return nil
}

// depthOf is how deep brackets are nested.
func depthOf(data []byte) (most int) {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			depth++
			most = max(most, depth)
		case '}', ']':
			depth--
		case '"':
			i = stringEnd(data, i) - 1
		}
	}
	return most
}

// stringEnd is where the string that begins at a quote ends, behind its other quote.
func stringEnd(data []byte, at int) int {
	for i := at + 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// Has tells whether a field is given.
func (f *Fields) Has(name string) bool {
	raw := f.raw[name]
	return raw != nil && string(raw) != "null"
}

// Fail keeps the first error.
func (f *Fields) Fail(e *Error) {
	if f.Err == nil {
		f.Err = e
	}
}

// Read reads a field into v, which json knows; false: it is not there. want says what it is to be.
func (f *Fields) Read(name, want string, v any) bool {
	if !f.Has(name) {
		return false
	}
	if err := json.Unmarshal(f.raw[name], v); err != nil {
		f.Fail(Refuse(f.at+name, "%s is %s, want %s", f.at+name, clip(f.raw[name]), want))
		return false
	}
	return true
}

// Text reads a text.
func (f *Fields) Text(name string) (v string, given bool) {
	given = f.Read(name, "a string", &v)
	return v, given
}

// Flag reads a boolean; one that is not there is false.
func (f *Fields) Flag(name string) (v bool) {
	f.Read(name, "true or false", &v)
	return v
}

// Number reads a number from lo to hi; nil: it is not there.
func (f *Fields) Number(name string, lo, hi float64) *float64 {
	var v float64
	if !f.Read(name, "a number", &v) {
		return nil
	}
	if v < lo || v > hi {
		f.Fail(Refuse(f.at+name, "%s is %s, want %s to %s", f.at+name, clip(f.raw[name]), short(lo), short(hi)))
	}
	return &v
}

// Whole reads a whole number from lo to hi; nil: it is not there.
func (f *Fields) Whole(name string, lo, hi float64) *int {
	v := f.Number(name, lo, hi)
	if v == nil || f.Err != nil {
		return nil
	}
	if *v != math.Trunc(*v) {
		f.Fail(Refuse(f.at+name, "%s is %s, want a whole number", f.at+name, clip(f.raw[name])))
	}
	n := int(*v)
	return &n
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }

// clip is the beginning of what a client sent, for an error.
func clip(raw []byte) string {
	const most = 60
	if len(raw) <= most {
		return string(raw)
	}
	return string(bytes.ToValidUTF8(raw[:most], nil)) + "..."
}
