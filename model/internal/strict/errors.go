// Package strict reads the texts of a checkpoint and trusts none of it: JSON within limits, typed fields in their ranges, errors that
// name file, field and value.
package strict

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnusable is checkpoint.ErrModel.
var ErrUnusable = errors.New("model: unusable checkpoint")

// checkpointError carries a cause with its own text, and ErrUnusable beside it.
type checkpointError struct{ cause error }

func (e *checkpointError) Error() string   { return e.cause.Error() }
func (e *checkpointError) Unwrap() []error { return []error{e.cause, ErrUnusable} }

// Unusable makes an error of the checkpoint.ErrModel family, prefixed with the package.
func Unusable(format string, args ...any) error {
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i] = bare{err}
		}
	}
	return &checkpointError{fmt.Errorf("model: "+format, args...)}
}

// bare is an error inside another one's text, without the package in front that begins that one.
type bare struct{ error }

func (b bare) Error() string { return strings.TrimPrefix(b.error.Error(), "model: ") }
func (b bare) Unwrap() error { return b.error }
