// All tests of the page: one browser, one server.

import {after, before} from "node:test";
import {browse, serve, stage} from "./open.mjs";
import "./controls.mjs";
import "./hostile.mjs";
import "./inside.mjs";
import "./reach.mjs";

let server;
before(async () => {
  [stage.browser, server] = await Promise.all([browse(), serve()]);
  stage.url = server.url;
  stage.blank = await stage.browser.newPage();
});
after(async () => {
  await stage.browser?.close();
  await server?.close();
});
