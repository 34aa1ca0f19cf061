// The openai package: chat, completions and models.

import OpenAI from "openai";
import {assert, base, deep, fails, idle, key, test} from "./check.mjs";
import {fits} from "./schemas.mjs";

export const client = new OpenAI({baseURL: `${base}/v1`, apiKey: key, maxRetries: 0});
export const messages = [{role: "system", content: "Be brief."}, {role: "user", content: "a=3;b=a;b?"}];

const valid = (type, value) => assert.equal(fits(type, value), "");

export async function openai({model, efforts, steps, early}) {
  const chat = (more = {}, options) => client.chat.completions.create({model, messages, max_completion_tokens: 4, return_steps: true, ...more}, options);
  const named = name => `openai ${model}: ${name}`;

  await test(named("models"), async () => {
    const ids = [];
    for await (const m of client.models.list()) {
      valid("OpenAIModel", m);
      ids.push(m.id);
    }
    assert.ok(ids.includes(model) && ids.includes(`${model}:r4`), `listed: ${ids}`);
    assert.equal((await client.models.retrieve(`${model}:r4`)).id, `${model}:r4`);
  });
  await test(named("chat"), async () => {
    const a = await chat({logprobs: true, top_logprobs: 3, seed: 1});
    valid("Chat", a);
    deep(a.choices[0].x_steps, a.usage.completion_tokens, steps);
    assert.ok(a.usage.x_core_steps > 0 && a.usage.x_effective_layers > 0 && a.choices[0].logprobs.content[0].top_logprobs.length === 3);
  });
  await test(named("chat, streamed"), async () => {
    const whole = await chat();
    let text = "", last, depths = [];
    for await (const chunk of await chat({stream: true, stream_options: {include_usage: true}})) {
      valid("ChatChunk", chunk);
      text += chunk.choices[0]?.delta.content ?? "";
      depths.push(...chunk.choices[0]?.x_steps ?? []);
      last = chunk;
    }
    assert.equal(text, whole.choices[0].message.content);
    deep(depths, last.usage.completion_tokens, steps);
    const helped = await client.chat.completions.stream({model, messages, max_completion_tokens: 4}).finalChatCompletion();
    assert.equal(helped.choices[0].message.content, text);
  });
  await test(named("depth"), async () => {
    const at = async (more, depth, may) => {
      const a = await chat(more);
      deep(a.choices[0].x_steps, a.usage.completion_tokens, depth, may);
    };
    await at({num_steps: 3}, 3);
    await at({model: `${model}:r2`}, 2);
    for (const effort of ["minimal", "low", "high"]) await at({reasoning_effort: effort}, efforts[effort], early);
  });
  await test(named("completions"), async () => {
    const a = await client.completions.create({model, prompt: "a=3;b=a;b?", max_tokens: 3, echo: true, logprobs: 2, num_steps: 3, return_steps: true});
    const {token_logprobs: logprobs} = a.choices[0].logprobs;
    assert.equal(logprobs[0], null);
    logprobs[0] = 0; // the types do not know that nothing is likely before the first token, but the API and lm-eval do
    a.choices[0].logprobs.top_logprobs[0] ??= {};
    valid("TextCompletion", a);
    deep(a.choices[0].x_steps, a.usage.completion_tokens, 3);
    let text = "";
    for await (const chunk of await client.completions.create({model, prompt: "a=3;b=a;b?", max_tokens: 3, stream: true, num_steps: 3})) text += chunk.choices[0].text;
    assert.ok(a.choices[0].text.endsWith(text));
  });
  await test(named("errors"), async () => {
    const unknown = await fails(() => chat({model: "gpt-4o"}), 404);
    assert.ok(unknown instanceof OpenAI.NotFoundError && unknown.code === "model_not_found", `${unknown.code}`);
    const tools = await fails(() => chat({tools: [{type: "function", function: {name: "f"}}]}), 400);
    assert.deepEqual([tools.code, tools.param, tools.type], ["unsupported_parameter", "tools", "invalid_request_error"]);
    const wrong = new OpenAI({baseURL: `${base}/v1`, apiKey: "wrong", maxRetries: 0});
    assert.ok(await fails(() => wrong.models.list(), 401) instanceof OpenAI.AuthenticationError);
    assert.equal((await fails(() => chat({reasoning_effort: "endless"}), 400)).param, "reasoning_effort");
  });
  await test(named("abort"), async () => {
    const stream = await chat({stream: true, max_completion_tokens: 5000});
    for await (const _ of stream) break;
    stream.controller.abort();
    await idle(model);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 30);
    await assert.rejects(chat({max_completion_tokens: 5000, num_steps: steps, logit_bias: {}}, {signal: abort.signal}).then(() => {
      throw new Error("it was answered");
    }), OpenAI.APIUserAbortError);
    await idle(model);
  });
}
