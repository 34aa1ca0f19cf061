// Makes testdata/tokenizer with the official tokenizers library: `npm ci && npm run goldens`.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRequire } from 'node:module';
import { checksum, codePoints, crc32, ids as randomIDs, mixed } from './generate.mjs';
import { dialect, pools, texts } from './texts.mjs';

const require = createRequire(import.meta.url);
const { Tokenizer, byteLevelAlphabet } = require('tokenizers');
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const out = path.join(here, '../../testdata/tokenizer');
const repo = path.join(here, '../..');

const MERGES = 2600;
const MIXED = 2500;
const POINTS = 1200;
const SEQUENCES = 400;

// The shape of the reference tokenizer's split: LaTeX words that begin with \n, newlines, single digits, one
// blank with an operator, contraction, command, bracket, quote or ordinal; letters with one leading
// character; single punctuation; white space.
const ravenSplit = String.raw`(\\n(?:ew(?:line|command)|abla|eq|oindent|ot(?!(?:in\b|\b)))\b|\n+|\\n(?!\b)|\p{N}{1,1}|(?:[ \t](?:==|!=|<=|>=|\*\*|//|:=|\+\+|--|[\p{L}]+['’](?:\p{L}+)\b|\\[a-zA-Z]+|\\{|\\}|{|}|\\\[|\\\]|\[|\]|\(|\)|_+|\||\+|-|\*|—|=|^|[.,!?;]|\$\$?|` + '`+' + String.raw`|\"+|\#+|\p{N}+(?:st|nd|rd|th)|<0x[0-9A-Fa-f]{1,2}>)|[^\r\n\p{L}\p{N}]?\p{L}+|[\p{P}\p{S}])|\s+|\p{So})`;
const gpt4Split = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const names = ['begin_text', 'end_text', 'begin_header', 'end_header', 'end_turn', 'pad', 'prefix', 'middle', 'suffix', 'fill', '...', 'delete', ...Array.from({ length: 10 }, (_, i) => `c_${i}`), '?', '&', '!', '-', '+', 'stop', '>>-|', '-<<', '->>', '<<-', 'tool_out', 'end_tool', 'tool_in', 'end_tool_in'];

const byteRunes = (() => {
  const keep = (b) => (b > 32 && b < 127) || (b > 160 && b !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(keep(b) ? b : next++));
})();
const spell = (s) => [...Buffer.from(s)].map((b) => byteRunes[b]).join('');

const plain = { dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false };
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
const split = (regex, behavior, invert) => ({ type: 'Split', pattern: { Regex: regex }, behavior, invert });
const special = (id, content, more) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more });

function train() {
  const start = { version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: { type: 'Sequence', pretokenizers: [split(ravenSplit, 'Removed', true), byteLevel] }, post_processor: null, decoder: byteLevel, model: { type: 'BPE', ...plain, vocab: {}, merges: [] } };
  const t = Tokenizer.fromString(JSON.stringify(start));
  const pkg = path.join(here, 'node_modules/tokenizers');
  t.train([path.join(here, 'corpus.txt'), ...['README.md', 'index.d.ts', 'index.js'].map((f) => path.join(pkg, f))]);
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'goldens-')), 't.json');
  t.save(file);
  return JSON.parse(fs.readFileSync(file)).model.merges.slice(0, MERGES);
}

// parts applies merges to the spelt bytes of one token.
function parts(token, rank) {
  let s = [...token];
  for (;;) {
    let best = -1;
    for (let i = 0; i + 1 < s.length; i++) {
      const r = rank.get(s[i] + ' ' + s[i + 1]);
      if (r !== undefined && (best < 0 || r < rank.get(s[best] + ' ' + s[best + 1]))) best = i;
    }
    if (best < 0) return s;
    s = [...s.slice(0, best), s[best] + s[best + 1], ...s.slice(best + 2)];
  }
}

function makeBase() {
  const merges = train();
  const vocab = Object.create(null);
  let n = 0;
  const add = (token) => { if (!(token in vocab)) vocab[token] = n++; };
  byteRunes.forEach(add);
  for (const [a, b] of merges) add(a + b);
  const rank = new Map(merges.map(([a, b], i) => [a + ' ' + b, i]));
  // Tokens added by hand get a merge only where two parts are left, as an exporter that needs pairs would do.
  const hand = ['"""', "'''", "''", 'f"', "f'", ...Array.from({ length: 16 }, (_, i) => [' ', '\n', '\t'].map((c) => c.repeat(i + 1))).flat(),
    ...Array.from({ length: 300 }, (_, i) => String.fromCodePoint(i)), ...Array.from({ length: 80 }, (_, i) => String.fromCodePoint(0x1f600 + i)), ...Array.from({ length: 64 }, (_, i) => String.fromCodePoint(0x2200 + i)), 'Huginn'];
  for (const h of hand) {
    const token = spell(h);
    if (token in vocab) continue;
    const p = parts(token, rank);
    if (p.length === 2) { rank.set(p.join(' '), merges.length); merges.push(p); }
    add(token);
  }
  return {
    version: '1.0', truncation: null, padding: null,
    added_tokens: names.map((name, i) => special(n + i, `<|${name}|>`)),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split(ravenSplit, 'Removed', true), byteLevel] },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', ...plain, vocab, merges: merges.map((m) => m.join(' ')) },
  };
}

