// Anthropic's package: messages, counts and models.

import Anthropic from "@anthropic-ai/sdk";
import {assert, base, deep, fails, idle, key, test} from "./check.mjs";
import {fits} from "./schemas.mjs";

const client = new Anthropic({baseURL: base, apiKey: key, maxRetries: 0});
const ask = {system: "Be brief.", messages: [{role: "user", content: [{type: "text", text: "a=3;b=a;b?"}]}]};
const valid = (type, value) => assert.equal(fits(type, value), "");

export async function anthropic({model, efforts, steps, early}) {
  const create = (more = {}) => client.messages.create({model, max_tokens: 4, return_steps: true, ...ask, ...more});
  const named = name => `anthropic ${model}: ${name}`;

  await test(named("models"), async () => {
    const ids = [];
    for await (const m of client.models.list()) ids.push(m.id);
    assert.ok(ids.includes(`${model}:r4`), `listed: ${ids}`);
    const one = await client.models.retrieve(model);
    assert.equal(one.type, "model");
    valid("AnthropicModel", one);
  });
  await test(named("message"), async () => {
    const a = await create({metadata: {user_id: "me"}});
    valid("AnthropicMessage", a);
    deep(a.x_steps, a.usage.output_tokens, steps);
    const whole = a.content[0].text, stop = whole.slice(1, 3);
    const count = await client.messages.countTokens({model, ...ask});
    valid("AnthropicCount", count);
    assert.equal(count.input_tokens, a.usage.input_tokens + a.usage.cache_read_input_tokens);
    const b = await create({stop_sequences: [stop]});
    assert.deepEqual([b.stop_reason, b.stop_sequence, b.content[0].text], ["stop_sequence", stop, whole.slice(0, 1)]);
    const c = await create({temperature: 0.7, top_p: 0.9, top_k: 20, seed: 7}), d = await create({temperature: 0.7, top_p: 0.9, top_k: 20, seed: 7});
    assert.equal(c.content[0].text, d.content[0].text);
  });
  await test(named("streamed"), async () => {
    const whole = await create();
    const types = [], depths = [];
    let text = "", end;
    for await (const e of await create({stream: true})) {
      valid("AnthropicEvent", e);
      if (types.at(-1) !== e.type) types.push(e.type);
      if (e.type === "content_block_delta") {
        text += e.delta.text;
        depths.push(...e.x_steps);
      }
      if (e.type === "message_delta") end = e;
    }
    assert.deepEqual(types, ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"]);
    assert.equal(text, whole.content[0].text);
    assert.ok(depths.every(d => d === steps));
    deep(end.x_steps, end.usage.output_tokens, steps);
    assert.deepEqual([end.delta.stop_reason, end.usage.output_tokens], [whole.stop_reason, whole.usage.output_tokens]);
    const helped = await client.messages.stream({model, max_tokens: 4, ...ask}).finalMessage();
    assert.equal(helped.content[0].text, text);
    assert.equal(helped.stop_reason, whole.stop_reason);
  });
  await test(named("depth"), async () => {
    const at = async (more, depth, may) => {
      const a = await create(more);
      deep(a.x_steps, a.usage.output_tokens, depth, may);
    };
    for (const [budget, effort] of [[1024, "low"], [4096, "medium"], [10000, "high"], [32000, "xhigh"]]) {
      await at({thinking: {type: "enabled", budget_tokens: budget}}, efforts[effort], early);
    }
    await at({output_config: {effort: "low"}, thinking: {type: "adaptive"}}, efforts.low, early);
    await at({thinking: {type: "disabled"}}, steps);
    await at({model: `${model}:r2`}, 2);
    await at({num_steps: 3, thinking: {type: "enabled", budget_tokens: 1024}}, 3);
  });
  await test(named("errors"), async () => {
    const tools = await fails(() => create({tools: [{name: "f", input_schema: {type: "object"}}]}), 400);
    assert.ok(tools instanceof Anthropic.BadRequestError && tools.type === "invalid_request_error" && /tools/.test(tools.message), String(tools));
    assert.ok(tools.requestID?.startsWith("req_"));
    const unknown = await fails(() => create({model: "claude-3"}), 404);
    assert.ok(unknown instanceof Anthropic.NotFoundError && unknown.type === "not_found_error");
    const wrong = new Anthropic({baseURL: base, apiKey: "wrong", maxRetries: 0});
    assert.equal((await fails(() => wrong.messages.create({model, max_tokens: 4, ...ask}), 401)).type, "authentication_error");
  });
  await test(named("abort"), async () => {
    const stream = client.messages.stream({model, max_tokens: 5000, ...ask});
    await assert.rejects((async () => {
      for await (const e of stream) if (e.type === "content_block_delta") stream.abort();
    })(), Anthropic.APIUserAbortError);
    await idle(model);
  });
}
