package model_test

import (
	"context"
	"fmt"

	"muninn/model"
)

// A model is opened by path or name, a session is made of it, and a request is a prompt with a depth.
func ExampleOpen() {
	ctx := context.Background()
	m, err := model.Open(ctx, "demo", model.Options{Session: model.SessionOptions{MaxSteps: 16}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	s, err := m.NewSession(m.Size)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	prompt, err := m.EncodePrompt("k=d;d=a;a=3;k?", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	req := model.Request{Prompt: prompt, Steps: 16, MaxTokens: 1, StopIDs: m.StopIDs()}
	req.Pick.Greedy = true
	if _, err := m.Generate(ctx, s, 0, req, func(t model.Token) error { fmt.Println(t.Text); return nil }); err != nil {
		fmt.Println(err)
	}
	// Output: 3;
}
