// A server that shows the real page and answers with whatever a test wants, as slowly as it wants.

import {createServer} from "node:http";

const criteria = ["latent-diff", "kl"];

// fake serves the page of another server. says gives the pieces of an answer to a request; the server waits pause ms after each.
export async function fake(url, {models = ["talker"], says = () => ["Hello."], pause = 0, trace, props = {}} = {}) {
  const page = await fetch(url), html = await page.text(), policy = page.headers.get("content-security-policy");
  const state = {asked: [], gone: 0, ended: 0};
  const json = (answer, data, status = 200) => {
    answer.writeHead(status, {"Content-Type": "application/json"});
    answer.end(JSON.stringify(data));
  };
  const server = createServer(async (request, answer) => {
    const path = request.url.split("?")[0], model = new URL(request.url, "http://x").searchParams.get("model") || models[0];
    if (path === "/") {
      answer.writeHead(200, {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy});
      return answer.end(html);
    }
    if (path === "/v1/models") return json(answer, {object: "list", data: models.flatMap(id => [{id}, {id: `${id}:r8`}])});
    if (path === "/props") {
      return json(answer, {
        model, chat_form: "huginn", criteria, reasoning_efforts: {none: 4, minimal: 4, low: 8, medium: 32, high: 64},
        meta: {device: "A GPU (driver 1)", n_params: 3.5e9, quant: "q8_0", max_steps: 64}, default_generation_settings: {num_steps: 32, temperature: 0}, ...props,
      });
    }
    if (path === "/metrics") return answer.end('muninn_kv_bytes{model="x"} 1048576\nmuninn_kv_bytes_used{model="x"} 1024\n');
    let body = "";
    for await (const part of request) body += part;
    const asked = JSON.parse(body);
    state.asked.push({path, ...asked});
    if (path === "/v1/trace") return trace ? events(answer, trace(asked), pause, state) : json(answer, {error: {message: "no traces here", type: "invalid_request_error"}}, 400);
    const list = says(asked).map((piece, i) => ({choices: [{index: 0, delta: {content: piece}, finish_reason: null, x_steps: [1 + i % asked.num_steps]}]}));
    events(answer, [...list, {choices: [{index: 0, delta: {}, finish_reason: "stop"}]}], pause, state);
  });
  await new Promise(done => server.listen(0, "127.0.0.1", done));
  return {
    ...state, state, url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise(done => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}

// events streams objects as server-sent events, several in a write where there is no pause.
async function events(answer, list, pause, state) {
  let here = true;
  const closed = new Promise(done => answer.on("close", done)).then(() => {
    here = false;
    if (!answer.writableFinished) state.gone++;
  });
  answer.writeHead(200, {"Content-Type": "text/event-stream"});
  for (let i = 0; i < list.length && here; i++) {
    if (!answer.write(`data: ${JSON.stringify(list[i])}\n\n`)) await Promise.race([closed, new Promise(done => answer.once("drain", done))]);
    if (pause) await new Promise(done => setTimeout(done, pause));
  }
  if (!here) return;
  answer.end("data: [DONE]\n\n");
  state.ended++;
}
