// The pictures of what happens inside: pointed at, read as tables, saved.

import assert from "node:assert/strict";
import {describe, test} from "node:test";
import {fake} from "./fake.mjs";
import {everywhere, hand, idle, open, saved, sizes, stage, together, traced} from "./open.mjs";

const detail = page => page.locator("#inside-detail p").innerText();

describe("pictures", together, () => everywhere.forEach(({how, viewport, colorScheme, named}) => {
  test(`pictures by ${named}`, () => open(stage.url, {viewport, colorScheme}, async page => {
    const use = hand(page, how), asked = [];
    page.on("request", r => r.method() === "POST" && asked.push(new URL(r.url()).pathname));
    await use.press("#ask-deep");
    await traced(page);
    assert.deepEqual(asked, ["/v1/trace"], "one decoding makes the answer and its pictures");
    assert.match(await page.innerText("#log .verdict"), /✓ right/);
    if (viewport.width < 1000) await use.press("#go-inside");
    await page.waitForSelector("#convergence svg");
    const said = await page.locator("#lens svg text.mono.mid").allTextContents();
    assert.match(said.at(-1), /^\d;$/, "after the last step it says the value");
    await pointed(page, how);
    await again(page, use);
    for (const id of ["convergence", "lens", "latent", "starts"]) await kept(page, use, id);
    const trace = JSON.parse((await saved(page, () => use.press("#save-trace"))).content);
    assert.equal(trace.tokens.at(-1).path.length, 8);
  }));
}));

// pointed points at cells of the heat map.
async function pointed(page, how) {
  const sheet = page.locator("#convergence .sheet"), before = await detail(page);
  if (how === "mouse") await sheet.hover({position: {x: 110, y: 70}});
  else {
    await sheet.focus();
    for (const key of ["ArrowUp", "ArrowUp", "Home", "ArrowRight"]) await page.keyboard.press(key);
  }
  await page.waitForFunction(was => document.querySelector("#inside-detail p").innerText !== was, before);
  assert.match(await detail(page), /after step \d of 8\. The step moved the state by [\d.<]+ %; the next token has an entropy of/);
  assert.equal(await page.locator("#inside-detail li").count(), 5);
  assert.match(await page.locator("#latent svg").getAttribute("aria-label"), /^Path of the token .* over 8 steps/);
}

// again restarts the token from random states.
async function again(page, use) {
  await use.press("#starts .act button");
  await page.waitForSelector("#starts svg");
  assert.match(await page.locator("#starts svg").getAttribute("aria-label"), /^5 paths of one token\. Their mean distance falls from/);
}

// kept reads a picture's table and saves it in each form.
async function kept(page, use, id) {
  await use.press(`#${id} summary`);
  await page.waitForSelector(`#${id} tbody tr >> nth=1`);
  await use.press(`#${id} summary`);
  const file = async form => (await saved(page, () => use.press(`#${id} .saves button:text-is("${form}")`))).content;
  const svg = String(await file("SVG"));
  assert.ok(svg.startsWith("<svg") && svg.includes("font-family") && !svg.includes("class=") && !svg.includes("var("), svg.slice(0, 200));
  assert.equal(await stage.blank.evaluate(t => new DOMParser().parseFromString(t, "image/svg+xml").querySelector("parsererror"), svg), null);
  const png = await file("PNG");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.ok(png.length > 2000, `${png.length} bytes`);
  JSON.parse(await file("JSON"));
}

// live is what a trace tells of a question of three tokens and an answer of some words.
function live(asked, words) {
  const row = (pos, text, prompt) => ({token: {
    pos, id: pos, text, prompt, steps: asked.num_steps, start: [0, pos], path: Array.from({length: asked.num_steps}, (_, k) => ({
      residual: 0.5 ** (k + 1), entropy: 1, top: [{id: 1, text: "so", prob: 0.5}], components: [k + 1, pos],
    })),
  }});
  const rows = [0, 1, 2].map(i => row(i, `q${i}`, true)), answer = words.flatMap((text, i) => [
    ...i ? [row(2 + i, words[i - 1], false)] : [], {choices: [{index: 0, delta: {content: text}, finish_reason: null, x_steps: [asked.num_steps]}]},
  ]);
  const all = [...rows, ...answer].flatMap(e => e.token || []);
  return [{prompt: {read: 1, of: 3}}, ...rows, ...answer, {choices: [{index: 0, delta: {}, finish_reason: "stop"}]},
    {trace: {tokens: all, explained_variance: [0.6, 0.3], usage: {completion_tokens: words.length}}}, {choices: [], usage: {completion_tokens: words.length}}];
}

