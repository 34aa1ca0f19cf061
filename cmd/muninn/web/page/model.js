// The models of the server, and what of them the page needs to know.

import {getJSON, getText} from "./api.js";

const ceiling = 128; // of the slider

// models asks what the server has: one entry a model, depth aliases left out.
export async function models() {
  const list = (await getJSON("/v1/models")).data || [];
  return list.map(m => m.id).filter(id => !/:r\d+$/.test(id));
}

// model asks about one model by its name; the server opens it for that.
export async function model(id) {
  const props = await getJSON(`/props?model=${encodeURIComponent(id)}`);
  const meta = props.meta || {}, own = props.default_generation_settings || {}, demo = id === "demo";
  const most = Math.max(Math.min(meta.max_steps || ceiling, ceiling), 1), seen = new Set();
  const efforts = Object.entries(props.reasoning_efforts || {}).map(([name, steps]) => ({name, steps: Math.min(steps, most)}))
    .sort((a, b) => a.steps - b.steps || (a.name === "none" ? 1 : -1)).filter(e => !seen.has(e.steps) && seen.add(e.steps));
  return {
    id, demo, chat: Boolean(props.chat_form) && !demo, device: meta.device || "", parameters: meta.n_params || 0, weights: meta.quant || "", memory: meta.memory_bytes || 0,
    maxSteps: most, meanSteps: Math.max(Math.min(own.num_steps || 8, most), 1), efforts, criteria: props.criteria || [],
    temperature: own.do_sample ? own.temperature : 0,
  };
}

// metrics reads the server's counters: the sum of each name over its labels.
export async function metrics() {
  const sums = new Map();
  for (const line of (await getText("/metrics")).split("\n")) {
    const m = /^([A-Za-z_:][\w:]*)(?:\{[^}]*\})? (\S+)/.exec(line);
    if (m) sums.set(m[1], (sums.get(m[1]) || 0) + Number(m[2]));
  }
  return sums;
}
