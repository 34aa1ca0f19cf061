package engine_test

import (
	"context"
	"fmt"
	"log"

	"muninn/model"
	"muninn/model/decode"
	"muninn/model/engine"
)

// Two questions to the demo model at once, at different depths: the second one's tokens take as many core steps as they need.
func ExampleLoop() {
	ctx := context.Background()
	m, err := model.Open(ctx, "demo", model.Options{Session: model.SessionOptions{Sequences: 2, MaxSteps: 32, Exits: true}})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	session, err := m.NewSession(m.Size)
	if err != nil {
		log.Fatal(err)
	}
	loop := engine.NewLoop(session, engine.LoopOptions{})
	defer loop.Close()

	exit := decode.Exit{Criterion: decode.LatentDiff}
	ask := func(text string, steps int, strategy decode.Strategy) *engine.Stream {
		prompt, err := m.EncodePrompt(text, false)
		if err != nil {
			log.Fatal(err)
		}
		req := decode.Request{Prompt: prompt, Steps: steps, MaxTokens: 1, Pick: decode.Filters{Greedy: true}, Strategy: strategy, StopIDs: m.StopIDs()}
		stream, err := loop.Submit(ctx, req, decode.Sequence{Seed: 1, InitScale: 1})
		if err != nil {
			log.Fatal(err)
		}
		return stream
	}
	streams := []*engine.Stream{
		ask("a=3;d=a;k=d;k?", 16, decode.Strategy{}),
		ask("b=2;f=b;g=f;g?", 32, decode.Strategy{Exit: &exit}),
	}
	for _, stream := range streams {
		for token := range stream.Tokens() {
			fmt.Print(token.Text)
		}
		out, err := stream.Outcome()
		fmt.Println("", out.Finish, err)
	}
	// Output:
	// 3; length <nil>
	// 2; length <nil>
}
