package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/internal/golden"
	"muninn/shaders/format"
)

// familyModels are the golden models of other families than Huginn.
func familyModels(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(golden.Path(t, "goldens", "family", "models", "*"))
	if err != nil || len(dirs) < 4 {
		t.Fatal(dirs, err)
	}
	return append(dirs, golden.Model(t, "L-bf16"))
}

// Every golden model opens, and its table accounts for all of its tensors.
func TestFamilyModelsOpen(t *testing.T) {
	families := map[byte]*arch.Family{'U': arch.Ouro, 'V': arch.Ouro, 'W': arch.Ouro, 'H': arch.HRMText, 'J': arch.HRMText, 'N': arch.Nanbeige}
	for _, dir := range familyModels(t) {
		c, name := openT(t, dir), filepath.Base(dir)
		want := families[name[0]]
		if want == nil {
			want = arch.Retrofit
		}
		if c.Config.Family != want || c.Config.Block.QKNorm != (name[0] == 'S') || c.Config.TieEmbeddings != (name[0] == 'W') {
			t.Errorf("%s: %s, %+v", name, c.Config.Family.Name, c.Config)
		}
		if c.Config.Adapter() != (want == arch.Retrofit) || c.Config.ExitGate() != (want == arch.Ouro) {
			t.Errorf("%s: adapter %t, exit gate %t", name, c.Config.Adapter(), c.Config.ExitGate())
		}
		if slices.ContainsFunc(c.Notes, func(n string) bool { return strings.Contains(n, "not known") }) {
			t.Errorf("%s: %q", name, c.Notes)
		}
		held := 0
		for _, spec := range c.Config.TensorSpecs() {
			if c.holds(spec.Name) {
				held++
			}
		}
		if held != len(c.Tensors()) {
			t.Errorf("%s: %d tensors, the table has %d of them", name, len(c.Tensors()), held)
		}
	}
}

// A GGUF file has a family's hyperparameters under the keys that other programs look for, and blocks where rows are whole blocks.
func TestFamilyGGUF(t *testing.T) {
	for _, c := range []struct {
		model, quant string
		keys         map[string]float64
		formats      map[string]format.Type
	}{
		{"family/models/W-f16", "q8_0", map[string]float64{"ouro.attention.head_count": 4, "ouro.attention.head_count_kv": 2, "ouro.attention.key_length": 24,
			"ouro.attention.value_length": 24, "ouro.block_count": 4, "ouro.recurrence.mean_recurrence": 3, "ouro.rope.dimension_count": 24},
			map[string]format.Type{"model.layers.0.self_attn.q_proj.weight": format.F16, "model.layers.0.self_attn.o_proj.weight": format.Q8_0, // rows of 80, of 96
				"model.layers.0.mlp.down_proj.weight": format.F16, "model.early_exit_gate.weight": format.F32, "model.embed_tokens.weight": format.F16}},
		{"family/models/H-bf16", "q4_0", map[string]float64{"hrm_text.recurrence.cycles": 3, "hrm_text.embedding_scale": 8, "hrm_text.block_count": 4},
			map[string]format.Type{"model.L_module.layers.0.attn.gqkv_proj.weight": format.Q4_0, "model.z_L_init": format.F32, "lm_head.weight": format.Q8_0}},
		{"models/L-bf16", "q4_0", map[string]float64{"retrofit.rope.scaling.factor": 32, "retrofit.rope.scaling.original_context_length": 64,
			"retrofit.rope.freq_base": 500000, "retrofit.attention.head_count_kv": 2},
			map[string]format.Type{"transformer.adapter.weight": format.BF16, "transformer.core_block.0.mlp.fc.weight": format.Q4_0}},
	} {
		ck := pathT(t, writeT(t, openT(t, filepath.Join(golden.Path(t, "goldens"), c.model)), WriteOptions{Scheme: schemeT(t, c.quant, "")}))
		for key, want := range c.keys {
			if got, err := ck.gguf.Number(key); err != nil || got != want {
				t.Errorf("%s: %s is %g, %v, want %g", c.model, key, got, err, want)
			}
		}
		for name, want := range c.formats {
			if info, _ := ck.Tensor(name); info.DType != want {
				t.Errorf("%s, %s: %s is %s, want %s", c.model, c.quant, name, info.DType, want)
			}
		}
	}
}

