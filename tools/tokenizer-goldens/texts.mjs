// Hand-made strings that split, normalise or decode in unusual ways.
export const texts = [
  '', ' ', '  ', '\n', '\n\n\n', '\t', '\r\n', '\r', ' \n ', '\n \n', 'a', 'A b', ' leading', 'trailing ', '\u0000', 'nul\u0000inside',
  'Huginn', ' Huginn', 'Huginn and Muninn', 'huginn', 'HuginnHuginn', 'Huginns', "Huginn's",
  ...[1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 64].flatMap((n) => [' '.repeat(n), 'x' + ' '.repeat(n) + 'y', '\n'.repeat(n), '\t'.repeat(n) + 'z', 'a'.repeat(n)]),
  'a'.repeat(1000), ' '.repeat(1000), '0'.repeat(100), 'ab'.repeat(300), '='.repeat(79), '-'.repeat(80), '#'.repeat(7), '🎉'.repeat(9),
  "don't can't it's I'm we've you'll he'd they're O'Neill rock'n'roll", "DON'T IT'S", 'don’t it’s', "it's\u0903 it's\u0301 it's\u200d", "l'été", "'s", "''s", "a's's",
  'first 1st 2nd 3rd 4th 11th 21st 1stx', '12,345.678', '2024-02-29T12:34:56Z', '½ ² ³ Ⅷ ⑧ Ⓐ ⓐ ٣ ३ 三', '1a2b3c', '<0x1F> <0xF> <0x1FF>',
  '\\newcommand{\\x}{1} \\newline\\nabla x', '\\n', '\\nabla', '\\nablaX', '\\not', '\\notin', '\\notag', '\\nope', '\\neq \\ne', ' \\alpha\\beta', '$$x^2$$ $y$', '\\left\\{ a \\right\\}', '\\[ x \\]', '\\(y\\)',
  'a == b != c <= d >= e ** f // g := h ++ -- i', 'x=1;y=2', 'if(a){b[c]}', ' { } [ ] ( )', '_ __ ___init__', '`a` ``b`` ```c```', '"a" ""b"" """c"""', "f'x' f\"y\"", '# ## ###', '| a | b |', '— – -', '+-*/%',
  '\u00a0nbsp\u00a0', 'a\u2028b\u2029c', 'a\u0085b', 'a\u000bb\u000cc', '\u3000全角\u3000', '\u2003em\u2009thin\u200a', 'zero\u200bwidth\u200c\u200d\u2060', '\ufeffbom', 'bom\ufeff', '\u00adsoft', '\u180e', '\u1680', '\u202eRTL\u202c', '\u200fmark',
  '👩‍👩‍👧‍👦', '👨🏿‍🚀', '🏳️‍🌈', '🇩🇪🇫🇷', '❤️', '❤', '☺︎', '1️⃣', '#️⃣', '👍👍🏽', '🧑‍🤝‍🧑', '😀😃😄', 'a😀b', ' 😀', '𝒜𝓫𝔠', '🂡', '\u{1fae8}', '⚡✨', '🅰️',
  'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘', 'e\u0301', 'é', 'Å Å A\u030a', 'ﬁ ﬀ ﬆ ß ẞ ſ K İ ı', 'ǆ ǅ Ǆ', '\u0301', ' \u0301', 'a\u0301\u0302\u0303b',
  'مرحبا بالعالم', 'שלום עולם', 'مُحَمَّد', 'العربية 123 English', 'नमस्ते दुनिया', 'क्षत्रिय', 'தமிழ்', 'ไทยไม่มีช่องว่าง', 'ខ្មែរ', 'မြန်မာ', 'བོད་སྐད', 'ქართული', 'հայերեն', 'አማርኛ', 'ᏣᎳᎩ', 'ᚠᚢᚦ', '𐌰𐌱', '한국어 띄어쓰기', '한', '日本語のテキスト', '漢字かな交じり文', '中文字符,标点。', '𠀀𠮷', 'ｆｕｌｌ　ｗｉｄｔｈ', 'ﾊﾝｶｸ', 'Tiếng Việt', 'Ελληνικά', 'Русский',
  '\u0001\u0002\u001b[31mred\u001b[0m', '\u007f', '\u0080\u009f', '\ue000\uf8ff', '\ufffd', '\uffff\ufffe', '\u{10ffff}', '\u{1f}',
  '<|begin_text|>', '<|begin_text|><|begin_text|>', '<|begin_text|', '|begin_text|>', '<<|begin_text|>>', '<|begin_<|begin_text|>text|>', ' <|end_turn|> ', 'a<|end_turn|>b', '<|end_turn|>\n\n<|begin_header|>user<|end_header|>\n\nHi<|end_turn|>', '<|BEGIN_TEXT|>', '<|nope|>', '<|?|><|->>|><|>>-|>', '<|c_1|><|c_10|>', '<|', '|>', '<||>', '<|end_text|>trailing', "it's<|pad|>'s", '\n<|pad|>\n',
  'MASK', ' MASK ', 'a MASK b', '  \n MASK \n  b', 'MASKMASK', ' MASK  MASK ', 'word', 'a word.', 'sword', 'words', 'word_', 'wordé', 'éword', 'word\u0301', 'word-word word', '¶word', 'wordword', 'LEFT', 'a  LEFT  b', 'a  RIGHT  b', 'RIGHTLEFT', ' RIGHT  LEFT ', 'RIGHT RIGHT', 'RIGHTLEFT', 'xRIGHTLEFT', ' RIGHTLEFTx', 'RIGHTLEFTRIGHT  LEFT', 'normal form', 'abnormal', ' MASKword', 'word MASK', 'é', 'a é b', 'spaced out', 'aspaced outb',
  'The quick brown fox jumps over the lazy dog.', 'func main() {\n\tfmt.Println("hi")\n}\n', 'for i in range(10):\n    print(i)\n\n\n', '{"a": [1, 2.5e-3, null, true]}', 'https://example.org/a?b=c&d=%20#e', 'user@example.org', 'C:\\path\\new\\table', '/usr/local/bin', 'x\u00d7y', '3.14159', '1e-7', '$100 €50 £20 ¥7', 'a,b;c:d', '...', '…', '!!! ??? ?!', '(a)', '((()))', '1+1=2', 'E=mc²', 'H₂O', 'naïve café', 'Œuvre', 'ÅÄÖ', 'tab\tbetween\ttabs', 'line one\nline two\r\nline three\rline four', '  indented\n    more\n', 'end\n', '\nstart', 'camelCaseString', 'snake_case_string', 'UPPER lower MiXeD',
];

