// Elements, announcements and downloads. Text enters the page as text nodes only.

const svgSpace = "http://www.w3.org/2000/svg";

// Children come first: an element with dir="auto" looks through all of them for each that is added.
function fill(element, attributes, children) {
  element.append(...children.flat().filter(c => c !== null && c !== undefined && c !== false));
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  return element;
}

// h makes an HTML element; attributes that begin with "on" are listeners.
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

// s makes an SVG element.
export const s = (tag, attributes, ...children) => fill(document.createElementNS(svgSpace, tag), attributes, children);

export const byId = id => document.getElementById(id);

const mostSaid = 400; // characters that a screen reader says by itself

// announce has a screen reader say something; what is longer can be read in the page.
export function announce(text) {
  byId("announcer").textContent = text.length > mostSaid ? `${text.slice(0, mostSaid)}… and more` : text;
}

// later calls something once before the next frame, however often it is asked for.
export function later(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

// download saves a blob under a name.
export function download(name, blob) {
  const link = h("a", {download: name, href: URL.createObjectURL(blob)});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export const downloadJSON = (name, data) =>
  download(name, new Blob([JSON.stringify(data, null, 1)], {type: "application/json"}));

// plural writes a number with its noun.
export const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : (noun.endsWith("s") ? "es" : "s")}`;

// digits writes a number with three significant digits.
export function digits(x) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  if (x === 0) return "0";
  return Math.abs(x) < 0.001 || Math.abs(x) >= 1e5 ? x.toExponential(1).replace("-", "−") : String(Number(x.toPrecision(3)));
}

export const percent = x => x > 0 && x < 0.0005 ? "<0.1 %" : x >= 0.9995 ? "100 %" : x >= 0.1 ? `${(100 * x).toFixed(0)} %` : `${(100 * x).toFixed(1)} %`;

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${n >= 100 || i === 0 ? n.toFixed(0) : n.toFixed(1)} ${units[i]}`;
}
