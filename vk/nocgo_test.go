//go:build !cgo

package vk

import (
	"errors"
	"testing"
)

func TestWithoutCgo(t *testing.T) {
	if _, err := Devices(); !errors.Is(err, ErrNoCgo) {
		t.Errorf("Devices: %v", err)
	}
	if _, err := Open(Options{}); !errors.Is(err, ErrNoCgo) {
		t.Errorf("Open: %v", err)
	}
}
