package main

import (
	"encoding/json"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/fit"
)

// show says how the model is held on each device of this machine and on cards of usual sizes.
func TestShowVerdicts(t *testing.T) {
	o := invoke("show", "demo")
	eachDevice(t, func(t *testing.T, device string) { o.wants(t, cli.ExitOK, device, "") })
	for _, want := range []string{"POSITIONS", "a card of 4.00 GiB   ", "a card of 24.00 GiB  ", "latest-m4, f16"} {
		o.wants(t, cli.ExitOK, want, "")
	}
	var shown modelDescription
	if err := json.Unmarshal([]byte(invoke("show", "demo", "--json").out), &shown); err != nil {
		t.Fatal(err)
	}
	cards := 0
	for _, v := range shown.Verdicts {
		if !v.Fits || v.Quant != "bf16" || v.Context != 256 || v.Bytes == 0 || v.Bytes > v.Free {
			t.Errorf("%+v", v)
		}
		if strings.HasPrefix(v.Device, "a card of") {
			cards++
		}
	}
	if cards != len(fit.CardSizes) {
		t.Errorf("%d cards", cards)
	}
	v, err := fit.HoldingOn(longDemo(t), fit.Card(70<<20))
	if err != nil || v.Fits || v.Bytes <= v.Free {
		t.Errorf("a card that is too small: %+v, %v", v, err)
	}
}
