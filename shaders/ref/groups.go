package ref

import (
	"bytes"

	"muninn/shaders"
)

// groups is a group table on the device.
type groups struct {
	shaders.Groups
	progress, change, values *operand
}

// groups are groups whose rows have so many cells, with room for values of so many checks. Only Progress, Change and Values
// may be written.
func (t *trial) groups(rules []shaders.ExitRule, progress []shaders.Progress, cells, checks int) groups {
	r := make([]byte, len(rules)*shaders.RuleBytes)
	for i, x := range rules {
		x.Put(r[i*shaders.RuleBytes:])
	}
	g := groups{progress: t.progress(progress),
		change: t.buffer("change", bytes.Repeat([]byte{0xEE}, cells*shaders.ChangeBytes), true),
		values: t.buffer("values", bytes.Repeat([]byte{0xEE}, max(4*len(rules)*checks, 4)), true)}
	g.Groups = shaders.Groups{Rules: t.buffer("rules", r, false).data, Progress: g.progress.data, Change: g.change.data, Values: g.values.data,
		N: len(rules), Checks: checks}
	return g
}

func (t *trial) progress(list []shaders.Progress) *operand {
	b := make([]byte, len(list)*shaders.ProgressBytes)
	for i, x := range list {
		x.Put(b[i*shaders.ProgressBytes:])
	}
	return t.buffer("progress", b, true)
}

// progressAt is entry i of a table of progress.
func progressAt(o *operand, i int) shaders.Progress {
	return shaders.DecodeProgress(o.values()[i*shaders.ProgressBytes:])
}
