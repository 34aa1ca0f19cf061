// A browser, servers, and pages that are watched: whatever a page logs, throws or asks of another host fails the test.

import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {readFile} from "node:fs/promises";
import {createInterface} from "node:readline";
import {chromium} from "playwright-core";

export const sizes = [{width: 1600, height: 1000}, {width: 360, height: 740}];

// everywhere is each way to use controls, at each size, in each scheme; tests of them run side by side, as most of their time is waiting.
export const everywhere = ["mouse", "keyboard"].flatMap(how => sizes.flatMap(viewport => ["light", "dark"].map(colorScheme => ({how, viewport, colorScheme,
  named: `${how}, ${viewport.width} px, ${colorScheme}`}))));
export const together = {concurrency: 4};

// stage is what all tests share: the browser, the address of the demo's page, and a page that may read markup.
export const stage = {};

const limit = 60000; // ms that anything may take

export const browse = () => chromium.launch({
  executablePath: process.env.PAGE_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"],
});

// serve starts the demo's page and gives its address and how to end it.
export async function serve() {
  const server = spawn(process.env.PAGE_PROGRAM || "muninn", ["demo", "--page", "--no-browser"], {stdio: ["ignore", "pipe", "inherit"]});
  const lines = createInterface({input: server.stdout});
  const url = await new Promise((found, failed) => {
    lines.once("line", found);
    server.once("exit", code => failed(new Error(`muninn demo --page ended with status ${code}`)));
  });
  return {
    url,
    close: () => new Promise(done => {
      server.once("exit", done);
      server.kill("SIGINT");
    }),
  };
}

// open shows a page and calls use with it. options are those of a browser's context.
export async function open(url, options, use) {
  const context = await stage.browser.newContext({acceptDownloads: true, ...options});
  const page = await context.newPage(), wrong = [], asked = [];
  page.setDefaultTimeout(limit);
  page.on("console", m => (m.type() === "error" || m.type() === "warning") && !/status of (4|5)\d\d|ERR_FAILED/.test(m.text()) && wrong.push(m.text()));
  page.on("pageerror", e => wrong.push(String(e.stack || e)));
  page.on("dialog", d => {
    wrong.push(`a dialog: ${d.message()}`);
    d.dismiss();
  });
  context.on("request", r => asked.push(r.url()));
  context.on("page", p => p !== page && wrong.push(`a window: ${p.url()}`));
  await page.goto(url);
  await page.waitForSelector("#send:not([disabled])");
  await use(page);
  const own = new URL(url).origin;
  assert.deepEqual(asked.filter(u => !u.startsWith("data:") && !u.startsWith("blob:") && new URL(u).origin !== own), [], "requests that left for another host");
  assert.ok(asked.length > 0);
  assert.deepEqual(wrong, []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than the window");
  await context.close();
}

// drawn waits until what has come is on the screen.
const drawn = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));

// idle waits until no answer is under way.
export async function idle(page) {
  await page.waitForFunction(() => !document.body.classList.contains("busy") && !document.body.classList.contains("running"));
  await drawn(page);
}

// traced waits until an answer has been looked into.
export async function traced(page) {
  await page.waitForFunction(() => /^Recorded/.test(document.getElementById("inside-status").textContent) && !document.getElementById("save-trace").disabled);
  await drawn(page);
}

// saved gives the name and the content of what an action downloads.
export async function saved(page, action) {
  const [download] = await Promise.all([page.waitForEvent("download"), action()]);
  return {name: download.suggestedFilename(), content: await readFile(await download.path())};
}

// hand is a way to use controls: by mouse or by keyboard.
export const hand = (page, how) => ({
  async press(selector) {
    const element = page.locator(selector).first();
    if (how === "mouse") return element.click();
    await element.focus();
    const space = await element.evaluate(e => e.type === "checkbox");
    await page.keyboard.press(space ? "Space" : "Enter");
  },
  async slide(selector, share) {
    const slider = page.locator(selector);
    if (how === "mouse") {
      const box = await slider.boundingBox();
      return slider.click({position: {x: Math.max(box.width * share - 1, 1), y: box.height / 2}});
    }
    await slider.focus();
    await page.keyboard.press(share < 0.5 ? "Home" : "End");
  },
  async write(selector, text) {
    if (how === "mouse") await page.click(selector);
    else await page.focus(selector);
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type(text);
  },
  async choose(selector, value) {
    if (how === "mouse") return page.selectOption(selector, value);
    await page.focus(selector);
    for (let i = 0; i < 40 && await page.inputValue(selector) !== value; i++) await page.keyboard.press("ArrowDown");
    assert.equal(await page.inputValue(selector), value);
  },
  // point points at the n-th of some elements.
  async point(list, item, n) {
    if (how === "mouse") return page.locator(item).nth(n).hover();
    await page.focus(list);
    await page.keyboard.press("Home");
    for (let i = 0; i < n; i++) await page.keyboard.press("ArrowRight");
  },
});
