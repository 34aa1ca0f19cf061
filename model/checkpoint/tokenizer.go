package checkpoint

import (
	"errors"
	"fmt"

	"muninn/model/tokenizer"
)

// loadTokenizer parses the checkpoint's tokenizer; nil when it has none.
func loadTokenizer(ck *Checkpoint) (*tokenizer.Tokenizer, error) {
	data, err := ck.TokenizerJSON()
	if errors.Is(err, ErrNoTokenizer) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w: tokenizer.json: %w", ErrModel, err)
	}
	return t, nil
}
