// What those need who do not see the page or do not use a mouse: axe finds nothing, and Tab comes to every control.

import assert from "node:assert/strict";
import {createRequire} from "node:module";
import {describe, test} from "node:test";
import {idle, open, sizes, stage, together, traced} from "./open.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core");

// sound has axe look at the page as it is; only at its colours where the rest has been seen in the other scheme.
async function sound(page, state, colours) {
  await page.waitForTimeout(50);
  const found = await page.evaluate(o => window.axe.run(document, o), {resultTypes: ["violations"], ...(colours ? {runOnly: ["color-contrast"]} : {})});
  const told = found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target} ${n.failureSummary}`));
  assert.deepEqual(told, [], state);
}

// reached presses Tab until it has come round and gives the controls that never had the focus.
async function reached(page) {
  let again = false;
  for (let i = 0; i < 150 && !again; i++) {
    await page.keyboard.press("Tab");
    again = await page.evaluate(() => {
      const e = document.activeElement, was = e.dataset.reached;
      if (e !== document.body) e.dataset.reached = "1";
      return Boolean(was);
    });
  }
  return page.evaluate(() => [...document.querySelectorAll("button, input, select, textarea, summary, [tabindex='0']")]
    .filter(e => !e.disabled && e.checkVisibility() && !e.dataset.reached).map(e => e.outerHTML.slice(0, 100)));
}

describe("axe", together, () => {
  for (const viewport of sizes) for (const colorScheme of ["light", "dark"]) {
    test(`axe, ${viewport.width} px, ${colorScheme}`, () => open(stage.url, {viewport, colorScheme, bypassCSP: true}, async page => {
      const narrow = viewport.width < 1000, look = state => sound(page, state, colorScheme === "dark");
      await page.addScriptTag({path: axe});
      await page.click("#settings summary");
      await page.selectOption("#criterion", "kl");
      await look("first screen, settings open");
      await page.click("#settings summary");
      await page.click("#ask-shallow");
      await idle(page);
      await traced(page);
      await page.hover("#log .token");
      if (narrow) {
        await look("answer");
        await page.click("#go-inside");
      }
      await page.click("#starts .act button");
      await page.waitForSelector("#starts svg");
      await page.click("#convergence summary");
      await page.waitForSelector("#convergence tbody");
      await look("inside");
      if (!narrow && colorScheme === "dark") assert.deepEqual(await reached(page), [], "controls that Tab does not come to");
      await page.click("#go-compare");
      await page.fill("#compare-input", "b=a;a=4;b?");
      await page.click("#compare-run");
      await idle(page);
      await look("compared");
    }));
  }
});
