package engine

import (
	"muninn/model/decode"
	"muninn/shaders"
)

// deviceMeasures are the device's measures of criteria on the state.
var deviceMeasures = map[decode.Measure]shaders.Measure{decode.MeasureDiff: shaders.MeasureDiff, decode.MeasureCosine: shaders.MeasureCosine, decode.MeasureAcceleration: shaders.MeasureAcceleration}

// rule is a task's exit as the device takes it, and the kernel that measures its criterion on the logits, if it does.
func (s *scheduler) rule(a *decode.Task) (rule shaders.ExitRule, logitCriterion string) {
	rule.Steps = uint32(a.Steps)
	if !a.Adaptive() {
		return rule, ""
	}
	c, _ := a.Exit.Criterion.Info() // the task has been checked
	rule.Criterion, rule.Measure, rule.AtLeast = c.ID, deviceMeasures[c.Measure], c.AtLeast
	if c.Logits() {
		logitCriterion = string(c.Measure)
	}
	rule.Threshold, rule.MinSteps, rule.Every = float32(a.Exit.Limit()), uint32(a.Exit.MinSteps), uint32(a.Exit.Every)
	return rule, logitCriterion
}
