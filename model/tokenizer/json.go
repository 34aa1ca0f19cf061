package tokenizer

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encoding/json accepts duplicate keys, matches names without case and replaces broken Unicode. The helpers
// here read values one by one so that such files are refused instead.

// escape matches an escape of JSON: a pair of surrogates as a whole, and a lone one by its last digits.
var escape = regexp.MustCompile(`(?s)\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F](..)|.)`)

// checkText refuses invalid UTF-8 and lone surrogate escapes anywhere in a JSON document.
func checkText(data []byte) error {
	if !utf8.Valid(data) {
		return fileErrorf("not valid UTF-8")
	}
	for at := 0; ; {
		m := escape.FindSubmatchIndex(data[at:])
		if m == nil {
			return nil
		}
		if m[2] >= 0 {
			return fileErrorf("lone surrogate escape at byte %d", at+m[0])
		}
		at += m[1]
	}
}

// each calls f for every member of a JSON object, or element of an array, in order; f reads the value from dec. A repeated
// name is an error.
func each(raw []byte, where string, open json.Delim, f func(dec *json.Decoder, name string, i int) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	t, err := dec.Token()
	if len(raw) == 0 || err == nil && t != open {
		return fileErrorf("%s: want %s", where, map[json.Delim]string{'{': "an object", '[': "an array"}[open])
	}
	seen := map[string]bool{}
	for i := 0; err == nil && dec.More(); i++ {
		name := ""
		if open == '{' {
			if t, err = dec.Token(); err != nil {
				break
			}
			name, _ = t.(string) // the decoder has no other names
			if seen[name] {
				return fileErrorf("%s: %q appears twice", where, clip(name))
			}
			seen[name] = true
		}
		if err := f(dec, name, i); err != nil {
			return err
		}
	}
	if err == nil {
		_, err = dec.Token() // the closing bracket
	}
	if err != nil {
		return fileErrorf("%s: %w", where, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fileErrorf("%s: data after the end", where)
	}
	return nil
}

// object is a JSON object with its place in the file. Members nobody asks for are ignored, as in HuggingFace; null counts as
// absent. The first error in a file sticks in failed, and the readers return zero values after it.
type object struct {
	where  string
	fields map[string]json.RawMessage
	failed *error
}

func readObject(raw []byte, where string, failed *error) object {
	o := object{where, map[string]json.RawMessage{}, failed}
	o.fail(each(raw, where, '{', func(dec *json.Decoder, name string, _ int) error {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fileErrorf("%s: %w", o.at(clip(name)), err)
		}
		if string(value) != "null" {
			o.fields[name] = value
		}
		return nil
	}))
	return o
}

func (o object) fail(err error) {
	if *o.failed == nil {
		*o.failed = err
	}
}

// at names a member in errors.
func (o object) at(name string) string { return strings.TrimPrefix(o.where+"."+name, ".") }

func (o object) has(name string) bool { return o.fields[name] != nil }

func (o object) object(name string) object {
	return readObject(o.fields[name], o.at(name), o.failed)
}

// list reads an array of objects.
func (o object) list(name string) (out []object) {
	o.fail(each(o.fields[name], o.at(name), '[', func(dec *json.Decoder, _ string, i int) error {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fileErrorf("%s[%d]: %w", o.at(name), i, err)
		}
		out = append(out, readObject(value, o.at(name)+"["+strconv.Itoa(i)+"]", o.failed))
		return *o.failed
	}))
	return out
}

func (o object) text(name string) (s string) {
	if raw := o.fields[name]; len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.fail(fileErrorf("%s: want a string", o.at(name)))
	}
	return s
}

// flag reads true or false, with a value for an absent member.
func (o object) flag(name string, absent bool) bool {
	switch string(o.fields[name]) {
	case "":
		return absent
	case "true":
		return true
	case "false":
	default:
		o.fail(fileErrorf("%s: want true or false", o.at(name)))
	}
	return false
}

func (o object) id(name string) int32 {
	id, err := readID(o.fields[name], o.at(name))
	o.fail(err)
	return id
}

// readID reads a token id: a plain integer in [0, MaxVocab).
func readID(raw []byte, where string) (int32, error) {
	v, err := strconv.ParseUint(string(raw), 10, 32)
	if err != nil || v >= MaxVocab {
		return 0, fileErrorf("%s: want an id from 0 to %d, have %s", where, MaxVocab-1, clip(string(raw)))
	}
	return int32(v), nil
}

// clip shortens a value from a file for an error message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
