// Requests to the server that this page came from, and to no other.

let key = sessionStorage.getItem("muninn-key") || "";

export const getKey = () => key;

export function setKey(value) {
  key = value.trim();
  sessionStorage.setItem("muninn-key", key);
}

// APIError is what the server refuses a request with.
export class APIError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function request(path, options) {
  const headers = {...options.headers};
  if (key) headers.Authorization = "Bearer " + key;
  let answer;
  try {
    answer = await fetch(path, {...options, headers, credentials: "omit", redirect: "error"});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new APIError("The server does not answer. Is it still running?", 0);
  }
  if (answer.ok) return answer;
  let message = `The server says ${answer.status}`;
  try {
    const body = await answer.json();
    message = body.error && (body.error.message || String(body.error)) || message;
  } catch { /* no JSON: the status has to do */ }
  if (answer.status === 401) message += ". Put the server's API key into Settings.";
  throw new APIError(message, answer.status);
}

export const getJSON = async path => (await request(path, {method: "GET"})).json();
export const getText = async path => (await request(path, {method: "GET"})).text();

const post = (path, body, signal) => request(path, {
  method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body), signal,
});

export const postJSON = async (path, body, signal) => (await post(path, body, signal)).json();

// stream posts a request and yields the objects of its server-sent events.
export async function* stream(path, body, signal) {
  const answer = await post(path, {...body, stream: true}, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const {value, done} = await reader.read();
      rest += done ? "\n" : value;
      let end;
      while ((end = rest.indexOf("\n")) >= 0) {
        const line = rest.slice(0, end).trimEnd();
        rest = rest.slice(end + 1);
        if (!line.startsWith("data:")) continue;
        const data = line.slice(5).trim();
        if (data === "[DONE]") return;
        const event = JSON.parse(data);
        if (event.error) throw new APIError(event.error.message || String(event.error), 200);
        yield event;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
