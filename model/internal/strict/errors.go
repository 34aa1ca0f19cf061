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
	return &checkpointError{fmt.Errorf("model: "+format, args...)}
}

// Impostor says what lies in the place of a file that was not fetched; nil for anything else.
func Impostor(data []byte) error {
	head := strings.ToLower(strings.TrimSpace(string(data[:min(len(data), 200)])))
	switch {
	case strings.HasPrefix(head, "version https://git-lfs"):
		return errors.New("a git-lfs pointer in the place of the file; fetch it with git lfs pull")
	case strings.HasPrefix(head, "<!doctype html"), strings.HasPrefix(head, "<html"):
		return errors.New("a page of HTML in the place of the file; fetch the file itself, logged in where that is asked for")
	}
	return nil
}
