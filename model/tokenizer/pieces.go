package tokenizer

// Pieces tells whether tokens are pieces of text as SentencePiece has them: spelt as they are, with a token of its own for each byte that
// no piece has. Else they are spelt in the byte alphabet.
func (t *Tokenizer) Pieces() bool { return !t.bytes && t.decoder.has("ByteFallback") }

// IsByte tells whether id is the token of a single byte beside pieces.
func (t *Tokenizer) IsByte(id int32) bool { return t.entry(id).isByte }

// Unknown is the id of the token for text that no other has; -1: none.
func (t *Tokenizer) Unknown() int32 { return max(t.model.unk, -1) }

// Scores are the pieces' scores by id as SentencePiece would have them: the greater of two is merged first. What a merge makes has minus
// its rank, a piece that no merge makes less than all of them, and special tokens and bytes 0.
func (t *Tokenizer) Scores() []float32 {
	scores := make([]float32, len(t.entries))
	for id, e := range t.entries {
		if e.known && !e.special && !e.isByte {
			scores[id] = -float32(len(t.model.merged))
		}
	}
	for rank := len(t.model.merged) - 1; rank >= 0; rank-- { // the first of several counts
		scores[t.model.merged[rank]] = -float32(rank)
	}
	return scores
}
