package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/bench/predict"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// tokenModels are those that tokens are counted of, in tokenFormats.
var (
	tokenModels  = []string{"huginn", "ouro-1.4b"}
	tokenFormats = []string{"q4_0", "q8_0", "bf16"}
)

// countTokens records what the device runs for a token of each model, from an empty cache, as "muninn bench" has it.
func countTokens(ctx context.Context, dev *vk.Device, kernels *shaders.Kernels) (list []predict.Token, err error) {
	for _, name := range tokenModels {
		shape, err := arch.ParseShape(name)
		if err != nil {
			return nil, err
		}
		for _, quant := range tokenFormats {
			scheme, err := checkpoint.ParseScheme(quant, "")
			if err != nil {
				return nil, err
			}
			t := predict.Token{Model: name, Format: quant, Steps: shape.Steps}
			if err := countToken(ctx, &t, dev, kernels, shape, scheme); err != nil {
				return nil, fmt.Errorf("%s in %s: %w", name, quant, err)
			}
			list = append(list, t)
		}
	}
	return list, nil
}

func countToken(ctx context.Context, t *predict.Token, dev *vk.Device, kernels *shaders.Kernels, shape arch.Shape, scheme checkpoint.Scheme) error {
	m, err := engine.Random(shape.Config, dev, engine.LoadOptions{Weights: scheme})
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := m.NewSession(engine.SessionOptions{Context: 2, MaxSteps: t.Steps})
	if err != nil {
		return err
	}
	defer s.Close()
	vktest.Watch(dev, func(o vktest.Op) { addCommand(t, commandOf(o, kernels)) })
	defer vktest.Watch(dev, nil)
	_, err = s.Prefill(ctx, 0, []int32{1}, t.Steps, nil)
	return err
}

// addCommand counts a command.
func addCommand(t *predict.Token, c predict.Command) {
	i := slices.IndexFunc(t.Commands, func(o predict.Command) bool {
		return o.Kernel == c.Kernel && o.Groups == c.Groups && o.Bytes == c.Bytes && o.Units == c.Units
	})
	if i < 0 {
		t.Commands = append(t.Commands, c)
		return
	}
	t.Commands[i].Times++
	t.Commands[i].Barriers += c.Barriers
}

func commandOf(o vktest.Op, kernels *shaders.Kernels) predict.Command {
	c := predict.Command{Kernel: o.Kernel, Times: 1, Bytes: o.Bytes,
		Groups: int(o.Groups[0] * o.Groups[1] * o.Groups[2]), Lanes: int(o.Group[0] * o.Group[1] * o.Group[2])}
	if o.Barrier {
		c.Barriers = 1
	}
	if len(o.Spec) > 0 {
		c.Kernel += "[" + strings.ReplaceAll(strings.Trim(fmt.Sprint(o.Spec), "[]"), " ", ",") + "]"
	}
	op, f, ok := gemvName(o.Kernel)
	if !ok || len(o.Push) < 12 {
		return c
	}
	// lib/matmul.glsl: rows, row0, units, ...
	rows, units := int(binary.LittleEndian.Uint32(o.Push)), int(binary.LittleEndian.Uint32(o.Push[8:]))
	c.Units, c.Weights = units, 16*format.Block/f.PlaneBytes(format.Block)
	g := kernels.GEMV(op, f, rows, units*c.Weights, strings.Contains(o.Kernel, "_i8_"))
	c.GEMV = &g
	return c
}

// gemvName takes the name of a product's kernel for few rows apart.
func gemvName(kernel string) (op string, f format.Type, ok bool) {
	if strings.Contains(kernel, "_tile") {
		return "", "", false
	}
	for _, f := range format.Types() {
		if op, shape, found := strings.Cut(kernel, "_"+string(f)+"_"); found && shape != "" {
			switch strings.TrimSuffix(strings.TrimSuffix(op, "_quantize"), "_norm") {
			case "matmul", "adapter", "swiglu":
				return op, f, true
			}
		}
	}
	return "", "", false
}
