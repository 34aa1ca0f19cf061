// The conversation.

import {h, byId, announce, downloadJSON} from "./dom.js";
import {ask, prompt, pace, finishText} from "./ask.js";
import {depth, maxDepth, request, turns} from "./controls.js";
import {histogram, summary, tokenView} from "./tokens.js";
import {links, solve, verdict} from "./problems.js";
import {clean} from "./text.js";

// chat runs the conversation with the model that current gives. look gives for an answer that begins what looks into it, or null; onpick is
// told of the token of an answer that the reader points at, onclear of the end of a conversation.
export function chat({current, look, onpick, onclear, onbusy}) {
  const log = byId("log"), input = byId("input"), send = byId("send");
  let messages = [], running = null, asking = false;

  function busy(on) {
    if (on !== asking) onbusy(on);
    asking = on;
    send.textContent = on ? "Stop" : "Ask";
    send.classList.toggle("stop", on);
    byId("regenerate").disabled = on || !messages.length;
    byId("clear").disabled = byId("save-chat").disabled = !messages.length;
    document.body.classList.toggle("busy", on);
  }

  function question(text) {
    log.append(h("article", {class: "turn user", "aria-label": "You"}, h("p", {class: "said", dir: "auto"}, clean(text))));
  }

  async function answer() {
    const model = current(), n = depth(), body = {...request(model), ...prompt(model, turns(messages))};
    const problem = model.demo ? solve(messages[messages.length - 1].content) : null;
    const message = {role: "assistant", content: "", num_steps: n, steps: [], seed: body.seed};
    const view = tokenView({most: maxDepth, spaced: model.demo, name: "Tokens of the answer; arrow keys move", onpick: i => onpick(message, i)});
    view.show(byId("coloured").checked ? "tokens" : "text");
    const note = h("p", {class: "note"}, h("span", {class: "thinking"}, "thinking "));
    const turn = h("article", {class: "turn assistant", "aria-label": `Answer at depth ${n}`, "aria-busy": "true"},
      h("p", {class: "who"}, `depth ${n}${body.criterion ? `, ${body.criterion}` : ""}`), view.element, note);
    log.append(turn);
    view.turn = turn;
    message.view = view;
    messages.push(message);
    const stop = new AbortController();
    running = stop;
    busy(true);
    turn.scrollIntoView({block: "nearest"});
    const looking = look(message, body);
    try {
      const end = await ask(model, body, stop.signal, (piece, steps) => {
        view.add(piece, steps);
        if (nearEnd()) turn.scrollIntoView({block: "end"});
      }, looking);
      message.content = view.text;
      message.steps = view.steps();
      if (!messages.includes(message)) return; // cleared meanwhile
      const near = nearEnd();
      ended(message, note, end, problem);
      if (near) turn.scrollIntoView({block: "end"});
    } catch (error) {
      message.failed = true;
      message.content = view.text;
      note.replaceChildren(h("span", {class: "error", role: "alert"}, error.message));
    } finally {
      if (looking) looking.end();
    }
    turn.setAttribute("aria-busy", "false");
    if (running !== stop) return;
    running = null;
    busy(false);
  }

  function ended(message, note, end, problem) {
    const steps = message.steps, most = message.num_steps, judged = verdict(problem, message.content);
    const parts = [summary(steps, most), pace(end), finishText[end.finish]].filter(Boolean);
    note.replaceChildren(parts.join(" · "));
    if (judged) {
      note.before(h("p", {class: `verdict ${judged}`}, judged === "right" ? "✓ right: " : "✗ wrong; it is ", h("span", {class: "mono"}, links(problem))));
    }
    if (new Set(steps).size > 1) note.after(histogram(steps, most));
    announce(`Answer${judged ? `, ${judged}` : ""}, ${parts.join(", ")}: ${message.content || "empty"}`);
  }

  function nearEnd() {
    const end = log.parentElement;
    return end.scrollHeight - end.scrollTop - end.clientHeight < 160;
  }

  function submit() {
    if (running) return running.abort();
    const text = input.value.trim();
    if (!text || !current()) return input.focus();
    byId("welcome").hidden = true;
    messages = messages.filter(m => !m.failed);
    messages.push({role: "user", content: text});
    question(text);
    input.value = "";
    grow();
    return answer();
  }

  function regenerate() {
    if (running || !messages.length) return;
    const last = messages[messages.length - 1];
    if (last.role === "assistant") {
      messages.pop();
      last.view.turn.remove();
    }
    answer();
  }

  function clear() {
    if (running) running.abort();
    running = null;
    messages = [];
    log.replaceChildren();
    byId("welcome").hidden = false;
    busy(false);
    announce("The conversation is cleared.");
    input.focus();
    onclear();
  }

  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 220)}px`;
  };
  byId("composer").addEventListener("submit", event => {
    event.preventDefault();
    submit();
  });
  input.addEventListener("input", grow);
  input.addEventListener("keydown", event => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!running) submit();
  });
  byId("regenerate").addEventListener("click", regenerate);
  byId("clear").addEventListener("click", clear);
  byId("save-chat").addEventListener("click", () => downloadJSON("muninn-chat.json", {
    model: current().id, device: current().device, messages: messages.map(({role, content, num_steps, steps, seed}) => ({role, content, num_steps, steps, seed})),
  }));
  byId("coloured").addEventListener("change", () => {
    for (const m of messages) if (m.view) m.view.show(byId("coloured").checked ? "tokens" : "text");
  });
  busy(false);
  return {
    stop: () => running && running.abort(),
    put: text => {
      input.value = text;
      grow();
    },
    ask: text => {
      if (running) return;
      input.value = text;
      submit();
    },
  };
}
