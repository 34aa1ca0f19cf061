package vk

import (
	"encoding/json"
	"fmt"
	"runtime"
)

// A speed file is sealed under this magic and holds a keptSpeed as JSON.
const speedMagic = "muninn device speed 2\n"

// keptSpeed is the best measured speed and what it is true for.
type keptSpeed struct {
	For    string `json:"for"`
	Starts int    `json:"starts"` // at which it was measured
	Speed
}

// calibrations is at how many starts a device is measured: at any one of them it may be busy with something else.
const calibrations = 3

// speedKey names what a speed depends on: the device, its driver and version, and where that is the CPU, how many cores.
func speedKey(c Caps) string {
	key := fmt.Sprintf("%s, device %s, driver %s, %s", c.Name, c.UUID, c.DriverUUID, c.Driver)
	if c.IsCPU() {
		key += fmt.Sprintf(", %d cores", runtime.NumCPU())
	}
	return key
}

// decodeSpeed returns the speed of a whole file that was made for the key and says what a device can do.
func decodeSpeed(file []byte, key string) (keptSpeed, bool) {
	var k keptSpeed
	if err := json.Unmarshal(unseal(speedMagic, file), &k); err != nil || k.For != key || !k.valid() {
		return keptSpeed{For: key}, false
	}
	return k, true
}

// Calibrate sets the device's speed to the best of what measure found at the first few starts on this device and driver, which
// is kept in Options.CacheDir. Where an earlier start has measured it, a measurement that fails changes nothing; else that, and
// an implausible one, is an error. A speed that cannot be kept only costs time at the next start.
func (d *Device) Calibrate(measure func() (Speed, error)) (Speed, error) {
	key := speedKey(d.caps)
	path := keptPath(d.opt.CacheDir, "speed", key)
	kept, known := keptSpeed{For: key}, false
	if d.opt.CacheDir != "" {
		kept, known = decodeSpeed(readKept(path), key)
	}
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
	if data, err := json.Marshal(kept); err == nil && d.opt.CacheDir != "" {
		_ = keep(path, speedMagic, data)
	}
	return kept.Speed, nil
}
