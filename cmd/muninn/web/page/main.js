// The page: its parts, and what goes between them.

import {h, byId, announce, downloadJSON} from "./dom.js";
import {chat} from "./chat.js";
import {compare} from "./compare.js";
import {controls, depth, listen, maxDepth, setDepth} from "./controls.js";
import {inside} from "./inside.js";
import {model, models} from "./model.js";
import {draw, examples, links, solve} from "./problems.js";
import {stats} from "./stats.js";

let chosen = null, busy = 0, asked = null;
const current = () => chosen;
const look = inside({current});
const meter = stats({current});
const onbusy = on => {
  busy += on ? 1 : busy > 0 ? -1 : 0;
  document.body.classList.toggle("running", busy > 0);
  if (on) look.stop(); // a question does not wait for a restart
  meter.update();
};
const talk = chat({
  current, onbusy,
  look: (message, body) => {
    if (!byId("look").checked) return null;
    asked = message;
    const says = h("p", {class: "note narrow"}), see = h("button", {type: "button", class: "chip narrow", onclick: () => view("inside")}, "See inside");
    message.view.turn.append(see);
    return look.live(body, why => {
      says.textContent = why;
      see.replaceWith(says);
    });
  },
  onclear: () => {
    asked = null;
    look.clear();
  },
  onpick: (message, i) => {
    if (message !== asked || i < 0) return;
    const steps = message.view.tokens.slice(0, i).reduce((n, t) => n + Math.max(t.steps.length, 1), 0);
    look.follow(steps);
  },
});
const beside = compare({current, onbusy});

// views are the parts that a narrow page shows one at a time.
const views = ["chat", "compare", "inside"];
function view(name) {
  document.body.dataset.view = name;
  for (const v of views) byId(`go-${v}`).setAttribute("aria-pressed", String(v === name));
  look.redraw();
}
for (const v of views) byId(`go-${v}`).addEventListener("click", () => view(v));

const themes = ["auto", "light", "dark"];
function theme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme").replaceChildren(h("span", {class: "roomy"}, "Theme: "), h("span", {class: "slim", "aria-hidden": "true"}, "◐ "), name);
  byId("theme").setAttribute("aria-label", `Theme: ${name}`);
  try {
    localStorage.setItem("muninn-theme", name);
  } catch { /* kept for this visit only */ }
  look.redraw();
}
byId("theme").addEventListener("click", () => theme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => look.redraw());

byId("save-trace").addEventListener("click", () => downloadJSON("muninn-trace.json", look.saved()));

// depthsFor are the depths to compare by default.
function depthsFor(most) {
  const list = chosen.demo ? [1, 2, 4, 8, 16] : [1, 4, 8, 16, 32];
  return [...new Set(list.map(n => Math.min(n, most)))].join(", ");
}

let problem = "";
function welcome() {
  byId("welcome-demo").hidden = !chosen.demo;
  byId("welcome-other").hidden = chosen.demo;
  byId("examples").replaceChildren(...examples.map(text => h("button", {type: "button", class: "example", onclick: () => talk.ask(text)}, text)));
  if (chosen.demo) pose(6);
}

// pose shows a fresh problem of so many links.
function pose(length) {
  problem = draw(length);
  const p = solve(problem), on = p.asked + p.chain.join("");
  byId("definitions").replaceChildren(...p.definitions.map(d => h("span", {class: on.includes(d.name) ? "on" : "off"}, `${d.name}=${d.is}; `)), h("span", {class: "on ask"}, `${p.asked}?`));
  byId("chain").textContent = links(p);
  for (const b of byId("links").children) b.setAttribute("aria-pressed", String(Number(b.dataset.links) === length));
  talk.put(problem);
}
byId("links").replaceChildren(...[2, 3, 4, 6, 8].map(n => h("button", {type: "button", class: "chip", "data-links": n, onclick: () => pose(n)}, `${n} links`)));
byId("ask-shallow").addEventListener("click", () => {
  setDepth(1);
  talk.ask(problem);
});
byId("ask-deep").addEventListener("click", () => {
  setDepth(Math.min(8, maxDepth()));
  talk.ask(problem);
});
byId("ask-all").addEventListener("click", () => {
  view("compare");
  beside.run(problem);
});

async function choose(id) {
  chosen = await model(id);
  document.title = `Muninn: ${id}`;
  controls(chosen);
  byId("depths").value = depthsFor(chosen.maxSteps);
  byId("compare-input").value = "";
  welcome();
  if (chosen.demo) byId("compare-input").value = problem;
  meter.update();
}

async function start() {
  const says = byId("connection");
  try {
    const list = await models();
    byId("model").replaceChildren(...list.map(id => h("option", {value: id}, id)));
    byId("model").disabled = list.length < 2;
    await choose(list[0]);
    says.hidden = true;
    byId("input").disabled = byId("send").disabled = byId("compare-run").disabled = false;
  } catch (error) {
    says.hidden = false;
    says.replaceChildren(h("span", {class: "error", role: "alert"}, error.message), " ", h("button", {type: "button", class: "chip", onclick: start}, "Try again"));
    if (error.status === 503) setTimeout(start, 2000);
    if (error.status !== 401) return;
    byId("settings").open = true;
    byId("key").focus();
  }
}
byId("model").addEventListener("change", () => choose(byId("model").value).then(() => announce(`Model ${chosen.id}, depth ${depth()}`)));

addEventListener("keydown", event => {
  if (event.key === "Escape") {
    talk.stop();
    beside.stop();
    look.stop();
  }
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    byId(document.body.dataset.view === "compare" ? "compare-input" : "input").focus();
  }
});

listen(() => chosen || start());
let kept = "auto";
try {
  kept = localStorage.getItem("muninn-theme") || "auto";
} catch { /* no storage */ }
theme(themes.includes(kept) ? kept : "auto");
view("chat");
start();
