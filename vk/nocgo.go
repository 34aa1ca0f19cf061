//go:build !cgo

package vk

// Devices is ErrNoCgo.
func Devices() ([]Caps, error) { return nil, ErrNoCgo }

func nativeOpen(func([]Caps) (int, error)) (Caps, driver, error) { return Caps{}, nil, ErrNoCgo }
