package engine_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/model/reference"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A family is one file: with its table and its plan given, the device and the reference run it alike, and its memory is foretold to
// the byte.
func TestInventedFamily(t *testing.T) {
	for family, config := range inventedModels() {
		t.Run(family.Name, func(t *testing.T) { testInvented(t, inventedModel(t, family, config)) })
	}
}

func testInvented(t *testing.T, path string) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, path, engine.LoadOptions{})
		compareTaps(t, m, path)

		o := engine.SessionOptions{Context: 48, MaxSteps: 5, Exits: true}
		rs, err := openReference(t, path).NewSession(reference.Options{Context: 48})
		if err != nil {
			t.Fatal(err)
		}
		req := decode.Request{Prompt: randomTokens(m, 9, 4), Steps: 5, MaxTokens: 24, Pick: decode.Filters{Greedy: true}}
		strategies := []decode.Strategy{{}}
		for _, info := range decode.CriteriaOf(m.Config) {
			exit := &decode.Exit{Criterion: info.Name, Threshold: 0.5}
			switch info.Name {
			case decode.ArgmaxStability:
				exit.Threshold = 2
			case decode.Gate:
				exit.Threshold, exit.Delay = 0.7, 1
			}
			strategies = append(strategies, decode.Strategy{Exit: exit})
		}
		for _, strategy := range strategies {
			req.Strategy = strategy
			s := session(t, m, o)
			if err := rs.Rewind(0, 0); err != nil {
				t.Fatal(err)
			}
			got, want := idsOf(t, s.Engine(context.Background()), req), idsOf(t, rs, req)
			if len(got) != 24 || !slices.Equal(got, want) {
				t.Errorf("exit %+v: %v on the device, %v in the reference", strategy.Exit, got, want)
			}
			s.Close()
		}

		ck, err := checkpoint.OpenPath(path)
		if err != nil {
			t.Fatal(err)
		}
		defer ck.Close()
		plan, err := engine.PlanMemory(ck.Config, dev.Caps(), weights.DeviceFormats(checkpoint.Scheme{}, ck.Config, ck.Stored), o)
		if err != nil {
			t.Fatal(err)
		}
		before := dev.Counters().DeviceBytes
		s := session(t, open(t, dev, path, engine.LoadOptions{}), o)
		if took := dev.Counters().DeviceBytes - before; took != plan.Device+plan.Host {
			t.Errorf("planned %d bytes, taken %d", plan.Device+plan.Host, took)
		}
		s.Close()
	})
}

// idsOf are the tokens of a request.
func idsOf(t *testing.T, e decode.Engine, req decode.Request) []int32 {
	t.Helper()
	var ids []int32
	_, err := decode.Decode(e, 0, req, func(c decode.Choice) (bool, error) {
		ids = append(ids, c.Token)
		return false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
