// The openai package: responses.

import {assert, deep, fails, idle, test} from "./check.mjs";
import {client, messages} from "./openai.mjs";
import {fits} from "./schemas.mjs";

const valid = (type, value) => assert.equal(fits(type, value), "");

const order = ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.delta",
  "response.output_text.done", "response.content_part.done", "response.output_item.done"];

export async function responses({model, efforts, steps, early}) {
  const create = (more = {}, options) => client.responses.create({model, input: "a=3;b=a;b?", max_output_tokens: 4, return_steps: true, ...more}, options);
  const named = name => `responses ${model}: ${name}`;

  await test(named("whole"), async () => {
    const a = await create({instructions: "Be brief.", include: ["message.output_text.logprobs"], top_logprobs: 2, metadata: {k: "v"}});
    valid("Answer", a);
    deep(a.x_steps, a.usage.output_tokens, steps);
    assert.ok(a.output_text === a.output[0].content[0].text && a.output[0].content[0].logprobs[0].top_logprobs.length === 2 && a.metadata.k === "v");
    const items = await create({input: [...messages, {role: "assistant", content: [{type: "output_text", text: "3"}]}, {type: "message", role: "user", content: [{type: "input_text", text: "c?"}]}]});
    const again = await create({input: [...messages, {role: "assistant", content: "3"}, {role: "user", content: "c?"}]});
    assert.equal(items.output_text, again.output_text);
    assert.ok(again.usage.input_tokens_details.cached_tokens > 0, "the same again was not held");
  });
  await test(named("streamed"), async () => {
    const whole = await create();
    const types = [], depths = [];
    let text = "", n = 0;
    for await (const e of await create({stream: true})) {
      valid("AnswerEvent", e);
      assert.equal(e.sequence_number, n++);
      if (types.at(-1) !== e.type) types.push(e.type);
      if (e.type === "response.output_text.delta") text += e.delta;
      depths.push(...e.x_steps ?? []);
    }
    assert.deepEqual(types, [...order, `response.${whole.status}`]);
    assert.equal(text, whole.output_text);
    assert.ok(depths.every(d => d === steps));
    const helped = await client.responses.stream({model, input: "a=3;b=a;b?", max_output_tokens: 4, return_steps: true}).finalResponse();
    assert.equal(helped.output_text, text);
    deep(helped.x_steps, helped.usage.output_tokens, steps);
  });
  await test(named("depth"), async () => {
    for (const effort of ["none", "low", "high", "xhigh"]) {
      const a = await create({reasoning: {effort}});
      deep(a.x_steps, a.usage.output_tokens, efforts[effort], early);
      assert.equal(a.reasoning.effort, effort);
    }
    deep((await create({model: `${model}:r2`})).x_steps, 4, 2);
    deep((await create({num_steps: 1, reasoning: {effort: "high"}})).x_steps, 4, 1);
  });
  await test(named("errors"), async () => {
    for (const [more, param] of [[{previous_response_id: "resp_1"}, "previous_response_id"], [{tools: [{type: "web_search"}]}, "tools"],
      [{text: {format: {type: "json_object"}}}, "text.format"], [{input: [{role: "user", content: [{type: "input_image", image_url: "x"}]}]}, "input[0].content[0]"]]) {
      const e = await fails(() => create(more), 400);
      assert.deepEqual([e.param, e.code], [param, "unsupported_parameter"]);
    }
    assert.equal((await fails(() => client.responses.retrieve("resp_1"), 404)).type, "invalid_request_error");
  });
  await test(named("abort"), async () => {
    const stream = await create({stream: true, max_output_tokens: 5000});
    for await (const _ of stream) break;
    stream.controller.abort();
    await idle(model);
  });
}
