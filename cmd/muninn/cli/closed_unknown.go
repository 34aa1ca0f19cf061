//go:build !cgo || windows

package cli

// stdoutClosed is not known without C.
func stdoutClosed() bool { return false }
