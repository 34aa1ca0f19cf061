//go:build !cgo

// Package binding is empty without cgo: both Vulkan bindings need it.
package binding
