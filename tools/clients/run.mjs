// Asks a server that runs, with every client, all its models: node run.mjs ADDRESS KEY. A line for each case, status 1 if one failed.

import {anthropic} from "./anthropic.mjs";
import {ask, failures} from "./check.mjs";
import {openai} from "./openai.mjs";
import {responses} from "./responses.mjs";
import {thinks} from "./thinks.mjs";
import {vercel} from "./vercel.mjs";

for (const {id} of (await ask("/v1/models")).data.filter(m => !/:r\d+$/.test(m.id))) {
  const props = await ask(`/props?model=${id}`);
  const model = {model: id, efforts: props.reasoning_efforts, steps: props.default_generation_settings.num_steps, early: props.criteria.includes("gate")};
  for (const client of props.chat_form.includes("thinking") ? [thinks] : [openai, responses, anthropic, vercel]) await client(model);
}
process.exit(failures() ? 1 : 0);
