package cli

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/store/hub"
	"muninn/model/tokenizer"
	"muninn/vk"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, ExitOK},
		{errors.New("anything else"), ExitFailure},
		{Usage("bad flag"), ExitUsage},
		{decode.ErrFilters, ExitUsage},
		{checkpoint.ErrScheme, ExitUsage},
		{decode.ErrContextFull, ExitUsage},
		{tokenizer.ErrUnknownID, ExitUsage},
		{ErrWrongResults, ExitDevice},
		{vk.ErrNoCgo, ExitDevice},
		{vk.ErrNoLoader, ExitDevice},
		{vk.ErrNoDriver, ExitDevice},
		{&vk.SetupError{Op: "create instance", Result: -1}, ExitDevice},
		{vk.ErrNoDevice, ExitDevice},
		{vk.ErrUnsupported, ExitDevice},
		{&vk.DeviceLostError{Last: "matmul"}, ExitDevice},
		{&vk.OutOfMemoryError{Name: "weights"}, ExitMemory},
		{checkpoint.ErrModel, ExitModel},
		{&arch.UnknownArchitectureError{Found: "llama"}, ExitModel},
		{checkpoint.ErrNoTokenizer, ExitModel},
		{hub.ErrHub, ExitNetwork},
		{context.Canceled, ExitSignaled},
		{Interrupted{syscall.SIGINT}, 130},
		{Interrupted{syscall.SIGTERM}, 143},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit status %d, want %d", c.err, got, c.want)
		}
		if c.err == nil {
			continue
		}
		// What wraps an error does not change what it is.
		if got := exitCode(errors.Join(fmt.Errorf("while loading: %w", c.err), errors.New("then closing failed"))); got != c.want {
			t.Errorf("%v, wrapped: exit status %d, want %d", c.err, got, c.want)
		}
	}
}
