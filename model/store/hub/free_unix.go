//go:build unix

package hub

import "golang.org/x/sys/unix"

// free is how many bytes there is room for on the disk of a folder.
func free(dir string) (uint64, error) {
	var s unix.Statfs_t
	err := unix.Statfs(dir, &s)
	return uint64(s.Bavail) * uint64(s.Bsize), err
}
