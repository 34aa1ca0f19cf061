// What the cases share: a server's address and models, verdicts, and claims about answers.

import assert from "node:assert/strict";

export const base = process.argv[2], key = process.argv[3];

let failed = 0;

// test runs a case and prints a line about it.
export async function test(name, run) {
  try {
    await run();
    console.log(`ok   ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL ${name}: ${String(e.stack || e).replaceAll("\n", "\n     ")}`);
  }
}

export const failures = () => failed;

export async function ask(path) {
  const answer = await fetch(base + path, {headers: {authorization: `Bearer ${key}`}});
  return answer.headers.get("content-type").includes("json") ? answer.json() : answer.text();
}

// deep claims that each of n tokens went so deep; where an exit may end it before, at most.
export function deep(steps, n, depth, early = false) {
  assert.equal(steps?.length, n, `steps ${steps} of ${n} tokens`);
  assert.ok(steps.every(s => early ? s >= 1 && s <= depth : s === depth), `steps ${steps}, want ${depth}`);
}

// fails claims that a call is refused, and gives its error.
export async function fails(call, status) {
  try {
    await call();
  } catch (e) {
    assert.equal(e.status ?? e.statusCode, status, String(e));
    return e;
  }
  assert.fail(`it was answered, want status ${status}`);
}

// idle waits until the server runs nothing of a model: what a client has left is not run on.
export async function idle(model) {
  for (let i = 0; i < 200; i++) {
    if ((await ask("/metrics")).includes(`muninn_requests_running{model="${model}"} 0\n`)) return;
    await new Promise(done => setTimeout(done, 20));
  }
  assert.fail("the request still runs");
}

export {assert};
