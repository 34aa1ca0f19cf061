// The problems of the demo model: chains of definitions, drawn as model/demo draws them.

const alphabet = "abcdefghijklmnopqrst", least = 4, mostNames = 14;

const random = n => Math.floor(Math.random() * n);

// solve reads a problem: the definitions in order, the name asked for, and what it stands for, link by link; null if it is none.
export function solve(text) {
  const m = /^\s*((?:[a-t]=[a-t0-9];)+)([a-t])\?\s*$/.exec(text);
  if (!m) return null;
  const definitions = m[1].split(";").slice(0, -1).map(d => ({name: d[0], is: d[2]}));
  const at = new Map(definitions.map(d => [d.name, d.is])), chain = [];
  for (let name = m[2]; chain.length <= definitions.length;) {
    const is = at.get(name);
    if (is === undefined) return null;
    chain.push(is);
    if (/\d/.test(is)) return {definitions, asked: m[2], chain, value: is};
    name = is;
  }
  return null;
}

// draw gives a problem's text whose chain has so many links, from the name to the value.
export function draw(length) {
  for (;;) {
    const names = [...alphabet].sort(() => Math.random() - 0.5).slice(0, Math.max(least, length + 1) + random(3));
    const list = names.slice(0, mostNames).map((name, i, all) => {
      if (i === 0 || Math.random() < (length <= 5 ? 0.25 : 0.06)) return {name, is: String(random(10))};
      return {name, is: Math.random() < 0.7 ? all[i - 1] : all[random(i)]};
    });
    const text = list.reverse().map(d => `${d.name}=${d.is};`).join("");
    for (const d of list) {
      const problem = solve(`${text}${d.name}?`);
      if (problem && problem.chain.length === length) return `${text}${d.name}?`;
    }
  }
}

// verdict tells whether an answer came to the value: "right", "wrong", or "" where it cannot be told.
export function verdict(problem, answer) {
  const said = /(\d);?\s*$/.exec(answer.trim());
  if (!problem) return "";
  return said && said[1] === problem.value ? "right" : "wrong";
}

// links writes what a name stands for.
export const links = problem => [problem.asked, ...problem.chain].join(" → ");

// examples are first questions for models that talk.
export const examples = [
  "How much is 17 times 6? Think it through.",
  "Which weighs more, a kilogram of feathers or a pound of iron?",
  "Write two lines about a raven who remembers everything.",
];
