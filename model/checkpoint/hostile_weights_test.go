package checkpoint

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	ln      = "transformer.ln_f.weight"
	wte     = "transformer.wte.weight"
	adapter = "transformer.adapter.weight"
	head    = "lm_head.weight"
	core    = "transformer.core_block.0."
)

// header is a case of the weights file.
func badHeader(name, want string, change func(w *weights)) badCase {
	return damaged("safetensors: "+name, want, func(f *folder) { change(&f.weights) })
}

// lie is a case in which the entry of ln_f, the last of the file, is written by hand.
func badEntry(name, want, entry string) badCase {
	return badHeader(name, want, func(w *weights) {
		var entries []string
		for _, t := range w.tensors {
			if t.name != ln {
				entries = append(entries, t.String())
			}
		}
		w.header = "{" + strings.Join(append(entries, entry), ",") + "}"
	})
}

func headerCases() []badCase {
	end := len(sound().weights.data)
	at := func(text string) string { // ln_f with its true offsets in place of BEGIN and END
		return strings.NewReplacer("BEGIN", fmt.Sprint(end-4*width), "END", fmt.Sprint(end)).Replace(`"` + ln + `":` + text)
	}
	return []badCase{
		replaced("safetensors: empty file", "0 bytes are too few", func(dir string) error { return put(dir, fileSingle, nil) }),
		replaced("safetensors: seven bytes", "7 bytes are too few", func(dir string) error { return put(dir, fileSingle, make([]byte, 7)) }),
		replaced("safetensors: length only", "ends too early", func(dir string) error { return put(dir, fileSingle, make([]byte, 8)) }),
		replaced("safetensors: git-lfs pointer", "fetch it with git lfs pull", func(dir string) error {
			return put(dir, fileSingle, []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 34335\n"))
		}),
		badHeader("header of 2^63 bytes", "header of 9223372036854775808 bytes, at most", func(w *weights) { w.length = 1 << 63 }),
		badHeader("header of 2^64-1 bytes", "header of 18446744073709551615 bytes, at most", func(w *weights) { w.length = math.MaxUint64 }),
		badHeader("header of 17 MiB", "at most 16777216 are read", func(w *weights) { w.length = 17 << 20 }),
		badHeader("header longer than the file", "truncated or not a safetensors file", func(w *weights) { w.length = 1 << 20 }),
		badHeader("header cut short", "header: the JSON text ends too early", func(w *weights) { w.length = 100 }),
		badHeader("header a list", "header: not a JSON object", func(w *weights) { w.header = "[1]" }),
		badHeader("header not JSON", "header: not valid JSON", func(w *weights) { w.header = "{a}" }),
		badHeader("header not UTF-8", "header: not valid UTF-8", func(w *weights) { w.header = "{\"\xc3\x28\":1}" }),
		badHeader("header of zero bytes", "header: not valid JSON", func(w *weights) { w.header = strings.Repeat("\x00", 64) }),
		badHeader("no tensors", "header: no tensors", func(w *weights) { w.header = "{}"; w.data = nil }),
		badHeader("a million tensors", "an object of more than 20001 keys", func(w *weights) {
			var b strings.Builder
			b.WriteString("{")
			for i := range 1_000_000 {
				fmt.Fprintf(&b, `"%x":{},`, i)
			}
			b.WriteString(`"x":{}}`)
			w.header = b.String()
		}),
		badHeader("shape of a million dimensions", "an array of more than 8 elements", func(w *weights) {
			w.header = `{"a":{"dtype":"F32","shape":[` + strings.Repeat("1,", 1_000_000) + `1],"data_offsets":[0,4]}}`
		}),
		badHeader("nested deep", "nested deeper than 3", func(w *weights) {
			w.header = `{"a":` + strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9001)
		}),
		badHeader("duplicate name", `duplicate key "`+ln+`"`, func(w *weights) { w.tensors = append(w.tensors, *w.last()) }),
		badHeader("metadata not strings", "__metadata__", func(w *weights) { w.header = `{"__metadata__":{"a":1}}` }),
		badHeader("data cut short", "truncated file or false offsets", func(w *weights) { w.data = w.data[:len(w.data)-1] }),
		badHeader("data after the end", "3 bytes after the last tensor", func(w *weights) { w.data = append(w.data, 1, 2, 3) }),
		badHeader("gap", "a gap before it", func(w *weights) {
			w.last().begin += 4
			w.last().end += 4
			w.data = append(w.data, 0, 0, 0, 0)
		}),
		badHeader("overlap", "overlaps the one before it", func(w *weights) { w.last().begin -= 4; w.last().end -= 4 }),
		badHeader("offsets swapped", "before it begins", func(w *weights) { t := w.last(); t.begin, t.end = t.end, t.begin }),
		badHeader("offsets far outside", "ends at byte 18446744073709551615 of", func(w *weights) { w.last().end = math.MaxUint64 }),
		badHeader("empty name", `tensor name "" is empty`, func(w *weights) { w.last().name = "" }),
		badHeader("long name", "too long", func(w *weights) { w.last().name = strings.Repeat("n", 2000) }),
		badEntry("entry a number", "header: ", at("1")),
		badEntry("entry null", "invalid keys", at("null")),
		badEntry("key missing", "invalid keys", at(`{"dtype":"F32","shape":[16]}`)),
		badEntry("key too many", "invalid keys", at(`{"dtype":"F32","shape":[16],"data_offsets":[BEGIN,END],"x":1}`)),
		badEntry("key in capitals", `missing "dtype"`, at(`{"DTYPE":"F32","shape":[16],"data_offsets":[BEGIN,END]}`)),
		badEntry("one offset", "expected array of 2 elements", at(`{"dtype":"F32","shape":[16],"data_offsets":[BEGIN]}`)),
		badEntry("three offsets", "expected array of 2 elements", at(`{"dtype":"F32","shape":[16],"data_offsets":[BEGIN,END,END]}`)),
		badEntry("negative offset", "expected array of natural numbers", at(`{"dtype":"F32","shape":[16],"data_offsets":[-1,END]}`)),
		badEntry("fractional offset", "expected array of natural numbers", at(`{"dtype":"F32","shape":[16],"data_offsets":[0.5,END]}`)),
		badEntry("offset beyond 64 bits", `"18446744073709551616"`, at(`{"dtype":"F32","shape":[16],"data_offsets":[BEGIN,18446744073709551616]}`)),
		badEntry("shape too small", "64 bytes, want 60 for F32 [15]", at(`{"dtype":"F32","shape":[15],"data_offsets":[BEGIN,END]}`)),
		// 16 * 536838145 * 536903681 = 2^62 + 16 elements of four bytes are 64 bytes modulo 2^64.
		badEntry("shape wraps to the right size", "overflows 64 bits",
			at(`{"dtype":"F32","shape":[16,536838145,536903681],"data_offsets":[BEGIN,END]}`)),
		badEntry("a dimension of 2^62", "a dimension above", at(`{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[BEGIN,END]}`)),
		badEntry("negative dimension", "expected array of natural numbers", at(`{"dtype":"F32","shape":[-16],"data_offsets":[BEGIN,END]}`)),
		badEntry("dimension a string", "expected array of natural numbers", at(`{"dtype":"F32","shape":["16"],"data_offsets":[BEGIN,END]}`)),
		badEntry("nine dimensions", "an array of more than 8 elements", at(`{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,16],"data_offsets":[BEGIN,END]}`)),
		badEntry("unknown element type", `"F8_E4M3"`, at(`{"dtype":"F8_E4M3","shape":[64],"data_offsets":[BEGIN,END]}`)),
		badEntry("element type of a mebibyte", "invalid DType string value", at(`{"dtype":"`+strings.Repeat("F", 1<<20)+`","shape":[16],"data_offsets":[BEGIN,END]}`)),
		badEntry("element type a number", `invalid "dtype" value`, at(`{"dtype":32,"shape":[16],"data_offsets":[BEGIN,END]}`)),
		badEntry("integers", ln+": element type i32, want f32, f16 or bf16", at(`{"dtype":"I32","shape":[16],"data_offsets":[BEGIN,END]}`)),
	}
}

