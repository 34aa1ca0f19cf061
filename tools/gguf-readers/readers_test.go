// Package readers holds a file of ours against a GGUF reader that others wrote. `./build.sh test` runs it.
package readers

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	parser "github.com/gpustack/gguf-parser-go"
)

// files are committed files without their endings: one that holds every weight format, and one with a tokenizer of pieces. A test of the
// main module keeps them equal, byte for byte, to what the program writes, and the .json beside each, what HuggingFace's reader says of it,
// equal to what the program reads.
var files = []string{"../../testdata/gguf/tiny", "../../testdata/gguf/pieces"}

// official is what HuggingFace's reader says of the file.
type official struct {
	Metadata map[string]any
	Tensors  []struct {
		Name   string
		Shape  []uint64
		DType  string
		Offset int64
	}
	Offset int64 `json:"data_offset"`
}

func read(t *testing.T, name string) (*parser.GGUFFile, official) {
	t.Helper()
	f, err := parser.ParseGGUFFile(name + ".gguf")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var want official
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	return f, want
}

func TestMetadata(t *testing.T) {
	for _, name := range files {
		f, want := read(t, name)
		// The official reader's list has three entries of the header among the keys.
		if got := len(f.Header.MetadataKV) + 3; got != len(want.Metadata) {
			t.Errorf("%s: %d keys, want %d", name, got, len(want.Metadata))
		}
		for _, kv := range f.Header.MetadataKV {
			if got := plain(t, kv); !reflect.DeepEqual(got, want.Metadata[kv.Key]) {
				t.Errorf("%s: %s is %.80v, want %.80v", name, kv.Key, got, want.Metadata[kv.Key])
			}
		}
	}
}

// plain returns a value as it looks after a trip through JSON: what the official reader's list holds.
func plain(t *testing.T, kv parser.GGUFMetadataKV) (v any) {
	t.Helper()
	v = kv.Value
	switch x := v.(type) {
	case parser.GGUFMetadataKVArrayValue:
		v = x.Array
	case float32: // JavaScript knows float64 alone
		v = float64(x)
	}
	data, err := json.Marshal(v)
	if err == nil {
		v = nil
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(kv.Key, err)
	}
	return v
}

func TestTensors(t *testing.T) {
	for _, name := range files {
		f, want := read(t, name)
		testTensors(t, f, want)
	}
}

func testTensors(t *testing.T, f *parser.GGUFFile, want official) {
	var got, list []string
	for _, x := range f.TensorInfos {
		got = append(got, fmt.Sprintf("%s %v %v at %d", x.Name, x.Dimensions, x.Type, x.Offset))
	}
	for _, x := range want.Tensors {
		list = append(list, fmt.Sprintf("%s %v %s at %d", x.Name, x.Shape, x.DType, x.Offset))
	}
	if !slices.Equal(got, list) || f.TensorDataStartOffset != want.Offset {
		t.Errorf("tensors from byte %d on:\n%s\nwant from %d on:\n%s", f.TensorDataStartOffset, strings.Join(got, "\n"), want.Offset, strings.Join(list, "\n"))
	}
}

// Each tensor begins where the one before ends by the parser's own sizes of blocks, aligned, and the last ends the file.
func TestSizes(t *testing.T) {
	f, _ := read(t, files[0])
	stat, err := os.Stat(files[0] + ".gguf")
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(0)
	for _, x := range f.TensorInfos {
		if x.Offset != next {
			t.Errorf("%s begins at %d, want %d", x.Name, x.Offset, next)
		}
		next = (x.Offset + x.Bytes() + 31) / 32 * 32
	}
	if end := f.TensorDataStartOffset + int64(next); end != stat.Size() {
		t.Errorf("tensors end at %d, the file at %d", end, stat.Size())
	}
}

func TestWhatTheFileIs(t *testing.T) {
	f, _ := read(t, files[0])
	if a := f.Architecture(); a.Architecture != "huginn" || a.BlockCount != 3 || a.EmbeddingLength != 32 || a.MaximumContextLength != 64 ||
		a.AttentionHeadCount != 2 || a.VocabularyLength != 300 {
		t.Errorf("architecture %+v", a)
	}
	if tok := f.Tokenizer(); tok.Model != "gpt2" || tok.TokensLength != 300 || tok.MergesLength != 38 || tok.BOSTokenID != 294 || tok.EOSTokenID != 295 {
		t.Errorf("tokenizer %+v", tok)
	}
	if m := f.Metadata(); m.Name != "tiny" || m.Architecture != "huginn" {
		t.Errorf("metadata %+v", m)
	}
}

// A tokenizer of pieces is told as such, with a score for each and bytes that are none.
func TestPieces(t *testing.T) {
	f, _ := read(t, files[1])
	if tok := f.Tokenizer(); tok.Model != "llama" || tok.TokensLength != 300 || tok.BOSTokenID != 1 || tok.EOSTokenID != 2 || tok.UnknownTokenID != 0 {
		t.Errorf("tokenizer %+v", tok)
	}
	for key, want := range map[string]map[int]float64{
		"tokenizer.ggml.token_type": {0: 2, 1: 3, 3: 6, 258: 6, 259: 1, 299: 1},
		"tokenizer.ggml.scores":     {0: 0, 1: 0, 258: 0, 259: 0, 260: -1, 281: -22, 282: -23, 299: -24},
	} {
		kv, ok := f.Header.MetadataKV.Get(key)
		list, _ := plain(t, kv).([]any)
		for id, want := range want {
			if !ok || len(list) != 300 || list[id] != want {
				t.Errorf("%s of %d: of %d, want %g", key, id, len(list), want)
			}
		}
	}
}