// shown counts the tokens of the answer and the rows of the heat map.
const shown = page => page.evaluate(() => ({
  tokens: document.querySelectorAll("#log .assistant:last-child .token").length,
  rows: Number(/of (\d+) tokens/.exec(document.querySelector("#convergence svg")?.getAttribute("aria-label"))?.[1] || 0), busy: document.body.classList.contains("busy"),
}));

// level waits until the picture has the answer's rows, but for what came with the last frames, and more than it had; or the answer ends.
async function level(page, had) {
  for (;;) {
    const s = await shown(page);
    if (!s.busy || s.rows > had && Math.abs(s.rows - s.tokens - 2) <= 3) return s;
    await new Promise(done => setTimeout(done, 5));
  }
}

test("pictures grow with the answer", async () => {
  const words = Array.from({length: 400}, (_, i) => `w${i} `), talker = await fake(stage.url, {pause: 15, trace: asked => live(asked, words.slice(0, asked.num_steps === 8 ? 20 : 400))});
  try {
    await open(talker.url, {viewport: sizes[0]}, async page => {
      await page.fill("#input", "go");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelectorAll("#log .token").length > 3);
      const seen = [await level(page, 0)];
      await page.waitForFunction(n => document.querySelectorAll("#log .token").length > n + 5, seen[0].tokens);
      seen.push(await level(page, seen[0].rows));
      assert.ok(seen.every(s => s.busy && s.rows > 0 && Math.abs(s.rows - s.tokens - 2) <= 3) && seen[1].rows > seen[0].rows, JSON.stringify(seen));
      assert.ok(await page.isDisabled("#save-trace"));
      // Where the reader points, the picture stays, and grows on.
      await page.hover("#convergence .sheet", {position: {x: 110, y: 54}});
      await page.waitForFunction(() => /^q0 at position 0/.test(document.querySelector("#inside-detail p").innerText));
      await page.waitForFunction(n => document.querySelectorAll("#log .token").length > n + 5, seen[1].tokens);
      assert.match(await detail(page), /^q0 at position 0/);
      // Stopped, both stop, and the server is left at once.
      await page.click("#send");
      await idle(page);
      for (let i = 0; i < 100 && talker.state.gone < 1; i++) await new Promise(done => setTimeout(done, 10));
      assert.equal(talker.state.gone, 1);
      assert.match(await page.innerText("#inside-status"), /^Recorded \d+ tokens by 32 steps\. The answer did not come to its end\./);
      const stopped = await shown(page);
      assert.ok([2, 3].includes(stopped.rows - stopped.tokens), JSON.stringify(stopped));
      // Made anew to the end, it is there once.
      await page.fill("#depth", "8");
      await page.click("#regenerate");
      await traced(page);
      assert.deepEqual(await shown(page), {tokens: 20, rows: 22, busy: false});
      // Cleared while it comes, nothing is left, nor comes later.
      await page.fill("#depth", "32");
      await page.click("#regenerate");
      await page.waitForFunction(() => document.querySelectorAll("#log .token").length > 3);
      await page.click("#clear");
      await page.waitForTimeout(100);
      assert.ok(await page.isVisible("#inside-empty") && await page.isHidden("#inside-full"));
      assert.equal(await page.innerText("#inside-status"), "");
      assert.deepEqual(talker.state.asked.map(a => a.path), ["/v1/trace", "/v1/trace", "/v1/trace"]);
    });
  } finally {
    await talker.close();
  }
});