// Snippets by alphabet for the mixed strings.
export const pools = [
  [...'abcdefghijklmnopqrstuvwxyz'], [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'], [...'0123456789'], [...' \n\t\r'], [' ', '  ', '    ', '\n\n', ' \n', '\r\n', '\u00a0', '\u2028', '\u3000'],
  [...'.,;:!?()[]{}<>"\'`|/\\+-*=_^%&#@~$—…'], ["'s", "'t", "'re", "'ve", "'ll", '’s', '’', "'"], ['\\n', '\\nabla', '\\newline', '\\not', '\\notin', '\\alpha', '\\{', '\\]', '$$'],
  ['the', 'and', ' of', ' to', 'ing', 'tion', ' raven', 'Huginn', ' memory', 'st', 'nd', 'rd', 'th'], ['==', '!=', '<=', '**', '//', ':=', '++', '--', '<0x0A>', '```', '"""'],
  ['é', 'ü', 'ß', 'ñ', 'ø', 'ł', 'ć', 'İ', 'ſ', 'ﬁ', 'Å'], ['\u0300', '\u0301', '\u0308', '\u0327', '\u034f', '\u200d', '\u200c', '\ufe0f', '\u20e3'], [...'абвгдежзАБВ'], [...'αβγδΣς'], [...'אבגשלום'], [...'ابتثمرح'], [...'नमस्तेदुनिया'], [...'กขคไทย'], [...'中文字符漢'], [...'かなカナー'], [...'한글국어'],
  ['😀', '🎉', '👍🏽', '👩‍👩‍👧', '🇩🇪', '❤️', '⚡', '🂡', '𝒜', '𠮷'], [...'²³½ⅧⒶ⑧٣३'], [...'€£≤≥≠±×÷√∞←→'], ['\u0000', '\u0001', '\u001b', '\u007f', '\u0085', '\ufeff', '\ufffd', '\ue000'],
  ['<|begin_text|>', '<|end_turn|>', '<|pad|>', '<|', '|>', '<|c_1|>', 'MASK', ' MASK ', 'word', 'LEFT', 'RIGHT', 'normal'],
];

// Patterns for the differences between Oniguruma and regexp2, and the strings they are run on.
export const dialect = {
  patterns: ['^', '\\n^', '(?<=\\n)^.', '$', '^a', 'a$', '^\\s*', '\\s+$', '\\w+', '\\W', '\\b', '\\B', '\\bb', 'a\\b', '\\h+', '[\\h]', '[\\w-]+', '[^\\w]', '\\p{C}+', '\\d+', '\\s+', '.', '(?m:.)', '(?m:.+)', '(?i:ab)', '(?i)ab|c', '(?i:k)', '(?-i:a)b', 'a*', 'a*?', 'a?', '', 'a|', '(a)(b)?', 'a{2}', 'a{1,2}', 'a{2,}', 'a{,', 'a{', 'x}', 'a]', '\\#', '\\ ', '\\-', '[a\\-z]+', '[^a]+', '[a-b-]?a', '\\p{L}+', '\\P{L}+', '\\p{Han}', '[\\p{Lu}\\p{Nd}]', '[^\\s\\p{L}]+', 'a++b', 'a?+', '(?>a+)b', '(?=b)', '(?<=a)b', '(?<!a)b', '(?!a).', '\\x41', '\\x{e9}', '\\u00e9', '\\A.', '.\\z', '.\\Z', '\\n', '\\t|\\r', '"', '\\"', "'(?!s)", '[.]+', '[$^]', '—', '\\—', '\\_', '_'],
  behaviorPatterns: ['a', 'a*', 'b|', '', '\\b', '[ab]', '\\s+'],
  texts: ['', 'a', 'b', 'ab', 'ba', 'aab', 'baac', 'aaaaa', 'ab\nab', 'ab\n', '\nab\n\nb', 'a\r\nb', 'AB aB c C', 'k K \u212a', 'é\u0301b É', 'a\u0903b', 'a\u200db', 'x²y Ⅷ Ⓐ', 'a½b⁰c⑧dⒶ₂', '३٣3', 'dead beef 0x1Fg', 'a-z ^$ .. "q" \'s', 'a{ x} a] a{,2}', '漢字かな', 'a\u00a0b\u2028c\u0085d', '😀b', '— _ # -', 'a  \n  b  '],
};
