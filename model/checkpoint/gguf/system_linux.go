package gguf

import (
	"os"

	"golang.org/x/sys/unix"
)

// reserve claims the file's space. File systems that cannot do that are written to without.
func reserve(f *os.File, size int64) error {
	if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size); isFull(err) {
		return err
	}
	return nil
}
