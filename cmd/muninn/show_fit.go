package main

import (
	"errors"
	"fmt"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/fit"
	"muninn/vk"
)

// verdict is how a model can be held on one device, with the model's whole context.
type verdict struct {
	Device  string `json:"device"`
	Fits    bool   `json:"fits"`
	Quant   string `json:"quant,omitempty"`
	Lookup  string `json:"cache_lookup_strategy,omitempty"`
	KV      string `json:"kv_type,omitempty"`
	Context int    `json:"context,omitempty"`
	Bytes   uint64 `json:"bytes"` // taken; when it does not fit, the least that is needed
	Free    uint64 `json:"free"`
}

// cardSizes are those for which a verdict is given besides this machine's devices, in GiB.
var cardSizes = []uint64{4, 6, 8, 12, 16, 24}

// verdicts are those of this machine's devices, as far as there are any, and of cards of usual sizes.
func verdicts(ck *checkpoint.Checkpoint) ([]verdict, error) {
	var list []verdict
	devices, _ := vk.Devices() // none is no reason not to show the model
	for i, c := range devices {
		devices[i] = fit.WithHost(c)
	}
	for _, n := range cardSizes {
		devices = append(devices, fit.Card(n<<30))
	}
	for _, c := range devices {
		if c.Supported() != nil {
			continue
		}
		v, err := verdictOn(ck, c)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func verdictOn(ck *checkpoint.Checkpoint, c vk.Caps) (verdict, error) {
	m := fit.Of(ck, checkpoint.Scheme{})
	choice, err := fit.Choose(m, c, fit.Wish{}, fit.Loads)
	var e *fit.Error
	if errors.As(err, &e) {
		return verdict{Device: c.Name, Bytes: e.Plan.Device + e.Space.Reserve, Free: e.Space.Free}, nil
	}
	return verdict{
		Device: c.Name, Fits: err == nil, Quant: m.QuantName(choice.Quant), Lookup: choice.Lookup.String(), KV: choice.KV.String(),
		Context: choice.Context, Bytes: choice.Plan.Device, Free: choice.Space.Free,
	}, err
}

// printVerdicts writes them for people.
func printVerdicts(s *cli.Streams, list []verdict) error {
	fmt.Fprintln(s.Out)
	t := cli.NewTable(s, s.Out, "ON", "AS", "KV CACHE", "POSITIONS", "TAKES", "FREE")
	for _, v := range list {
		if !v.Fits {
			t.Row(v.Device, "does not fit", "", "", fit.Size(v.Bytes), fit.Size(v.Free))
			continue
		}
		t.Row(v.Device, v.Quant, v.Lookup+", "+v.KV, v.Context, fit.Size(v.Bytes), fit.Size(v.Free))
	}
	t.Print()
	return nil
}
