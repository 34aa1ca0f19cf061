package model

import (
	"errors"
	"fmt"
	"strings"
)

// ErrModel is in the chain of every error that means "this checkpoint cannot be used": damaged, inconsistent, of an
// unknown architecture, or simply not there.
var ErrModel = errors.New("model: unusable checkpoint")

// ErrNoTokenizer says that the checkpoint has no tokenizer.json. The weights may still be used with token ids.
var ErrNoTokenizer = errors.New("no tokenizer.json")

// checkpointError carries a cause with its own text, and ErrModel beside it.
type checkpointError struct{ cause error }

func (e *checkpointError) Error() string   { return e.cause.Error() }
func (e *checkpointError) Unwrap() []error { return []error{e.cause, ErrModel} }

// unusable makes an error of the ErrModel family, prefixed with the package.
func unusable(format string, args ...any) error {
	return &checkpointError{fmt.Errorf("model: "+format, args...)}
}

// UnknownArchitectureError refuses a checkpoint of another architecture by name.
type UnknownArchitectureError struct {
	Found    string   // what the checkpoint is, as far as it can be told
	Evidence string   // where that was seen
	Known    []string // architectures that can be run
}

func (e *UnknownArchitectureError) Error() string {
	return fmt.Sprintf("model: architecture %s is not supported by this version (seen: %s); supported: %s",
		e.Found, e.Evidence, strings.Join(e.Known, ", "))
}

// Is makes the error one of the ErrModel family.
func (e *UnknownArchitectureError) Is(target error) bool { return target == ErrModel }
