package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"muninn/model/internal/strict"
)

// escape matches an escape of JSON: a pair of surrogates as a whole, and a lone one by its last digits.
var escape = regexp.MustCompile(`(?s)\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F](..)|.)`)

// fileLimits let files through that have too many tokens or merges for a message that says so.
var fileLimits = strict.Limits{Depth: 128, Keys: 2 * MaxVocab, Items: 2 * maxMerges}

// checkFile refuses what encoding/json lets through: lone surrogate escapes, which it would replace, and what strict names.
func checkFile(data []byte) error {
	for at := 0; ; {
		m := escape.FindSubmatchIndex(data[at:])
		if m == nil {
			break
		}
		if m[2] >= 0 {
			return fileErrorf("lone surrogate escape at byte %d", at+m[0])
		}
		at += m[1]
	}
	if err := strict.Check(data, fileLimits); err != nil {
		return fileErrorf("%w", err)
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
	o := object{where, nil, failed}
	o.fail(read(raw, where, "an object", &o.fields))
	maps.DeleteFunc(o.fields, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	return o
}

// read decodes a value that must be there.
func read(raw []byte, where, what string, into any) error {
	if string(raw) == "null" || json.Unmarshal(raw, into) != nil {
		return fileErrorf("%s: want %s", where, what)
	}
	return nil
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
	var items []json.RawMessage
	o.fail(read(o.fields[name], o.at(name), "an array", &items))
	for i, item := range items {
		out = append(out, readObject(item, fmt.Sprintf("%s[%d]", o.at(name), i), o.failed))
	}
	return out
}

func (o object) text(name string) (s string) {
	o.fail(read(o.fields[name], o.at(name), "a string", &s))
	return s
}

// short is a text that is put into others, many times maybe.
func (o object) short(name string) string {
	s := o.text(name)
	if len(s) > maxAddedLength {
		o.fail(fileErrorf("%s: %d bytes, want at most %d", o.at(name), len(s), maxAddedLength))
		return ""
	}
	return s
}

// flag reads true or false, with a value for an absent member.
func (o object) flag(name string, absent bool) bool {
	if o.has(name) {
		o.fail(read(o.fields[name], o.at(name), "true or false", &absent))
	}
	return absent
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
func clip(s string) string { return strict.ClipTo(40, s) }
