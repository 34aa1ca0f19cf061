// What happens inside the model while it answers: traces, recorded by the server, shown as they come.

import {h, byId, announce, digits, later, percent, plural} from "./dom.js";
import {postJSON, stream} from "./api.js";
import {heatmap, lens} from "./grids.js";
import {latent, starts} from "./paths.js";
import {label} from "./text.js";

const mostTokens = 96, mostStates = 12000, restarts = 5;

// inside runs the panel of pictures for the model that current gives.
export function inside({current}) {
  const state = {tokens: [], at: {token: -1, step: 1}, starts: null, explained: null, body: null};
  let running = null, restarting = null;
  const status = byId("inside-status"), detail = byId("inside-detail");
  const heat = heatmap(state, point), says = lens(state, point), path = latent(state), meet = starts(state);
  const again = h("button", {type: "button", class: "chip", disabled: true, onclick: restart}, `Restart from ${restarts} random states`);
  meet.tools.before(h("div", {class: "act"}, again));
  byId("pictures").append(heat.element, says.element, path.element, meet.element);

  const draw = later(() => {
    const some = state.tokens.length > 0;
    byId("inside-empty").hidden = some || running !== null;
    byId("inside-full").hidden = !some;
    byId("save-trace").disabled = !some || running !== null;
    again.disabled = !some || restarting !== null;
    if (!some) return;
    heat.update();
    says.update();
    path.update();
    meet.update();
    describe();
  });

  function point(token, step) {
    if (token === state.at.token && step === state.at.step) return;
    if (token !== state.at.token) {
      if (restarting) restarting.abort();
      state.starts = null;
    }
    state.at = {token, step};
    draw();
  }

  // describe tells of the token and the step that the reader points at.
  function describe() {
    const t = state.tokens[state.at.token], step = t && t.path[state.at.step - 1];
    if (!step) return detail.replaceChildren();
    const top = step.top || [];
    detail.replaceChildren(
      h("p", {}, h("bdi", {class: "mono strong"}, label(t.text)), ` at position ${t.pos}${t.prompt ? " (question)" : ""}, after step ${state.at.step} of ${t.path.length}. The step moved the state by ${percent(step.residual)}` +
        (step.entropy === null ? "." : `; the next token has an entropy of ${digits(step.entropy)} nats:`)),
      h("ol", {class: "likely", "aria-label": "The likeliest next tokens"}, top.map(c => {
        const bar = h("i", {class: "share"});
        bar.style.width = `${Math.max(100 * c.prob, 0.5)}%`;
        return h("li", {}, h("bdi", {class: "mono"}, label(c.text)), h("span", {class: "rail"}, bar), h("span", {class: "num"}, percent(c.prob)));
      })));
  }

  // trace records an answer again, and shows each token as it is done. body is what was asked.
  async function trace(body) {
    stop();
    const mine = running = new AbortController();
    const {return_steps, stream_options, ...asked} = body;
    // As much as a server takes of a large model: a state for each token and step.
    const most = Math.max(Math.floor(mostStates / (asked.num_steps + 1)), 8);
    const recorded = {...asked, components: 2, last: Math.min(mostTokens, most), max_tokens: Math.min(asked.max_tokens, most)};
    Object.assign(state, {tokens: [], at: {token: -1, step: 1}, starts: null, explained: null, trace: null, body: recorded});
    status.replaceChildren("Looking inside…");
    document.body.classList.add("tracing");
    draw();
    try {
      for await (const event of stream("/v1/trace", recorded, mine.signal)) {
        if (running !== mine) return;
        if (event.token) {
          state.tokens.push(event.token);
          state.at = {token: state.tokens.length - 1, step: Math.max(event.token.steps, 1)};
        }
        if (event.trace) {
          state.trace = event.trace;
          state.tokens = event.trace.tokens;
          state.explained = event.trace.explained_variance;
        }
        status.replaceChildren(`Recorded ${plural(state.tokens.length, "token")} by ${plural(Math.max(...state.tokens.map(t => t.path.length)), "step")}.`);
        draw();
      }
      announce(`The inside of the answer is recorded: ${plural(state.tokens.length, "token")}.`);
    } catch (error) {
      if (running === mine) status.replaceChildren(h("span", {class: "error", role: "alert"}, error.message));
    }
    if (running !== mine) return;
    running = null;
    document.body.classList.remove("tracing");
    draw();
  }

  // restart takes the chosen token again from other initial states.
  async function restart() {
    const chosen = state.at.token, ids = state.tokens.slice(0, chosen + 1).map(t => t.id);
    if (!state.tokens[chosen]) return;
    const mine = restarting = new AbortController();
    meet.say("Running the same token from random states…");
    again.disabled = true;
    try {
      // Where the whole text was recorded, its ids up to the token are enough; else it is made again.
      const {messages, prompt, stop, ...asked} = state.body;
      const body = state.tokens[0].pos === 0 ? {...asked, prompt: ids, max_tokens: 0, last: 1} : {...state.body, at: state.tokens[chosen].pos};
      const trace = await postJSON("/v1/trace", {...body, starts: restarts}, mine.signal);
      if (state.at.token !== chosen) return;
      state.starts = trace.starts;
      state.startsExplained = trace.explained_variance;
      announce(`Restarted from ${restarts} states.`);
    } catch (error) {
      if (error.name !== "AbortError") status.replaceChildren(h("span", {class: "error", role: "alert"}, error.message));
    } finally {
      if (restarting === mine) restarting = null;
      draw();
    }
  }

  function stop() {
    if (!running) return;
    running.abort();
    running = null;
    status.replaceChildren("Stopped.");
    document.body.classList.remove("tracing");
    draw();
  }

  new ResizeObserver(draw).observe(byId("pictures"));
  return {
    trace, stop, redraw: draw,
    saved: () => state.trace || {tokens: state.tokens},
    clear() {
      stop();
      Object.assign(state, {tokens: [], at: {token: -1, step: 1}, starts: null, trace: null});
      status.replaceChildren();
      draw();
    },
    // follow shows what decided the i-th token of the answer: the token read before it.
    follow(i) {
      const answer = state.tokens.findIndex(t => !t.prompt), first = answer < 0 ? state.tokens.length : answer;
      const row = first - 1 + i, t = state.tokens[row];
      if (t && !running) point(row, Math.max(t.steps, 1));
    },
  };
}
