package vk

import "fmt"

// keptSpeed is the best measured speed.
type keptSpeed struct {
	Starts int `json:"starts"` // at which it was measured
	Speed
}

// calibrations is at how many starts a device is measured: at any one of them it may be busy with something else.
const calibrations = 3

// Calibrate sets the device's speed to the best of what measure found at the first few starts on this device and driver, which
// is kept in Options.CacheDir. Where an earlier start has measured it, a measurement that fails changes nothing; else that, and
// an implausible one, is an error. A speed that cannot be kept only costs time at the next start.
func (d *Device) Calibrate(measure func() (Speed, error)) (Speed, error) {
	var kept keptSpeed
	known := Recall(d.opt.CacheDir, "speed", d.caps.Key(), &kept) && kept.valid()
	if known && kept.Starts >= calibrations {
		d.SetSpeed(kept.Speed)
		return kept.Speed, nil
	}
	s, err := measure()
	switch {
	case err == nil && s.valid():
		if known {
			s = Speed{Read: max(s.Read, kept.Read), FMA: max(s.FMA, kept.FMA), Dispatch: min(s.Dispatch, kept.Dispatch)} // the better of each
		}
		kept.Speed = s
		kept.Starts++
	case known:
	case err != nil:
		return Speed{}, err
	default:
		return Speed{}, fmt.Errorf("vk: %s was measured to read %g bytes/s, compute %g operations/s and take %v a dispatch, which no device does: "+
			"its timer or the host's clock is off; work is cut by what devices of its class reach at least", d.caps.Name, s.Read, s.FMA, s.Dispatch)
	}
	d.SetSpeed(kept.Speed)
	_ = Remember(d.opt.CacheDir, "speed", d.caps.Key(), kept)
	return kept.Speed, nil
}
