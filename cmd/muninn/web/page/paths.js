// The latent path of one token, and its paths from other initial states.

import {s, digits, percent} from "./dom.js";
import {label} from "./text.js";
import {logScale, niceTicks, viridis} from "./colour.js";
import {picture} from "./picture.js";

const margin = {left: 46, right: 10, top: 10, bottom: 38};

// plane draws axes of two components around points and returns where a point is.
function plane(svg, points, {x, y, side, names}) {
  const span = i => [Math.min(...points.map(p => p[i])), Math.max(...points.map(p => p[i]))];
  const u = span(0), v = span(1), half = 1.12 * Math.max(u[1] - u[0], v[1] - v[0]) / 2 || 1;
  const low = [(u[0] + u[1]) / 2 - half, (v[0] + v[1]) / 2 - half];
  const put = p => [x + side * (p[0] - low[0]) / (2 * half), y + side * (1 - (p[1] - low[1]) / (2 * half))];
  svg.append(s("rect", {x, y, width: side, height: side, class: "field"}));
  for (const t of niceTicks(low[0], low[0] + 2 * half, 5)) {
    const at = put([t, 0])[0];
    svg.append(s("path", {d: `M${at} ${y}v${side}`, class: "grid"}), s("text", {x: at, y: y + side + 14, class: "tick mid"}, digits(t).replace("-", "−")));
  }
  for (const t of niceTicks(low[1], low[1] + 2 * half, 5)) {
    const at = put([0, t])[1];
    svg.append(s("path", {d: `M${x} ${at}h${side}`, class: "grid"}), s("text", {x: x - 5, y: at + 4, class: "tick end"}, digits(t).replace("-", "−")));
  }
  svg.append(s("text", {x: x + side / 2, y: y + side + 31, class: "axis-name mid"}, names[0]),
    s("text", {transform: `translate(${x - 34} ${y + side / 2}) rotate(-90)`, class: "axis-name mid"}, names[1]));
  return put;
}

