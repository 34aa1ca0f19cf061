// The pictures of what happens inside: pointed at, read as tables, saved.

import assert from "node:assert/strict";
import {test} from "node:test";
import {hand, open, saved, sizes, stage, traced} from "./open.mjs";

const detail = page => page.locator("#inside-detail p").innerText();

for (const [how, size, colorScheme] of [["mouse", sizes[1], "light"], ["keyboard", sizes[0], "dark"]]) {
  test(`pictures by ${how}, ${size.width} px`, () => open(stage.url, {viewport: size, colorScheme}, async page => {
    const use = hand(page, how);
    await use.press("#ask-deep");
    await traced(page);
    if (size.width < 1000) await use.press("#go-inside");
    await page.waitForSelector("#convergence svg");
    const said = await page.locator("#lens svg text.mono.mid").allTextContents();
    assert.match(said.at(-1), /^\d;$/, "after the last step it says the value");
    await pointed(page, how);
    await again(page, use);
    for (const id of ["convergence", "lens", "latent", "starts"]) await kept(page, use, id);
    const trace = JSON.parse((await saved(page, () => use.press("#save-trace"))).content);
    assert.equal(trace.tokens.at(-1).path.length, 8);
  }));
}

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
