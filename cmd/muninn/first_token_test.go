package main

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"muninn/vk/vktest"
)

// coldStart runs the demo model on lavapipe with nothing cached, by the driver neither. It gives the times to the first token and of all CPUs,
// and how many machine codes the driver has kept.
func coldStart(t testing.TB) (first, cpu time.Duration, codes int) {
	t.Helper()
	mesa := t.TempDir()
	c := exec.Command(os.Args[0], "run", "demo", "k=d;d=a;a=3;m=5;k?", "--device", "llvmpipe", "-q")
	c.Env = append(os.Environ(), asProgram+"=1", "MUNINN_CACHE_DIR="+t.TempDir(), "MESA_SHADER_CACHE_DIR="+mesa)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	one := make([]byte, 1)
	_, err = io.ReadFull(out, one)
	first = time.Since(began)
	rest, _ := io.ReadAll(out)
	if ended := c.Wait(); err != nil || ended != nil || string(one) != "3" {
		t.Fatalf("%s%s, %v, %v", one, rest, err, ended)
	}
	_ = filepath.WalkDir(mesa, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "index" {
			codes++
		}
		return nil
	})
	return first, c.ProcessState.UserTime() + c.ProcessState.SystemTime(), codes
}

// TestColdStartCompilesOnce: the self-test at the first start and the run after it take the same pipelines, each compiled once. Newer lavapipes
// keep all codes in fewer files.
func TestColdStartCompilesOnce(t *testing.T) {
	for _, device := range vktest.Names() {
		if device != "llvmpipe" {
			continue
		}
		if _, _, codes := coldStart(t); codes == 0 || codes > 22 {
			t.Errorf("%d machine codes, want one for each of 21 pipelines", codes)
		}
	}
}

// BenchmarkFirstToken is the first start on lavapipe: time to the first token, and CPU time of all processes.
//
//	go test -run - -bench FirstToken -benchtime 5x ./cmd/muninn
func BenchmarkFirstToken(b *testing.B) {
	var wall, all time.Duration
	for b.Loop() {
		first, cpu, _ := coldStart(b)
		wall, all = wall+first, all+cpu
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "s-to-token")
	b.ReportMetric(all.Seconds()/float64(b.N), "cpu-s")
	b.ReportMetric(0, "ns/op")
}
