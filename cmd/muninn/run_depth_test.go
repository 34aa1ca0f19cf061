package main

import (
	"slices"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
)

// depthRun is a run of the chain with --json.
func depthRun(t *testing.T, device, args string) answer {
	t.Helper()
	return parseAnswer(t, invoke(append([]string{"run", "demo", chain, "--json", "--device", device}, strings.Fields(args)...)...))
}

func (a answer) ids() (ids []int32) {
	for _, token := range a.tokens {
		ids = append(ids, token.ID)
	}
	return ids
}

// TestRunDepth: what each strategy prints of itself, and that speculation says what plain decoding says.
func TestRunDepth(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		plain := depthRun(t, device, "-r 8 -n 6")
		if s := plain.sum; s.Strategy != "plain" || s.Criterion != "none" || s.StepsPerToken != 8 || s.CorePasses != 48 || s.PassesPerToken != 8 ||
			s.Speculative != nil || s.Wave != nil || s.Plain != nil {
			t.Errorf("plain: %+v", s)
		}
		exit := depthRun(t, device, "-r 32 -n 6 --criterion latent-diff --compare-plain")
		steps := 0
		for _, token := range exit.tokens {
			steps += token.Steps
		}
		if s := exit.sum; s.Criterion != "latent-diff" || steps != s.CorePasses || s.StepsPerToken != float64(steps)/6 || s.StepsPerToken > 12 ||
			s.Plain == nil || s.Plain.PassesPerToken != 32 || s.Plain.Ratio <= 0 || !s.Plain.SameTokens || s.Plain.Tokens != 6 {
			t.Errorf("exit: %+v, %+v", s, s.Plain)
		}
		drafts := depthRun(t, device, "-r 8 -n 6 --decode speculative --draft-steps 4 --lookahead 3")
		if s := drafts.sum; !slices.Equal(drafts.ids(), plain.ids()) || s.Strategy != "speculative" || s.Speculative == nil || s.StepsPerToken != 8 ||
			s.Speculative.Iterations == 0 || s.Speculative.Accepted == 0 || s.Speculative.Drafted < s.Speculative.Accepted ||
			s.Speculative.Acceptance != float64(s.Speculative.Accepted)/float64(s.Speculative.Drafted) {
			t.Errorf("speculation: %v, plain %v; %+v, %+v", drafts.ids(), plain.ids(), s, s.Speculative)
		}
		wave := depthRun(t, device, "-r 8 -n 6 --decode wave")
		if s := wave.sum; wave.text != plain.text || s.Strategy != "wave" || s.Wave == nil || s.Wave.DiffusionSteps == 0 || s.Wave.MaxWidth < 2 ||
			s.CorePasses < s.Wave.DiffusionSteps*4 || s.PassesPerToken >= s.StepsPerToken {
			t.Errorf("wave: %q, plain %q; %+v, %+v", wave.text, plain.text, s, s.Wave)
		}
		flown := depthRun(t, device, "-r 8 -n 4 --decode wave --full-prefill=false --max-wavefront 0")
		if flown.sum.Tokens != 4 || !strings.HasPrefix(flown.text, "3;") {
			t.Errorf("a prompt that flies: %q", flown.text)
		}
	})
}

// TestRunSteps: the core steps beside the text, and one line at the end on standard error.
func TestRunSteps(t *testing.T) {
	device := firstDevice(t)
	o := invoke("run", "demo", chain, "--device", device, "-r", "2", "-n", "2", "--steps")
	o.wants(t, cli.ExitOK, "d?‹2›3;‹2›\n", "\n2 tokens (--max-tokens reached), 2.0 steps a token")
	if o = invoke("run", "demo", chain, "--device", device, "-r", "2", "-n", "2", "--steps", "--color", "always"); !strings.Contains(o.out, "\x1b[38;5;") {
		t.Errorf("no colours: %q", o.out)
	}
	o = invoke("run", "demo", chain, "--device", device, "-r", "8", "-n", "6", "--decode", "speculative", "--compare-plain")
	o.wants(t, cli.ExitOK, "3;", " % of drafts accepted; plain at r = 8: the same tokens, ")
	o = invoke("run", "demo", chain, "--device", device, "-r", "8", "-n", "1", "--criterion", "kl", "--compare-plain")
	o.wants(t, cli.ExitOK, "3;", "plain at r = 8: the same tokens\n") // one token has no rate
	o = invoke("run", "demo", chain, "--device", device, "--decode", "wave", "--full-prefill=false", "--max-wavefront", "3")
	o.wants(t, cli.ExitUsage, "", "does not fit the wave's 3 positions")
}

// TestClosing: the line at the end of a run, with core passes where they are not the steps, and why it ended where the text does not show.
func TestClosing(t *testing.T) {
	speed := 50.0
	s := summary{Finish: decode.FinishStop, Tokens: 4, Steps: 8, AnswerRate: &speed, depthSummary: depthSummary{StepsPerToken: 3.5, PassesPerToken: 3.52}}
	is := func(want string) {
		t.Helper()
		if got := s.closing(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	is("4 tokens, 3.5 steps a token, 50.0 tok/s")
	s.Finish, s.PassesPerToken = decode.FinishContext, 2.2
	is("4 tokens (the context is full), 3.5 steps a token, 2.2 core passes a token, 50.0 tok/s")
	s.Finish, s.Plain = decode.FinishLength, &plainSummary{PassesPerToken: 8, SameTokens: true, Rate: 66, Again: 60.72, Ratio: 0.92}
	is("4 tokens (--max-tokens reached), 3.5 steps a token, 2.2 core passes a token, 50.0 tok/s; " +
		"plain at r = 8: the same tokens, 66.0 tok/s; this run repeated warm: 60.7 tok/s, 0.92x plain")
	s.Plain = &plainSummary{PassesPerToken: 9.5}
	is("4 tokens (--max-tokens reached), 3.5 steps a token, 2.2 core passes a token, 50.0 tok/s; plain at r = 8: other tokens, 9.5 core passes a token")
}