const axisNames = explained => [0, 1].map(i => `component ${i + 1}${explained && explained[i] !== undefined ? ` (${percent(explained[i])} of the variance)` : ""}`);
const pair = c => [c[0] ?? 0, c[1] ?? 0];
const ring = ([x, y]) => s("circle", {cx: x, cy: y, r: 6, class: "ring"}, s("title", {}, "initial state"));
const cross = ([x, y]) => s("path", {d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10`, class: "cross"}, s("title", {}, "last step"));

// latent draws the path of the token at state.at in the two directions in which states spread most.
export function latent(state) {
  const chosen = () => state.tokens[state.at.token];
  const path = t => [t.start, ...t.path.map(p => p.components)].map(pair);
  const frame = picture({
    id: "latent", title: "Latent path",
    hint: "Where the hidden state of the chosen token goes, step by step, in the two directions in which states spread most. Ring: start; cross: end.",
    table: () => [["step", "component 1", "component 2"], ...(chosen() ? path(chosen()).map((p, k) => [String(k), digits(p[0]), digits(p[1])]) : [])],
    data: () => ({token: chosen().text, pos: chosen().pos, explained_variance: state.explained, components: [chosen().start, ...chosen().path.map(p => p.components)]}),
  });
  return {
    ...frame,
    update() {
      const t = chosen();
      if (!t || !t.start || t.start.length < 2) return frame.say("Point at a token to see its path.");
      const side = Math.min(frame.width(), 400) - margin.left - margin.right, height = side + margin.top + margin.bottom, width = side + margin.left + margin.right;
      const svg = s("svg", {width, height, viewBox: `0 0 ${width} ${height}`, class: "plot"}), points = path(t);
      const put = plane(svg, points, {x: margin.left, y: margin.top, side, names: axisNames(state.explained)}), at = points.map(put), most = Math.log1p(points.length - 1);
      svg.append(s("path", {d: "M" + at.map(p => p.map(v => v.toFixed(1)).join(" ")).join("L"), class: "way"}));
      const numbered = [];
      at.forEach((p, k) => {
        svg.append(s("circle", {cx: p[0], cy: p[1], r: k === state.at.step ? 6 : 3.6, class: k === state.at.step ? "dot now" : "dot", fill: viridis(Math.log1p(k) / most)}, s("title", {}, `after step ${k}`)));
        if (numbered.some(o => Math.abs(p[0] - o[0]) < 18 && Math.abs(p[1] - o[1]) < 14)) return;
        numbered.push(p);
        svg.append(s("text", {x: p[0] + 7, y: p[1] - 6, class: "tick halo"}, String(k)));
      });
      svg.append(ring(at[0]), cross(at[at.length - 1]));
      const [a, b] = [points[points.length - 2] || points[0], points[points.length - 1]], step = Math.hypot(b[0] - a[0], b[1] - a[1]);
      frame.draw(svg, `Path of the token ${label(t.text)} over ${points.length - 1} steps. The last step moves it by ${digits(step)}.`);
    },
  };
}

const hues = ["#4477aa", "#ee6677", "#228833", "#b8860b", "#aa3377", "#2a9db5"], dashes = ["none", "7 3", "2 3", "9 3 2 3", "4 4", "12 4"];
const line = i => ({fill: "none", "stroke-width": 1.8, stroke: hues[i % hues.length], "stroke-dasharray": dashes[i % dashes.length]});

// starts draws how the paths of one token from several initial states come together. state has starts: a trace's, its token and variance.
export function starts(state) {
  const frame = picture({
    id: "starts", title: "Path independence",
    hint: "The same token from several random states: distance of each path to where they end on average. One line for each start; lines that fall together say that the start did not matter.",
    table: () => [["step", ...state.starts.paths.map(p => `seed ${p.seed}`), "mean of pairs"], ...state.starts.paths[0].distance.map((_, k) => [String(k), ...state.starts.paths.map(p => digits(p.distance[k])), digits(state.starts.spread[k])])],
    data: () => state.starts,
  });
  return {
    ...frame,
    update() {
      if (!state.starts || !state.starts.paths) return frame.say("Not measured yet for this token.");
      const {paths, spread} = state.starts, width = Math.min(frame.width(), 760), side = width >= 560 ? Math.min(width * 0.42, 300) : width - margin.left - margin.right;
      const beside = width >= 560, w = beside ? width - side - 2 * margin.left - 2 * margin.right : side, tall = beside ? side : 200;
      const height = margin.top + tall + margin.bottom + (beside ? 0 : side + margin.bottom + 8);
      const svg = s("svg", {width, height, viewBox: `0 0 ${width} ${height}`, class: "plot"});
      const scale = logScale(paths.flatMap(p => p.distance)), n = paths[0].distance.length - 1;
      const put = (k, v) => [margin.left + w * k / Math.max(n, 1), margin.top + tall * (1 - scale(v))];
      svg.append(s("rect", {x: margin.left, y: margin.top, width: w, height: tall, class: "field"}));
      for (const t of scale.ticks) svg.append(s("path", {d: `M${margin.left} ${margin.top + tall * (1 - t.at)}h${w}`, class: "grid"}), s("text", {x: margin.left - 5, y: margin.top + tall * (1 - t.at) + 4, class: "tick end"}, t.text));
      for (const k of niceTicks(0, n, 6).filter(Number.isInteger)) svg.append(s("text", {x: put(k, 1)[0], y: margin.top + tall + 14, class: "tick mid"}, String(k)));
      svg.append(s("text", {x: margin.left + w / 2, y: margin.top + tall + 31, class: "axis-name mid"}, "core step"),
        s("text", {transform: `translate(10 ${margin.top + tall / 2}) rotate(-90)`, class: "axis-name mid"}, "distance to the mean end"));
      paths.forEach((p, i) => svg.append(s("path", {d: "M" + p.distance.map((v, k) => put(k, v).map(z => z.toFixed(1)).join(" ")).join("L"), ...line(i)}, s("title", {}, `seed ${p.seed}`))));
      const at = beside ? {x: w + 2 * margin.left + margin.right, y: margin.top} : {x: margin.left, y: margin.top + tall + margin.bottom + 8};
      const spot = plane(svg, paths.flatMap(p => p.components.map(pair)), {...at, side, names: axisNames(state.startsExplained)});
      paths.forEach((p, i) => {
        const list = p.components.map(c => spot(pair(c)));
        svg.append(s("path", {d: "M" + list.map(z => z.map(v => v.toFixed(1)).join(" ")).join("L"), ...line(i)}), ring(list[0]), cross(list[list.length - 1]));
      });
      const end = spread[spread.length - 1];
      frame.draw(svg, `${paths.length} paths of one token. Their mean distance falls from ${digits(spread[0])} to ${digits(end)}${end < 0.05 ? ": they end in the same place" : ""}.`);
    },
  };
}
