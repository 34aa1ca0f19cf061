//go:build !cgo

package vk

func nativeDevices() ([]Caps, error) { return nil, ErrNoCgo }

func nativeOpen(func([]Caps) (int, error)) (Caps, driver, error) { return Caps{}, nil, ErrNoCgo }
