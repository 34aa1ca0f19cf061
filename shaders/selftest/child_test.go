package selftest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// asChild makes the test binary a child that does what its value says.
const asChild = "MUNINN_TEST_CHILD"

func TestMain(m *testing.M) {
	behave := os.Getenv(asChild)
	if behave == "" {
		os.Exit(m.Run())
	}
	pass := Here(func(string) (*vk.Device, error) { return vk.Open(vk.Options{Device: vktest.Names()[0]}) })
	if behave != "right" {
		pass = func(_ context.Context, j Job, tell func(Event)) error {
			if len(j.Kernels.Off) > 0 {
				return nil // right without what is off
			}
			fmt.Println("a driver's greeting")
			tell(Event{Kernels: []string{"rmsnorm_sg"}, Result: true, Total: 2})
			tell(Event{Kernels: []string{"matmul_bf16_texel_sg"}, Done: 1, Total: 2})
			if behave == "crash" {
				panic("as a driver would")
			}
			time.Sleep(time.Hour)
			return nil
		}
	}
	if err := Serve(context.Background(), os.Stdin, os.Stdout, pass); err != nil {
		panic(err)
	}
}

func child(behave string) Pass {
	return Child(func(ctx context.Context) *exec.Cmd {
		c := exec.CommandContext(ctx, os.Args[0])
		c.Env = append(os.Environ(), asChild+"="+behave)
		return c
	}, 2*time.Second)
}

// A driver that crashes, and one that never comes back, take a process of their own along, and the kernel that it was at is wrong.
func TestChildEnds(t *testing.T) {
	for behave, why := range map[string]string{"crash": "the driver ended the process", "hang": "has not come back"} {
		t.Run(behave, func(t *testing.T) {
			v, err := Prove(context.Background(), t.TempDir(), vk.Caps{}, shaders.Options{}, []string{"matmul bf16"}, child(behave), nil)
			if err != nil || len(v.Off) != 1 || v.Off[0].Name != "texel buffers" || !strings.Contains(v.Off[0].Why, why) || !strings.Contains(v.Off[0].Why, "matmul_bf16_texel_sg") {
				t.Errorf("off %+v, error %v", v.Off, err)
			}
		})
	}
}

// A child finds what the pass in this process finds; one that is told to stop ends at once.
func TestChild(t *testing.T) {
	caps := capsOf(t, vktest.Names()[0])
	needs := []string{"kv f32", "embed f32"}
	there, err := Prove(context.Background(), "", caps, shaders.Options{}, needs, child("right"), nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := Prove(context.Background(), "", caps, shaders.Options{}, needs, here(t, vktest.Names()[0], nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(there)
	b, _ := json.Marshal(at)
	if !slices.Equal(a, b) || len(there.Kernels) < 3 {
		t.Errorf("a child gives %s, this process %s", a, b)
	}
	ctx, stop := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, stop)
	start := time.Now()
	if _, err := Prove(ctx, "", caps, shaders.Options{}, needs, child("hang"), nil); err == nil || time.Since(start) > time.Second {
		t.Errorf("ended with %v after %v", err, time.Since(start))
	}
}
