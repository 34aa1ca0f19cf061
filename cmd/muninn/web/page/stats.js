// Memory and speed of what runs, in one line.

import {byId, bytes} from "./dom.js";
import {counters} from "./ask.js";
import {metrics} from "./model.js";

const count = n => n >= 1e9 ? `${Number((n / 1e9).toPrecision(3))} billion` : `${Number((n / 1e6).toPrecision(3))} million`;
const interval = 1000; // ms between looks while something runs

// stats keeps the line of the model that current gives.
export function stats({current}) {
  let last = null, timer = 0, open = true;
  const running = () => document.body.classList.contains("running");

  async function look() {
    timer = 0;
    const model = current();
    if (document.hidden || !model) return;
    const now = {at: performance.now(), ...counters}, seconds = last ? (now.at - last.at) / 1000 : 0;
    const rate = (name, noun) => last && running() && now[name] > last[name] ? `${Number(((now[name] - last[name]) / seconds).toPrecision(2))} ${noun}/s` : "";
    const size = model.parameters ? `${count(model.parameters)} parameters in ${model.weights}` : "";
    const taken = [model.memory ? `${bytes(model.memory)} taken` : "", open ? await memory() : ""].filter(Boolean).join(", ");
    const parts = [model.device.replace(/ \(.*$/, ""), size, taken, rate("tokens", "tokens"), rate("steps", "core steps")];
    byId("speed").textContent = parts.filter(Boolean).join(" · ");
    byId("speed").title = model.device;
    last = now;
    if (running()) timer = setTimeout(look, interval);
    else last = null;
  }

  async function memory() {
    try {
      const values = await metrics(), all = values.get("muninn_kv_bytes");
      return all ? `KV cache ${bytes(values.get("muninn_kv_bytes_used") || 0)} of ${bytes(all)}` : "";
    } catch {
      open = false; // the server shows none
      return "";
    }
  }

  return {
    update() {
      if (!timer) timer = setTimeout(look, 100);
    },
  };
}
