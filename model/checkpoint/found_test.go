package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/internal/golden"
)

// soundT writes the small sound checkpoint and returns its folder.
func soundT(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := soundIn(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What stands in the place of a file is named, with what to do about it.
func TestOtherFilesInPlace(t *testing.T) {
	const page, pointer, pickle = "a web page saved in the place", "a git-lfs pointer in the place of the file; fetch it with git lfs pull", "as PyTorch writes weights"
	for _, c := range []struct{ file, content, want string }{
		{fileSingle, "<!DOCTYPE html>\n<html><head>...", page},
		{fileSingle, "\n <html lang=en>" + strings.Repeat(" ", 5000), page},
		{fileSingle, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 34335\n", pointer},
		{fileSingle, "PK\x03\x04\x00\x00" + strings.Repeat("\x00", 200), pickle},
		{fileSingle, "\x80\x02\x8a\nl\xfc\x9c" + strings.Repeat("\x00", 200), pickle},
		{fileSingle, `{"error":"Repository not found"}`, `a text in the place of weights, "{\"error\":\"Repository not found\"}"`},
		{fileSingle, "Entry not found", "a text in the place of weights"},
		{arch.FileConfig, "\xef\xbb\xbf<!doctype HTML>", page},
		{arch.FileConfig, "version https://git-lfs.github.com/spec/v1\n", pointer},
		{fileTokenizer, "version https://git-lfs.github.com/spec/v1\n", pointer},
		{"model.gguf", "<!DOCTYPE html>\n<html><head>...", page},
		{"model.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 34335\n", pointer},
	} {
		dir := soundT(t)
		path := filepath.Join(dir, c.file)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if c.file != "model.gguf" {
			path = dir
		}
		ck, err := OpenPath(path)
		if err == nil {
			_, err = ck.TokenizerJSON()
			ck.Close()
		}
		if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.file+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %.20q: %v, want %q", c.file, c.content, err, c.want)
		}
	}
}

// A folder without weights that are read is described by what it has.
func TestLeftovers(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"pytorch_model.bin"}, "there is pytorch_model.bin: weights in PyTorch's format"},
		{[]string{"consolidated.00.pth"}, "there is consolidated.00.pth: weights in PyTorch's format"},
		{[]string{"pytorch_model.bin", "model.safetensors.incomplete"}, "there is model.safetensors.incomplete: a download that did not end"},
		{[]string{".cache/huggingface/download/ab.incomplete"}, "there is ab.incomplete: a download"},
		{[]string{"model-00001-of-00004.safetensors"}, "there is model-00001-of-00004.safetensors: a shard without model.safetensors.index.json"},
		{[]string{"huginn.safetensors"}, "there is huginn.safetensors: weights under another name"},
		{[]string{"huginn-q4.gguf"}, "there is huginn-q4.gguf: a GGUF file; give it"},
	} {
		folder := "[a]*" // no pattern
		if runtime.GOOS == "windows" {
			folder = "[a]"
		}
		dir := filepath.Join(t.TempDir(), folder)
		for _, name := range append(c.files, "config.json") {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		config, err := os.ReadFile(filepath.Join(golden.Model(t, "A-f32"), arch.FileConfig))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, arch.FileConfig), config, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPath(dir); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.files, err, c.want)
		}
		if err := os.Remove(filepath.Join(dir, arch.FileConfig)); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPath(dir); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, no config: %v, want %q", c.files, err, c.want)
		}
	}
	dir := soundT(t)
	if _, err := OpenPath(filepath.Join(dir, fileSingle)); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "give the folder "+dir) {
		t.Errorf("the weights themselves: %v", err)
	}
}

// rewrite changes the header and the data of the weights in dir.
func rewrite(t *testing.T, dir string, change func(header map[string]json.RawMessage, data []byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, fileSingle)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 8 + binary.LittleEndian.Uint64(file)
	header := map[string]json.RawMessage{}
	if err := json.Unmarshal(file[8:n], &header); err != nil {
		t.Fatal(err)
	}
	data := change(header, file[n:])
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file = append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), data...)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Names with what training tools put in front of them and into them are those of the model.
func TestWrappedNames(t *testing.T) {
	plain := soundT(t)
	want := readAll(t, openT(t, plain), arch.NameAdapter)
	for _, wrap := range []func(string) string{
		func(s string) string { return "_orig_mod." + s },
		func(s string) string { return "module." + s },
		func(s string) string { return "module._orig_mod." + s },
		func(s string) string { return "_orig_mod.module." + s },
		func(s string) string { return strings.Replace(s, "transformer.", "transformer._orig_mod.", 1) },
		func(s string) string { return "_fsdp_wrapped_module._checkpoint_wrapped_module." + s },
	} {
		dir := soundT(t)
		rewrite(t, dir, func(header map[string]json.RawMessage, data []byte) []byte {
			for name, entry := range maps.Clone(header) {
				delete(header, name)
				header[wrap(name)] = entry
			}
			return data
		})
		if got := readAll(t, openT(t, dir), arch.NameAdapter); !slices.Equal(got, want) {
			t.Errorf("%s: other weights", wrap(arch.NameAdapter))
		}
	}
	dir := soundT(t)
	rewrite(t, dir, func(header map[string]json.RawMessage, data []byte) []byte {
		end, _ := json.Marshal([]int{len(data), len(data) + 4})
		header["module."+arch.NameNorm] = []byte(`{"dtype":"F32","shape":[1],"data_offsets":` + string(end) + `}`)
		return append(slices.Clone(data), 0, 0, 0, 0)
	})
	if _, err := OpenPath(dir); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "is also in") {
		t.Errorf("the same name with and without a prefix: %v", err)
	}
}

// The format does not align data to its type: a tensor of odd size may come first.
func TestUnalignedData(t *testing.T) {
	dir := soundT(t)
	want := readAll(t, openT(t, dir), arch.NameAdapter)
	rewrite(t, dir, func(header map[string]json.RawMessage, data []byte) []byte {
		for name, entry := range header {
			var info map[string]any
			if err := json.Unmarshal(entry, &info); err != nil {
				t.Fatal(err)
			}
			for i, v := range info["data_offsets"].([]any) {
				info["data_offsets"].([]any)[i] = v.(float64) + 3
			}
			header[name], _ = json.Marshal(info)
		}
		header["freqs_cis"] = []byte(`{"dtype":"U8","shape":[3],"data_offsets":[0,3]}`)
		return append([]byte{1, 2, 3}, data...)
	})
	if got := readAll(t, openT(t, dir), arch.NameAdapter); !slices.Equal(got, want) {
		t.Error("other weights behind a tensor of three bytes")
	}
}

// Weights that are all zero are a file of the right size that was not written to its end.
func TestZeroWeights(t *testing.T) {
	for what, from := range map[string]float64{"all": 0, "the second half": 0.5} {
		dir := soundT(t)
		rewrite(t, dir, func(_ map[string]json.RawMessage, data []byte) []byte {
			clear(data[int(from*float64(len(data)))&^3:])
			return data
		})
		if _, err := OpenPath(dir); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "every weight is zero") {
			t.Errorf("%s zero: %v", what, err)
		}
	}
	dir := soundT(t)
	rewrite(t, dir, func(header map[string]json.RawMessage, data []byte) []byte {
		clear(data[:4*16*20]) // most rows of the embedding: a vocabulary may be padded so
		return data
	})
	openT(t, dir)
}
