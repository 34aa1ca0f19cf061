// What a model says, made safe to show: terminal escapes go, and a little Markdown becomes elements. Nothing here reads markup.

import {h} from "./dom.js";

// cleaner returns a function that strips terminal escapes and control characters from text that comes piece by piece.
export function cleaner() {
  let state = "text"; // or "escape", "sequence", "string", "string escape"
  return piece => {
    let out = "";
    for (const c of piece) {
      const code = c.codePointAt(0);
      switch (state) {
      case "escape":
        if (c === "[") state = "sequence";
        else if ("]PX^_".includes(c)) state = "string";
        else if (code < 0x20 || code > 0x2f) state = "text";
        continue;
      case "sequence":
        if (code < 0x20 || code > 0x3f) state = "text";
        continue;
      case "string":
        if (code === 0x1b) state = "string escape";
        else if (code === 0x07 || code === 0x9c || c === "\n") state = "text";
        continue;
      case "string escape":
        state = c === "\\" ? "text" : "string";
        continue;
      }
      if (code === 0x1b) state = "escape";
      else if (code === 0x9b) state = "sequence";
      else if (c === "\n" || c === "\t" || code >= 0x20 && (code < 0x7f || code > 0x9f)) out += c;
    }
    return out;
  };
}

export const clean = text => cleaner()(text);

// label writes a token so that all of it can be seen.
export function label(text) {
  const seen = text.replace(/\n/g, "\u21b5").replace(/\t/g, "\u21e5").replace(/ /g, "\u2423");
  return seen.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, c => "\\u" + c.codePointAt(0).toString(16).padStart(4, "0")) || "\u2205";
}

// short cuts a label to so many characters.
export function short(text, most) {
  const list = [...text];
  return list.length <= most ? text : list.slice(0, Math.max(most - 1, 1)).join("") + "\u2026";
}

// render makes paragraphs, lists, code and emphasis of text.
export function render(text) {
  const out = document.createDocumentFragment(), lines = text.split("\n");
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    if (/^\s*$/.test(line)) i++;
    else if (/^ {0,3}```/.test(line)) i = codeBlock(out, lines, i);
    else if (marker(line)) i = list(out, lines, i);
    else i = paragraph(out, lines, i);
  }
  return out;
}

function codeBlock(out, lines, i) {
  const body = [];
  for (i++; i < lines.length && !/^ {0,3}```\s*$/.test(lines[i]); i++) body.push(lines[i]);
  out.append(h("pre", {tabindex: 0, role: "group", "aria-label": "code"}, h("code", {dir: "ltr"}, body.join("\n"))));
  return i + 1;
}

// marker is the mark of a list's item: null, or where its text begins and whether it is numbered.
function marker(line) {
  const m = /^ {0,3}(?:[-*+]|(\d{1,9})[.)]) +/.exec(line);
  return m && {at: m[0].length, number: m[1]};
}

function list(out, lines, i) {
  const first = marker(lines[i]);
  const element = h(first.number ? "ol" : "ul", first.number ? {start: Number(first.number)} : {});
  for (; i < lines.length; i++) {
    const m = marker(lines[i]);
    if (!m || !m.number !== !first.number) break;
    element.append(h("li", {dir: "auto"}, inline(lines[i].slice(m.at))));
  }
  out.append(element);
  return i;
}

function paragraph(out, lines, i) {
  const heading = /^#{1,6} +(.*)$/.exec(lines[i]);
  if (heading) {
    out.append(h("p", {dir: "auto"}, h("strong", {}, inline(heading[1]))));
    return i + 1;
  }
  const body = [];
  for (; i < lines.length && !/^\s*$/.test(lines[i]) && !/^ {0,3}```/.test(lines[i]) && !(body.length && marker(lines[i])); i++) body.push(lines[i]);
  out.append(h("p", {dir: "auto"}, inline(body.join("\n"))));
  return i;
}

// inline makes code and emphasis of a line. A mark without its end is text, and is looked for once only.
function inline(text) {
  const out = [], none = {};
  let plain = "";
  const flush = () => {
    if (plain) out.push(plain);
    plain = "";
  };
  for (let i = 0; i < text.length;) {
    const mark = text[i] === "`" ? "`" : text.startsWith("**", i) ? "**" : text[i] === "*" || text[i] === "_" && !/\w/.test(text[i - 1] || "") ? text[i] : "";
    const from = i + mark.length;
    const end = !mark || none[mark] || /\s/.test(text[from] || " ") ? -1 : text.indexOf(mark, from + 1);
    if (mark && end < 0 && !/\s/.test(text[from] || " ")) none[mark] = true;
    if (end < 0) {
      plain += text[i++];
      continue;
    }
    flush();
    const body = text.slice(from, end);
    out.push(h(mark === "`" ? "code" : mark === "**" ? "strong" : "em", {}, body));
    i = end + mark.length;
  }
  flush();
  return out;
}
