// Strings made from a seed. The Go tests have the same generators (generate_test.go), so only checksums of
// their ids need to be kept.

// random returns mulberry32, a 32-bit generator that is the same in any language.
export function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

// mixed strings jump between alphabets: pools is a list of lists of snippets.
export function mixed(seed, pools) {
  const next = random(seed);
  let s = '';
  for (let n = 1 + (next() % 12); n > 0; n--) {
    const pool = pools[next() % pools.length];
    for (let k = 1 + (next() % 5); k > 0; k--) s += pool[next() % pool.length];
  }
  return s;
}

// Ranges of code points, from small to everything.
const ranges = [[0, 0x7f], [0x80, 0x2ff], [0x300, 0x1fff], [0x2000, 0x2fff], [0x3000, 0xd7ff], [0xe000, 0xffff], [0x10000, 0x1ffff], [0x20000, 0x10ffff]];

export function codePoints(seed) {
  const next = random(seed);
  let s = '';
  for (let n = 1 + (next() % 16); n > 0; n--) {
    const [lo, hi] = ranges[next() % ranges.length];
    s += String.fromCodePoint(lo + (next() % (hi - lo + 1)));
  }
  return s;
}

// ids is a random sequence of token ids, some of them out of range.
export function ids(seed, vocabSize) {
  const next = random(seed);
  const out = [];
  for (let n = next() % 24; n > 0; n--) out.push(next() % (next() % 4 ? vocabSize + 3 : 256));
  return out;
}

// crc32 (IEEE) of bytes.
export function crc32(bytes) {
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1));
  }
  return ~c >>> 0;
}

// checksum of a list of ids, each as 4 bytes, little-endian.
export function checksum(list) {
  return crc32(new Uint8Array(Uint32Array.from(list).buffer));
}
