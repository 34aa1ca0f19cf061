//go:build !linux

package roofline

import "time"

// CPUTime is 0: the wall clock has to do.
func CPUTime() time.Duration { return 0 }
