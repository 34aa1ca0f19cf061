package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"
)

// Limits bounds what a JSON text from a checkpoint may hold before anything is built from it.
type Limits struct {
	Depth int // nested objects and arrays
	Keys  int // members of one object
	Items int // elements of one array
}

// container is one open object or array of the walk below.
type container struct {
	keys   map[string]struct{} // nil for an array
	count  int
	inPair bool // an object's key was read, its value comes next
}

// Check refuses what encoding/json lets through: invalid UTF-8, duplicate keys, a second value after the first, a
// top value that is not an object, and more than the limits allow. Memory grows with the keys of the open objects only.
func Check(data []byte, limits Limits) error {
	if !utf8.Valid(data) {
		return errors.New("not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var open []container
	for first := true; first || len(open) > 0; first = false {
		tok, err := dec.Token()
		if err != nil {
			return jsonSyntax(err, data, dec.InputOffset())
		}
		delim, isDelim := tok.(json.Delim)
		if first && delim != '{' {
			return errors.New("not a JSON object")
		}
		if delim == '}' || delim == ']' {
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 {
			key, err := open[len(open)-1].next(tok, limits)
			if err != nil {
				return err
			}
			if key {
				continue
			}
		}
		if isDelim {
			if len(open) == limits.Depth {
				return fmt.Errorf("nested deeper than %d", limits.Depth)
			}
			c := container{}
			if delim == '{' {
				c.keys = map[string]struct{}{}
			}
			open = append(open, c)
		}
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more text after the JSON object")
	}
	return nil
}

// next accounts for a token inside the container and tells whether it is a key.
func (c *container) next(tok json.Token, limits Limits) (key bool, err error) {
	if c.keys == nil {
		if c.count++; c.count > limits.Items {
			return false, fmt.Errorf("an array of more than %d elements", limits.Items)
		}
		return false, nil
	}
	if c.inPair {
		c.inPair = false
		return false, nil
	}
	name := tok.(string) // the decoder yields nothing but strings as keys
	if _, dup := c.keys[name]; dup {
		return false, fmt.Errorf("duplicate key %q", Clip(name))
	}
	if len(c.keys) == limits.Keys {
		return false, fmt.Errorf("an object of more than %d keys", limits.Keys)
	}
	c.keys[name] = struct{}{}
	c.inPair = true
	return true, nil
}

// jsonSyntax says what is wrong with data, and in which line.
func jsonSyntax(err error, data []byte, at int64) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON text ends too early")
	}
	return fmt.Errorf("not valid JSON: line %d: %w", 1+bytes.Count(data[:min(at, int64(len(data)))], []byte("\n")), err)
}

// nonFinite is what Python writes for numbers that JSON has no form for. A string in front is matched to be passed over.
var nonFinite = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b`)

// quoteNonFinite makes strings of bare NaN and Infinity: a field that nobody reads may hold them, and the reader of any
// other names it.
func quoteNonFinite(data []byte) []byte {
	return nonFinite.ReplaceAllFunc(data, func(m []byte) []byte {
		if m[0] == '"' {
			return m
		}
		return []byte(`"` + string(m) + `"`)
	})
}

// Clip shortens a string from a file for an error message.
func Clip(s string) string { return ClipTo(80, s) }

func ClipTo(most int, s string) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "..."
}
