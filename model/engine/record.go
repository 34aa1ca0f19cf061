package engine

import (
	"muninn/shaders"
	"muninn/vk"
)

// rows are the first rows of a row table.
func (x mirrored) rows(n int) shaders.Rows {
	return shaders.Rows{Span: x.dev.Slice(0, uint64(n)*shaders.RowBytes), N: n}
}

// record writes one program of a pass.
func (r *recordings) record(rec *shaders.Recorder, key programKey) *shaders.Recorder {
	x := &r.io
	rec.Halves(r.half)
	p := r.pass(rec, key.rows, key.outputs)
	upload := func(x mirrored, n, size int) vk.Span {
		dev := x.dev.Slice(0, uint64(n*size))
		rec.Copy(dev, x.host.Slice(0, dev.Size()))
		return dev
	}
	table := func(x mirrored) shaders.Rows {
		upload(x, key.rows, shaders.RowBytes)
		return x.rows(key.rows)
	}
	switch key.part {
	case "begin":
		p.rows = table(x.begin)
		if key.given {
			upload(x.states, p.Given.Rows, p.Given.Stride*4)
		}
		var carry vk.Span
		if key.carried > 0 {
			carry = upload(x.carry, key.carried, shaders.MoveBytes)
		}
		p.begin(carry, key.mixed)
	case "enter": // the rows that take core steps, and what is asked of them
		rows := table(x.live)
		upload(x.rules, r.groups.N, shaders.RuleBytes)
		upload(x.progress, r.groups.N, shaders.ProgressBytes)
		if key.read {
			upload(x.readouts, r.groups.N, shaders.ReadoutBytes)
		}
		if key.follow {
			rec.Arm(r.groups, rows, r.live)
		}
	case "watch": // those of them whose criterion looks at logits
		table(x.check)
		upload(x.last, key.outputs, shaders.MoveBytes)
		upload(x.group, key.outputs, 4)
	case "step":
		p.rows = x.live.rows(key.rows)
		if key.follow {
			rec.Follow(r.live, false)
		}
		p.coreStep(key.noise)
		if key.gate {
			var readouts vk.Span
			if key.read {
				readouts = x.readouts.dev
			}
			p.exits(readouts)
		}
		if key.retire {
			rec.Retire(r.groups, p.rows, r.live)
		}
	case "check": // states to logits on the way; one task alone follows its rows, and costs nothing once it has settled
		p.rows = x.check.rows(key.rows)
		if key.alone {
			p.rows = x.live.rows(key.rows)
			rec.Follow(r.live, false)
		}
		p.finish(false)
		if key.alone {
			rec.Follow(r.live, true)
		}
		p.head(x.last.dev.Slice(0, uint64(key.outputs)*shaders.MoveBytes))
	case "criterion":
		if key.alone {
			rec.Follow(r.live, true)
		}
		rec.LogitCriterion(key.logitCriterion, key.criterion, p.Logits, x.group.dev.Slice(0, uint64(key.outputs)*4), r.groups, r.buf.Previous)
	case "retire":
		rec.Retire(r.groups, x.live.rows(key.rows), r.live)
	case "leave": // how far the groups are
		at, n := uint64(0), uint64(r.groups.N)*shaders.ProgressBytes
		if key.alone {
			at, n = uint64(key.group)*shaders.ProgressBytes, shaders.ProgressBytes
		}
		rec.Copy(x.reached.host.Slice(at, n), x.reached.dev.Slice(at, n))
	case "compare":
		pairs := upload(x.pairs, key.pairs, shaders.PairBytes)
		distances := x.distances.dev.Slice(0, uint64(key.pairs)*shaders.DistanceBytes)
		rec.Compare(distances, p.State, p.Older, p.Kept, pairs)
		rec.Copy(x.distances.host.Slice(0, distances.Size()), distances)
	case "finish":
		p.rows = table(x.finish)
		p.finish(key.read)
	case "head":
		var outputs vk.Span
		p.buffers = r.buf.first(r.opt.Rows, key.outputs) // outputs may be any rows
		if key.every {
			p.buffers = r.buf.first(key.outputs, key.outputs)
		} else {
			outputs = upload(x.outputs, key.outputs, shaders.MoveBytes)
		}
		p.head(outputs)
	case "pick":
		r.recordPick(p, key, upload)
	}
	return rec
}

// pass is the lists' view of the session for so many rows and outputs.
func (r *recordings) pass(rec *shaders.Recorder, rows, outputs int) *pass {
	return &pass{
		Model: r.m, buffers: r.buf.first(rows, outputs), rec: rec, context: r.opt.Context, groups: r.groups, arrived: r.arrived,
		attention: r.attention, rope: r.rope, prelude: r.prelude, core: r.core, coda: r.coda,
	}
}

// recordPick goes from logits to choices, and brings the choices back.
func (r *recordings) recordPick(p *pass, key programKey, upload func(x mirrored, n, size int) vk.Span) {
	x, n := &r.io, uint64(key.outputs)
	var edits, count vk.Span
	if key.edited {
		edits, count = upload(x.edits, int(x.edits.dev.Size()), 1), upload(x.count, 1, 4)
		p.rec.Edit(p.Logits, edits, count)
	}
	choices, given := x.choices.dev.Slice(0, n*shaders.ChoiceBytes), upload(x.given, key.outputs, 4)
	p.rec.Argmax(choices, p.Logits, given, r.picking)
	if key.sampled {
		p.rec.Sample(choices, p.Logits, upload(x.filters, key.outputs, shaders.FilterBytes), r.picking, key.edges)
	}
	p.rec.Copy(x.choices.host.Slice(0, choices.Size()), choices)
	if key.edited {
		p.rec.Undo(p.Logits, edits, count)
	}
	if key.likely {
		likely := x.likely.dev.Slice(0, n*shaders.LikelyBytes)
		p.rec.TopK(likely, choices, p.Logits, given, upload(x.wanted, key.outputs, 4), r.picking)
		p.rec.Copy(x.likely.host.Slice(0, likely.Size()), likely)
	}
	if key.read {
		p.rec.Copy(x.gates.host, x.gates.dev)
	}
}
