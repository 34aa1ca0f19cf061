package model

import (
	"context"
	"fmt"
	"slices"

	"muninn/model/arch"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/selftest"
	"muninn/shaders/tune"
	"muninn/vk"
)

// Prepare proves the kernels of a model in such formats on a device, and measures, unless an earlier start has, how they are best taken
// there: the options of kernels by what was found, and that; of small ones nothing is measured. Errors are as Prove's.
func (o Options) Prepare(ctx context.Context, dev *vk.Device, c arch.Config, formats weights.Formats, s SessionOptions) (shaders.Options, tune.Result, error) {
	needs := o.Needs(c, formats, s)
	kernels, err := o.Prove(ctx, dev, needs)
	if err != nil || o.Kernels.Small {
		return kernels, tune.Result{Level: tune.Off, Ratio: 1, Why: "the model is small: there is nothing to gain"}, err
	}
	asked := kernels
	asked.Compiling = nil
	j := tune.Job{Device: fmt.Sprint(dev.Caps().Index), Level: o.Tune, Again: o.Retune, Uses: Uses(c, dev.Caps(), formats, s.KV), Kernels: asked, Needs: needs, Speed: dev.Speed()}
	if o.Tuning != nil {
		defer o.Tuning(0, 0)
	}
	found, fresh, err := tune.Get(ctx, o.verdicts(), dev.Caps(), j, tune.Through(o.pass()), o.Tuning)
	switch {
	case err != nil:
		return kernels, found, err
	case fresh && found.Why != "":
		o.note("tuning: by rule: " + found.Why)
	case fresh:
		o.note(fmt.Sprintf("tuning: %d choices measured in %.1f s, products take %.2f of the rules' time", len(found.Said()), found.Took.Seconds(), found.Ratio))
	}
	if fresh {
		dev.ReadCache()
	}
	kernels.Measured = found.Measured
	if len(found.Measured.Settings) > 0 && !o.NoSelfTest {
		err = o.proveSettings(ctx, dev, &kernels, &found, needs)
	}
	return kernels, found, err
}

// proveSettings proves what a run needs, and the measuring did not test, by the settings of the device that were measured; these are
// given up where they are wrong.
func (o Options) proveSettings(ctx context.Context, dev *vk.Device, kernels *shaders.Options, found *tune.Result, needs []string) error {
	needs = slices.DeleteFunc(slices.Clone(needs), func(n string) bool { return slices.Contains(found.Proven, n) })
	by := *kernels
	by.Measured, by.Compiling = shaders.Measured{Settings: found.Measured.Settings}, nil
	v, err := selftest.Prove(ctx, o.verdicts(), dev.Caps(), by, needs, o.pass(), o.Testing)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil || len(v.Off) > 0:
		kernels.Measured = shaders.Measured{}
		*found = tune.Result{Level: found.Level, Ratio: 1, Why: "what was faster failed the self-test"}
		o.note("tuning: by rule: " + found.Why)
	}
	return nil
}

// Uses are the products, norms and attention of a model's token at its own depth, as tune.Run takes them, those alike together.
func Uses(c arch.Config, caps vk.Caps, formats weights.Formats, kv shaders.KVType) (list []tune.Use) {
	at := map[tune.Use]int{}
	add := func(op string, m shaders.Matrix, int8 bool, u tune.Use, times float64) {
		if m.Rows == 0 || times == 0 {
			return
		}
		u.Product = shaders.Product{Op: op, Format: m.Format, Rows: m.Rows, Cols: m.Cols, Int8: int8 && m.Format.Blocked()}
		u.Written = u.Written && m.Format.Blocked()
		i, ok := at[u]
		if !ok {
			i = len(list)
			at[u], list = i, append(list, u)
		}
		list[i].Times += times
	}
	memory := weights.CountMemory(caps, caps.NewTally())
	w, _ := weights.Lay(memory, c, formats)
	if memory.Err != nil {
		return nil
	}
	norm := shaders.Matrix{Rows: 1, Cols: c.NEmbd, Format: format.F32}
	product, joins := tune.Use{}, tune.Use{Written: true, Normed: true}
	attention := tune.Use{Heads: tune.Heads{Queries: c.NHeads, Keys: c.KVHeads(), Dim: c.HeadDim, KV: kv}}
	blocks := func(of []weights.Block, times func(i int) float64) {
		for i, b := range of {
			n := times(i)
			add("matmul", b.Wqkv, true, product, n)
			add(tune.Attention, norm, false, attention, n)
			add("matmul", b.AttnProj, shaders.WholeBlocks(c.HeadDim), joins, n)
			add("swiglu", b.Gate, !b.Norm3.IsZero(), product, n)
			add("matmul", b.MLPProj, !b.Norm3.IsZero() && b.Gate.Format.Blocked(), joins, n)
			add(tune.Norm, norm, false, product, 2*n)
		}
	}
	once := func(int) float64 { return 1 }
	steps := float64(max(c.MeanRecurrence, 1))
	blocks(w.Prelude, once)
	blocks(w.Core, func(i int) float64 { return steps * float64(c.Runs(i)) })
	blocks(w.Coda, once)
	if c.Adapter() {
		add("adapter", w.Adapter, false, product, steps)
	}
	add("matmul", w.LMHead, false, product, 1)
	return list
}

// Tuned are the results that earlier starts have kept of a device, the newest first.
func (o Options) Tuned(c vk.Caps) []tune.Result { return tune.Kept(o.verdicts(), c) }
