package checkpoint

import "math"

// file is a case of a GGUF file.
func badGGUF(name, want string, change func(g *ggufFile)) badCase {
	return badCase{Name: "gguf: " + name, Want: want, File: fileGGUF, Build: func(dir string) error {
		g := soundGGUF()
		change(g)
		return put(dir, fileGGUF, g.bytes())
	}}
}

// raw is a case of the file's bytes.
func rawGGUF(name, want string, change func(sound []byte) []byte) badCase {
	return badCase{Name: "gguf: " + name, Want: want, File: fileGGUF, Build: func(dir string) error {
		return put(dir, fileGGUF, change(soundGGUF().bytes()))
	}}
}

// value is a case of one more key.
func ggufValue(name, want string, kind uint32, v []byte) badCase {
	return badGGUF(name, want, func(g *ggufFile) { g.add("more", kind, v) })
}

func ggufCases() []badCase {
	return append(ggufHeaderCases(), ggufTensorCases()...)
}

func ggufHeaderCases() []badCase {
	arch := func(g *ggufFile) *entry { return g.find("general.architecture") }
	return []badCase{
		rawGGUF("empty", "0 bytes are too few for a GGUF file", func([]byte) []byte { return nil }),
		rawGGUF("23 bytes", "23 bytes are too few for a GGUF file", func(s []byte) []byte { return s[:23] }),
		rawGGUF("git-lfs pointer", "fetch it with git lfs pull", func([]byte) []byte {
			return []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 34335\n")
		}),
		rawGGUF("a zip file", "a zip archive, as PyTorch writes weights", func([]byte) []byte { return append([]byte("PK\x03\x04"), make([]byte, 99)...) }),
		rawGGUF("cut in the keys", "the file is cut short", func(s []byte) []byte { return s[:1500] }),
		badGGUF("older format", `begins with "GGJT"`, func(g *ggufFile) { g.magic = "GGJT" }),
		badGGUF("version 2", "GGUF version 2, want 3", func(g *ggufFile) { g.version = 2 }),
		badGGUF("big-endian", "a big-endian file", func(g *ggufFile) { g.version = 3 << 24 }),
		badGGUF("2^63 keys", "9223372036854775808 keys in a file of", func(g *ggufFile) { g.keys = 1 << 63 }),
		badGGUF("2^64-1 tensors", "18446744073709551615 tensors in a file of", func(g *ggufFile) { g.tensors = math.MaxUint64 }),
		badGGUF("more keys than there are", "model.gguf: ", func(g *ggufFile) { g.keys = 60 }),
		badGGUF("empty key", "a key of 0 bytes", func(g *ggufFile) { g.add("", kindUint32, u32(1)) }),
		badGGUF("key twice", `key "general.architecture" is there twice`, func(g *ggufFile) { g.add("general.architecture", kindString, str("huginn")) }),
		badGGUF("key not text", "is not text", func(g *ggufFile) { g.add("a\xff", kindUint32, u32(1)) }),
		badGGUF("key of 2^64-1 bytes", "a key of 18446744073709551615 bytes", func(g *ggufFile) {
			arch(g).value = append(str("huginn"), u64(math.MaxUint64)...)
		}),
		ggufValue("kind 13", `key "more": a value of kind 13`, 13, u32(1)),
		ggufValue("bool of 2", `key "more": a bool of 2`, kindBool, []byte{2}),
		ggufValue("string of 2^62 bytes", "the file is cut short", kindString, u64(1<<62)),
		ggufValue("string of 2^64-1 bytes", "the file is cut short", kindString, u64(math.MaxUint64)),
		ggufValue("array of arrays", `key "more": an array of arrays`, kindArray, ggufList(kindArray, 1)),
		ggufValue("array of kind 77", `key "more": an array of kind 77`, kindArray, ggufList(77, 1)),
		ggufValue("array of 2^60", `an array of 1152921504606846976 elements`, kindArray, ggufList(kindUint32, 1<<60)),
		ggufValue("array longer than the file", "the file is cut short", kindArray, ggufList(kindUint32, 1<<20)),
		ggufValue("strings longer than the file", "the file is cut short", kindArray, ggufList(kindString, 2, append(str("a"), u64(1<<40)...)...)),
		badGGUF("alignment 0", "general.alignment is 0", func(g *ggufFile) { g.add("general.alignment", kindUint32, u32(0)) }),
		badGGUF("alignment 24", "general.alignment is 24", func(g *ggufFile) { g.add("general.alignment", kindUint32, u32(24)) }),
		badGGUF("alignment 2^31", "general.alignment is 2147483648", func(g *ggufFile) { g.add("general.alignment", kindUint32, u32(1<<31)) }),

		badGGUF("no architecture", "no key general.architecture", func(g *ggufFile) { arch(g).key = "general.something" }),
		badGGUF("architecture a number", "general.architecture is of kind uint32", func(g *ggufFile) { *arch(g) = entry{"general.architecture", kindUint32, u32(1)} }),
		badGGUF("another architecture", "architecture llama is not supported", func(g *ggufFile) {
			arch(g).value = str("llama")
			g.last().kind = 12 // Q4_K: the architecture is what to say, not that
		}),
		badGGUF("another program's", "a GGUF file of ouro from another program (it has no muninn.crc32c)", func(g *ggufFile) {
			g.sum, g.find("general.architecture").value = nil, str("ouro")
		}),
		badGGUF("header changed", "the header's checksum is", func(g *ggufFile) { g.sum = func(sum uint32) uint32 { return sum + 1 } }),
		badGGUF("no config", "config.json: file does not exist", func(g *ggufFile) { g.find("muninn.config.json").key = "config.json" }),
		badGGUF("config not JSON", "config.json: not valid JSON", func(g *ggufFile) { g.find("muninn.config.json").value = str("{'a':1}") }),
		badGGUF("config not UTF-8", "muninn.config.json is not valid UTF-8", func(g *ggufFile) { g.find("muninn.config.json").value = str("{\"a\":\"\xff\"}") }),
		badGGUF("config of two mebibytes", "at most 1048576 are read", func(g *ggufFile) { g.find("muninn.config.json").value = str(string(make([]byte, 2<<20))) }),
		badGGUF("config a number", "muninn.config.json is of kind uint32", func(g *ggufFile) {
			*g.find("muninn.config.json") = entry{"muninn.config.json", kindUint32, u32(1)}
		}),
		badGGUF("config of another model", "architecture llama is not supported", func(g *ggufFile) { g.find("muninn.config.json").value = str(`{"model_type":"llama"}`) }),
		badGGUF("width told twice, differently", "huginn.embedding_length is 32, config.json in the file says 16", func(g *ggufFile) { g.find("huginn.embedding_length").value = u32(32) }),
		badGGUF("epsilon told as text", "huginn.attention.layer_norm_rms_epsilon is of kind string", func(g *ggufFile) {
			*g.find("huginn.attention.layer_norm_rms_epsilon") = entry{"huginn.attention.layer_norm_rms_epsilon", kindString, str("1e-6")}
		}),
		badGGUF("no layer count", "no key huginn.block_count", func(g *ggufFile) { g.find("huginn.block_count").key = "huginn.blocks" }),
	}
}

