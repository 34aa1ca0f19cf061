// Makes testdata/tokenizer/kinds.json.gz: tokenizers of the family and variants of them, with other normalizers, pre-tokenizers,
// decoders and added tokens, and checksums of what the official library makes of texts and ids with each.
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createRequire } from 'node:module';
import { checksum, codePoints, crc32, ids as randomIDs, mixed } from './generate.mjs';
import { pools as plainPools, texts } from './texts.mjs';

const { Tokenizer } = createRequire(import.meta.url)('tokenizers');
const dir = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../testdata/tokenizer');
const MIXED = 500;
const POINTS = 300;
const SEQUENCES = 150;

const marks = '\u0301\u0334\u0323'.repeat(14);
const pools = [...plainPools,
  ['<|im_start|>', '<|im_end|>', '<think>', '</think>', '<s>', '</s>', '<unk>', '<|begin_of_text|>', '<|endoftext|>', '|||EMAIL_ADDRESS|||', '<|direct|>', '<|extra_id_0|>'],
  ['\u2581', ' \u2581', '\u2581 ', '<0x41>', '<0xE9>', ' a', 'a ', '\u3000', '\u00a0'],
  ['\u0d3b', '\u0898', '\u1ab0', '\u0345', '\u0334', '\u0323', '\u0302', '\u0344', '\u0301', '\u{16ff0}', '\u{1e08f}', marks],
  ['\u1100', '\u1161', '\u11a8', '\uac00', '\u09c7', '\u09be', '\u212b', '\u0958', '\ufb01', '\u1e9b', '\u{1d15e}', '\u{11935}', '\u{11930}', '\u32ff', 'e', 'A'],
  ['\u0897', '\u1c89', '\ua7cb', '\u{10d40}', '\u{10d50}', '\u{11de0}', '\u{16ff4}', '\u{116d0}', '\u{1cc00}', '\u{2ebf0}', '\u{1171e}', '\u2427', '\u{13460}'],
  ['NORM', ' NORM ', 'e\u0301t', 'é', 'WORD', 'WORDS', ' LEFT', 'RIGHT ', 'SP ACE']];

const seq = (key, ...list) => ({ type: 'Sequence', [key]: list });
const meta = (more) => ({ type: 'Metaspace', replacement: '\u2581', ...more });
const space = (type) => ({ type: 'Replace', pattern: { String: type === 'normalizer' ? ' ' : '\u2581' }, content: type === 'normalizer' ? '\u2581' : ' ' });
const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
const strip = (start) => ({ type: 'Strip', content: ' ', start, stop: 0 });
const added = (n) => [
  ['NORM', { normalized: true, special: true }], ['ét', { normalized: true }], ['WORD', { single_word: true }], ['LEFT', { lstrip: true, special: true }],
  ['RIGHT', { rstrip: true, normalized: true }], ['SP ACE', { normalized: true }], ['\u{11d50}x', { single_word: true }],
].map(([content, more], i) => ({ id: n + i, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...more }));