// A model of HRM-Text says the same with the matrices of its layers apart as with them in one.
func TestUnfusedHRM(t *testing.T) {
	fused := openT(t, golden.Path(t, "goldens", "family", "models", "H-bf16"))
	apart := openT(t, unfusedHRM(t, fused))
	want := fused.Config
	if want.Unfused = true; apart.Config != want || fused.Config == want {
		t.Errorf("%+v, want %+v", apart.Config, want)
	}
	rows := func(c *Checkpoint, block int, role arch.Role) (all []float32) {
		for _, p := range c.Config.TensorSpecs().Pieces(arch.PartCore, block, role) {
			v := make([]float32, p.Rows*p.Shape[1])
			if err := c.ReadF32(p.Name, v, int64(p.Row*p.Shape[1])); err != nil {
				t.Fatal(err)
			}
			all = append(all, v...)
		}
		return all
	}
	for block := range fused.Config.NLayersInRecurrentBlock {
		for _, role := range []arch.Role{arch.RoleQKV, arch.RoleAttnOut, arch.RoleGate, arch.RoleUp, arch.RoleDown} {
			want, got := rows(fused, block, role), rows(apart, block, role)
			if len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("block %d, %s: %d values, want %d, or others", block, role, len(got), len(want))
			}
		}
	}
}

// unfusedNames are the matrices that programs save in one or apart.
var unfusedNames = map[string][]string{
	"attn.gqkv_proj":   {"self_attn.gate_proj", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
	"mlp.gate_up_proj": {"mlp.gate_proj", "mlp.up_proj"}, "attn.o_proj": {"self_attn.o_proj"},
}

// unfusedHRM writes a model of HRM-Text as other programs save it.
func unfusedHRM(t *testing.T, ck *Checkpoint) string {
	t.Helper()
	var f folder
	for _, info := range ck.Tensors() {
		data, shape, old, parts := make([]byte, info.Bytes), slices.Clone(info.Shape), "", []string{""}
		if err := ck.ReadAt(info.Name, data, 0); err != nil {
			t.Fatal(err)
		}
		for name := range unfusedNames {
			if strings.Contains(info.Name, name) {
				old, parts = name, unfusedNames[name]
			}
		}
		shape[0] /= len(parts)
		for i, part := range parts {
			size := len(data) / len(parts)
			f.weights.put(TensorInfo{strings.Replace(info.Name, old, part, 1), info.DType, shape, 0}, data[i*size:(i+1)*size])
		}
	}
	text, err := ck.text(arch.FileConfig)
	if err == nil {
		err = json.Unmarshal(text, &f.config)
	}
	f.config["num_layers_per_stack"], f.config["num_hidden_layers"], f.config["embedding_scale"] = 2, 16, nil
	dir := t.TempDir()
	if err := errors.Join(err, f.write(dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// put appends a tensor with its bytes.
func (w *weights) put(info TensorInfo, data []byte) {
	begin, dims := len(w.data), strings.ReplaceAll(fmt.Sprint(info.Shape), " ", ",")
	w.data = append(w.data, data...)
	w.tensors = append(w.tensors, tensor{info.Name, strings.ToUpper(string(info.DType)), dims, uint64(begin), uint64(len(w.data))})
}

// A tensor that is missing or of another shape is named, whatever the family; tables of rope's frequencies are passed over.
func TestFamilyDamage(t *testing.T) {
	for _, dir := range familyModels(t) {
		ck := openT(t, dir)
		text, err := ck.text(arch.FileConfig)
		if err != nil {
			t.Fatal(err)
		}
		open := func(change func(w *weights, info TensorInfo, data []byte) bool) error {
			f := folder{configText: string(text)}
			for _, info := range ck.Tensors() {
				data := make([]byte, info.Bytes)
				if err := ck.ReadAt(info.Name, data, 0); err != nil {
					t.Fatal(err)
				}
				if !change(&f.weights, info, data) {
					f.weights.put(info, data)
				}
			}
			broken := t.TempDir()
			if err := f.write(broken); err != nil {
				t.Fatal(err)
			}
			c, err := OpenPath(broken)
			if err == nil {
				c.Close()
			}
			return err
		}
		for _, info := range ck.Tensors() {
			if strings.ContainsAny(strings.ReplaceAll(info.Name, "z_L", ""), "123") && !strings.Contains(info.Name, ".0.") {
				continue // of one block is enough
			}
			err := open(func(_ *weights, other TensorInfo, _ []byte) bool { return other.Name == info.Name })
			if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), info.Name+": missing") {
				t.Errorf("%s without %s: %v", filepath.Base(dir), info.Name, err)
			}
			err = open(func(w *weights, other TensorInfo, data []byte) bool {
				if other.Name == info.Name {
					other.Shape = append(slices.Clone(info.Shape), 1)
					w.put(other, data)
				}
				return other.Name == info.Name
			})
			if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), info.Name+": shape ") {
				t.Errorf("%s with %s of another shape: %v", filepath.Base(dir), info.Name, err)
			}
		}
		err = open(func(w *weights, info TensorInfo, data []byte) bool {
			w.put(TensorInfo{info.Name + ".rotary_emb.inv_freq", format.BF16, []int{1}, 0}, data[:2])
			return false
		})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(dir), err)
		}
	}
}
