//go:build !linux

package pty

import (
	"errors"
	"os"
)

// Open fails: pseudo terminals are opened as Linux has them.
func Open(int) (ours, theirs *os.File, err error) { return nil, nil, errors.ErrUnsupported }

// Resize fails, as Open does.
func Resize(*os.File, int) error { return errors.ErrUnsupported }
