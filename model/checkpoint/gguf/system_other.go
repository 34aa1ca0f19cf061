//go:build !unix

package gguf

import (
	"errors"
	"os"
	"syscall"
)

// An open file cannot be removed here, which is as good as a lock.
func lock(*os.File) error { return nil }

func removeUnlocked(path string) { _ = os.Remove(path) }

func isFull(err error) bool { return errors.Is(err, syscall.Errno(112)) } // ERROR_DISK_FULL

func publish(f *os.File, path string) error {
	name := f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(name, path)
}

// syncDir does nothing: folders cannot be synced here.
func syncDir(string) error { return nil }
