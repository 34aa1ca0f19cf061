// A model that thinks before it answers: each client has a place for that. The tiny one here does nothing but think.

import Anthropic from "@anthropic-ai/sdk";
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import {generateText, streamText} from "ai";
import {assert, base, key, test} from "./check.mjs";
import {client} from "./openai.mjs";
import {fits} from "./schemas.mjs";

const messages = [{role: "user", content: "a=3;b=a;b?"}];
const valid = (type, value) => assert.equal(fits(type, value), "");

export async function thinks({model}) {
  let thought;
  await test(`openai ${model}: reasoning_content`, async () => {
    const ask = {model, messages, max_completion_tokens: 4, enable_thinking: true}, a = await client.chat.completions.create(ask);
    thought = a.choices[0].message.reasoning_content;
    assert.ok(thought && a.choices[0].message.content === "" && a.usage.completion_tokens_details.reasoning_tokens === 4, JSON.stringify(a));
    let text = "";
    for await (const chunk of await client.chat.completions.create({...ask, stream: true})) text += chunk.choices[0]?.delta.reasoning_content ?? "";
    assert.equal(text, thought);
    assert.equal((await client.chat.completions.create({...ask, enable_thinking: false})).choices[0].message.reasoning_content, undefined);
  });
  await test(`responses ${model}: an item of reasoning`, async () => {
    const ask = {model, input: messages, max_output_tokens: 4, enable_thinking: true}, a = await client.responses.create(ask);
    valid("Answer", a);
    assert.deepEqual([a.output.length, a.output[0].type, a.output[0].content[0].text, a.usage.output_tokens_details.reasoning_tokens], [1, "reasoning", thought, 4]);
    for await (const e of await client.responses.create({...ask, stream: true})) valid("AnswerEvent", e);
    const helped = await client.responses.stream(ask).finalResponse();
    assert.equal(helped.output[0].content[0].text, thought);
    const after = await client.responses.create({...ask, input: [...messages, ...a.output, {role: "user", content: "c?"}]});
    assert.ok(after.usage.input_tokens > a.usage.input_tokens);
  });
  await test(`anthropic ${model}: a block of thinking`, async () => {
    const client = new Anthropic({baseURL: base, apiKey: key, maxRetries: 0});
    const ask = {model, messages, max_tokens: 4, thinking: {type: "enabled", budget_tokens: 4096}}, a = await client.messages.create(ask);
    valid("AnthropicMessage", a);
    assert.deepEqual([a.content.length, a.content[0].type, a.usage.output_tokens_details.thinking_tokens], [1, "thinking", 4]);
    assert.ok(a.content[0].thinking);
    for await (const e of await client.messages.create({...ask, stream: true})) valid("AnthropicEvent", e);
    assert.equal((await client.messages.stream(ask).finalMessage()).content[0].thinking, a.content[0].thinking);
    const off = await client.messages.create({...ask, thinking: {type: "disabled"}});
    assert.equal(off.content[0].type, "text");
    const after = await client.messages.create({...ask, messages: [...messages, {role: "assistant", content: [...a.content, {type: "text", text: "3"}]}, {role: "user", content: "c?"}]});
    assert.ok(after.usage.input_tokens + after.usage.cache_read_input_tokens > a.usage.input_tokens);
  });
  await test(`vercel ${model}: reasoning`, async () => {
    const provider = createOpenAICompatible({name: "muninn", baseURL: `${base}/v1`, apiKey: key});
    const ask = {model: provider(model), messages, maxOutputTokens: 4, maxRetries: 0, providerOptions: {muninn: {enable_thinking: true}}};
    assert.ok(thought);
    assert.equal((await generateText(ask)).reasoningText, thought);
    assert.equal(await streamText(ask).reasoningText, thought);
  });
}
