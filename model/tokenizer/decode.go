package tokenizer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder says how tokens become text.
type decoder struct {
	joined   bool // by nothing; without a decoder by spaces
	steps    []string
	replaces []func(string) string
	meta     metaspace
	strip    string // taken away at the start of the text,
	times    int    // so many times at most
}

// decoderOrder is the order in which the steps of a decoder are understood.
var decoderOrder = []string{"Replace", "ByteLevel", "Metaspace", "ByteFallback", "Fuse", "Strip"}

// parse adds a step.
func (d *decoder) parse(o object, kind string) {
	rank := slices.Index(decoderOrder, kind)
	if rank < 0 {
		o.fail(unsupported(o.where, kind))
	} else if n := len(d.steps); n > 0 && (rank < slices.Index(decoderOrder, d.steps[n-1]) || rank > 0 && kind == d.steps[n-1]) {
		o.fail(unsupported(o.where, kind+" after "+d.steps[n-1]))
	}
	d.steps = append(d.steps, kind)
	switch kind {
	case "Replace":
		d.replaces = append(d.replaces, o.replacer())
	case "Metaspace":
		d.meta = o.metaspace()
	case "Strip":
		if !d.has("Fuse") || string(o.fields["stop"]) != "0" {
			o.fail(unsupported(o.where, "Strip other than of the text's start"))
		}
		d.strip, d.times = o.text("content"), int(o.id("start"))
	}
}

func (d *decoder) has(step string) bool { return slices.Contains(d.steps, step) }

var byteToken = regexp.MustCompile(`^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$`) // a plus as well, for the library's reader of numbers

// text is what a token adds to a text, first in it or not; isByte: a byte of a run that is a text as a whole or not at all.
func (d *decoder) text(token string, first bool) (text string, isByte bool) {
	for _, r := range d.replaces {
		token = r(token)
	}
	if d.has("Metaspace") {
		space := " "
		if first && d.meta.prepend != "never" {
			space = ""
		}
		token = strings.ReplaceAll(token, d.meta.rune, space)
	}
	if m := byteToken.FindStringSubmatch(token); m != nil && d.has("ByteFallback") {
		b, _ := strconv.ParseInt(m[1], 16, 16)
		return string([]byte{byte(b)}), true
	}
	if d.has("ByteLevel") {
		token = alphabetBytes(token)
	}
	return token, false
}

// Decode returns the text of ids. Bytes that are not UTF-8 become U+FFFD, one for each maximal subpart as in
// HuggingFace. Ids without a token add nothing to the text; the error then wraps ErrUnknownID and names the
// first of them, and the text of the others is returned with it.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) (string, error) {
	var err error
	s := t.NewStream()
	s.SkipSpecial = skipSpecial
	for i, id := range ids {
		if _, ok := t.Token(id); !ok && err == nil {
			err = fmt.Errorf("tokenizer: ids[%d] = %d: %w; ids go up to %d", i, id, ErrUnknownID, len(t.entries)-1)
		}
		s.add(id)
	}
	return s.Flush(), err
}

// Stream decodes ids as they come, holding back what may still grow into a rune. The pieces put together
// equal Decode of all ids. It is for one goroutine.
type Stream struct {
	SkipSpecial bool // leave special tokens out

	t     *Tokenizer
	held  []byte
	run   []byte // of the tokens before that are bytes
	begun bool
	strip int // how many more times
}

// NewStream starts a text.
func (t *Tokenizer) NewStream() *Stream { return &Stream{t: t, strip: t.decoder.times} }

func (s *Stream) add(id int32) {
	e := s.t.entry(id)
	if !e.known || s.SkipSpecial && e.special {
		return
	}
	first := !s.begun
	s.begun = true
	if first {
		e.text, e.isByte = s.t.decoder.text(e.token, true)
	}
	if e.isByte {
		s.run = append(s.run, e.text...)
		return
	}
	s.endRun()
	if !s.t.decoder.joined && !first {
		s.held = append(s.held, ' ')
	}
	s.write(e.text)
}

// endRun writes a run of bytes: as HuggingFace has it, U+FFFD for each of them unless all of them together are UTF-8.
func (s *Stream) endRun() {
	text := string(s.run)
	if !utf8.ValidString(text) {
		text = strings.Repeat("\uFFFD", len(text))
	}
	s.run = s.run[:0]
	s.write(text)
}

func (s *Stream) write(text string) {
	for s.strip > 0 && text != "" {
		rest, found := strings.CutPrefix(text, s.t.decoder.strip)
		if !found {
			s.strip = 0
			break
		}
		text, s.strip = rest, s.strip-1
	}
	s.held = append(s.held, text...)
}

// Push adds a token and returns the text that is settled by it, which is often empty. Ids without a token
// are passed over.
func (s *Stream) Push(id int32) string {
	s.add(id)
	text, rest := appendText(nil, s.held, false)
	s.held = append(s.held[:0], rest...)
	return string(text)
}

// Flush ends the text: a rune left incomplete becomes U+FFFD. The stream can then be used for another text.
func (s *Stream) Flush() string {
	s.endRun()
	text, _ := appendText(make([]byte, 0, len(s.held)), s.held, true)
	s.held, s.begun, s.strip = s.held[:0], false, s.t.decoder.times
	return string(text)
}
