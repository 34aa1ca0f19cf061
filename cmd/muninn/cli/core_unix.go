//go:build unix

package cli

import "golang.org/x/sys/unix"

// withoutCore has an abort leave no core file: it would hold a model's gigabytes.
func withoutCore() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
