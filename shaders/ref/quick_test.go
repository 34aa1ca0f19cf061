package ref

import (
	"slices"
	"testing"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
	"muninn/vk"
)

// What a device is proven by has cases of every operation, on devices of both kinds, and every name in the lists is a case's.
func TestQuick(t *testing.T) {
	needs := []string{Rest, Beside, Further}
	for _, f := range format.Types() {
		needs = append(needs, "matmul "+f.String(), "swiglu "+f.String(), "adapter "+f.String(), "embed "+f.String())
	}
	for _, kv := range shaders.KVTypes() {
		needs = append(needs, "kv "+kv.String(), KV(kv, 32, plain.RuleLatest, true))
	}
	for _, caps := range []vk.Caps{{Type: "discrete", SubgroupSize: 32, IntegerDot: true, IntegerDotAccelerated: true, MaxStorageBuffers: 16, MaxWorkgroupInvocations: 1024, Matrices: []vk.Matrix{{M: 16, N: 16, K: 16}}}, {Type: "cpu"}} {
		tuned := shaders.Tune(caps, caps.SubgroupSize, shaders.Options{})
		ops := map[string]int{}
		for _, need := range needs {
			list := Quick(need, tuned)
			if len(list) == 0 || len(list) > 30 {
				t.Errorf("%s: %d cases for %q", caps.Type, len(list), need)
			}
			for _, c := range list {
				ops[c.Op]++
			}
		}
		for _, c := range Cases() {
			if ops[c.Op] == 0 && c.Op != "readroofline" && c.Op != "fmaroofline" && (c.Op != "matmulnorm" || tuned.NormRows > 0) &&
				(c.Op != "halves" || tuned.MatrixUnits) {
				t.Errorf("%s: no case of %s", caps.Type, c.Op)
				ops[c.Op]++
			}
		}
	}
	for _, q := range slices.Concat(quickRest, quickBeside, quickFurther) {
		for _, name := range q.names {
			if !slices.ContainsFunc(Cases(), func(c Case) bool { return c.Op == q.op && (c.Name == name || q.op == "criterion") }) {
				t.Errorf("no case %s/%s", q.op, name)
			}
		}
	}
	for op, name := range quickInt8 {
		if !slices.ContainsFunc(Cases(), func(c Case) bool { return c.Op == op && c.Name == name }) {
			t.Errorf("no case %s/%s", op, name)
		}
	}
	caps := vk.Caps{Type: "discrete", SubgroupSize: 32, IntegerDot: true, IntegerDotAccelerated: true, MaxStorageBuffers: 16, MaxWorkgroupInvocations: 1024}
	tuned := shaders.Tune(caps, caps.SubgroupSize, shaders.Options{})
	for need, want := range map[string]int{KV(shaders.KVF16, 32, plain.RuleOne, false): 3, KV(shaders.KVF16, 24, plain.RuleFull, true): 4, KV(shaders.KVQ8, 96, plain.RuleLatest, true): 8} {
		if got := len(Quick(need, tuned)) - len(Quick(need[:6]+" 0 0", tuned)); got != want {
			t.Errorf("%q: %d cases of attention, want %d", need, got, want)
		}
	}
	for _, none := range []string{"", "matmul", "matmul q3", "divide f32"} {
		if list := Quick(none, shaders.Tuning{}); len(list) > 0 {
			t.Errorf("%d cases for %q", len(list), none)
		}
	}
}
