package shaders_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"muninn/shaders"
	"muninn/vk"
)

// radvFamilies are GPUs that Mesa's AMD driver compiles for without one: GCN 4 and 5, RDNA 2 and 3, by the names that versions of
// the driver know them by.
var radvFamilies = [][]string{{"polaris10"}, {"vega10"}, {"navi21"}, {"navi31", "gfx1100"}}

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
	if refusal := "AMD_FORCE_FAMILY=<family> has been removed"; strings.Contains(radvLibrary(t, icd), refusal) {
		t.Skip("this version of Mesa compiles for the GPUs that are there alone; its driver says: ", refusal)
	}
	for _, family := range radvFamilies {
		t.Run(family[0], func(t *testing.T) {
			t.Parallel()
			out, err := radvCompiles(icd, family[0])
			if strings.Contains(string(out), "Unknown family") {
				out, err = radvCompiles(icd, family[len(family)-1])
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			checkStats(t, string(out))
		})
	}
}

// radvCompiles runs a child in which the driver takes a GPU of the family to be there. Mesa 25 has two names for that variable.
func radvCompiles(icd, family string) ([]byte, error) {
	child := exec.Command(os.Args[0], "-test.run=^TestCompilesForAMD$", "-test.count=1")
	child.Env = append(os.Environ(), radvChild+"=1", "VK_ICD_FILENAMES="+icd, "VK_DRIVER_FILES="+icd,
		"RADV_FORCE_FAMILY="+family, "AMD_FORCE_FAMILY="+family, "RADV_DEBUG=shaderstats,nocache")
	return child.CombinedOutput()
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

// radvLibrary is the content of the library that a manifest names.
func radvLibrary(t *testing.T, icd string) string {
	t.Helper()
	text, err := os.ReadFile(icd)
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		ICD struct {
			Path string `json:"library_path"`
		}
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(icd, err)
	}
	name := manifest.ICD.Path
	for _, path := range []string{name, filepath.Join(filepath.Dir(icd), name), "/usr/lib/*/" + name, "/usr/lib64/" + name, "/usr/lib/" + name, "/usr/local/lib/*/" + name} {
		found, _ := filepath.Glob(path) // the patterns are well-formed
		for _, lib := range found {
			if data, err := os.ReadFile(lib); err == nil {
				return string(data)
			}
		}
	}
	t.Fatalf("%s names %s, which is not there", icd, name)
	return ""
}

// compileAll is the child: a marker on standard error, then a pipeline.
func compileAll(t *testing.T) {
	d, err := vk.Open(vk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range shaders.Names() {
		code, err := shaders.SPIRV(name)
		if err != nil {
			t.Fatal(err)
		}
		for label, opt := range radvBuilds(name, d.Caps().SubgroupSize) {
			fmt.Fprintf(os.Stderr, "\n%s%s\n", radvMarker, label)
			k, err := d.Prepare(name, code, opt)
			if err == nil {
				err = d.Build(k)
			}
			if err != nil {
				t.Errorf("%s: %v", label, err)
			}
		}
	}
}

// radvBuilds are the pipelines made of a kernel: with the constants that it is compiled with and, of a matmul that takes
// its numbers of rows from constants, with those that a GPU is given: 4 weight rows, 1 to 8 rows of x.
func radvBuilds(name string, size uint32) map[string]vk.KernelOptions {
	if !strings.HasSuffix(name, "_sg") {
		return map[string]vk.KernelOptions{name: {}}
	}
	builds := map[string]vk.KernelOptions{name: {Spec: []uint32{size}, SubgroupSize: size}}
	if strings.HasSuffix(name, "_vec_sg") {
		for xs := range uint32(8) {
			builds[fmt.Sprintf("%s of %d rows", name, xs+1)] = vk.KernelOptions{Spec: []uint32{size, 4, xs + 1}, SubgroupSize: size}
		}
	}
	return builds
}

// checkStats finds statistics without spills for each pipeline.
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
	for _, kernel := range shaders.Names() {
		for name := range radvBuilds(kernel, 0) {
			s := stats[name]
			if s["VGPRs"] == 0 {
				t.Errorf("%s: the driver printed no statistics", name)
			}
			if s["Spilled VGPRs"] != 0 || s["Spilled SGPRs"] != 0 || s["Scratch size"] != 0 {
				t.Errorf("%s spills: %d vector and %d scalar registers, %d bytes of scratch memory, %d VGPRs used",
					name, s["Spilled VGPRs"], s["Spilled SGPRs"], s["Scratch size"], s["VGPRs"])
			}
			if s["VGPRs"] > most {
				most, busiest = s["VGPRs"], name
			}
		}
	}
	t.Logf("%d pipelines; most registers: %d in %s", len(stats), most, busiest)
}
