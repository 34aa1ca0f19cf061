// The convergence heat map, and what the model would say after each step.

import {s, digits, percent} from "./dom.js";
import {grid, labelWidth, listen} from "./grid.js";
import {logScale, niceTicks, onViridis, viridis} from "./colour.js";
import {label, short} from "./text.js";
import {picture} from "./picture.js";

const every = n => Array.from({length: n}, (_, i) => i + 1);
const longest = tokens => Math.max(...tokens.map(t => t.path.length), 0);

// spaced is at most so many of the numbers from 1 to n, the last among them, farther apart the larger they are.
function spaced(n, most) {
  const list = [];
  for (let at = 0; at < n;) {
    const left = Math.max(most - list.length, 1), from = Math.max(at, 1);
    at = Math.min(Math.max(Math.round(from * (n / from) ** (1 / left)), at + 1), n);
    list.push(at);
  }
  return list;
}

// heatmap draws how far each step still moves the state of each token. state has tokens and at.
export function heatmap(state, point) {
  const rowHeight = 15;
  let columns = [];
  const frame = picture({
    id: "convergence", title: "Convergence",
    hint: "How far each step still moves a token's hidden state. Yellow: it moves; violet: it has settled, and more steps change little.",
    table: () => [["token", ...every(longest(state.tokens)).map(k => `step ${k}`)], ...state.tokens.map(t => [label(t.text), ...t.path.map(p => digits(p.residual))])],
    data: () => ({unit: "norm(s - s') / norm(s)", tokens: state.tokens.map(t => ({pos: t.pos, text: t.text, prompt: t.prompt, steps: t.steps, residual: t.path.map(p => p.residual)}))}),
  });
  listen(frame.sheet, () => ({columns, rowHeight, tokens: state.tokens, at: state.at}), point);
  return {
    ...frame,
    update() {
      columns = every(longest(state.tokens));
      const scale = logScale(state.tokens.flatMap(t => t.path.map(p => p.residual)));
      const {svg} = grid({
        tokens: state.tokens, columns, width: frame.width(), rowHeight, at: state.at, ticks: scale.ticks, legend: "change of the state in one step, relative",
        cell: (t, k, x, y, w, height) => s("rect", {x, y, width: Math.max(w - (w > 5 ? 0.6 : 0), 0.5), height: height - 0.6, fill: viridis(scale(t.path[k - 1].residual))}),
      });
      frame.draw(svg, `Heat map of ${state.tokens.length} tokens by ${columns.length} steps. ${settled(state.tokens)}`);
    },
  };
}

// settled says in words when states come to rest.
function settled(tokens) {
  const at = tokens.map(t => t.path.findIndex(p => p.residual < 0.03) + 1).filter(Boolean);
  if (!at.length) return "No state changes by less than 3 percent in any step.";
  at.sort((a, b) => a - b);
  return `${at.length} of ${tokens.length} states change by less than 3 percent in a step; the median one from step ${at[at.length >> 1]} on.`;
}

// lens draws the likeliest next token after each step of each token, on the colour of the entropy of all.
export function lens(state, point) {
  const rowHeight = 20;
  let columns = [];
  const first = p => p.top && p.top[0] ? label(p.top[0].text) : "–";
  const frame = picture({
    id: "lens", title: "What it would say",
    hint: "The next token, if the model had to speak after this step. Violet: it is sure; yellow: it is open between many.",
    table: () => [["token", ...every(longest(state.tokens)).map(k => `step ${k}`)], ...state.tokens.map(t => [label(t.text), ...t.path.map(p => `${first(p)} (entropy ${digits(p.entropy)})`)])],
    data: () => ({unit: "nats", tokens: state.tokens.map(t => ({pos: t.pos, text: t.text, prompt: t.prompt, steps: t.steps, path: t.path.map(({entropy, top}) => ({entropy, top}))}))}),
  });
  listen(frame.sheet, () => ({columns, rowHeight, tokens: state.tokens, at: state.at}), point);
  return {
    ...frame,
    update() {
      const width = frame.width();
      columns = spaced(longest(state.tokens), Math.max(Math.min(Math.floor((width - labelWidth) / 31), 16), 3));
      const most = Math.max(...state.tokens.flatMap(t => t.path.map(p => p.entropy || 0)), 0.001);
      const {svg} = grid({
        tokens: state.tokens, columns, width, rowHeight, at: state.at, legend: "entropy of the next token, in nats",
        ticks: niceTicks(0, most, 4).map(v => ({at: v / most, text: digits(v)})),
        cell: (t, k, x, y, w, height) => {
          const step = t.path[k - 1], share = (step.entropy || 0) / most;
          return [
            s("rect", {x, y, width: w - 0.6, height: height - 0.6, fill: viridis(share)}, s("title", {}, `step ${k}: ${first(step)} ${step.top && step.top[0] ? percent(step.top[0].prob) : ""}`)),
            s("text", {x: x + w / 2, y: y + height / 2 + 4, class: `mono mid ${onViridis(share)}`}, short(first(step), Math.max(Math.floor((w - 3) / 7), 1))),
          ];
        },
      });
      frame.draw(svg, `What the model would say for ${state.tokens.length} tokens after ${columns.length} of ${longest(state.tokens)} steps; the table has all.`);
    },
  };
}
