package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/store"
)

func TestQuantize(t *testing.T) {
	dir := t.TempDir()
	q4, q8 := filepath.Join(dir, "q4.gguf"), filepath.Join(dir, "q8.gguf")
	invoke("quantize", "demo", q4, "--quant", "q4_0", "--keep", "coda=q8_0,embed").wants(t, cli.ExitOK, "", "q4_0, keep embed,coda=q8_0")
	invoke("quantize", "demo", q8).wants(t, cli.ExitOK, "", "q8.gguf: huginn 1/2/1")
	first, err := os.ReadFile(q8)
	if err != nil {
		t.Fatal(err)
	}
	invoke("quantize", "demo", q8).wants(t, cli.ExitUsage, "", "is there already; choose another name, or replace it with --force")
	invoke("quantize", q4, q8, "--quant", "f16", "--force", "-q").wants(t, cli.ExitOK, "", "")
	invoke("quantize", "demo", q8, "--force").wants(t, cli.ExitOK, "", "")
	if again, err := os.ReadFile(q8); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same model and flags gave other bytes, %v", err)
	}
	// A file is a model for every verb that takes one.
	invoke("tokenize", q4, "a=3;a?").wants(t, cli.ExitOK, invoke("tokenize", "demo", "a=3;a?").out, "")
	invoke("detokenize", q4, "926", "107").wants(t, cli.ExitOK, invoke("detokenize", "demo", "926", "107").out, "")
	o := invoke("show", q4)
	for _, part := range []string{"tokenizer of 932 tokens", "embedding   1        122880   bf16", "core_block  18       402944   q4_0", "coda        9        201472   q8_0"} {
		o.wants(t, cli.ExitOK, part, "")
	}
	invoke("show", q4, "--tensors").wants(t, cli.ExitOK, "transformer.coda.0.mlp.proj.weight         q8_0    [128 352]", "")
	var shown modelDescription
	if err := json.Unmarshal([]byte(invoke("show", q4, "--json").out), &shown); err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, x := range shown.Tensors {
		total += x.Bytes
	}
	if len(shown.Tensors) != 39 || total != shown.Bytes || shown.Parameters != 961664 || len(shown.Parts) != 6 || shown.Parts[2].Part != "adapter" {
		t.Errorf("show --json: %d tensors of %d bytes, %+v", len(shown.Tensors), total, shown)
	}
}

func TestQuantizeRefuses(t *testing.T) {
	dir := t.TempDir()
	dst := filepath.Join(dir, "x.gguf")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"gone", dst}, cli.ExitModel, "neither a folder nor a file gone"},
		{[]string{"demo", dir}, cli.ExitUsage, "is not a file; name the file to write"},
		{[]string{"demo", filepath.Join(dir, "gone", "x.gguf")}, cli.ExitFailure, "cannot be written: the folder "},
		{[]string{"demo", dst, "--keep", "body"}, cli.ExitUsage, `for the part "body"; parts are embed, head`},
		{[]string{"demo", dst, "--keep", "head=f16,embed=f32"}, cli.ExitUsage, "embed and head are one matrix in this model"},
		{[]string{"demo", dst, "--quant", "q5_0"}, cli.ExitUsage, "want one of auto, f32, f16, bf16, q8_0, q4_0"},
		{[]string{file(t, "GGUF"), dst}, cli.ExitModel, "4 bytes are too few for a GGUF file"},
	} {
		invoke(append([]string{"quantize"}, c.args...)...).wants(t, c.code, "", c.want)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// wide writes the demo with an embedding of 100 000 rows, which takes a while to quantize.
func wide(t *testing.T) string {
	t.Helper()
	const rows = 100_000
	demo, err := store.Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	defer demo.Close()
	dir := t.TempDir()
	config, err := os.ReadFile("../../model/demo/config.json")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(config, &fields); err != nil {
		t.Fatal(err)
	}
	fields["vocab_size"], fields["padded_vocab_size"] = rows, rows
	header, data := map[string]any{}, []byte{}
	for _, info := range demo.Tensors() {
		p := make([]byte, info.Bytes)
		if err := demo.ReadAt(info.Name, p, 0); err != nil {
			t.Fatal(err)
		}
		if info.Name == arch.NameEmbedding {
			row := len(p) / info.Shape[0]
			p = bytes.Repeat(p, rows/info.Shape[0]+1)[:rows*row]
			info.Shape = []int{rows, info.Shape[1]}
		}
		header[info.Name] = map[string]any{"dtype": info.DType.FileName(), "shape": info.Shape, "data_offsets": []int{len(data), len(data) + len(p)}}
		data = append(data, p...)
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	config, err = json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	weights := append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), data...)
	for name, p := range map[string][]byte{"config.json": config, "model.safetensors": weights} {
		if err := os.WriteFile(filepath.Join(dir, name), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// whole fails the test unless every tensor of a file can be read; the checksums in it are then compared.
func whole(t *testing.T, path string) {
	t.Helper()
	ck, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	for _, info := range ck.Tensors() {
		if err := ck.ReadF32(info.Name, make([]float32, info.DType.Elements(info.Bytes)), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// A quantize that is killed at any moment leaves no file, or a whole one; with --force, the old file or the new. What it
// leaves beside that is gone after the next one. MUNINN_TEST_KILLS is the number of kills, 12 if not set, 3 in short tests.
func TestQuantizeKilled(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 3
	}
	if n, err := strconv.Atoi(os.Getenv("MUNINN_TEST_KILLS")); err == nil {
		kills = n
	}
	src, dir := wide(t), t.TempDir()
	dst := filepath.Join(dir, "x.gguf")
	args := []string{"quantize", src, dst, "--quant", "q4_0", "--keep", "embed=q4_0", "--force"}
	start := time.Now()
	if out, err := program(nil, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(start)
	sound, err := os.ReadFile(dst)
	if err != nil {
		t.Fatal(err)
	}
	old := []byte("an old file")
	r := rand.New(rand.NewPCG(uint64(start.UnixNano()), 0))
	absent, kept, fresh, partial := 0, 0, 0, 0
	for i := range kills {
		if err := os.Remove(dst); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if i%2 == 1 {
			if err := os.WriteFile(dst, old, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := program(nil, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Float64() * 1.1 * float64(took)))
		_ = cmd.Process.Kill() // it may be done already
		_ = cmd.Wait()
		data, err := os.ReadFile(dst)
		switch {
		case os.IsNotExist(err) && i%2 == 0:
			absent++
		case err == nil && i%2 == 1 && bytes.Equal(data, old):
			kept++
		case err == nil && bytes.Equal(data, sound):
			fresh++
		default:
			t.Fatalf("kill %d left %d bytes that are neither file, %v", i, len(data), err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 1 || absent > 0 && len(left) == 1 && strings.Contains(left[0].Name(), "partial") {
			partial++
		}
	}
	t.Logf("%d kills in runs of %v: no file %d times, the old file %d, the new one %d; hidden files %d times", kills, took, absent, kept, fresh, partial)
	if absent+kept == 0 {
		t.Error("no kill came before the end")
	}
	if out, err := program(nil, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole(t, dst)
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}
