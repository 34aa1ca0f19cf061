// One answer from the server, token by token.

import {stream} from "./api.js";

// counters count what has come of all answers.
export const counters = {tokens: 0, steps: 0};

// prompt is a conversation as the model takes it: the demo model reads bare text, others messages.
export function prompt(model, messages) {
  if (model.chat) return {messages};
  return {prompt: messages[messages.length - 1].content};
}

// events are those of an answer: where somebody looks, of a trace, which says the same and more; else, or if the server has no trace to
// give now, of the answer alone.
async function* events(model, body, signal, look) {
  const asked = {...body, stream_options: {include_usage: true}};
  try {
    if (look) return yield* stream("/v1/trace", {...asked, ...look.asks}, signal);
  } catch (error) {
    if (!(error.status >= 400)) throw error; // it had begun, or nobody is there
    look.refused(error.message);
  }
  yield* stream(model.chat ? "/v1/chat/completions" : "/v1/completions", asked, signal);
}

// ask streams an answer. add is given each piece of text with the core steps of its tokens; look, if any, all that comes of a trace.
// What comes back is how it ended.
export async function ask(model, body, signal, add, look) {
  const told = counters;
  const begin = performance.now(), end = {finish: "", tokens: 0, seconds: 0, first: 0, timings: null};
  try {
    for await (const event of events(model, body, signal, look)) {
      if (look) look.event(event);
      if (event.timings) end.timings = event.timings;
      if (event.usage) end.usage = event.usage;
      const choice = event.choices && event.choices[0];
      if (!choice) continue;
      const piece = (choice.delta ? choice.delta.content : choice.text) || "", steps = choice.x_steps || [];
      if (choice.finish_reason) {
        end.finish = choice.finish_reason;
        end.seconds = (performance.now() - begin) / 1000;
      }
      if (!piece && !steps.length) continue;
      end.first ||= performance.now() - begin;
      end.tokens += steps.length || 1;
      told.tokens += steps.length || 1;
      told.steps += steps.reduce((a, b) => a + b, 0);
      add(piece, steps);
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    end.finish = "stopped";
  }
  end.seconds ||= (performance.now() - begin) / 1000;
  return end;
}

// pace says how fast an answer came.
export function pace(end) {
  const seconds = `${end.seconds.toFixed(end.seconds < 10 ? 2 : 0)} s`;
  const after = end.seconds - end.first / 1000;
  return end.tokens > 4 && after > 0.2 ? `${seconds} · ${Number(((end.tokens - 1) / after).toPrecision(3))} tokens/s` : seconds;
}

export const finishText = {length: "Ended at the most tokens that Settings allow.", stopped: "Stopped.", content_filter: "Ended by the server."};
