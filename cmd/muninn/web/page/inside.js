// What happens inside the model while it answers: traces, recorded by the server, shown as they come.

import {h, byId, announce, digits, later, percent, plural} from "./dom.js";
import {postJSON, stream} from "./api.js";
import {heatmap, lens} from "./grids.js";
import {latent, starts} from "./paths.js";
import {label} from "./text.js";

const mostTokens = 512, mostPrompt = 96, mostStates = 24000, restarts = 5;

// inside runs the panel of pictures for the model that current gives.
export function inside({current}) {
  const state = {tokens: [], at: {token: -1, step: 1}, starts: null, explained: null, body: null};
  let recording = null, restarting = null;
  const status = byId("inside-status"), detail = byId("inside-detail");
  const heat = heatmap(state, point), says = lens(state, point), path = latent(state), meet = starts(state);
  const again = h("button", {type: "button", class: "chip", disabled: true, onclick: restart}, `Restart from ${restarts} random states`);
  meet.tools.before(h("div", {class: "act"}, again));
  byId("pictures").append(heat.element, says.element, path.element, meet.element);

  const draw = later(() => {
    const some = state.tokens.length > 0;
    byId("inside-empty").hidden = some || recording !== null;
    byId("inside-full").hidden = !some;
    byId("save-trace").disabled = !some || recording !== null;
    again.disabled = !some || recording !== null || restarting !== null;
    if (!some || !byId("inside").checkVisibility()) return;
    const began = performance.now();
    heat.update();
    says.update();
    path.update();
    meet.update();
    describe();
    if (recording) recording.until = 2 * performance.now() - began; // while tokens come, pictures take half of the time at most
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

  // live looks into an answer while it is made: event is given what comes of it. no is told why there is nothing to see, if so.
  function live(body, no) {
    stop();
    const {return_steps, ...asked} = body;
    // As much as a server takes of a large model: a state for each token and step.
    const most = Math.max(Math.min(Math.floor(mostStates / (asked.num_steps + 1)), mostTokens) - restarts, 16), last = Math.min(mostPrompt, most >> 1);
    const asks = {components: 2, last, records: most - last};
    const mine = recording = {done: false, until: 0};
    Object.assign(state, {tokens: [], at: {token: -1, step: 1}, starts: null, explained: null, trace: null, body: {...asked, ...asks}});
    status.replaceChildren("Looking inside…");
    draw();

    function add(token) {
      const newest = state.at.token === state.tokens.length - 1; // else the reader looks at another
      state.tokens.push(token);
      if (newest) state.at = {token: state.tokens.length - 1, step: Math.max(token.steps, 1)};
      recorded();
    }
    return {
      asks,
      refused(why) {
        if (recording !== mine) return;
        recording = null;
        status.replaceChildren(`No live pictures: ${why}`);
        no(status.textContent);
        draw();
      },
      event({token, prompt, trace}) {
        if (recording !== mine) return;
        if (prompt && !state.tokens.length) status.replaceChildren(`Reading the question: ${prompt.read} of ${plural(prompt.of, "token")}.`);
        if (token) add(token);
        if (trace) {
          Object.assign(state, {trace, tokens: trace.tokens, explained: trace.explained_variance});
          mine.done = true;
          recorded();
          if (trace.usage.completion_tokens > trace.tokens.filter(t => !t.prompt).length + 1) status.append(` The answer has ${plural(trace.usage.completion_tokens, "token")}.`);
          announce(`The inside of the answer is recorded: ${plural(state.tokens.length, "token")}.`);
        }
        if ((token || trace) && performance.now() >= mine.until) draw();
      },
      end() {
        if (recording !== mine) return;
        recording = null;
        if (!state.tokens.length) status.replaceChildren("Nothing was recorded.");
        else if (!mine.done) status.append(" The answer did not come to its end.");
        draw();
      },
    };
  }

  const recorded = () => status.replaceChildren(`Recorded ${plural(state.tokens.length, "token")} by ${plural(Math.max(...state.tokens.map(t => t.path.length)), "step")}.`);

  // restart takes the chosen token again from other initial states.
  async function restart() {
    const chosen = state.at.token, ids = state.tokens.slice(0, chosen + 1).map(t => t.id);
    if (!state.tokens[chosen]) return;
    const mine = restarting = new AbortController();
    meet.say("Running the same token from random states…");
    again.disabled = true;
    try {
      // Where the whole text was recorded, its ids up to the token are enough; else it is made again.
      const {messages, prompt, stop, ...asked} = state.body, made = state.tokens.slice(0, chosen + 1).filter(t => !t.prompt).length;
      const body = state.tokens[0].pos === 0 ? {...asked, prompt: ids, max_tokens: 0, last: 1} : {...state.body, at: state.tokens[chosen].pos, max_tokens: made + 1};
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
    if (restarting) restarting.abort();
  }

  new ResizeObserver(draw).observe(byId("pictures"));
  return {
    live, stop, redraw: draw,
    saved: () => state.trace || {tokens: state.tokens},
    clear() {
      stop();
      recording = null;
      Object.assign(state, {tokens: [], at: {token: -1, step: 1}, starts: null, trace: null});
      status.replaceChildren();
      draw();
    },
    // follow shows what decided the i-th token of the answer: the token read before it.
    follow(i) {
      const answer = state.tokens.findIndex(t => !t.prompt), first = answer < 0 ? state.tokens.length : answer;
      const row = first - 1 + i, t = state.tokens[row];
      if (t) point(row, Math.max(t.steps, 1));
    },
  };
}
