// Package layer turns the Khronos validation layer on and tells its findings from what it says of itself.
package layer

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
)

// Env returns the environment under which a process loads the Khronos validation layer with its core checks, and with hazards
// those of synchronization too, inside a submission and across submissions.
func Env(hazards bool) []string {
	env := []string{"VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation"}
	if hazards && newer() {
		return Newest()
	}
	if hazards {
		// The separator is that of a path list: with another, the layer turns neither check on and says nothing. Newer
		// layers would rather have VK_LAYER_VALIDATE_SYNC, which older ones do not know, and say so in a notice.
		env = append(env, "VK_LAYER_ENABLES=VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT"+string(os.PathListSeparator)+
			"VALIDATION_CHECK_ENABLE_SYNCHRONIZATION_VALIDATION_QUEUE_SUBMIT")
	}
	return env
}

// Newest is Env with hazards for layers of 1.4.3 and newer, which by Env's older names look at copies alone, not at what shaders read and write.
func Newest() []string {
	return []string{"VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation", "VK_LAYER_VALIDATE_SYNC=1", "VK_LAYER_SYNCVAL_SHADER_ACCESSES_HEURISTIC=1",
		"VK_LAYER_SYNCVAL_FULL_VALIDATION=1"}
}

// newer tells whether the layer that is installed wants the newer names: it prints a notice about the older ones then.
func newer() bool {
	for _, base := range []string{"/etc", "/usr/local/share", "/usr/share"} {
		text, err := os.ReadFile(base + "/vulkan/explicit_layer.d/VkLayer_khronos_validation.json")
		var manifest struct {
			Layer struct {
				Version string `json:"api_version"`
			} `json:"layer"`
		}
		var major, minor, patch int
		if err != nil || json.Unmarshal(text, &manifest) != nil {
			continue
		}
		if _, err := fmt.Sscanf(manifest.Layer.Version, "%d.%d.%d", &major, &minor, &patch); err == nil {
			return slices.Compare([]int{major, minor, patch}, []int{1, 4, 350}) >= 0 // 1.4.309 takes the older ones
		}
	}
	return false
}

var (
	finding = regexp.MustCompile(`VUID-|SYNC-HAZARD|UNASSIGNED-|Validation (Error|Warning|Performance Warning)`)
	warning = regexp.MustCompile(`Validation Warning: \[ (\S+) \]`)
)

// notices are the ids of warnings in which the layer speaks of itself: its settings (MessageID 0x7f1922d7), its own locks, and the file in
// which it remembers shaders.
var notices = []string{"VALIDATION-SETTINGS", "WARNING-CreateInstance-status-message", "WARNING-CreateInstance-locking-warning",
	"WARNING-Setting-Limit-Adjusted", "WARNING-cache-file-error", "WARNING-cache-memory-error", "WARNING-cache-retrieval-error", "WARNING-cache-write-error"}

// IsFinding tells whether a line of output is a message of the layer about what the program did.
func IsFinding(line string) bool {
	if m := warning.FindStringSubmatch(line); m != nil && slices.Contains(notices, m[1]) {
		return false
	}
	return finding.MatchString(line)
}
