// What a model says, is called or fails with does nothing to the page; a slow answer can be stopped; several models can be chosen from.

import assert from "node:assert/strict";
import {test} from "node:test";
import {idle, open, sizes, stage} from "./open.mjs";
import {fake} from "./fake.mjs";

// on opens the page on a fake server.
async function on(options, use, context = {}) {
  const talker = await fake(stage.url, options);
  try {
    await open(talker.url, {viewport: sizes[1], ...context}, page => use(page, talker.state));
  } finally {
    await talker.close();
  }
}

async function ask(page, text) {
  await page.fill("#input", text);
  await page.keyboard.press("Enter");
}

const evil = ["<script>window.bad = 1</script>", "<img src=http://evil.example/x onerror='window.bad = 2'>", "\u001b[31mred\u001b]0;title", "\u0007 \u001b", "[2J\u009b1m plain ",
  "\u202eDESREVER \u2066x ", "שלום עולם ", "[link](javascript:window.bad=3) ", "**bold** `code` *it*\n- one\n- two\n\n```\n<b>pre</b>\n```\n", "\u0000\u0008\ud800 end", "{{style}} </style></script>"];

test("hostile text does nothing", () => on({says: () => evil, models: ["<b onclick=x>model</b>"]}, async page => {
  await ask(page, "<script>window.bad = 4</script> \u001b[31m");
  await idle(page);
  for (const coloured of [true, false]) {
    await page.setChecked("#coloured", coloured);
    await page.waitForTimeout(100);
    const text = await page.locator("#log .assistant").innerText();
    assert.ok(text.includes("<script>window.bad = 1</script>") && text.includes("plain"), text);
    assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text), JSON.stringify(text));
    assert.ok(!text.includes("title") && !text.includes("[31m"), text);
    assert.equal(await page.evaluate(() => window.bad), undefined);
    assert.equal(await page.locator("#log img, #log script, #log a, #log b:not(strong), #log iframe").count(), 0);
  }
  assert.deepEqual(await page.locator("#log .rendered strong, #log .rendered em, #log .rendered p > code").allInnerTexts(), ["bold", "code", "it"]);
  assert.deepEqual(await page.locator("#log .rendered li").allInnerTexts(), ["one", "two"]);
  assert.equal(await page.locator("#log .rendered pre code").innerText(), "<b>pre</b>");
  // The override ends with the answer: what stands below runs on as ever.
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("#log .tokens")).unicodeBidi), "isolate");
  assert.equal(await page.evaluate(() => document.title), "Muninn: <b onclick=x>model</b>");
}));

test("ten thousand emoji do not hang", () => on({says: () => Array.from({length: 2500}, () => "😀👩‍👩‍👧🏳️‍🌈é")}, async page => {
  await ask(page, "go");
  const began = Date.now();
  let slowest = 0;
  while (!await page.evaluate(() => !document.body.classList.contains("busy") && document.querySelectorAll("#log .token").length >= 2500)) {
    const at = Date.now();
    await page.evaluate(() => new Promise(requestAnimationFrame));
    slowest = Math.max(slowest, Date.now() - at);
    assert.ok(Date.now() - began < 60000, "not shown within a minute");
  }
  assert.ok(slowest < 10000, `a frame took ${slowest} ms`);
  await page.setChecked("#coloured", false);
  await page.waitForFunction(() => document.querySelector("#log .rendered").textContent.length > 10000);
}));

test("marks without end are read once", () => on({says: () => ["*a ".repeat(30000) + "`".repeat(3), "\n".repeat(2000) + "**" + "_b".repeat(20000)]}, async page => {
  await page.setChecked("#coloured", false);
  await ask(page, "go");
  await idle(page);
  await page.waitForFunction(() => document.querySelector("#log .rendered").textContent.length > 90000);
}));

test("a slow answer is stopped, by the button and by Escape", () => on({says: () => Array.from({length: 500}, (_, i) => `word${i} `), pause: 20}, async (page, state) => {
  await ask(page, "count");
  await page.waitForFunction(() => document.querySelectorAll("#log .token").length > 2);
  assert.equal(await page.innerText("#send"), "Stop");
  await page.click("#send");
  await idle(page);
  const shown = await page.locator("#log .token").count();
  assert.match(await page.innerText("#log .note"), /Stopped\./);
  await page.click("#regenerate");
  await page.waitForFunction(() => document.querySelectorAll("#log .token").length > 2);
  await page.keyboard.press("Escape");
  await idle(page);
  await page.click("#go-compare");
  await page.fill("#compare-input", "count");
  await page.click("#compare-run");
  await page.waitForFunction(() => [...document.querySelectorAll("#columns .tokens")].filter(c => c.childElementCount > 1).length === 5);
  await page.click("#compare-run");
  await idle(page);
  assert.ok(shown < 400);
  for (let i = 0; i < 500 && state.gone < 7; i++) await new Promise(done => setTimeout(done, 20));
  assert.equal(state.gone, 7, "answers that the server saw the end of");
  assert.equal(state.ended, 0);
}));

test("models are chosen from, and messages grow", () => on({models: ["first", "second"], says: asked => [`I am ${asked.model}.`]}, async (page, state) => {
  assert.deepEqual(await page.locator("#model option").allInnerTexts(), ["first", "second"]);
  await page.click("#examples button");
  await idle(page);
  await page.selectOption("#model", "second");
  await page.waitForFunction(() => document.title === "Muninn: second");
  await page.click("#settings summary");
  await page.fill("#system", "Be kind.");
  await ask(page, "Who?");
  await idle(page);
  const last = state.asked.filter(a => a.path === "/v1/chat/completions").at(-1);
  assert.equal(last.model, "second");
  assert.deepEqual(last.messages.map(m => m.role), ["system", "user", "assistant", "user"]);
  assert.equal(last.messages[2].content, "I am first.");
  assert.match(await page.locator("#log .assistant").last().innerText(), /No live pictures: no traces here/);
  assert.equal(await page.locator("#inside-status").textContent(), "No live pictures: no traces here");
  assert.deepEqual(state.asked.map(a => a.path), ["/v1/trace", "/v1/chat/completions", "/v1/trace", "/v1/chat/completions"]);
}));

test("errors are told", () => on({says: () => { throw new Error("no"); }}, async page => {
  await page.route("**/v1/chat/completions", route => route.fulfill({status: 503, contentType: "application/json", body: JSON.stringify({error: {message: "<i>busy</i>"}})}));
  await ask(page, "hi");
  await page.waitForSelector("#log .error");
  assert.equal(await page.innerText("#log .error"), "<i>busy</i>");
  await page.unroute("**/v1/chat/completions");
  await page.route("**/v1/chat/completions", route => route.abort());
  await ask(page, "hi");
  await page.waitForFunction(() => document.querySelectorAll("#log .error").length === 2);
  assert.match(await page.locator("#log .error").last().innerText(), /does not answer/);
}));
