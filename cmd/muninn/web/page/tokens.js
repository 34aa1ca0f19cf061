// An answer as tokens, coloured by the core steps behind each, and a histogram of these.

import {h, s, later, plural} from "./dom.js";
import {cleaner, label, render} from "./text.js";

let ids = 0;

// tokenView shows an answer as it comes. most is the depth that the strongest colour stands for; onpick is told of the token that
// the reader points at, counted from 0, or -1. spaced sets tokens apart.
export function tokenView({most, name, spaced, onpick}) {
  const id = `tokens-${++ids}`;
  const plain = h("div", {class: "rendered", dir: "auto", hidden: true});
  const list = h("div", {class: spaced ? "tokens spaced" : "tokens", dir: "auto", role: "listbox", tabindex: 0, "aria-label": name, "aria-orientation": "horizontal"});
  const readout = h("p", {class: "readout"});
  const element = h("div", {class: "answer-body"}, plain, list, readout);
  const view = {element, tokens: [], text: "", mode: "tokens", readout};
  const safe = cleaner();
  let shown = 0, current = -1, rendered = "";

  const draw = later(() => {
    const fresh = document.createDocumentFragment();
    for (; shown < view.tokens.length; shown++) fresh.append(option(view.tokens[shown], shown));
    list.append(fresh);
    if (view.mode === "text" && rendered !== view.text) {
      rendered = view.text;
      plain.replaceChildren(render(view.text));
    }
  });

  function option(token, i) {
    const depth = token.steps.length ? Math.max(...token.steps) : null;
    const element = h("span", {
      id: `${id}-${i}`, role: "option", "aria-selected": "false", class: depth === null ? "token" : "token counted",
      "aria-label": `${label(token.text)}, ${stepsText(token.steps)}`, title: stepsText(token.steps),
    }, token.text);
    if (depth !== null) element.style.setProperty("--share", String(Math.min(depth / most(), 1)));
    element.dataset.i = i;
    return element;
  }

  view.pick = (i, tell = true) => {
    if (current >= 0 && list.children[current]) list.children[current].setAttribute("aria-selected", "false");
    current = i >= 0 && i < list.children.length ? i : -1;
    if (current < 0) {
      list.removeAttribute("aria-activedescendant");
      readout.replaceChildren();
    } else {
      const chosen = list.children[current], token = view.tokens[current];
      chosen.setAttribute("aria-selected", "true");
      list.setAttribute("aria-activedescendant", chosen.id);
      readout.replaceChildren(h("bdi", {class: "mono"}, label(token.text)), ` ${stepsText(token.steps)}`);
    }
    if (tell && onpick) onpick(current);
  };
  const at = event => event.target.closest("[data-i]");
  list.addEventListener("pointerover", event => at(event) && view.pick(Number(at(event).dataset.i)));
  list.addEventListener("click", event => at(event) && view.pick(Number(at(event).dataset.i)));
  list.addEventListener("focus", () => current < 0 && view.pick(0));
  list.addEventListener("keydown", event => {
    const last = list.children.length - 1;
    const to = {ArrowLeft: current - 1, ArrowUp: current - 1, ArrowRight: current + 1, ArrowDown: current + 1, Home: 0, End: last}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    view.pick(Math.min(Math.max(to, 0), last));
    if (current >= 0) list.children[current].scrollIntoView({block: "nearest"});
  });

  // add takes a piece of text and the core steps of the tokens that it came of.
  view.add = (piece, steps) => {
    const text = safe(piece);
    if (!text && !steps.length) return;
    view.text += text;
    view.tokens.push({text, steps});
    draw();
  };
  view.show = mode => {
    view.mode = mode;
    plain.hidden = mode !== "text";
    list.hidden = readout.hidden = mode === "text";
    draw();
  };
  view.steps = () => view.tokens.flatMap(t => t.steps);
  return view;
}

function stepsText(steps) {
  if (!steps.length) return "depth not reported";
  return steps.length === 1 ? plural(steps[0], "step") : `${steps.length} tokens: ${steps.join(", ")} steps`;
}

export const mean = list => list.reduce((a, b) => a + b, 0) / list.length;

// summary says how deep an answer went, of `most` core steps a token.
export function summary(steps, most) {
  if (!steps.length) return "";
  const sum = steps.reduce((a, b) => a + b, 0), saved = 1 - sum / (steps.length * most);
  if (steps.every(n => n === steps[0])) return `${plural(steps.length, "token")} × ${plural(steps[0], "step")}` + (steps.length > 1 ? ` = ${plural(sum, "step")}` : "");
  return `${plural(steps.length, "token")} · ${plural(sum, "step")} · ${mean(steps).toFixed(1)} per token` +
    (saved > 0.005 ? ` · ${(100 * saved).toFixed(0)} % fewer than a fixed depth of ${most}` : "");
}

// histogram draws how many tokens took how many core steps.
export function histogram(steps, most) {
  const bins = Math.min(most, 32), counts = new Array(bins).fill(0), bin = n => Math.min(Math.ceil(n * bins / most) - 1, bins - 1);
  for (const n of steps) counts[Math.max(bin(n), 0)]++;
  const width = 240, height = 44, high = Math.max(...counts, 1), w = width / bins;
  const x = (mean(steps) / most) * width - w / 2;
  const text = `Core steps per token: mean ${mean(steps).toFixed(1)}, least ${Math.min(...steps)}, most ${Math.max(...steps)}, of ${most}.`;
  const picture = s("svg", {viewBox: `0 0 ${width + 8} ${height + 20}`, class: "histogram", role: "img", "aria-label": text, width: width + 8, height: height + 20},
    s("path", {d: `M4 ${height + 0.5}h${width}`, class: "axis"}),
    counts.map((n, i) => n && s("rect", {x: 4 + i * w + 0.5, y: height - Math.max(n / high * (height - 4), 2), width: Math.max(w - 1, 1), height: Math.max(n / high * (height - 4), 2), class: "bar"},
      s("title", {}, `${plural(n, "token")}: ${bins === most ? plural(i + 1, "step") : `${Math.floor(i * most / bins) + 1} to ${Math.floor((i + 1) * most / bins)} steps`}`))),
    s("path", {d: `M${4 + x} 2V${height}`, class: "mean"}),
    s("text", {x: 4, y: height + 15, class: "tick"}, "1"),
    s("text", {x: 4 + width, y: height + 15, class: "tick end"}, `${most} steps`),
    s("text", {x: Math.min(Math.max(4 + x, 50), width - 90), y: height + 15, class: "tick mid strong"}, `mean ${mean(steps).toFixed(1)}`));
  return h("figure", {class: "depths"}, h("figcaption", {}, "Core steps per token"), picture);
}
