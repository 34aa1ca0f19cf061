// One question at several depths, side by side.

import {h, byId, announce, downloadJSON, plural} from "./dom.js";
import {ask, prompt, pace} from "./ask.js";
import {maxDepth, request, turns} from "./controls.js";
import {summary, tokenView} from "./tokens.js";
import {links, solve, verdict} from "./problems.js";

const mostColumns = 8;

// depthsOf reads a list of depths; an error says what is wrong with it.
export function depthsOf(text, most) {
  const list = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  if (!list.length || list.some(n => !Number.isInteger(n) || n < 1 || n > most)) throw new Error(`Depths are whole numbers from 1 to ${most}, such as 1, 4, ${Math.min(16, most)}.`);
  if (list.length > mostColumns) throw new Error(`At most ${mostColumns} depths fit side by side.`);
  return [...new Set(list)];
}

// compare runs the comparison with the model that current gives.
export function compare({current, onbusy}) {
  const columns = byId("columns"), button = byId("compare-run"), problemText = byId("compare-says");
  let running = null, results = [];

  function fail(text) {
    problemText.replaceChildren(h("span", {class: "error", role: "alert"}, text));
  }

  async function column(model, question, steps, seed, signal) {
    const view = tokenView({most: maxDepth, spaced: model.demo, name: `Tokens at depth ${steps}; arrow keys move`});
    const note = h("p", {class: "note"}, h("span", {class: "thinking"}, "thinking "));
    const problem = model.demo ? solve(question) : null;
    columns.append(h("article", {class: "column", "aria-label": `Depth ${steps}`}, h("h3", {}, "depth ", h("b", {}, String(steps))), view.element, note));
    const result = {num_steps: steps, text: "", steps: []};
    try {
      const body = {...request(model, steps), ...(seed === undefined ? {} : {seed}), ...prompt(model, turns([{role: "user", content: question}]))};
      const end = await ask(model, body, signal, view.add);
      Object.assign(result, {text: view.text, steps: view.steps(), seconds: end.seconds, finish: end.finish, verdict: verdict(problem, view.text)});
      note.replaceChildren(`${summary(result.steps, steps)} · ${pace(end)}`);
      if (result.verdict) note.before(h("p", {class: `verdict ${result.verdict}`}, result.verdict === "right" ? "✓ right" : "✗ wrong"));
    } catch (error) {
      result.error = error.message;
      note.replaceChildren(h("span", {class: "error", role: "alert"}, error.message));
    }
    return result;
  }

  async function run() {
    if (running) return running.abort();
    const model = current(), question = byId("compare-input").value.trim();
    let depths;
    try {
      depths = depthsOf(byId("depths").value, maxDepth());
    } catch (error) {
      return fail(error.message);
    }
    if (!question || !model) return byId("compare-input").focus();
    const problem = model.demo ? solve(question) : null;
    problemText.replaceChildren(problem ? h("span", {}, `${plural(problem.chain.length, "link")} to follow: `, h("span", {class: "mono"}, links(problem))) : "");
    columns.replaceChildren();
    columns.classList.add("filled");
    running = new AbortController();
    button.textContent = "Stop";
    onbusy(true);
    const {seed} = request(model, 1);
    results = await Promise.all(depths.map(n => column(model, question, n, seed, running.signal)));
    running = null;
    button.textContent = "Compare";
    byId("save-compare").disabled = false;
    onbusy(false);
    const told = results.map(r => `depth ${r.num_steps}: ${r.error || r.text || "empty"}${r.verdict ? `, ${r.verdict}` : ""}`);
    announce(`Compared. ${told.join("; ")}`);
    byId("compare-end").textContent = lesson(problem);
  }

  // lesson says what the columns have shown, where it is known.
  function lesson(problem) {
    const right = results.filter(r => r.verdict === "right").sort((a, b) => a.num_steps - b.num_steps);
    if (!problem || right.length < 2) return "";
    const first = right[0], last = right[right.length - 1];
    if (first.steps.length <= last.steps.length) return "";
    return `Same value, two ways: depth ${first.num_steps} spelled the chain out in ${plural(first.steps.length, "token")}, ` +
      `depth ${last.num_steps} followed it inside and needed ${plural(last.steps.length, "token")}.`;
  }

  byId("compare-form").addEventListener("submit", event => {
    event.preventDefault();
    run();
  });
  byId("save-compare").addEventListener("click", () => downloadJSON("muninn-compare.json", {model: current().id, question: byId("compare-input").value.trim(), answers: results}));
  return {
    stop: () => running && running.abort(),
    run: text => {
      byId("compare-input").value = text;
      if (!running) run();
    },
  };
}
