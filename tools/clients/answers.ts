// The types of the clients' own packages by which answers are validated, under names of our own: the generator takes no name twice.
import type OpenAI from "openai";
import type Anthropic from "@anthropic-ai/sdk";

export type Chat = OpenAI.Chat.ChatCompletion;
export type ChatChunk = OpenAI.Chat.ChatCompletionChunk;
export type TextCompletion = OpenAI.Completion;
export type OpenAIModel = OpenAI.Model;
export type Answer = OpenAI.Responses.Response;
export type AnswerEvent = OpenAI.Responses.ResponseStreamEvent;
export type AnthropicMessage = Anthropic.Message;
export type AnthropicEvent = Anthropic.RawMessageStreamEvent;
export type AnthropicCount = Anthropic.MessageTokensCount;
export type AnthropicModel = Anthropic.ModelInfo;
