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

// Check refuses what encoding/json lets through: invalid UTF-8, duplicate keys, a second value after the first, a
// top value that is not an object, and more than the limits allow. Memory grows with the keys of the open objects only.
func Check(data []byte, limits Limits) error {
	if !utf8.Valid(data) {
		return errors.New("not valid UTF-8")
	}
	c := checker{json.NewDecoder(bytes.NewReader(data)), data, limits}
	c.dec.UseNumber()
	top, err := c.token()
	if err == nil && top != json.Delim('{') {
		err = errors.New("not a JSON object")
	}
	if err == nil {
		err = c.value(top, 0)
	}
	if err != nil {
		return err
	}
	if _, err := c.dec.Token(); err != io.EOF {
		return errors.New("more text after the JSON object")
	}
	return nil
}

// checker walks a JSON text.
type checker struct {
	dec    *json.Decoder
	data   []byte
	limits Limits
}

// token gives the next token; an error says what is wrong with the text, and in which line.
func (c *checker) token() (json.Token, error) {
	tok, err := c.dec.Token()
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the JSON text ends too early")
	}
	if err != nil {
		line := 1 + bytes.Count(c.data[:min(c.dec.InputOffset(), int64(len(c.data)))], []byte("\n"))
		return nil, fmt.Errorf("not valid JSON: line %d: %w", line, err)
	}
	return tok, nil
}

// value checks the value that a token begins, inside so many open objects and arrays.
func (c *checker) value(begin json.Token, depth int) error {
	if _, ok := begin.(json.Delim); !ok {
		return nil
	}
	if depth == c.limits.Depth {
		return fmt.Errorf("nested deeper than %d", c.limits.Depth)
	}
	keys := map[string]struct{}{}
	for count := 1; ; count++ {
		tok, err := c.token()
		if err != nil {
			return err
		}
		if tok == json.Delim('}') || tok == json.Delim(']') {
			return nil
		}
		if begin == json.Delim('{') {
			name := tok.(string) // the decoder yields nothing but strings as keys
			if _, dup := keys[name]; dup {
				return fmt.Errorf("duplicate key %q", Clip(name))
			}
			if keys[name] = struct{}{}; count > c.limits.Keys {
				return fmt.Errorf("an object of more than %d keys", c.limits.Keys)
			}
			if tok, err = c.token(); err != nil {
				return err
			}
		} else if count > c.limits.Items {
			return fmt.Errorf("an array of more than %d elements", c.limits.Items)
		}
		if err := c.value(tok, depth+1); err != nil {
			return err
		}
	}
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
