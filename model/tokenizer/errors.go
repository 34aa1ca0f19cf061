package tokenizer

import (
	"errors"
	"fmt"
)

// Limits on what Parse and Encode accept. They bound memory and time for files and texts from strangers.
const (
	MaxFileSize = 64 << 20  // bytes of tokenizer.json
	MaxVocab    = 1 << 20   // tokens, and one above the highest id
	MaxText     = 256 << 20 // bytes of text in one Encode

	maxMerges      = MaxVocab
	maxAddedLength = 256 // bytes of one added token; bounds the matcher's work per input byte
	maxDepth       = 16  // nesting of Sequence components
)

var (
	// ErrFile is wrapped by every error about a tokenizer.json that is malformed or contradicts itself.
	ErrFile = errors.New("invalid tokenizer.json")
	// ErrUnsupported is wrapped when a tokenizer.json has a part that this package does not implement. Guessing would give
	// wrong ids without a word, so Parse refuses the file and names the part.
	ErrUnsupported = errors.New("is not supported; convert the tokenizer to BPE without it")
	// ErrTooLarge is wrapped when a file or a text exceeds one of the limits above.
	ErrTooLarge = errors.New("too large")
	// ErrTimeout is wrapped when the file's split pattern needs too long on a text.
	ErrTimeout = errors.New("the split pattern took too long")
	// ErrUnknownID is wrapped by Decode when an id has no token.
	ErrUnknownID = errors.New("id without a token")
)

// unsupported refuses what stands at a place of the file, such as "pre_tokenizer.pretokenizers[1]".
func unsupported(place, kind string) error {
	return fmt.Errorf("tokenizer: %s: %q %w", place, clip(kind), ErrUnsupported)
}

func fileErrorf(format string, args ...any) error {
	return fmt.Errorf("tokenizer: %w: %w", ErrFile, fmt.Errorf(format, args...))
}
