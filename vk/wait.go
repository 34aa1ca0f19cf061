package vk

import (
	"errors"
	"fmt"
	"time"

	"muninn/vk/internal/seam"
)

// A submission is waited for a hundred times as long as it is predicted to take, and a minute more: predictions are on the slow
// side, but a device may be shared, and an op without a cost counts nothing. What takes longer does not end: drivers that lose
// a device have been seen to wait for ever. A driver that runs on the CPU may compile when a kernel first runs, beside any number
// of other processes.
const (
	waitSlice    = 100 * time.Millisecond // longest single wait
	waitSpare    = time.Minute
	waitSpareCPU = 15 * time.Minute
	waitFactor   = 100
)

// ends tells whether a call into the driver returns within a limit. Only time that passes slice by slice counts, so that a process
// that was stopped or put to sleep does not blame the device.
func ends(call func() error, limit time.Duration) (error, bool) {
	done := make(chan error, 1)
	go func() { done <- call() }()
	for waited := time.Duration(0); ; waited += waitSlice {
		select {
		case err := <-done:
			return err, true
		case <-time.After(min(waitSlice, limit)):
			if waited >= limit {
				return nil, false
			}
		}
	}
}

// hang latches that the device was given up. Its objects stay as they are until the process ends.
func (g *guard) hang(op string) error {
	g.hangs.Store(true)
	return g.check(op, &Error{Op: op, Result: resultDeviceLost})
}

// wait returns when the fence of a submission that is predicted to take so long is signalled, which then is reset.
func (g *guard) wait(fence handle, predicted time.Duration) error {
	if err := g.alive(); err != nil {
		return err
	}
	if g.test.Due(seam.Wait) {
		return g.check("wait", &Error{Op: "wait", Result: resultDeviceLost})
	}
	limit := g.patience + waitFactor*predicted
	err, ended := ends(func() error {
		for {
			done, err := g.driver.wait(fence, waitSlice)
			if done || err != nil || g.hangs.Load() {
				return err
			}
		}
	}, limit)
	if !ended {
		return g.hang(fmt.Sprintf("a wait of %v for work predicted to take %v", limit.Round(time.Second), predicted.Round(time.Millisecond)))
	}
	if err == nil {
		err = g.driver.reset(fence)
	}
	if err != nil && !errors.Is(err, ErrDeviceLost) {
		// Without its fence nobody knows what the device is still using.
		err = &Error{Op: "wait", Result: resultDeviceLost}
	}
	return g.check("wait", err)
}

// waitIdle gives the device the chance to end what it does.
func (g *guard) waitIdle() {
	if g.hangs.Load() {
		return
	}
	err, ended := ends(g.driver.waitIdle, g.patience)
	if !ended {
		_ = g.hang(fmt.Sprintf("a wait of %v for the device to be idle", g.patience))
	}
	_ = g.check("wait for the device", err)
}