// Variants replace members of the base file; the Go test builds the same files.
function makeVariants(base) {
  const n = Object.keys(base.model.vocab).length;
  const bos = { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<|begin_text|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }], pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }], special_tokens: { '<|begin_text|>': { id: '<|begin_text|>', ids: [n], tokens: ['<|begin_text|>'] } } };
  // A token that the vocabulary has keeps its id, the others are numbered on from there.
  let next = n;
  const place = (content) => base.model.vocab[content] ?? next++;
  const odd = [
    ['<|begin_text|>'], ['MASK', { lstrip: true, rstrip: true }], ['word', { single_word: true, special: false }], ['LEFT', { lstrip: true }],
    ['RIGHT', { rstrip: true, special: false }], ['normal', { normalized: true, special: false }], ['spaced out', { special: false }],
    ['<|end_turn|>'], ['<|', { normalized: true }], ['RIGHTLEFT', { single_word: true, special: false }], ['é', { special: false }], // é: the byte E9 in the alphabet, a letter in text
  ].map(([content, more]) => special(place(content), content, more));
  return {
    raven: {},
    gpt4: { set: { pre_tokenizer: { type: 'Sequence', pretokenizers: [split(gpt4Split, 'Isolated', false), byteLevel] }, post_processor: { type: 'Sequence', processors: [byteLevel, bos] }, decoder: { type: 'Sequence', decoders: [byteLevel] } }, model: { ignore_merges: true }, pairs: true },
    gpt2: { set: { pre_tokenizer: { ...byteLevel, add_prefix_space: true, use_regex: true }, post_processor: bos, added_tokens: odd } },
    plainspecials: { set: { added_tokens: [] } },
    runes: { set: { pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithNext', invert: false }, decoder: null }, model: { unk_token: 'Ġ', fuse_unk: true } },
    twice: { set: { pre_tokenizer: { type: 'Sequence', pretokenizers: [byteLevel, split('Ġ', 'MergedWithPrevious', false), split('[a-e]+', 'Contiguous', true)] }, decoder: { type: 'Sequence', decoders: [] } } },
    demo: { file: 'model/demo/tokenizer.json' },
  };
}

export function build(base, v) {
  const t = v.file ? JSON.parse(fs.readFileSync(path.join(repo, v.file))) : structuredClone(base);
  Object.assign(t, v.set);
  Object.assign(t.model, v.model);
  if (v.pairs) t.model.merges = t.model.merges.map((m) => m.split(' '));
  return Tokenizer.fromString(JSON.stringify(t));
}

function proseSlices() {
  const text = [...fs.readFileSync(path.join(here, 'corpus.txt'), 'utf8')];
  const slices = [];
  for (let at = 0, k = 0; at < text.length; k++) {
    const n = 20 + ((k * 37) % 150);
    slices.push(text.slice(at, at + n).join(''));
    at += n - (k % 7);
  }
  return slices;
}

const write = (name, data) => fs.writeFileSync(path.join(out, name), gzipSync(data, { level: 9, mtime: 0 }));

const base = makeBase();
const variants = makeVariants(base);
const stored = [...texts, ...proseSlices()];
const result = { library: 'tokenizers 0.23.2 (npm)', variants, pools, texts: stored, mixed: MIXED, codePoints: POINTS, sequences: SEQUENCES, golden: {}, dialect: [] };

for (const [name, v] of Object.entries(variants)) {
  const t = build(base, v);
  const encode = async (s, addSpecialTokens = false) => (await t.encode(s, null, { addSpecialTokens })).getIds();
  const g = { vocabSize: t.getVocabSize(true), ids: [], special: [], decoded: [] };
  for (const s of stored) {
    const ids = await encode(s);
    g.ids.push(ids);
    const text = await t.decode(ids, false);
    g.decoded.push(text === s ? null : text); // null: the text itself
  }
  for (const s of texts.slice(0, 20)) g.special.push(await encode(s, true));
  const sums = [];
  for (let i = 0; i < MIXED; i++) sums.push(checksum(await encode(mixed(i, pools))));
  for (let i = 0; i < POINTS; i++) sums.push(checksum(await encode(codePoints(i))));
  for (let i = 0; i < SEQUENCES; i++) {
    const ids = randomIDs(i, g.vocabSize);
    for (const skip of [false, true]) sums.push(crc32(Buffer.from(await t.decode(ids, skip))));
  }
  g.sums = Buffer.from(Uint32Array.from(sums).buffer).toString('base64');
  result.golden[name] = g;
  console.log(name, g.vocabSize, 'tokens');
}

const rows = dialect.patterns.map((pattern) => [pattern, 'Isolated', false]);
for (const pattern of dialect.behaviorPatterns)
  for (const behavior of ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'])
    for (const invert of [false, true]) rows.push([pattern, behavior, invert]);
for (const [pattern, behavior, invert] of rows) {
  const t = Tokenizer.fromString(JSON.stringify({ ...base, pre_tokenizer: split(pattern, behavior, invert), model: { ...plain, type: 'BPE', vocab: { a: 0 }, merges: [] }, added_tokens: [] }));
  result.dialect.push({ pattern, behavior, invert, pieces: dialect.texts.map((s) => t.getPreTokenizer().preTokenizeString(s).map(([p]) => p)) });
}
result.dialectTexts = dialect.texts;

write('base.json.gz', JSON.stringify(base));
write('goldens.json.gz', JSON.stringify(result));
