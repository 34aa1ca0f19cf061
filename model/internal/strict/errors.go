// Package strict reads the texts of a checkpoint and trusts none of it: JSON within limits, typed fields in their ranges, errors that
// name file, field and value.
package strict

import (
	"errors"
	"fmt"
)

// ErrUnusable is checkpoint.ErrModel.
var ErrUnusable = errors.New("model: unusable checkpoint")

// checkpointError carries a cause with its own text, and ErrUnusable beside it.
type checkpointError struct{ cause error }

func (e *checkpointError) Error() string   { return e.cause.Error() }
func (e *checkpointError) Unwrap() []error { return []error{e.cause, ErrUnusable} }

// Unusable makes an error of the checkpoint.ErrModel family, prefixed with the package.
func Unusable(format string, args ...any) error {
	return &checkpointError{fmt.Errorf("model: "+format, args...)}
}
