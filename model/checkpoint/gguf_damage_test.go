package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint/gguf"
	"muninn/shaders/format"
)

// A flipped bit is noticed when the file is opened or, in a tensor's data, when that is read.
func TestGGUFDamage(t *testing.T) {
	dir := t.TempDir()
	if err := soundIn(dir); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(writeT(t, openT(t, dir), WriteOptions{Scheme: schemeT(t, "q8_0", "")}))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.gguf")
	read := func(data []byte) error {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
		c, err := OpenPath(path)
		if err != nil {
			return err
		}
		defer c.Close()
		for _, info := range c.Tensors() {
			if err := c.ReadF32(info.Name, make([]float32, info.DType.Elements(info.Bytes)), 0); err != nil {
				return err
			}
		}
		return nil
	}
	if err := read(sound); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(sound); at += 1 + len(sound)/3000 {
		data := bytes.Clone(sound)
		data[at] ^= 1 << (at % 8)
		if err := read(data); !errors.Is(err, ErrModel) {
			t.Errorf("bit %d of byte %d flipped: %v", at%8, at, err)
		}
	}
	for n := 0; n < len(sound); n += 1 + len(sound)/100 {
		if err := read(sound[:n]); !errors.Is(err, ErrModel) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// Values that a format has no room for are named, and no file is left.
func TestGGUFRefusesValues(t *testing.T) {
	dir := t.TempDir()
	if err := soundIn(dir); err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, fileSingle)
	data, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	copy(data[len(data)-4*16-4*16*32+4*40:], []byte{0, 0, 0x80, 0x4f}) // 2^32
	if err := os.WriteFile(weights, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = WriteGGUF(context.Background(), openT(t, dir), filepath.Join(out, "y.gguf"), WriteOptions{Scheme: schemeT(t, "f16", "")})
	if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "element 40 is 4.2949673e+09, too large for f16; keep this part in bf16") {
		t.Errorf("2^32 in f16: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(out, "y.gguf")); err == nil {
		t.Error("a file is there")
	}
	// At 16 bit, and not asked for as f16, the adapter goes to bf16 instead.
	big := pathT(t, writeT(t, openT(t, dir), WriteOptions{Scheme: schemeT(t, "q8_0", "")}))
	if info, _ := big.Tensor(arch.NameAdapter); info.DType != format.BF16 {
		t.Errorf("adapter with 2^32 in %s", info.DType)
	}
	left, err := os.ReadDir(out)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// craft writes the demo in blocks with whatever change makes of it: the checksums fit, as in a file made to do harm.
func craft(t *testing.T, change func(name string, d *format.Type, stored []byte)) string {
	t.Helper()
	ck := pathT(t, demoName)
	j, err := jobGGUF(ck, WriteOptions{Scheme: schemeT(t, "q8_0", "core=q4_0")})
	if err != nil {
		t.Fatal(err)
	}
	var data [][]byte
	for i, info := range j.tensors {
		change(info.Name, &j.formats[i], nil)
		j.entries[i].Type = j.formats[i]
		src := make([]byte, info.Bytes)
		dst := make([]byte, j.formats[i].Bytes(info.DType.Elements(info.Bytes)))
		if err := errors.Join(ck.ReadAt(info.Name, src, 0), NewConverter().convert(dst, j.formats[i], src, info, 0)); err != nil {
			t.Fatal(err)
		}
		change(info.Name, &j.formats[i], dst)
		data = append(data, dst)
	}
	path := filepath.Join(t.TempDir(), "crafted.gguf")
	w, err := gguf.Create(path, j.meta, j.entries)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range data {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Blocks that our quantizer does not make are refused when they are read.
func TestForeignBlocks(t *testing.T) {
	const prelude, core = "transformer.prelude.0.attn.proj.weight", "transformer.core_block.0.attn.proj.weight"
	for want, change := range map[string]func(name string, stored []byte){
		"": func(string, []byte) {},
		"a quant of -128": func(name string, stored []byte) {
			if name == prelude {
				stored[34*5+2+7] = 0x80
			}
		},
		"the scale +Inf": func(name string, stored []byte) {
			if name == core {
				stored[18*5], stored[18*5+1] = 0, 0x7c
			}
		},
	} {
		ck := pathT(t, craft(t, func(name string, _ *format.Type, stored []byte) {
			if stored != nil {
				change(name, stored)
			}
		}))
		var err error
		for _, name := range []string{prelude, core} {
			err = errors.Join(err, ck.ReadF32(name, make([]float32, 128*128), 0))
		}
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrModel) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	path := craft(t, func(name string, d *format.Type, _ []byte) {
		if name == arch.NameNorm {
			*d = format.Q8_0
		}
	})
	if _, err := OpenPath(path); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "element type q8_0, which only matrices may have") {
		t.Errorf("ln_f in blocks: %v", err)
	}
}
