package tokenizer

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"unicode/utf8"
)

// encoding/json accepts duplicate keys, matches names without case and replaces broken Unicode. The helpers
// here read values one by one so that such files are refused instead.

// checkText refuses invalid UTF-8 and lone surrogate escapes anywhere in a JSON document.
func checkText(data []byte) error {
	if !utf8.Valid(data) {
		return fileErrorf("not valid UTF-8")
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if i >= len(data) || data[i] != 'u' {
			continue
		}
		first, ok := hex4(data, i+1)
		if !ok || first < 0xD800 || first > 0xDFFF {
			continue // a malformed escape is the JSON reader's business
		}
		if first >= 0xDC00 || i+6 >= len(data) || data[i+5] != '\\' || data[i+6] != 'u' {
			return fileErrorf("lone surrogate escape at byte %d", i-1)
		}
		if second, ok := hex4(data, i+7); !ok || second < 0xDC00 || second > 0xDFFF {
			return fileErrorf("lone surrogate escape at byte %d", i-1)
		}
		i += 10
	}
	return nil
}

func hex4(data []byte, at int) (uint64, bool) {
	if at+4 > len(data) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(data[at:at+4]), 16, 32)
	return v, err == nil
}

// eachField calls f for every member of a JSON object in order. A repeated name is an error.
func eachField(raw []byte, where string, f func(name string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil {
		return fileErrorf("%s: %w", where, err)
	} else if t != json.Delim('{') {
		return fileErrorf("%s: want an object", where)
	}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return fileErrorf("%s: %w", where, err)
		}
		name, _ := t.(string)
		if seen[name] {
			return fileErrorf("%s: %q appears twice", where, name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fileErrorf("%s.%s: %w", where, name, err)
		}
		if err := f(name, value); err != nil {
			return err
		}
	}
	return closeJSON(dec, where)
}

// eachElement calls f for every element of a JSON array in order.
func eachElement(raw []byte, where string, f func(i int, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil {
		return fileErrorf("%s: %w", where, err)
	} else if t != json.Delim('[') {
		return fileErrorf("%s: want an array", where)
	}
	for i := 0; dec.More(); i++ {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fileErrorf("%s[%d]: %w", where, i, err)
		}
		if err := f(i, value); err != nil {
			return err
		}
	}
	return closeJSON(dec, where)
}

// eachToken walks a big object or array without a value in between: f gets the first token of every member
// and reads the rest of it from dec.
func eachToken(raw []byte, where string, open json.Delim, f func(dec *json.Decoder, first json.Token) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil {
		return fileErrorf("%s: %w", where, err)
	} else if t != open {
		return fileErrorf("%s: want %s", where, map[json.Delim]string{'{': "an object", '[': "an array"}[open])
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return fileErrorf("%s: %w", where, err)
		}
		if err := f(dec, t); err != nil {
			return err
		}
	}
	return closeJSON(dec, where)
}

// closeJSON reads the closing bracket and demands that nothing follows it.
func closeJSON(dec *json.Decoder, where string) error {
	if _, err := dec.Token(); err != nil {
		return fileErrorf("%s: %w", where, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fileErrorf("%s: data after the end", where)
	}
	return nil
}

// object is a small JSON object with typed access. Members nobody asks for are ignored, as in HuggingFace.
type object struct {
	where  string
	fields map[string]json.RawMessage
}

func readObject(raw []byte, where string) (object, error) {
	o := object{where, map[string]json.RawMessage{}}
	err := eachField(raw, where, func(name string, value json.RawMessage) error {
		o.fields[name] = value
		return nil
	})
	return o, err
}

// at names a member in errors.
func (o object) at(name string) string { return o.where + "." + name }

// null reports whether a member is absent or null.
func (o object) null(name string) bool {
	v, ok := o.fields[name]
	return !ok || string(v) == "null"
}

func (o object) text(name string) (string, error) {
	v, ok := o.fields[name]
	if !ok || len(v) == 0 || v[0] != '"' {
		return "", fileErrorf("%s: want a string", o.at(name))
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return "", fileErrorf("%s: %w", o.at(name), err)
	}
	return s, nil
}

// flagOr reads a flag, with a value for an absent or null member.
func (o object) flagOr(name string, absent bool) (bool, error) {
	switch string(o.fields[name]) {
	case "", "null":
		return absent, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fileErrorf("%s: want true or false", o.at(name))
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
