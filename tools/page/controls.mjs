// Every control of the page.

import assert from "node:assert/strict";
import {describe, test} from "node:test";
import {everywhere, hand, idle, open, saved, stage, together, traced} from "./open.mjs";

const text = (page, selector) => page.locator(selector).first().innerText();
const body = page => page.waitForRequest(r => r.method() === "POST" && /(completions|trace)$/.test(r.url())).then(r => r.postDataJSON());

async function depth(page, use) {
  await use.slide("#depth", 1);
  assert.equal(await text(page, "#depth-value"), "32");
  await use.slide("#depth", 0);
  assert.equal(await text(page, "#depth-value"), "1");
  assert.match(await text(page, "#depth-says"), /^1 core step before every token\.$/);
  for (const preset of await page.locator("#presets button").all()) {
    const steps = await preset.getAttribute("data-steps");
    await use.press(`#presets [data-steps="${steps}"]`);
    assert.equal(await text(page, "#depth-value"), steps);
    assert.equal(await preset.getAttribute("aria-pressed"), "true");
  }
}

async function welcome(page, use) {
  for (const links of [2, 3, 6, 8, 4]) {
    await use.press(`#links [data-links="${links}"]`);
    assert.equal((await text(page, "#chain")).split("→").length, links + 1);
  }
  const asked = body(page);
  await use.press("#ask-shallow");
  assert.equal((await asked).num_steps, 1);
  await idle(page);
  assert.ok(await page.locator("#log .assistant .token").count() > 1, "depth 1 spells the chain out");
  assert.match(await text(page, "#log .verdict"), /✓ right/);
  await use.press("#clear");
  await use.press("#ask-deep");
  await idle(page);
  assert.equal(await page.locator("#log .assistant .token").count(), 1, "depth 8 says the value at once");
}

async function settings(page, use) {
  await use.press("#settings summary");
  await use.choose("#criterion", "latent-diff");
  for (const [id, value] of Object.entries({threshold: "0.05", "min-steps": "2", temperature: "0.4", "max-tokens": "3", seed: "7", system: "Be short.", key: "secret"})) {
    await use.write(`#${id}`, value);
  }
  await use.press("#settings summary");
  await use.write("#input", "b=a;a=4;b?");
  const asked = page.waitForRequest(r => r.url().endsWith("/v1/trace"));
  await use.press("#send");
  assert.equal((await asked).headers().authorization, "Bearer secret");
  const sent = (await asked).postDataJSON();
  const want = {num_steps: 8, criterion: "latent-diff", exit_threshold: 0.05, min_steps: 2, temperature: 0.4, max_tokens: 3, seed: 7, return_steps: true, stream: true, prompt: "b=a;a=4;b?"};
  for (const [name, value] of Object.entries(want)) assert.equal(sent[name], value, name);
  await idle(page);
  await traced(page);
  const steps = await page.locator("#log .assistant:last-child .token").first().getAttribute("title");
  assert.match(steps, /^[2-7] steps$/, "the token left early");
}

async function conversation(page, use) {
  await use.point("#log .assistant:last-child .tokens", "#log .assistant:last-child .token", 0);
  assert.match(await text(page, "#log .assistant:last-child .readout"), /\d+ steps/);
  await use.press("#coloured");
  await page.locator("#log .rendered").last().waitFor();
  await use.press("#coloured");
  await page.locator("#log .tokens").last().waitFor();
  await use.press("#look");
  const before = await page.locator("#log .turn").count();
  let looked = 0;
  page.on("request", r => looked += r.url().endsWith("/v1/trace") ? 1 : 0);
  await use.press("#regenerate");
  await idle(page);
  assert.equal(await page.locator("#log .turn").count(), before);
  assert.equal(looked, 0);
  await use.press("#look");
  const {name, content} = await saved(page, () => use.press("#save-chat"));
  const kept = JSON.parse(content);
  assert.equal(name, "muninn-chat.json");
  assert.deepEqual(kept.messages.map(m => m.role), ["user", "assistant", "user", "assistant"]);
  assert.ok(kept.messages[3].steps.every(n => n >= 2 && n <= 8));
  await page.locator("body").click({position: {x: 2, y: 2}});
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "input");
  await page.keyboard.type("a=1;");
  await page.keyboard.press("Shift+Enter");
  assert.equal(await page.inputValue("#input"), "a=1;\n");
  await use.write("#input", "a=1;a?");
  await page.keyboard.press("Enter");
  await idle(page);
  await traced(page);
}

async function compared(page, use) {
  await use.press("#go-compare");
  await use.write("#compare-input", "c=b;b=a;a=4;c?");
  await use.write("#depths", "1, x");
  await use.press("#compare-run");
  assert.match(await text(page, "#compare-says"), /whole numbers from 1 to 32/);
  await use.write("#depths", "1 2,4");
  await use.press("#compare-run");
  await idle(page);
  assert.equal(await page.locator("#columns .column").count(), 3);
  assert.deepEqual(await page.locator("#columns .verdict").allInnerTexts(), ["✓ right", "✓ right", "✓ right"]);
  assert.match(await text(page, "#compare-end"), /depth 1 spelled the chain out in 3 tokens, depth 4 followed it inside and needed 1 token/);
  await use.point("#columns .tokens", "#columns .token", 1);
  assert.match(await text(page, "#columns .readout"), /1 step/);
  const kept = JSON.parse((await saved(page, () => use.press("#save-compare"))).content);
  assert.deepEqual(kept.answers.map(a => a.num_steps), [1, 2, 4]);
  await use.press("#go-chat");
  assert.ok(await page.locator("#input").isVisible());
}

async function themes(page, use, scheme) {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const own = await ground(), seen = [];
  for (let i = 0; i < 3; i++) {
    await use.press("#theme");
    seen.push(await ground());
  }
  assert.equal(seen[2], own);
  assert.notEqual(seen[0], seen[1]);
  assert.equal(scheme === "light" ? seen[0] : seen[1], own);
}

describe("controls", together, () => everywhere.forEach(({how, viewport, colorScheme, named}) => {
  test(`controls by ${named}`, () => open(stage.url, {viewport, colorScheme}, async page => {
    const use = hand(page, how);
    await depth(page, use);
    await use.press(`#presets [data-steps="8"]`);
    await welcome(page, use);
    await settings(page, use);
    await conversation(page, use);
    await compared(page, use);
    await themes(page, use, colorScheme);
  }));
}));
