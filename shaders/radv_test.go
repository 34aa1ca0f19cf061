package shaders_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"muninn/shaders"
	"muninn/vk"
)

// radvFamilies are GPUs that Mesa's AMD driver compiles for without one: GCN 4 and 5, RDNA 2 and 3.
var radvFamilies = []string{"polaris10", "vega10", "navi21", "gfx1100"}

const (
	radvChild  = "MUNINN_TEST_RADV_CHILD" // set in the child process, where the driver compiles
	radvMarker = "kernel: "
)

// Every kernel compiles for real GPUs, with all that it keeps in registers. A child process for each family compiles;
// its standard error carries the driver's statistics.
func TestCompilesForAMD(t *testing.T) {
	if os.Getenv(radvChild) != "" {
		compileAll(t)
		return
	}
	if strings.Contains(strings.ToLower(os.Getenv("MUNINN_SKIP_DEVICES")), "radv") {
		return
	}
	icd := radvICD(t)
	for _, family := range radvFamilies {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0], "-test.run=^TestCompilesForAMD$", "-test.count=1")
			child.Env = append(os.Environ(), radvChild+"=1", "VK_ICD_FILENAMES="+icd, "VK_DRIVER_FILES="+icd, "RADV_FORCE_FAMILY="+family, "RADV_DEBUG=shaderstats,nocache")
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			checkStats(t, string(out))
		})
	}
}

// radvICD is the driver's manifest in one of the folders that Vulkan loaders look in.
func radvICD(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/usr/share", "/usr/local/share", "/etc", "/usr/local/etc"} {
		if found, _ := filepath.Glob(dir + "/vulkan/icd.d/radeon_icd*.json"); len(found) > 0 { // the pattern is well-formed
			return found[0]
		}
	}
	t.Fatal("Mesa's AMD driver is not installed (Debian: mesa-vulkan-drivers); name radv in MUNINN_SKIP_DEVICES to go without")
	return ""
}

// compileAll is the child: a marker on standard error, then a kernel.
func compileAll(t *testing.T) {
	d, err := vk.OpenCompileOnly(vk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	size := d.Caps().SubgroupSize
	for _, name := range shaders.Names() {
		code, err := shaders.SPIRV(name)
		if err != nil {
			t.Fatal(err)
		}
		var opt vk.KernelOptions
		switch {
		case strings.HasSuffix(name, "_sg"):
			opt = vk.KernelOptions{Spec: []uint32{size}, SubgroupSize: size}
		case strings.HasSuffix(name, "_direct"):
			opt = vk.KernelOptions{Spec: []uint32{8}}
		}
		fmt.Fprintf(os.Stderr, "\n%s%s\n", radvMarker, name)
		if _, err := d.NewKernel(name, code, opt); err != nil {
			t.Error(err)
		}
	}
}

// checkStats finds statistics without spills for each kernel.
func checkStats(t *testing.T, out string) {
	t.Helper()
	stats := map[string]map[string]int{}
	name := ""
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		if n, ok := strings.CutPrefix(line, radvMarker); ok {
			name = n
			stats[name] = map[string]int{}
		}
		var value int
		key, rest, _ := strings.Cut(line, ": ")
		if n, _ := fmt.Sscanf(rest, "%d", &value); n == 1 && name != "" {
			stats[name][key] = value
		}
	}
	most, busiest := 0, ""
	for _, name := range shaders.Names() {
		s := stats[name]
		if s["VGPRs"] == 0 {
			t.Errorf("%s: the driver printed no statistics", name)
		}
		// The direct shape is for CPU devices; on a GPU only a check of every kernel runs it.
		if !strings.HasSuffix(name, "_direct") && (s["Spilled VGPRs"] != 0 || s["Scratch size"] != 0) {
			t.Errorf("%s spills: %d vector registers, %d bytes of scratch memory, %d VGPRs used", name, s["Spilled VGPRs"], s["Scratch size"], s["VGPRs"])
		}
		if s["VGPRs"] > most {
			most, busiest = s["VGPRs"], name
		}
	}
	t.Logf("%d kernels; most registers: %d in %s", len(stats), most, busiest)
}
