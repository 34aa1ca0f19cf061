// The frame of a picture: its title, what it shows in words, the same numbers as a table, and buttons that save it.

import {h, download, downloadJSON} from "./dom.js";

// What a picture's style sheet gives its parts; a file has to say it itself.
const kept = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "font-family", "font-size", "font-weight", "text-anchor", "opacity"];

// picture makes a frame. table gives a list of rows for the table, the first of them its head; data what JSON is saved of.
// The frame's draw(element, words) puts a picture in.
export function picture({id, title, hint, table, data}) {
  const sheet = h("div", {class: "sheet", tabindex: 0, role: "group", "aria-label": `${title}. ${hint}`});
  const saves = ["SVG", "PNG", "JSON"].map(form => h("button", {type: "button", class: "quiet", disabled: true, "aria-label": `Save ${title.toLowerCase()} as ${form}`, onclick: () => save(form)}, form));
  const body = h("div", {class: "numbers", tabindex: 0, role: "group", "aria-label": `${title}, as a table`});
  const details = h("details", {class: "table"}, h("summary", {}, "As a table"), body);
  const tools = h("div", {class: "tools"}, details, h("div", {class: "saves"}, h("span", {}, "Save"), saves));
  const element = h("section", {class: "picture", id, "aria-labelledby": `${id}-title`}, h("h3", {id: `${id}-title`}, title), h("p", {class: "hint"}, hint), sheet, tools);
  let current = null;

  function fill() {
    if (!details.open) return;
    const [head, ...rows] = table();
    body.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, head.map(c => h("th", {scope: "col"}, c)))),
      h("tbody", {}, rows.map(([first, ...cells]) => h("tr", {}, h("th", {scope: "row"}, h("bdi", {}, first)), cells.map(c => h("td", {}, h("bdi", {}, String(c)))))))));
  }
  details.addEventListener("toggle", fill);

  async function save(form) {
    if (form === "JSON") return downloadJSON(`muninn-${id}.json`, data());
    const text = standalone(current);
    const file = new Blob([text], {type: "image/svg+xml"});
    if (form === "SVG") return download(`muninn-${id}.svg`, file);
    download(`muninn-${id}.png`, await raster(file, current));
  }

  return {
    element, sheet, tools,
    width: () => Math.max(Math.floor(sheet.clientWidth) - 2, 240),
    draw(svg, words) {
      current = svg;
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", words);
      const [x, y] = [sheet.scrollLeft, sheet.scrollTop];
      sheet.replaceChildren(svg);
      sheet.scrollTo(x, y);
      for (const button of saves) button.disabled = false;
      fill();
    },
    say(...content) {
      current = null;
      sheet.replaceChildren(h("div", {class: "empty"}, content));
      for (const button of saves) button.disabled = true;
    },
  };
}

// standalone writes a picture with its style, on the page's ground.
function standalone(svg) {
  const copy = svg.cloneNode(true), from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of kept) {
      const value = style.getPropertyValue(name);
      if (value && value !== "none" || name === "fill") to[i].setAttribute(name, value);
    }
    to[i].removeAttribute("class");
  });
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor})) ground.setAttribute(name, value);
  copy.prepend(ground);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return new XMLSerializer().serializeToString(copy);
}

// raster draws an SVG file at twice its size.
async function raster(file, svg) {
  const image = new Image(), url = URL.createObjectURL(file);
  image.src = url;
  await image.decode();
  const canvas = h("canvas", {width: 2 * svg.width.baseVal.value, height: 2 * svg.height.baseVal.value});
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  return new Promise(done => canvas.toBlob(done, "image/png"));
}
