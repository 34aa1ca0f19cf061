package checkpoint

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"muninn/model/arch"
	"muninn/model/checkpoint/gguf"
	"muninn/model/internal/strict"
	"muninn/model/tokenizer"
)

const keyName = "general.name"

// hyperparameters are a Config as other programs look for it, uint32 and float32.
func hyperparameters(c arch.Config) []gguf.KV {
	n := func(key string, v int) gguf.KV { return gguf.KV{Key: c.Family.Name + "." + key, Value: uint32(v)} }
	x := func(key string, v float64) gguf.KV {
		return gguf.KV{Key: c.Family.Name + "." + key, Value: float32(v)}
	}
	kvs := []gguf.KV{
		n("block_count", c.Layers()),
		n("context_length", c.BlockSize),
		n("embedding_length", c.NEmbd),
		n("feed_forward_length", c.IntermediateSize),
		n("vocab_size", c.PaddedVocabSize),
		n("attention.head_count", c.NHeads),
		n("attention.head_count_kv", c.KVHeads()),
		x("attention.layer_norm_rms_epsilon", c.NormEps),
		n("rope.dimension_count", c.HeadDim),
		x("rope.freq_base", c.RopeBase),
		n("recurrence.prelude_layers", c.NLayersInPrelude),
		n("recurrence.core_layers", c.NLayersInRecurrentBlock),
		n("recurrence.coda_layers", c.NLayersInCoda),
		n("recurrence.mean_recurrence", c.MeanRecurrence),
	}
	if c.Family == arch.Huginn {
		return kvs // as they always were
	}
	kvs = append(kvs, n("attention.key_length", c.HeadDim), n("attention.value_length", c.HeadDim),
		n("recurrence.cycles", c.Cycles), x("embedding_scale", c.EmbedScale()))
	if s := c.RopeScaling; s.Factor != 0 {
		kvs = append(kvs, x("rope.scaling.factor", s.Factor), n("rope.scaling.original_context_length", int(s.Original)),
			x("rope.scaling.low_freq_factor", s.Low), x("rope.scaling.high_freq_factor", s.High))
	}
	return kvs
}

// ggufMetadata is everything in a GGUF file but the tensors.
func ggufMetadata(ck *Checkpoint, name string, fileType uint32) ([]gguf.KV, error) {
	kvs := []gguf.KV{
		{Key: "general.architecture", Value: ck.Config.Family.Name},
		{Key: keyName, Value: name},
		{Key: "general.file_type", Value: fileType},
		{Key: "general.quantization_version", Value: uint32(2)},
	}
	kvs = append(kvs, hyperparameters(ck.Config)...)
	for _, t := range textFiles {
		text, err := ck.text(t.name)
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		if !utf8.Valid(text) {
			return nil, strict.Unusable("%s: not valid UTF-8, which a GGUF file cannot hold; correct or remove it", t.name)
		}
		kvs = append(kvs, gguf.KV{Key: t.key, Value: string(text)})
		if t.name == fileTokenizer {
			if kvs, err = appendTokenizer(kvs, ck, text); err != nil {
				return nil, err
			}
		}
	}
	return kvs, nil
}

// Kinds of tokens, by GGUF's numbers.
const (
	tokenNormal  int32 = 1
	tokenUnknown int32 = 2
	tokenControl int32 = 3
	tokenUnused  int32 = 5
	tokenByte    int32 = 6
)

// appendTokenizer adds the tokenizer as other programs look for it, one token for each row of the embedding.
func appendTokenizer(kvs []gguf.KV, ck *Checkpoint, text []byte) ([]gguf.KV, error) {
	t, err := tokenizer.Parse(text)
	if err != nil {
		return nil, strict.Unusable("%s: %w", fileTokenizer, err)
	}
	rows := ck.Config.PaddedVocabSize
	if t.VocabSize() > rows {
		return nil, strict.Unusable("%s: ids up to %d, the embedding has %d rows: it is of another model", fileTokenizer, t.VocabSize()-1, rows)
	}
	tokens, kinds := make([]string, rows), make([]int32, rows)
	for id := range tokens {
		token, ok := t.Token(int32(id))
		tokens[id], kinds[id] = token, tokenNormal
		switch {
		case !ok:
			tokens[id], kinds[id] = fmt.Sprintf("[PAD%d]", id), tokenUnused
		case t.Pieces() && int32(id) == t.Unknown():
			kinds[id] = tokenUnknown
		case t.IsSpecial(int32(id)):
			kinds[id] = tokenControl
		case t.IsByte(int32(id)):
			kinds[id] = tokenByte
		}
	}
	kvs = append(kvs, tokenizerModel(t, rows)...)
	kvs = append(kvs,
		gguf.KV{Key: "tokenizer.ggml.tokens", Value: tokens},
		gguf.KV{Key: "tokenizer.ggml.token_type", Value: kinds},
		gguf.KV{Key: "tokenizer.ggml.merges", Value: t.Merges()})
	g := ck.Generation
	ids := map[string]int{"bos": g.BOS, "padding": g.Pad, "eos": -1, "unknown": -1}
	if len(g.EOS) > 0 {
		ids["eos"] = g.EOS[0]
	}
	if t.Pieces() {
		ids["unknown"] = int(t.Unknown())
	}
	for _, name := range []string{"bos", "padding", "eos", "unknown"} {
		if ids[name] >= 0 {
			kvs = append(kvs, gguf.KV{Key: "tokenizer.ggml." + name + "_token_id", Value: uint32(ids[name])})
		}
	}
	return kvs, nil
}

// tokenizerModel says by which of the kinds that other programs know the tokenizer works: "gpt2" over the byte alphabet, or "llama", which
// goes by scores, and what of its manners they assume otherwise.
func tokenizerModel(t *tokenizer.Tokenizer, rows int) []gguf.KV {
	if !t.Pieces() {
		return []gguf.KV{{Key: "tokenizer.ggml.model", Value: "gpt2"}}
	}
	scores := make([]float32, rows)
	copy(scores, t.Scores())
	plain, _ := t.Encode("a", tokenizer.EncodeOptions{}) // a letter that is lost leads to neither
	framed, _ := t.Encode("a", tokenizer.EncodeOptions{AddSpecial: true})
	spaced := false
	if len(plain) > 0 {
		token, _ := t.Token(plain[0])
		spaced = strings.HasPrefix(token, "\u2581")
	}
	return []gguf.KV{
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.scores", Value: scores},
		{Key: "tokenizer.ggml.add_bos_token", Value: len(framed) > 0 && (len(plain) == 0 || framed[0] != plain[0])},
		{Key: "tokenizer.ggml.add_space_prefix", Value: spaced},
	}
}
