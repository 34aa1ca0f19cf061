package vk

import (
	"cmp"
	"context"
	"fmt"
)

const stagingSize = 16 << 20 // bytes of a staging slot, and of a piece of WriteFunc

// stagingUses are what the blocks of staging memory are for: a slot for every write in flight, and one for reads.
var stagingUses = [inFlight + 1]Memory{Upload, Upload, Readback}

// staging is host-visible memory for transfers to and from memory that the host cannot reach, made when first needed.
type staging struct {
	blocks   [len(stagingUses)]*block
	pool     handle
	commands []command // one for every slot of writes
}

// Write copies p to dst, which must be of p's size, and returns when the device can use it.
func (d *Device) Write(dst Span, p []byte) error {
	if uint64(len(p)) != dst.size {
		return fmt.Errorf("vk: write: %d bytes to a span of %d", len(p), dst.size)
	}
	return d.WriteFunc(dst, func(off uint64, piece []byte) error {
		copy(piece, p[off:])
		return nil
	})
}

// WriteFunc fills dst piece by piece: fill is called for consecutive pieces at rising offsets within dst, each of 16 MiB
// or less and a multiple of 64 bytes except the last, and writes straight into mapped or staging memory. It must write
// every byte, not keep the slice and not use the device. Its error ends the write and is returned.
func (d *Device) WriteFunc(dst Span, fill func(off uint64, p []byte) error) error {
	if err := d.begin(dst.check("write")); err != nil {
		return err
	}
	defer d.release()
	if p := d.direct(dst); p != nil {
		for off := uint64(0); off < dst.size; off += stagingSize {
			end := min(off+stagingSize, dst.size)
			if err := fill(off, p[off:end:end]); err != nil {
				return err
			}
		}
		d.count(Counters{BytesUp: dst.size})
		return nil
	}
	return d.writeStaged(dst, fill)
}

// begin takes the queue for a transfer with which nothing is wrong.
func (d *Device) begin(wrong error) error {
	if wrong != nil {
		return wrong
	}
	return d.acquire(context.Background())
}

// direct is the span's memory when transfers may go straight to it.
func (d *Device) direct(s Span) []byte {
	if d.opt.test.ForceStaging && s.block.use == DeviceLocal {
		return nil
	}
	return s.mapped()
}

func (d *Device) writeStaged(dst Span, fill func(off uint64, p []byte) error) (err error) {
	if err := d.openStaging(); err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, d.waitAll()) }()
	st := &d.queue.staging
	for off, n := uint64(0), 0; off < dst.size; n++ {
		// The slot is free once no more than the other submission is in flight.
		if len(d.queue.busy) == inFlight {
			if err := d.waitOldest(); err != nil {
				return err
			}
		}
		b := st.blocks[n%inFlight]
		size := min(b.size, dst.size-off)
		if err := fill(off, b.mapped[:size:size]); err != nil {
			return err
		}
		if err := d.transfer(st.commands[n%inFlight], "write", func(s *stream) {
			s.add(streamCopy, b.buffer, 0, dst.block.buffer, dst.offset+off, size)
		}); err != nil {
			return err
		}
		d.count(Counters{BytesUp: size})
		off += size
	}
	return nil
}

// Read copies src to p, which must be of src's size, once what was submitted is done.
func (d *Device) Read(src Span, p []byte) error {
	if uint64(len(p)) != src.size {
		return fmt.Errorf("vk: read: a span of %d bytes to %d", src.size, len(p))
	}
	if err := d.begin(src.check("read")); err != nil {
		return err
	}
	defer d.release()
	if mapped := d.direct(src); mapped != nil {
		copy(p, mapped)
		d.count(Counters{BytesDown: src.size})
		return nil
	}
	if err := d.openStaging(); err != nil {
		return err
	}
	st := &d.queue.staging
	down := st.blocks[inFlight]
	for off := uint64(0); off < src.size; {
		size := min(down.size, src.size-off)
		if err := d.transferWait(st.commands[0], "read", func(s *stream) {
			s.add(streamCopy, src.block.buffer, src.offset+off, down.buffer, 0, size)
		}); err != nil {
			return err
		}
		copy(p[off:], down.mapped[:size])
		d.count(Counters{BytesDown: size})
		off += size
	}
	return nil
}

// Fill sets every 32-bit word of dst, whose offset and size are multiples of 4.
func (d *Device) Fill(dst Span, word uint32) error {
	if err := d.begin(dst.words("fill")); err != nil {
		return err
	}
	defer d.release()
	if err := d.openStagingCommands(); err != nil {
		return err
	}
	o := op{kind: opFill, args: dst, word: word, cost: Cost{Bytes: dst.size}}
	for _, part := range plan([]job{o.job()}, d.Speed()) {
		if err := d.transferWait(d.queue.staging.commands[0], "fill", func(s *stream) { o.emit(s, part.box, 0, nil) }); err != nil {
			return err
		}
	}
	return nil
}

// transfer records and submits one transfer, ordered after everything before it and before the host.
func (d *Device) transfer(c command, what string, emit func(*stream)) error {
	var s stream
	s.add(streamSegment)
	s.barrier(barrier{stageCompute | stageTransfer | stageIndirect, accessShaderWrite | accessTransferWrite, stageTransfer, accessTransferRead | accessTransferWrite})
	emit(&s)
	s.barrier(endBarrier)
	if err := d.drv.record([]command{c}, s, true); err != nil {
		return err
	}
	d.count(Counters{Recordings: 1})
	return d.submit([]command{c}, what, 0)
}

func (d *Device) transferWait(c command, what string, emit func(*stream)) error {
	if err := d.transfer(c, what, emit); err != nil {
		return err
	}
	return d.waitOldest()
}

func (d *Device) openStagingCommands() error {
	st := &d.queue.staging
	if st.pool != 0 {
		return nil
	}
	var err error
	st.pool, st.commands, err = d.drv.createCommands(inFlight)
	return err
}

// openStaging makes the staging memory. What was made before an error stays for the next try.
func (d *Device) openStaging() error {
	if err := d.openStagingCommands(); err != nil {
		return err
	}
	st := &d.queue.staging
	size := d.caps.stagingSlot()
	for i, m := range stagingUses {
		if st.blocks[i] != nil {
			continue
		}
		var err error
		if st.blocks[i], err = d.newBlock(m, size, size); err != nil {
			return fmt.Errorf("vk: staging memory: %w", err)
		}
	}
	return nil
}

func (d *Device) closeStaging() {
	st := &d.queue.staging
	d.drv.destroy(objCommands, st.pool)
	for _, b := range st.blocks {
		if b != nil {
			d.freeBlock(b)
		}
	}
	*st = staging{}
}
