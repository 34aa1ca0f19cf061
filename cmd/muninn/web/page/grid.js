// What the two pictures of tokens and steps share: rows of cells, a colour bar, axes, and a mark where the reader points.

import {s} from "./dom.js";
import {label, short} from "./text.js";
import {viridis} from "./colour.js";

export const labelWidth = 74;
const top = 46;

// grid draws a row for each token. columns are the steps that are drawn, each width wide; cell draws one.
export function grid({tokens, columns, width, rowHeight, at, ticks, legend, cell}) {
  const cellWidth = (width - labelWidth - 4) / Math.max(columns.length, 1), bottom = top + tokens.length * rowHeight;
  const svg = s("svg", {width, height: bottom + 34, viewBox: `0 0 ${width} ${bottom + 34}`, class: "plot"});
  svg.append(bar(width, ticks, legend));
  tokens.forEach((token, row) => {
    const y = top + row * rowHeight;
    svg.append(s("text", {x: labelWidth - 6, y: y + rowHeight / 2 + 4, class: `mono end ${token.prompt ? "soft" : "strong"}`}, short(label(token.text), 8)));
    columns.forEach((k, i) => {
      if (k <= token.path.length) svg.append(...[cell(token, k, labelWidth + i * cellWidth, y, cellWidth, rowHeight)].flat());
    });
    if (token.steps < token.path.length) {
      const i = Math.max(columns.findLastIndex(k => k <= token.steps), 0);
      svg.append(s("rect", {x: labelWidth + i * cellWidth + 0.75, y: y + 0.75, width: Math.max(cellWidth - 1.5, 1), height: rowHeight - 2, class: "exit"}, s("title", {}, `left after step ${token.steps}`)));
    }
  });
  let last = -Infinity;
  columns.forEach((k, i) => {
    const x = labelWidth + (i + 0.5) * cellWidth;
    if (x - last < 22 && i) return;
    last = x;
    svg.append(s("text", {x, y: bottom + 14, class: "tick mid"}, String(k)));
  });
  svg.append(s("text", {x: labelWidth + (width - labelWidth) / 2, y: bottom + 29, class: "axis-name mid"}, "core step"),
    s("text", {x: labelWidth - 6, y: top - 6, class: "axis-name end"}, "token read"));
  if (tokens[at.token]) {
    const i = Math.max(columns.findLastIndex(k => k <= at.step), 0);
    svg.append(s("rect", {x: labelWidth - 0.5, y: top + at.token * rowHeight - 0.5, width: cellWidth * columns.length + 1, height: rowHeight, class: "row-mark"}),
      s("rect", {x: labelWidth + i * cellWidth, y: top + at.token * rowHeight, width: Math.max(cellWidth - 1, 2), height: rowHeight - 1, class: "cell-mark"}));
  }
  return {svg, cellWidth};
}

// bar is the colour bar above a grid.
function bar(width, ticks, legend) {
  const left = labelWidth, long = Math.min(width - left - 8, 260), parts = 40;
  return s("g", {},
    s("text", {x: left, y: 11, class: "axis-name"}, legend),
    Array.from({length: parts}, (_, i) => s("rect", {x: left + i * long / parts, y: 16, width: long / parts + 0.5, height: 7, fill: viridis(i / (parts - 1))})),
    ticks.map(t => s("text", {x: left + t.at * long, y: 34, class: t.at <= 0.01 ? "tick" : t.at >= 0.99 ? "tick end" : "tick mid"}, t.text)));
}

// listen tells where the reader points on a grid's sheet, by mouse or keys.
export function listen(sheet, shape, point) {
  const where = event => {
    const svg = sheet.querySelector("svg"), {columns, rowHeight, tokens} = shape();
    if (!svg || !columns || !columns.length) return;
    const box = svg.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const row = Math.floor((y - top) / rowHeight), column = Math.floor((x - labelWidth) / ((box.width - labelWidth - 4) / columns.length));
    if (row < 0 || row >= tokens.length) return;
    point(row, columns[Math.min(Math.max(column, 0), columns.length - 1)]);
  };
  sheet.addEventListener("pointermove", event => event.pointerType === "mouse" && where(event));
  sheet.addEventListener("click", where);
  sheet.addEventListener("keydown", event => {
    const {at, tokens} = shape(), move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -1e6], End: [0, 1e6], PageUp: [-10, 0], PageDown: [10, 0]}[event.key];
    if (!move || !tokens.length) return;
    event.preventDefault();
    const row = Math.min(Math.max(at.token + move[0], 0), tokens.length - 1);
    point(row, Math.min(Math.max(at.step + move[1], 1), tokens[row].path.length));
    const svg = sheet.querySelector("svg"), {rowHeight} = shape();
    if (svg) sheet.scrollTop = Math.min(Math.max(sheet.scrollTop, top + (row + 2) * rowHeight - sheet.clientHeight), Math.max(top + (row - 1) * rowHeight, 0));
  });
}
