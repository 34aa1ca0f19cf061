package layer

import "testing"

// Lines that layers 1.3.239, 1.4.309 and 1.4.363 printed, or print by their source.
func TestIsFinding(t *testing.T) {
	for _, c := range []struct {
		line string
		want bool
	}{
		{"SYNC-HAZARD-READ-AFTER-WRITE(ERROR / SPEC): msgNum: -455515022 - Validation Error: [ SYNC-HAZARD-READ-AFTER-WRITE ] Object 0: handle", true},
		{"VUID-VkPipelineShaderStageRequiredSubgroupSizeCreateInfo-requiredSubgroupSize-02762(ERROR / SPEC): msgNum: 1304977939", true},
		{"Validation Error: [ VUID-VkWriteDescriptorSet-descriptorType-00328 ] | MessageID = 0x376bc9df", true},
		{"Validation Warning: [ WARNING-Shader-OutputNotConsumed ] | MessageID = 0x609a13b", true},
		{"Validation Performance Warning: [ BestPractices-vkAllocateMemory ] | MessageID = 0x1", true},
		{"UNASSIGNED-CoreValidation-Shader-InconsistentSpirv(ERROR / SPEC): msgNum: 7060244", true},
		{"Validation Warning: [ VALIDATION-SETTINGS ] | MessageID = 0x7f1922d7", false},
		{"VALIDATION-SETTINGS(WARN / SPEC): msgNum: 2132353751 - Validation Warning: [ VALIDATION-SETTINGS ] Object 0: handle = 0x1", false},
		{"Validation Warning: [ WARNING-cache-file-error ] | MessageID = 0x1c5e6fd3", false},
		{"Validation Error: [ VALIDATION-SETTINGS ] | MessageID = 0x7f1922d7", true}, // a check that could not be switched on
		{"vkCreateInstance(): Information with the layer settings provided:", false},
		{"--- PASS: TestValidation (0.2s)", false},
		{"child done", false},
	} {
		if got := IsFinding(c.line); got != c.want {
			t.Errorf("%v for %s", got, c.line)
		}
	}
}
