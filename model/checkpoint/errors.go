package checkpoint

import (
	"errors"

	"muninn/model/internal/strict"
)

// ErrModel is in the chain of every error that means "this checkpoint cannot be used": damaged, inconsistent, of an
// unknown architecture, or simply not there.
var ErrModel = strict.ErrUnusable

// ErrNoTokenizer says that the checkpoint has no tokenizer.json. The weights may still be used with token ids.
var ErrNoTokenizer = errors.New("no tokenizer.json")

// errNoWeights says that a folder has no file of weights under a name that is read.
var errNoWeights = errors.New("only safetensors weights are read")
