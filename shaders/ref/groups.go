package ref

import "muninn/shaders"

// groups is a group table on the device.
type groups struct {
	shaders.Groups
	progress, change, values *operand
}

// groups are groups whose rows have so many cells, with room for values of so many checks. Only Progress, Change and Values
// may be written.
func (t *trial) groups(rules []shaders.ExitRule, progress []shaders.Progress, cells, checks int) groups {
	r := t.buffer("rules", packed(rules, shaders.RuleBytes), false)
	g := groups{progress: t.buffer("progress", packed(progress, shaders.ProgressBytes), true),
		change: t.blank("change", cells*shaders.ChangeBytes), values: t.blank("values", max(4*len(rules)*checks, 4))}
	g.Groups = shaders.Groups{Rules: r.data, Progress: g.progress.data, Change: g.change.data, Values: g.values.data, N: len(rules), Checks: checks}
	return g
}

// progressAt is entry i of a table of progress.
func progressAt(o *operand, i int) shaders.Progress {
	return shaders.DecodeProgress(o.values()[i*shaders.ProgressBytes:])
}
