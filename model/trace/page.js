"use strict";
{
const data = JSON.parse(document.getElementById("data").textContent);
const trace = data.trace, tokens = trace.tokens, labels = data.labels;
const most = Math.max(trace.max_steps, 1, ...tokens.map(t => t.path.length));
const colour = x => data.ramp[Math.round(Math.min(Math.max(x, 0), 1) * (data.ramp.length - 1))];
const element = (name, attributes, ...children) => {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
};

// The numbers of one token after one core step.
const numbers = document.getElementById("numbers");
const digits = x => x === null || x === undefined ? "–" : x === 0 ? "0" : Math.abs(x) < 0.001 ? x.toExponential(2) : x.toPrecision(3);
function candidateLabel(c) {
  if (c.bytes) return Array.from(atob(c.bytes), b => b >= " " && b <= "~" ? b : "\\x" + b.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  const visible = c.text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\t/g, "\\t").replace(/\r/g, "\\r").replace(/ /g, "\u2423");
  return visible.replace(/[\p{C}\p{Z}]/gu, r => "\\u" + r.codePointAt(0).toString(16).padStart(4, "0")) || "\"\"";
}
function show(i, k) {
  const t = tokens[i], s = t.path[k - 1];
  const rows = [["position", t.pos + (t.prompt ? " (prompt)" : "")], ["token id", t.id], ["core steps taken", t.steps]];
  if (s) rows.push(["core step", k], ["residual", digits(s.residual)], ["entropy", digits(s.entropy) + (s.entropy === null ? "" : " nats")]);
  const body = element("tbody", {});
  for (const [name, value] of rows) body.append(element("tr", {}, element("th", {scope: "row"}, name), element("td", {class: "num"}, String(value))));
  const parts = [element("p", {class: "label"}, element("bdi", {}, labels[i])), element("table", {}, body)];
  if (s && s.top && s.top.length) {
    const list = element("tbody", {});
    for (const c of s.top) {
      const bar = element("div", {class: "share"});
      bar.style.width = 100 * c.prob + "%";
      list.append(element("tr", {}, element("td", {class: "word"}, element("bdi", {}, candidateLabel(c)), bar), element("td", {class: "num"}, (100 * c.prob).toFixed(1) + " %")));
    }
    parts.push(element("table", {}, element("caption", {}, "next token after this step"), list));
  }
  numbers.replaceChildren(...parts);
}

// The heat map: each group [data-token] holds one rect for every stride-th core step.
const heat = document.getElementById("heatmap"), stride = Number(heat.dataset.stride);
const rows = [];
for (const g of heat.querySelectorAll("g[data-token]")) rows[Number(g.dataset.token)] = g.children;
let at = {token: 0, column: 0}, marked = null;
function point(i, column, scroll) {
  if (!rows[i] || !rows[i].length) return;
  at = {token: i, column: Math.min(Math.max(column, 0), rows[i].length - 1)};
  if (marked) marked.classList.remove("current");
  marked = rows[i][at.column];
  marked.classList.add("current");
  if (scroll) marked.scrollIntoView({block: "nearest", inline: "nearest"});
  show(i, at.column * stride + 1);
}
const cell = e => {
  const g = e.target.closest("g[data-token]");
  return g && e.target.tagName === "rect" ? [Number(g.dataset.token), Array.prototype.indexOf.call(g.children, e.target)] : null;
};
heat.addEventListener("mouseover", e => { const c = cell(e); if (c) point(...c, false); });
heat.addEventListener("click", e => { const c = cell(e); if (c) toggle(c[0]); });
for (const g of document.querySelectorAll("#says g[data-token]")) {
  g.addEventListener("click", () => toggle(Number(g.dataset.token)));
  g.addEventListener("mouseover", e => { if (e.target.dataset.step) show(Number(g.dataset.token), Number(e.target.dataset.step)); });
}
heat.addEventListener("focus", () => point(at.token, at.column, true));
heat.addEventListener("keydown", e => {
  const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -1e9], End: [0, 1e9], PageUp: [-20, 0], PageDown: [20, 0]}[e.key];
  if (move) point(Math.min(Math.max(at.token + move[0], 0), tokens.length - 1), at.column + move[1], true);
  else if (e.key === "Enter" || e.key === " ") toggle(at.token);
  else return;
  e.preventDefault();
});

// The text, one button a token; only one of them is a stop of the tab key.
const text = document.getElementById("text"), buttons = [];
const chosen = data.orbits.slice();
tokens.forEach((t, i) => {
  const b = element("button", {type: "button", tabindex: i ? -1 : 0, title: data.steps[i] + " core steps", "aria-label": labels[i] + ", " + data.steps[i] + " core steps"}, element("bdi", {}, labels[i]));
  if (t.prompt) b.classList.add("prompt");
  b.style.backgroundColor = colour(data.steps[i] / most);
  b.style.color = data.steps[i] / most > 0.5 ? "#000" : "#fff";
  b.addEventListener("click", () => toggle(i));
  b.addEventListener("mouseover", () => show(i, t.steps));
  b.addEventListener("focus", () => show(i, t.steps));
  buttons.push(b);
  text.append(b);
  if (t.text.endsWith("\n")) text.append(element("br", {}));
});
text.addEventListener("keydown", e => {
  const from = buttons.indexOf(document.activeElement), step = {ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -1e9, End: 1e9}[e.key];
  if (from < 0 || !step) return;
  const to = Math.min(Math.max(from + step, 0), buttons.length - 1);
  buttons[from].tabIndex = -1;
  buttons[to].tabIndex = 0;
  buttons[to].focus();
  e.preventDefault();
});
for (const g of document.querySelectorAll("#steps g[data-token]")) {
  g.addEventListener("click", () => toggle(Number(g.dataset.token)));
  g.addEventListener("mouseover", () => show(Number(g.dataset.token), tokens[Number(g.dataset.token)].steps));
}

