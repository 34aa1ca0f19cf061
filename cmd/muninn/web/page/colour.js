// Colours of numbers.

// The ten anchors of viridis (van der Walt and Smith, 2015), evenly apart.
const anchors = ["440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"]
  .map(hex => [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16)));

// viridis is the colour of a share, 0 (violet) to 1 (yellow).
export function viridis(x) {
  const at = Math.min(Math.max(x, 0), 1) * (anchors.length - 1), i = Math.min(Math.floor(at), anchors.length - 2);
  return "#" + anchors[i].map((v, c) => Math.round(v + (anchors[i + 1][c] - v) * (at - i)).toString(16).padStart(2, "0")).join("");
}

// onViridis is the class of text that can be read on a share's colour.
export const onViridis = x => x > 0.52 ? "black" : "white";

// logScale maps positive numbers to 0..1 by their logarithm, up to the largest of a list, over four powers of ten at most.
export function logScale(numbers) {
  let high = 0, low = Infinity;
  for (const x of numbers) {
    if (!(x > 0) || !Number.isFinite(x)) continue;
    high = Math.max(high, x);
    low = Math.min(low, x);
  }
  if (high === 0) [low, high] = [0.1, 1];
  const top = Math.log10(high), bottom = Math.min(Math.max(Math.floor(Math.log10(low) + 1e-9), Math.ceil(top) - 4), Math.ceil(top) - 1);
  const scale = x => x > 0 ? Math.min(Math.max((Math.log10(x) - bottom) / (top - bottom), 0), 1) : 0;
  scale.ticks = [];
  for (let e = bottom; e <= top + 1e-9; e++) scale.ticks.push({at: (e - bottom) / (top - bottom), text: power(e)});
  return scale;
}

const raised = {"-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹"};

// power writes ten to the n.
export function power(n) {
  if (n >= -2 && n <= 2) return String(Number((10 ** n).toPrecision(1)));
  return "10" + [...String(n)].map(c => raised[c]).join("");
}

// niceTicks are round numbers from low to high, so many at most.
export function niceTicks(low, high, most) {
  if (!(high > low)) return [low];
  let step = 10 ** Math.floor(Math.log10((high - low) / most));
  for (const m of [1, 2, 5, 10]) {
    if ((high - low) / (step * m) <= most) {
      step *= m;
      break;
    }
  }
  const list = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) list.push(Math.abs(v) < step / 1e6 ? 0 : Number(v.toPrecision(6)));
  return list;
}
