//go:build unix

package cli

import "golang.org/x/sys/unix"

// prepare has an abort leave no core file: it would hold a model's gigabytes.
func prepare() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
