package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// committed are the files of ours that other programs have read: names in testdata/gguf, with the number of merges.
var committed = map[string]int{"tiny": 38, "pieces": 24}

func committedFile(name, ending string) string { return "../../testdata/gguf/" + name + ending }

// The committed files are what this version writes, byte for byte: other programs and older files of ours depend on it.
func TestCommittedStayTheSame(t *testing.T) {
	for name := range committed {
		want, err := os.ReadFile(committedFile(name, ".gguf"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(writeT(t, pathT(t, committedFile(name, ".gguf")), WriteOptions{Name: name}))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, the file in testdata/gguf has %d others; its README says how to write it anew", name, len(got), len(want))
		}
	}
}

// tensorsOf are the tensors of a file of ours as other programs should see them.
func tensorsOf(ck *Checkpoint) []string {
	base := ck.gguf.Tensors[0].Offset
	var list []string
	for _, t := range ck.gguf.Tensors {
		list = append(list, fmt.Sprintf("%s %v %v at %d", t.Name, t.Dims, t.Type.FileName(), t.Offset-base))
	}
	return list
}

// checkKeys compares the metadata that another reader gives with ours.
func checkKeys(t *testing.T, ck *Checkpoint, value func(key string) (any, bool)) {
	t.Helper()
	for _, key := range ck.gguf.Keys {
		got, ok := value(key)
		if !ok {
			t.Errorf("%s is not there", key)
			continue
		}
		if text, err := ck.gguf.Text(key, 1<<20); err == nil {
			if got != text {
				t.Errorf("%s is %.60q, want %.60q", key, got, text)
			}
			continue
		}
		if number, err := ck.gguf.Number(key); err == nil {
			if fmt.Sprint(got) != fmt.Sprint(number) && fmt.Sprint(got) != fmt.Sprint(float32(number)) {
				t.Errorf("%s is %v, want %v", key, got, number)
			}
		}
	}
}

func TestHuggingFaceReadsOurs(t *testing.T) {
	for name, merges := range committed {
		t.Run(name, func(t *testing.T) { testHuggingFace(t, name, merges) })
	}
}

func testHuggingFace(t *testing.T, name string, merges int) {
	data, err := os.ReadFile(committedFile(name, ".json"))
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Metadata map[string]any
		Tensors  []struct {
			Name   string
			Shape  []uint64
			DType  string
			Offset int64
		}
		Offset int64 `json:"data_offset"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	ck := pathT(t, committedFile(name, ".gguf"))
	checkKeys(t, ck, func(key string) (any, bool) { v, ok := read.Metadata[key]; return v, ok })
	var got []string
	for _, x := range read.Tensors {
		got = append(got, fmt.Sprintf("%s %v %s at %d", x.Name, x.Shape, x.DType, x.Offset))
	}
	if want := tensorsOf(ck); !slices.Equal(got, want) || read.Offset != ck.gguf.Tensors[0].Offset {
		t.Errorf("tensors from byte %d on:\n%s\nwant from %d on:\n%s", read.Offset, strings.Join(got, "\n"), ck.gguf.Tensors[0].Offset, strings.Join(want, "\n"))
	}
	for key, want := range map[string]int{"tokenizer.ggml.tokens": 300, "tokenizer.ggml.token_type": 300, "tokenizer.ggml.merges": merges} {
		if list, _ := read.Metadata[key].([]any); len(list) != want {
			t.Errorf("%s has %d elements, want %d", key, len(list), want)
		}
	}
}
