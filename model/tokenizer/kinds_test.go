package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
	"testing"
)

// kindsFile holds kinds of tokenizers, made from those of the family, and checksums of what the library makes of texts and ids.
type kindsFile struct {
	Pools                        [][]string
	Texts                        []string
	Mixed, CodePoints, Sequences int
	Kinds                        map[string]struct {
		File       string
		Set, Model map[string]json.RawMessage
		VocabSize  int
		Sums       string
	}
}

// Every kind of component gives the library's ids and texts, whole and streamed.
func TestKinds(t *testing.T) {
	var kinds kindsFile
	data, err := readGzip("kinds.json.gz")
	if err := errors.Join(err, json.Unmarshal(data, &kinds)); err != nil {
		t.Fatal(err)
	}
	texts := kinds.Texts
	for i := range kinds.Mixed {
		texts = append(texts, mixedText(i, kinds.Pools))
	}
	for i := range kinds.CodePoints {
		texts = append(texts, codePointText(i))
	}
	for name, kind := range kinds.Kinds {
		t.Run(name, func(t *testing.T) {
			data, err := readGzip("family/" + kind.File + ".tokenizer.json.gz")
			file, model := map[string]json.RawMessage{}, map[string]json.RawMessage{}
			if err := errors.Join(err, json.Unmarshal(data, &file), json.Unmarshal(file["model"], &model)); err != nil {
				t.Fatal(err)
			}
			maps.Copy(file, kind.Set)
			maps.Copy(model, kind.Model)
			file["model"] = marshal(t, model)
			tok := parse(t, string(marshal(t, file)))
			raw, err := base64.StdEncoding.DecodeString(kind.Sums)
			if err != nil || len(raw) != 4*(4*len(texts)+2*kinds.Sequences) || tok.VocabSize() != kind.VocabSize {
				t.Fatalf("%d bytes of checksums, %v; %d tokens, want %d", len(raw), err, tok.VocabSize(), kind.VocabSize)
			}
			agree := func(sum uint32) bool {
				want := binary.LittleEndian.Uint32(raw)
				raw = raw[4:]
				return sum == want
			}
			decodes := func(ids []int32) {
				for _, skip := range []bool{false, true} {
					text, _ := tok.Decode(ids, skip) // ids without a token are passed over
					if !agree(crc32.ChecksumIEEE([]byte(text))) {
						t.Errorf("Decode(%v, %t) = %q, the library another text", ids, skip, text)
					}
					if have := streamed(tok, ids, skip); have != text {
						t.Errorf("streamed %v: %q, whole %q", ids, have, text)
					}
				}
			}
			for _, text := range texts {
				ids := encode(t, tok, text, EncodeOptions{ParseSpecial: true})
				if !agree(checksum(ids)) {
					t.Errorf("Encode(%+q) = %v, the library others", text, ids)
				}
				if full := encode(t, tok, text, EncodeOptions{ParseSpecial: true, AddSpecial: true}); !agree(checksum(full)) {
					t.Errorf("Encode(%+q) with its template = %v, the library others", text, full)
				}
				decodes(ids)
			}
			for i := range kinds.Sequences {
				decodes(randomIDs(i, kind.VocabSize))
			}
		})
	}
	if n := len(slices.Collect(maps.Keys(kinds.Kinds))); n < 20 {
		t.Errorf("%d kinds", n)
	}
}

func marshal(t *testing.T, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
