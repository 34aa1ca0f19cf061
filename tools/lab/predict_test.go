package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"muninn/model/bench/predict"
)

// The committed predictions are those of the committed counts. Rows of measurements, at the end, are people's.
func TestPredictions(t *testing.T) {
	kept, err := readCounts("../../" + countsPath)
	if err != nil {
		t.Fatal(err)
	}
	text, known := predictions(kept)
	file, err := os.ReadFile("../../" + gpusPath)
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := os.ReadFile("../../" + kernelsPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != text+from(string(file), measuredTitle) || from(string(file), measuredTitle) == "" {
		t.Errorf("%s is not what ./build.sh lab -predict writes", gpusPath)
	}
	if string(kernels) != kernelsHead+kernelTable(kept)+"\n"+from(string(kernels), beforeTitle) {
		t.Errorf("%s is not what ./build.sh lab -predict writes", kernelsPath)
	}
	var committed []predict.Known
	data, err := os.ReadFile("../../model/bench/predict/known.json")
	if err != nil || json.Unmarshal(data, &committed) != nil || !slices.Equal(committed, known) {
		t.Errorf("predict/known.json is not what ./build.sh lab -predict writes: %v", err)
	}
	for _, c := range predict.Cards {
		if len(kept[c.Lab].Tokens) != len(tokenModels)*len(tokenFormats) {
			t.Errorf("%s: counts of %d tokens on %s", c.Name, len(kept[c.Lab].Tokens), c.Lab)
		}
	}
}

// The norms of a token take less than 6 us on an RTX 4060, with all instructions on their longest way.
func TestNormsAreShort(t *testing.T) {
	kept, err := readCounts("../../" + countsPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, model := range tokenModels {
		list := norms(predict.Cards[0], kept, model) // the RTX 4060
		for _, n := range list {
			if n.Time >= 6 || n.path == 0 {
				t.Errorf("%s: %s takes %.2f us with %g instructions", model, n.Kernel, n.Time, n.path)
			}
		}
		if len(list) == 0 {
			t.Errorf("no norms of %s", model)
		}
	}
}

// A device that has a card's name finds its prediction, its relatives do not.
func TestFindPrediction(t *testing.T) {
	for name, want := range map[string]string{
		"NVIDIA GeForce RTX 4060": "RTX 4060", "NVIDIA GeForce RTX 4060 (NVK AD107)": "RTX 4060", "NVIDIA GeForce RTX 4060 Ti": "", "NVIDIA GeForce RTX 4060 Laptop GPU": "",
		"AMD Radeon RX 7600 (RADV NAVI33)": "RX 7600", "AMD Radeon RX 7600 XT (RADV NAVI33)": "", "AMD Radeon RX 7900 XTX (RADV NAVI31)": "RX 7900 XTX",
		"Intel(R) Arc(tm) A770 Graphics (DG2)": "Arc A770", "Intel(R) Arc(TM) B580 Graphics": "Arc B580", "AMD Custom GPU 0405 (RADV VANGOGH)": "Steam Deck",
		"Apple M2 (G14G B0)": "Apple M2", "Apple M2 Pro (G14S B0)": "", "llvmpipe (LLVM 15.0.6, 256 bits)": "",
	} {
		got, ok := predict.Find(name, "huginn", "q4_0", 32)
		if got.Card != want || ok != (want != "") || ok && (got.Rate <= 0 || got.Share <= 0 || got.Share > 1) {
			t.Errorf("%s: %+v, want %q", name, got, want)
		}
	}
	if k, ok := predict.Find("NVIDIA GeForce RTX 4060", "huginn", "q4_0", 8); ok {
		t.Errorf("another num_steps: %+v", k)
	}
}

// In each driver's form the loop over a row is found, with all branches inside it, and what comes behind is not in it.
func TestFirstLoop(t *testing.T) {
	for name, text := range map[string]string{
		"Assembly": "BB0:\n\ts_mov_b32 s0, 0 ; 00\n\ts_branch BB1 ; 00\nBB6:\n\tv_add v0 ; 00\n\tv_add v1 ; 00\n\ts_cbranch_scc1 BB7\n\tv_add v2 ; 00\nBB7:\n\tv_add v3 ; 00\nBB1:\n" +
			"\ts_cbranch_scc1 BB6 ; 00\n\tv_end v9\nBB8:\n\tv_add v5\n\tv_add v5\n\tv_add v5\n\tv_add v5\n\tv_add v5\n\tv_add v5\n\ts_cbranch_scc1 BB8\n\ts_endpgm\n",
		"NAK assembly": "block.u 0 L2 [] -> {\n r0 = mov 1\n} -> [1]\nblock 1 L1 [0, 3] -> {\n p0 = isetp r6\n bra L7\n} -> [2, 4]\nblock 2 L6 [1] -> {\n a\n b\n} -> [3]\n" +
			"block 3 L7 [2] -> {\n c\n bra L1\n} -> [1]\nblock 4 L8 [1] -> {\n d\n e\n f\n} -> []\n",
		"GEN Assembly": "(W) mov (8) r81 r0.1<0>\n\nL0:\n cmp (8) (ge)f0.0 null r33\n(f0.0)  break (8)    jip:L1   uip:L1\n add (8) r1\n add (8) r2\n add (8) r3\nL1:\n while (8)    L0\n send (8) r9\n",
		"IR3 Assembly": "Native code for unnamed CL shader\n; num_ubos: 0\n@in(r0.x) in0\nmov.u32u32 r0.w, 0\nl29:\ncmps.u.ge p0.x, r0\nbr p0.x, #l249\nadd.u r1\nadd.u r2\nadd.u r3\n(jp)jump #l29\n" +
			"l249:\nend\n",
		"NIR": "loop {\n}\n",
	} {
		want := map[string][2]int{"Assembly": {6, 17}, "NAK assembly": {6, 10}, "GEN Assembly": {6, 8}, "IR3 Assembly": {6, 8}}[name]
		if loop, path := firstLoop(name, text); loop != want[0] || path != want[1] {
			t.Errorf("%s: %d instructions, %d on the longest way, want %d", name, loop, path, want)
		}
	}
}

// The name of a kernel tells what it multiplies by.
func TestGEMVName(t *testing.T) {
	for kernel, want := range map[string]string{
		"matmul_q4_0_i8_vec_sg": "matmul q4_0", "swiglu_quantize_q8_0_i8_vec_sg": "swiglu_quantize q8_0", "adapter_bf16_vec_sg": "adapter bf16", "matmul_norm_f16_vec_sg": "matmul_norm f16",
		"embed_q8_0": "", "attention_f32_tile": "", "matmul_q4_0_tile4": "", "rmsnorm_quantize_wg": "", "qkvrope_f32": "",
	} {
		op, f, ok := gemvName(kernel)
		if got := strings.TrimSpace(op + " " + string(f)); got != want || ok != (want != "") {
			t.Errorf("%s: %q", kernel, got)
		}
	}
}
