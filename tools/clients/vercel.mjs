// Vercel's AI SDK with its provider for servers like OpenAI's.

import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import {APICallError, generateText, streamText} from "ai";
import {assert, base, deep, idle, key, test} from "./check.mjs";

const steps = {
  extractMetadata: async ({parsedBody}) => ({muninn: {steps: parsedBody.choices[0].x_steps}}),
  createStreamExtractor: () => {
    const all = [];
    return {processChunk: c => all.push(...c.choices?.[0]?.x_steps ?? []), buildMetadata: () => ({muninn: {steps: all}})};
  },
};
const provider = createOpenAICompatible({name: "muninn", baseURL: `${base}/v1`, apiKey: key, includeUsage: true, metadataExtractor: steps});

export async function vercel({model, efforts, steps, early}) {
  const options = (more = {}) => ({model: provider(more.model ?? model), system: "Be brief.", prompt: "a=3;b=a;b?", maxOutputTokens: 4, maxRetries: 0,
    providerOptions: {muninn: {return_steps: true, ...more.muninn}}});
  const named = name => `vercel ${model}: ${name}`;

  await test(named("text"), async () => {
    const a = await generateText(options());
    deep(a.providerMetadata.muninn.steps, a.usage.outputTokens, steps);
    const s = streamText(options());
    let text = "";
    for await (const piece of s.textStream) text += piece;
    assert.equal(text, a.text);
    assert.equal(await s.finishReason, a.finishReason);
    deep((await s.providerMetadata).muninn.steps, (await s.usage).outputTokens, steps);
  });
  await test(named("depth"), async () => {
    const at = async (more, depth, may) => {
      const a = await generateText(options(more));
      deep(a.providerMetadata.muninn.steps, a.usage.outputTokens, depth, may);
    };
    await at({muninn: {reasoningEffort: "low"}}, efforts.low, early);
    await at({muninn: {num_steps: 3}}, 3);
    await at({model: `${model}:r2`}, 2);
  });
  await test(named("errors and abort"), async () => {
    const wrong = await generateText(options({model: "gpt-4o"})).catch(e => e);
    assert.ok(APICallError.isInstance(wrong) && wrong.statusCode === 404 && JSON.parse(wrong.responseBody).error.code === "model_not_found", String(wrong));
    const abort = new AbortController();
    const s = streamText({...options(), maxOutputTokens: 5000, abortSignal: abort.signal});
    for await (const part of s.fullStream) if (part.type === "text-delta") abort.abort();
    await idle(model);
  });
}
