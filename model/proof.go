package model

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"muninn/model/arch"
	"muninn/model/engine/weights"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/shaders/plain"
	"muninn/shaders/ref"
	"muninn/shaders/selftest"
	"muninn/shaders/tune"
	"muninn/vk"
)

// Needs are the kernels, as selftest.Prove takes them, of a model with matrices in such formats and such sessions.
func (o Options) Needs(c arch.Config, formats weights.Formats, s SessionOptions) []string {
	rule, int8 := s.Lookup.Rule, false
	if rule == 0 {
		rule = plain.RuleLatest // the default's
	}
	needs := []string{ref.Rest}
	if !o.Greedy {
		needs = append(needs, ref.Beside)
	}
	if c.Family != nil && c.Family != arch.Huginn {
		needs = append(needs, ref.Further)
	}
	add := func(op string, spec arch.TensorSpec) {
		f := formats(spec)
		int8 = int8 || f.Blocked()
		switch {
		case f == "": // what is optional may be left out
		case o.Kernels.Small && op != "embed":
			needs = append(needs, op+" "+f.String()+ref.Small)
		default:
			needs = append(needs, op+" "+f.String())
		}
	}
	for _, spec := range c.TensorSpecs() {
		switch spec.Role {
		case arch.RoleEmbedding:
			add("embed", spec)
			if c.TieEmbeddings {
				add("matmul", spec)
			}
		case arch.RoleAdapter:
			add("adapter", spec)
		case arch.RoleGateUp, arch.RoleGate, arch.RoleUp:
			add("swiglu", spec)
		default:
			if spec.Matrix() {
				add("matmul", spec)
			}
		}
	}
	needs = append(needs, ref.KV(s.KV, c.HeadDim, rule, int8))
	slices.Sort(needs)
	return slices.Compact(needs)
}

// Prove tests the needed kernels on a device, unless an earlier start with this driver has, and returns the options of kernels that
// are right there: with what was found wrong taken away. The error matches selftest.ErrRefused where nothing can take its place. A
// test that cannot be done for another reason is noted.
func (o Options) Prove(ctx context.Context, dev *vk.Device, needs []string) (shaders.Options, error) {
	if o.NoSelfTest {
		return o.Kernels, nil
	}
	before := o.Verdict(dev.Caps())
	v, err := selftest.Prove(ctx, o.verdicts(), dev.Caps(), o.Kernels, needs, o.pass(), o.Testing)
	if errors.Is(err, selftest.ErrRefused) || ctx.Err() != nil {
		return o.Kernels, err
	}
	if err != nil {
		o.note(fmt.Sprintf("this device's kernels could not be tested: %v", err))
	}
	if len(v.Tested) != len(before.Tested) {
		dev.ReadCache()
	}
	for _, off := range v.Off[min(len(before.Off), len(v.Off)):] {
		o.note(fmt.Sprintf("done without %s from now on, %s", off.Name, off.Why))
	}
	return o.Kernels.Without(v.Off), nil
}

// pass is how kernels are tested and measured.
func (o Options) pass() selftest.Pass {
	if o.SelfTest != nil {
		return o.SelfTest
	}
	open := func(device string) (*vk.Device, error) {
		return vk.Open(vk.Options{Device: device, CacheDir: o.verdicts()})
	}
	return tune.Serving(selftest.Here(open), open)
}

// Verdict is what earlier starts with these kernels have found of a device.
func (o Options) Verdict(c vk.Caps) selftest.Verdict {
	return selftest.Kept(o.verdicts(), c, o.Kernels)
}

// verdicts is the folder that holds what was found of devices; "" for none.
func (o Options) verdicts() string {
	if base := o.folder(); base != "" {
		return filepath.Join(base, store.KernelsDir)
	}
	return ""
}
