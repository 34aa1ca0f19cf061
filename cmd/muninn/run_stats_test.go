package main

import (
	"strings"
	"testing"
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/vk"
)

// A token counts by the time since the one before it, unless something was recorded for it; those of one pass share its time.
func TestPace(t *testing.T) {
	start := time.Now()
	var p pace
	for _, token := range []struct {
		ms, submissions, recordings int
	}{
		{1000, 1, 5},               // the first: the prompt's time
		{1900, 2, 9},               // recorded: 900 ms do not count
		{1900, 2, 9},               // of the same pass
		{2000, 3, 9}, {2000, 3, 9}, // two in 100 ms
		{2100, 4, 9},
		{3100, 5, 10}, // recorded
		{3200, 6, 10},
	} {
		p.token(start.Add(time.Duration(token.ms)*time.Millisecond), vk.Counters{Submissions: uint64(token.submissions), Recordings: uint64(token.recordings)})
	}
	if p.tokens != 4 || p.time != 300*time.Millisecond {
		t.Errorf("%d tokens in %v, want 4 in 300ms", p.tokens, p.time)
	}
	if (&pace{}).rate() != nil {
		t.Error("a rate of nothing")
	}
}

// One token has no rate, and what a rate leaves out is said.
func TestRatesSayWhatTheyAreOf(t *testing.T) {
	device := firstDevice(t)
	one := invoke("run", "demo", chain, "--device", device, "-n", "1", "--stats", "-r", "2")
	if _, answer, _ := strings.Cut(one.err, "answer  one token,"); answer == "" || strings.Contains(answer, "tok/s") {
		t.Errorf("the rate of one token: %s", one.err)
	}
	invoke("run", "demo", chain, "--device", device, "-n", "12", "--stats", "-r", "2").wants(t, cli.ExitOK, "",
		"without the first token and those for which programs were recorded")
	invoke("compare", "demo", chain, "--device", device, "-n", "1", "-q", "-r", "1,2", "--json").wants(t, cli.ExitOK, `"tokens_per_second":null`, "")
	if o := invoke("compare", "demo", chain, "--device", device, "-n", "1", "-q", "-r", "1,2"); strings.Contains(o.out, "tok/s") {
		t.Errorf("the rate of one token: %s", o.out)
	}
	// In a wave -r is no bound.
	wave := invoke("run", "demo", chain, "--device", device, "-n", "3", "-r", "8", "--decode", "wave", "--max-wavefront", "1")
	wave.wants(t, cli.ExitOK, "", "each until it settled (r = 8 is the prompt's)")
}
