package model

import "muninn/shaders"

// rule is an ask's exit as the device takes it, and the kernel that measures its criterion on the logits, if it does.
func (s *Session) rule(a *Ask) (rule shaders.ExitRule, probe string) {
	rule.Steps = uint32(a.Steps)
	if !a.adaptive() {
		return rule, ""
	}
	for i, c := range criteria {
		if c.Name == a.Exit.Criterion {
			rule.Criterion, rule.Measure, rule.AtLeast, probe = uint32(i+1), c.device, c.AtLeast, c.probe
		}
	}
	rule.Threshold, rule.MinSteps, rule.Every = float32(a.Exit.Limit()), uint32(a.Exit.MinSteps), uint32(a.Exit.Every)
	return rule, probe
}

// device is the type as kernels take it.
func (n StateNoise) device() shaders.NoiseType {
	switch n.Type {
	case NoiseGeom:
		return shaders.NoiseGeom
	case NoiseSqrt:
		return shaders.NoiseSqrt
	case NoiseLine:
		return shaders.NoiseLine
	case NoiseChi:
		return shaders.NoiseChi
	}
	return shaders.NoiseFixed
}
