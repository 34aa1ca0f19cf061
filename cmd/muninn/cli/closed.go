//go:build cgo && !windows

package cli

/*
#include <fcntl.h>

static int closed;

// Go's runtime opens /dev/null in place of a closed standard stream; this runs before it.
__attribute__((constructor)) static void look(void) { closed = fcntl(1, F_GETFD) == -1; }

static int stdout_closed(void) { return closed; }
*/
import "C"

// stdoutClosed tells whether the program was started without a standard output, as by >&- in a shell.
func stdoutClosed() bool { return C.stdout_closed() != 0 }
