//go:build cgo

package vk_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"muninn/vk/vktest/layer"
)

// childTask names the environment variable that makes this test binary do one of the tasks below and exit, instead of
// running tests: the validation layer is chosen when a process loads Vulkan, so each setting needs a process.
const childTask = "MUNINN_VK_TEST_CHILD"

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		os.Exit(child(task))
	}
	os.Exit(m.Run())
}

// underValidation runs the test binary with the Khronos layer and returns what it printed.
func underValidation(t *testing.T, sync bool, task string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(append(os.Environ(), childTask+"="+task, "VK_LAYER_ENABLES="), layer.Env(sync)...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// messages returns the lines of output that the validation layer printed.
func messages(out string) []string {
	var found []string
	for line := range strings.Lines(out) {
		if layer.IsFinding(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// TestValidation runs the device tests of this package under core and under synchronization validation: neither may say
// anything.
func TestValidation(t *testing.T) {
	if os.Getenv("VK_INSTANCE_LAYERS") != "" {
		return // the whole run is under a layer already
	}
	for name, sync := range map[string]bool{"core": false, "sync": true} {
		t.Run(name, func(t *testing.T) {
			out, err := underValidation(t, sync, "", "-test.run=^(TestAdd|TestReplay|TestEarlyExit|TestCounters|TestCancel|TestProgramLife|TestProfile|TestTransfers|TestWriteFunc|TestSubgroupSize|TestSpecializationConstants|TestLostDevice|TestLeaksAreReported|TestPipelineCache|TestTwoDevices|TestConcurrentUse|TestSplitOps|TestSplitFill|TestGridIsNotSplit|TestTook)$", "-test.v")
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for _, m := range messages(out) {
				t.Error(m)
			}
			if !strings.Contains(out, "--- PASS: TestEarlyExit") {
				t.Error("the early exit test did not run")
			}
		})
	}
}

// TestValidationSeesFaults proves that the silence above means something: without the inferred barriers the layer
// reports hazards, and it reports an offset and a subgroup size that are not allowed.
func TestValidationSeesFaults(t *testing.T) {
	for _, c := range []struct {
		task, want string
	}{
		{"keep", ""},
		{"drop", "SYNC-HAZARD-READ-AFTER-WRITE"},
		{"misaligned", "VUID-VkWriteDescriptorSet-descriptorType-00328"},
		{"subgroup", "VUID-VkPipelineShaderStageRequiredSubgroupSizeCreateInfo-requiredSubgroupSize"},
	} {
		out, err := underValidation(t, true, c.task)
		if err != nil || !strings.Contains(out, "child done") {
			t.Errorf("%s: %v\n%s", c.task, err, out)
		}
		found := messages(out)
		if c.want == "" && len(found) > 0 {
			t.Errorf("%s: %q", c.task, found)
		}
		if c.want != "" && !strings.Contains(strings.Join(found, "\n"), c.want) {
			t.Errorf("%s: %d messages, none has %s", c.task, len(found), c.want)
		}
	}
}