// A kind is a file of the family and what is replaced in it; "add" says that added tokens follow those it has.
const kinds = {
  ouro: {}, hrm: {}, llama3: {}, olmo2: {}, tinyllama: {}, neox: {},
  'ouro digits together': { file: 'ouro', set: { pre_tokenizer: seq('pretokenizers', { type: 'Digits', individual_digits: false }, byteLevel), post_processor: { type: 'RobertaProcessing', sep: ['<|im_end|>', 2], cls: ['<|im_start|>', 1], trim_offsets: true, add_prefix_space: true } } },
  'ouro added': { file: 'ouro', add: true, set: { normalizer: { type: 'NFC' } } },
  'hrm NFD': { file: 'hrm', set: { normalizer: { type: 'NFD' } } },
  'hrm NFKC': { file: 'hrm', set: { normalizer: { type: 'NFKC' } } },
  'hrm NFKD': { file: 'hrm', add: true, set: { normalizer: seq('normalizers', { type: 'NFKD' }) } },
  'hrm fused': { file: 'hrm', model: { unk_token: '<|endoftext|>', fuse_unk: true } },
  'llama3 merges': { file: 'llama3', model: { ignore_merges: false }, add: true },
  'olmo2 whole': { file: 'olmo2', model: { ignore_merges: true }, set: { post_processor: { type: 'BertProcessing', sep: ['<|endoftext|>', 801], cls: ['<|fim_prefix|>', 802] } } },
  'tinyllama added': { file: 'tinyllama', add: true },
  'tinyllama strip': { file: 'tinyllama', set: { normalizer: seq('normalizers', { type: 'Strip', strip_left: true, strip_right: false }, { type: 'Prepend', prepend: '\u2581' }, space('normalizer')), decoder: seq('decoders', space('decoder'), { type: 'ByteFallback' }, { type: 'Fuse' }, strip(3)) } },
  'tinyllama gemma': { file: 'tinyllama', set: { normalizer: space('normalizer'), pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false }, decoder: seq('decoders', space('decoder'), { type: 'ByteFallback' }, { type: 'Fuse' }) } },
  'metaspace always': { file: 'tinyllama', set: { normalizer: null, pre_tokenizer: meta({ prepend_scheme: 'always', split: false }), decoder: seq('decoders', meta({}), { type: 'ByteFallback' }, { type: 'Fuse' }) } },
  'metaspace first': { file: 'tinyllama', add: true, set: { normalizer: { type: 'NFKC' }, pre_tokenizer: meta({ prepend_scheme: 'first' }), decoder: meta({ prepend_scheme: 'first' }) } },
  'metaspace first after a split': { file: 'tinyllama', set: { normalizer: null, pre_tokenizer: seq('pretokenizers', { type: 'Split', pattern: { Regex: '[a-e \\p{So}]' }, behavior: 'Removed', invert: false }, meta({ prepend_scheme: 'first' })), decoder: meta({}) } },
  'metaspace never': { file: 'tinyllama', set: { normalizer: null, pre_tokenizer: meta({ prepend_scheme: 'never', add_prefix_space: false }), decoder: meta({ prepend_scheme: 'never' }) }, model: { byte_fallback: false, fuse_unk: false } },
  'neox spaces': { file: 'neox', set: { normalizer: seq('normalizers', { type: 'NFC' }, { type: 'Replace', pattern: { String: '\t' }, content: '    ' }), pre_tokenizer: byteLevel } },
};

const result = { library: 'tokenizers 0.23.2 (npm)', pools, texts, mixed: MIXED, codePoints: POINTS, sequences: SEQUENCES, kinds: {} };
for (const [name, kind] of Object.entries(kinds)) {
  kind.file ??= name;
  const file = JSON.parse(gunzipSync(fs.readFileSync(path.join(dir, 'family', kind.file + '.tokenizer.json.gz'))));
  if (kind.add) {
    const all = [...Object.values(file.model.vocab), ...file.added_tokens.map((a) => a.id)];
    kind.set = { ...kind.set, added_tokens: [...file.added_tokens, ...added(Math.max(...all) + 1)] };
  }
  Object.assign(file, kind.set);
  Object.assign(file.model, kind.model);
  const t = Tokenizer.fromString(JSON.stringify(file));
  const sums = [];
  const all = [...texts, ...Array.from({ length: MIXED }, (_, i) => mixed(i, pools)), ...Array.from({ length: POINTS }, (_, i) => codePoints(i))];
  const decoded = async (ids) => { for (const skip of [false, true]) sums.push(crc32(Buffer.from(await t.decode(ids, skip)))); };
  for (const s of all) {
    const ids = (await t.encode(s, null, { addSpecialTokens: false })).getIds();
    sums.push(checksum(ids), checksum((await t.encode(s)).getIds()));
    await decoded(ids);
  }
  const size = t.getVocabSize(true);
  for (let i = 0; i < SEQUENCES; i++) await decoded(randomIDs(i, size));
  result.kinds[name] = { file: kind.file, set: kind.set, model: kind.model, vocabSize: size, sums: Buffer.from(Uint32Array.from(sums).buffer).toString('base64') };
  console.log(name, size, 'tokens');
}
fs.writeFileSync(path.join(dir, 'kinds.json.gz'), gzipSync(JSON.stringify(result), { level: 9, mtime: 0 }));
