package engine

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Panic is the error of a request that came upon a bug. Where the session may no longer be what it was, it ends the loop too, and
// ErrLoopFailed is wrapped beside it.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("model: a bug in muninn: %v", p.Value) }

// ErrLoopFailed is wrapped by whatever a loop ends or refuses that came to its end by itself: its device was lost, or a bug was met.
var ErrLoopFailed = errors.New("loop failed")

// safely makes an error of a panic.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Panic{p, debug.Stack()}
		}
	}()
	return f()
}