// held is a case of which tensors a well-formed file holds.
func badTensors(name, want string, change func(f *folder)) badCase {
	return damaged("tensors: "+name, want, change)
}

func tensorCases() []badCase {
	return []badCase{
		badTensors("a norm is missing", core+"norm_2.weight: missing", func(f *folder) { f.weights.cut(core + "norm_2.weight") }),
		badTensors("the embedding is missing", wte+": missing", func(f *folder) { f.weights.cut(wte) }),
		badTensors("wrong shape", ln+": shape [4 4], want [16]", func(f *folder) { f.weights.find(ln).shape = "[4,4]" }),
		badTensors("transposed", adapter+": shape [32 16], want [16 32]", func(f *folder) { f.weights.find(adapter).shape = "[32,16]" }),
		badTensors("config of a larger model", wte+": shape [32 16], want [64 16]", func(f *folder) {
			f.config["vocab_size"], f.config["padded_vocab_size"] = 64, 64
		}),
		badTensors("config of Huginn itself", wte+": shape [32 16], want [65536 5280]", func(f *folder) {
			f.config = map[string]any{"model_type": "huginn_raven"}
		}),
		badTensors("more blocks in config", "transformer.coda.1.norm_1.weight: missing", func(f *folder) { f.config["n_layers_in_coda"] = 2 }),
		badTensors("fewer blocks in config", "9 tensors that config.json does not account for: transformer.core_block.1.", func(f *folder) {
			for _, t := range slices.Clone(f.weights.tensors) {
				if leaf, ok := strings.CutPrefix(t.name, core); ok {
					f.weights.copyOf(t, "transformer.core_block.1."+leaf)
				}
			}
		}),
		badTensors("unknown tensor", "does not account for: backdoor.weight", func(f *folder) { f.weights.add("backdoor.weight", 4) }),
		badTensors("qk_bias off", "attn.qk_bias", func(f *folder) { f.config["qk_bias"] = false }),
		badTensors("adapter bias on", "transformer.adapter.bias: missing", func(f *folder) { f.config["bias"] = true }),
		badTensors("untied without a head", head+": missing, and tie_embeddings is false", func(f *folder) { f.config["tie_embeddings"] = false }),
		badTensors("tied head differs", "row 0 differs from "+wte, func(f *folder) {
			f.weights.copyOf(*f.weights.find(wte), head)
			f.weights.data[f.weights.last().begin] ^= 1
		}),
		badTensors("tied head of another shape", head+": shape [31 16], want [32 16]", func(f *folder) { f.weights.add(head, vocab-1, width) }),
		badTensors("Huginn with two norms", core+"norm_3.weight: missing", func(f *folder) {
			f.weights.cut(core + "norm_3.weight")
			f.weights.cut(core + "norm_4.weight")
		}),
		badTensors("Huginn with fields of OLMo-2", "rope_theta is 500000, but rope_base is 50000", func(f *folder) {
			f.config["rope_theta"] = 500000
			f.weights.cut(core + "norm_3.weight")
			f.weights.add(core+"attn.q_norm.weight", width)
		}),
	}
}

// copyOf appends a tensor with the bytes of another.
func (w *weights) copyOf(t tensor, name string) {
	begin := uint64(len(w.data))
	w.data = append(w.data, w.data[t.begin:t.end]...)
	w.tensors = append(w.tensors, tensor{name, t.dtype, t.shape, begin, uint64(len(w.data))})
}
