package clients_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/respjson"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// openAIGo asks a model with OpenAI's Go client.
func openAIGo(t *testing.T, url, model string) {
	client := openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0))
	t.Run("models", func(t *testing.T) {
		var ids []string
		for all := client.Models.ListAutoPaging(t.Context()); all.Next(); {
			ids = append(ids, all.Current().ID)
		}
		if !slices.Contains(ids, model+":r4") {
			t.Errorf("models %v", ids)
		}
	})
	t.Run("chat", func(t *testing.T) { goChat(t, client, model) })
	t.Run("responses", func(t *testing.T) { goResponses(t, client, model) })
	t.Run("errors", func(t *testing.T) {
		_, err := client.Chat.Completions.New(t.Context(), chatOf(model+"?"))
		if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != 404 || e.Code != "model_not_found" {
			t.Errorf("another model: %v", err)
		}
		_, err = client.Chat.Completions.New(t.Context(), chatOf(model), option.WithAPIKey("wrong"))
		if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != 401 || e.Type != "authentication_error" {
			t.Errorf("a wrong key: %v", err)
		}
		_, err = client.Responses.New(t.Context(), responses.ResponseNewParams{Model: model, PreviousResponseID: param.NewOpt("resp_1"), Input: question()})
		if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != 400 || e.Param != "previous_response_id" || e.Code != "unsupported_parameter" {
			t.Errorf("a response that is not kept: %v", err)
		}
	})
}

func chatOf(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, MaxCompletionTokens: param.NewOpt[int64](4), Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("a=3;b=a;b?")}}
}

func question() responses.ResponseNewParamsInputUnion {
	return responses.ResponseNewParamsInputUnion{OfString: param.NewOpt("a=3;b=a;b?")}
}

var wantSteps = option.WithJSONSet("return_steps", true)

// deep checks that so many tokens went so deep; 0: as deep as they like.
func deep(t *testing.T, extra map[string]respjson.Field, tokens int64, depth int) {
	t.Helper()
	var steps []int
	if err := json.Unmarshal([]byte(extra["x_steps"].Raw()), &steps); err != nil || int64(len(steps)) != tokens || depth > 0 && slices.ContainsFunc(steps, func(s int) bool { return s != depth }) {
		t.Errorf("steps %v of %d tokens, want %d of each (%v)", steps, tokens, depth, err)
	}
}

func goChat(t *testing.T, client openai.Client, model string) {
	whole, err := client.Chat.Completions.New(t.Context(), chatOf(model), option.WithJSONSet("num_steps", 3), wantSteps)
	if err != nil {
		t.Fatal(err)
	}
	deep(t, whole.Choices[0].JSON.ExtraFields, whole.Usage.CompletionTokens, 3)
	stream, all := client.Chat.Completions.NewStreaming(t.Context(), chatOf(model+":r3")), openai.ChatCompletionAccumulator{}
	for stream.Next() {
		all.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil || len(all.Choices) == 0 || all.Choices[0].Message.Content != whole.Choices[0].Message.Content || all.Choices[0].FinishReason != whole.Choices[0].FinishReason {
		t.Errorf("streamed %+v, whole %q (%v)", all.Choices, whole.Choices[0].Message.Content, err)
	}
	asked := chatOf(model)
	asked.ReasoningEffort = shared.ReasoningEffortLow
	low, err := client.Chat.Completions.New(t.Context(), asked, wantSteps)
	if err != nil {
		t.Fatal(err)
	}
	deep(t, low.Choices[0].JSON.ExtraFields, low.Usage.CompletionTokens, 0)
	if !strings.Contains(low.Usage.RawJSON(), `"x_core_steps"`) {
		t.Errorf("usage %s", low.Usage.RawJSON())
	}
	asked.MaxCompletionTokens = param.NewOpt[int64](5000)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	left := client.Chat.Completions.NewStreaming(ctx, asked)
	for left.Next() {
		leave()
	}
	if !errors.Is(left.Err(), context.Canceled) {
		t.Errorf("left: %v", left.Err())
	}
}

func goResponses(t *testing.T, client openai.Client, model string) {
	asked := responses.ResponseNewParams{Model: model, MaxOutputTokens: param.NewOpt[int64](4), Input: question(), Reasoning: shared.ReasoningParam{Effort: shared.ReasoningEffortMedium}}
	whole, err := client.Responses.New(t.Context(), asked, wantSteps, option.WithJSONSet("num_steps", 2))
	if err != nil {
		t.Fatal(err)
	}
	deep(t, whole.JSON.ExtraFields, whole.Usage.OutputTokens, 2)
	stream := client.Responses.NewStreaming(t.Context(), asked, option.WithJSONSet("num_steps", 2), wantSteps)
	text, last := "", responses.Response{}
	for stream.Next() {
		switch e := stream.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += e.Delta
		case responses.ResponseCompletedEvent:
			last = e.Response
		case responses.ResponseIncompleteEvent:
			last = e.Response
		}
	}
	if err := stream.Err(); err != nil || text != whole.OutputText() || last.OutputText() != text || last.Status != whole.Status {
		t.Errorf("streamed %q, at last %q, %s; whole %q, %s (%v)", text, last.OutputText(), last.Status, whole.OutputText(), whole.Status, err)
	}
	deep(t, last.JSON.ExtraFields, last.Usage.OutputTokens, 2)
}
