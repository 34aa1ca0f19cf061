package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// spell is SentencePiece's way with pieces, as other programs have it: of neighbours that are a piece together those with the greatest score are
// merged first, the leftmost of equals; what is left and no piece is spelt in bytes.
func spell(t *Tokenizer, scores []float32, text string) (ids []int32) {
	parts := strings.Split(text, "")
	for {
		best, at := float32(0), -1
		for i := range len(parts) - 1 {
			if id, ok := t.ids[parts[i]+parts[i+1]]; ok && !t.IsSpecial(id) && (at < 0 || scores[id] > best) {
				best, at = scores[id], i
			}
		}
		if at < 0 {
			break
		}
		parts = slices.Replace(parts, at, at+2, parts[at]+parts[at+1])
	}
	for _, p := range parts {
		if id, ok := t.ids[p]; ok {
			ids = append(ids, id)
			continue
		}
		for _, b := range []byte(p) {
			ids = append(ids, t.ids[fmt.Sprintf("<0x%02X>", b)])
		}
	}
	return ids
}

// By the scores alone a text has the ids that it has by the merges.
func TestScores(t *testing.T) {
	data, err := readGzip("family/tinyllama.tokenizer.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil || !tok.Pieces() || tok.Unknown() != 0 || !tok.IsByte(3) || tok.IsByte(259) {
		t.Fatal(err, tok.Pieces(), tok.Unknown())
	}
	for _, text := range []string{"the self. one", "a  b   c    d", "def forward(self, x):\n        return self.norm(x) + 'naïve' // 日本\n", "in the end there is nothing more than an order of things", "\t\x00 é"} {
		want, err := tok.Encode(text, EncodeOptions{})
		if got := spell(tok, tok.Scores(), "▁"+strings.ReplaceAll(text, " ", "▁")); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v by scores, %v by merges (%v)", text, got, want, err)
		}
	}
}
