//go:build !unix

package checkpoint

import "io/fs"

// trusted is true: only administrators make links here.
func trusted(fs.FileInfo) bool { return true }