// Latent paths of the chosen tokens, laid out as in the picture that the page came with.
const limit = 6, orbits = document.getElementById("orbits");
const side = 262, left = 74, pitch = 322, row = 342;
const key = orbits.querySelector("svg");
const svg = (name, attributes, words) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (words !== undefined) e.textContent = words;
  return e;
};
const mark = (x, y, kind) => kind === "finish" ? svg("path", {d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10`, class: kind}) :
  svg("circle", {cx: x, cy: y, r: kind === "start" ? 6 : 3, class: kind});
function ticks(low, high) {
  let step = 10 ** Math.floor(Math.log10((high - low) / 5));
  for (const m of [1, 2, 5, 10]) if ((high - low) / (step * m) <= 5) { step *= m; break; }
  const list = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) list.push(Math.abs(v) < step / 1e6 ? 0 : v);
  return list;
}
function panel(out, x, y, path, exit, a) {
  const span = axis => {
    const v = path.map(p => p[a + axis]).filter(v => v !== null);
    return v.length ? [Math.min(...v), Math.max(...v)] : [0, 0];
  };
  const u = span(0), v = span(1), half = 1.12 * Math.max(u[1] - u[0], v[1] - v[0]) / 2 || 1.12;
  const low = [(u[0] + u[1]) / 2 - half, (v[0] + v[1]) / 2 - half];
  const put = p => [x + side * ((p[a] ?? low[0] + half) - low[0]) / (2 * half), y + side * (1 - ((p[a + 1] ?? low[1] + half) - low[1]) / (2 * half))];
  const number = t => String(Number(t.toPrecision(3))).replace("-", "\u2212");
  const name = c => `PC${c + 1} (${(100 * trace.explained_variance[c]).toFixed(1)} % of the variance)`;
  out.append(svg("rect", {x, y, width: side, height: side, class: "field"}));
  for (const t of ticks(low[0], low[0] + 2 * half)) {
    const at = x + side * (t - low[0]) / (2 * half);
    out.append(svg("path", {d: `M${at} ${y}v${side}`, class: "grid"}), svg("text", {x: at, y: y + side + 13, class: "small mid"}, number(t)));
  }
  for (const t of ticks(low[1], low[1] + 2 * half)) {
    const at = y + side * (1 - (t - low[1]) / (2 * half));
    out.append(svg("path", {d: `M${x} ${at}h${side}`, class: "grid"}), svg("text", {x: x - 5, y: at + 4, class: "small end"}, number(t)));
  }
  out.append(svg("text", {x: x + side / 2, y: y + side + 28, class: "small mid"}, name(a)),
    svg("text", {transform: `translate(${x - 42} ${y + side / 2}) rotate(-90)`, class: "small mid"}, name(a + 1)));
  const points = path.map(put), deepest = Math.log1p(Number(orbits.dataset.most));
  out.append(svg("path", {d: "M" + points.map(p => p.join(" ")).join("L"), class: "way"}));
  const numbered = [];
  points.forEach((p, k) => {
    if (!numbered.some(o => Math.abs(p[0] - o[0]) < 16 && Math.abs(p[1] - o[1]) < 13)) {
      numbered.push(p);
      out.append(svg("text", {x: p[0] + 5, y: p[1] - 5, class: "small"}, String(k)));
    }
    const c = svg("circle", {cx: p[0], cy: p[1], r: 3.2, class: "point", fill: colour(Math.log1p(k) / deepest)});
    c.append(svg("title", {}, "core step " + k));
    out.append(c);
  });
  out.append(mark(...points[0], "start"));
  if (exit > 0 && exit < points.length - 1) out.append(mark(...points[exit], "mark"));
  out.append(mark(...points.at(-1), "finish"));
}
function draw() {
  orbits.replaceChildren(key, ...chosen.map(i => {
    const t = tokens[i], label = `pos ${t.pos}, ${t.steps} core step${t.steps === 1 ? "" : "s"}: ${labels[i]}`;
    const out = svg("svg", {viewBox: `0 0 1000 ${row}`, width: 1000, height: row, role: "img", "aria-label": label, class: "picture"});
    out.append(svg("text", {x: left, y: 14, class: "mono"}, label));
    const path = [t.start, ...t.path.map(s => s.components)];
    for (let p = 0; 2 * p + 1 < trace.explained_variance.length; p++) panel(out, left + pitch * p, 24, path, t.steps, 2 * p);
    return out;
  }));
  buttons.forEach((b, i) => b.setAttribute("aria-pressed", chosen.includes(i)));
}
function toggle(i) {
  const n = chosen.indexOf(i);
  if (n >= 0) chosen.splice(n, 1);
  else {
    chosen.unshift(i);
    chosen.length = Math.min(chosen.length, limit);
  }
  draw();
}
draw();

document.getElementById("save").addEventListener("click", () => {
  const a = element("a", {download: "trace.json", href: URL.createObjectURL(new Blob([JSON.stringify(trace)], {type: "application/json"}))});
  a.click();
  URL.revokeObjectURL(a.href);
});
}
