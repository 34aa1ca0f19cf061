// The depth of the next answer and everything else that a request carries.

import {h, byId, plural} from "./dom.js";
import {getKey, setKey} from "./api.js";

export const criteriaText = {
  "latent-diff": "its state has settled", cosine: "its state has stopped turning", acceleration: "its state has stopped speeding up",
  "entropy-diff": "its certainty has settled", kl: "its odds have settled", "minp-kl": "its likely odds have settled",
  "argmax-stability": "its favourite stays the same", gate: "the model's own gate says so",
};

const settings = ["system", "temperature", "max-tokens", "seed", "min-steps", "threshold"];

export const depth = () => Number(byId("depth").value);
export const maxDepth = () => Number(byId("depth").max);

// setDepth moves the slider.
export function setDepth(n) {
  const slider = byId("depth");
  slider.value = String(n);
  show();
}

// controls fills the slider, presets and criteria in for a model.
export function controls(model) {
  const slider = byId("depth");
  slider.max = String(model.maxSteps);
  slider.value = String(Math.min(model.meanSteps, model.maxSteps));
  byId("depth-max").textContent = String(model.maxSteps);
  byId("temperature").placeholder = String(model.temperature);
  byId("max-tokens").placeholder = model.demo ? "24" : "512";
  const presets = byId("presets");
  presets.replaceChildren(...model.efforts.map(e => h("button", {
    type: "button", class: "chip", "aria-pressed": "false", title: `${e.name} effort: depth ${e.steps}`,
    onclick: () => {
      setDepth(e.steps);
      byId("criterion").value = e.criterion || "";
      show();
    },
  }, e.name)));
  [...presets.children].forEach((button, i) => {
    button.dataset.steps = model.efforts[i].steps;
    button.dataset.criterion = model.efforts[i].criterion || "";
  });
  byId("criterion").replaceChildren(h("option", {value: ""}, "never: every token takes all steps"),
    ...model.criteria.map(c => h("option", {value: c}, `when ${criteriaText[c] || c} (${c})`)));
  show();
}

function show() {
  const n = depth(), slider = byId("depth");
  byId("depth-value").textContent = String(n);
  slider.setAttribute("aria-valuetext", plural(n, "core step") + " per token");
  slider.style.setProperty("--at", `${100 * (n - 1) / Math.max(maxDepth() - 1, 1)}%`);
  const criterion = byId("criterion").value;
  byId("depth-says").textContent = (criterion ? "Up to " : "") + plural(n, "core step") + " before every token" +
    (criterion ? ", fewer once " + (criteriaText[criterion] || criterion) + "." : ".");
  for (const button of byId("presets").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.steps) === n && button.dataset.criterion === criterion));
  }
  const loop = byId("loop"), dots = Math.min(n, 32);
  while (loop.children.length > dots) loop.lastChild.remove();
  while (loop.children.length < dots) loop.append(h("i", {}));
  loop.classList.toggle("thin", dots > 12);
  byId("loop-more").textContent = n > dots ? `×${n}` : "";
  for (const id of ["threshold", "min-steps"]) byId(id).disabled = !criterion;
}

// request is what the controls say, as the server takes it.
export function request(model, steps) {
  const number = id => byId(id).value.trim() === "" ? null : Number(byId(id).value);
  const body = {
    model: model.id, num_steps: steps ?? depth(), return_steps: true,
    temperature: number("temperature") ?? model.temperature, max_tokens: number("max-tokens") ?? (model.demo ? 24 : 512),
  };
  // What is drawn is drawn from a seed that is named, so that a trace can draw it again; without one, texts that begin alike are read once.
  if (number("seed") !== null || body.temperature > 0) body.seed = number("seed") ?? Math.floor(Math.random() * 2 ** 31);
  const criterion = byId("criterion").value;
  if (criterion && steps === undefined) {
    body.criterion = criterion;
    body.exit_threshold = number("threshold") ?? "auto";
    if (number("min-steps") !== null) body.min_steps = number("min-steps");
  }
  if (model.demo) body.stop = [";"];
  return body;
}

// turns are the messages of a conversation, with the system text first.
export function turns(messages) {
  const system = byId("system").value.trim();
  return [...(system ? [{role: "system", content: system}] : []), ...messages.map(({role, content}) => ({role, content}))];
}

// listen starts the controls.
export function listen(onkey) {
  byId("depth").addEventListener("input", show);
  byId("criterion").addEventListener("change", show);
  byId("key").value = getKey();
  byId("key").addEventListener("change", () => {
    setKey(byId("key").value);
    onkey();
  });
  for (const id of settings) {
    byId(id).addEventListener("input", () => byId(id).setAttribute("aria-invalid", String(!byId(id).checkValidity())));
  }
}