func ggufTensorCases() []badCase {
	last := func(name, want string, change func(t *ggufTensor)) badCase {
		return badGGUF(name, want, func(g *ggufFile) { change(g.last()) })
	}
	return []badCase{
		last("tensor twice", `tensor "transformer.wte.weight" is there twice`, func(t *ggufTensor) { t.name = wte }),
		last("tensor without a name", "a tensor's name of 0 bytes", func(t *ggufTensor) { t.name = "" }),
		last("name not text", "a tensor's name is not text", func(t *ggufTensor) { t.name = "a\x00b" }),
		last("name of two kibibytes", "a tensor's name of 2048 bytes", func(t *ggufTensor) { t.name = string(make([]byte, 2048)) }),
		last("no dimensions", "0 dimensions, want 1 to 4", func(t *ggufTensor) { t.dims = nil }),
		last("five dimensions", "5 dimensions, want 1 to 4", func(t *ggufTensor) { t.dims = []uint64{16, 1, 1, 1, 1} }),
		last("dimension of 0", "dimensions [0], want each from 1", func(t *ggufTensor) { t.dims = []uint64{0} }),
		last("dimension of 2^32", "want each from 1 to 2147483647", func(t *ggufTensor) { t.dims = []uint64{1 << 32} }),
		last("size overflows", "overflow 64 bits", func(t *ggufTensor) { t.dims = []uint64{1 << 30, 1 << 30, 1 << 30, 1 << 30} }),
		last("size overflows to a small one", "overflow 64 bits", func(t *ggufTensor) { t.dims = []uint64{1 << 30, 1 << 30, 4, 1} }),
		last("size beyond the file", "the file is cut short", func(t *ggufTensor) { t.dims = []uint64{1 << 20, 1 << 20} }),
		last("type of another program", "stored as type 12, read are f32", func(t *ggufTensor) { t.kind = 12 }),
		last("type of no program", "stored as type 4294967295", func(t *ggufTensor) { t.kind = math.MaxUint32 }),
		last("rows that are no blocks", "rows of 16 are not whole blocks of 32 (q8_0)", func(t *ggufTensor) { t.kind = 8 }),
		last("overlap", "overlaps the one before it", func(t *ggufTensor) { t.offset -= 32 }),
		last("gap", "no gaps", func(t *ggufTensor) { t.offset += 32 }),
		last("not aligned", "no gaps", func(t *ggufTensor) { t.offset += 4 }),
		last("offset of 2^64-1", "its data at byte 18446744073709551615", func(t *ggufTensor) { t.offset = math.MaxUint64 }),
		last("offset of 2^63-32", "no gaps", func(t *ggufTensor) { t.offset = math.MaxInt64 - 31 }),
		last("missing", "transformer.ln_f.weight: missing", func(t *ggufTensor) { t.name = "transformer.ln_g.weight" }),
		last("another shape", "transformer.ln_f.weight: shape [4 4], want [16]", func(t *ggufTensor) { t.dims = []uint64{4, 4} }),
		badGGUF("one too many", "tensors that config.json does not account for: more", func(g *ggufFile) {
			g.table = append(g.table, ggufTensor{"more", []uint64{8}, 0, uint64(len(g.data))})
			g.data = append(g.data[:len(g.data):len(g.data)], make([]byte, 32)...)
		}),
		rawGGUF("bytes after the last tensor", "the last tensor at", func(s []byte) []byte { return append(s, 0) }),
		rawGGUF("last byte missing", "the file is cut short", func(s []byte) []byte { return s[:len(s)-1] }),
	}
}
