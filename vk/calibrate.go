package vk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
)

// A speed file is sealed under this magic and holds a keptSpeed as JSON.
const speedMagic = "muninn device speed 1\n"

// keptSpeed is a measured speed and what it is true for.
type keptSpeed struct {
	For string `json:"for"`
	Speed
}

// speedKey names what a speed depends on: the device, its driver and version, and where that is the CPU, how many cores.
func speedKey(c Caps) string {
	key := fmt.Sprintf("%s, device %s, driver %s, %s", c.Name, c.UUID, c.DriverUUID, c.Driver)
	if c.IsCPU() {
		key += fmt.Sprintf(", %d cores", runtime.NumCPU())
	}
	return key
}

func speedPath(dir, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(dir, "speed-"+hex.EncodeToString(sum[:12])+".bin")
}

// decodeSpeed returns the speed of a whole file that was made for the key and says what a device can do.
func decodeSpeed(file []byte, key string) (Speed, bool) {
	var k keptSpeed
	if err := json.Unmarshal(unseal(speedMagic, file), &k); err != nil || k.For != key || !k.valid() {
		return Speed{}, false
	}
	return k.Speed, true
}

// Calibrate sets the device's speed to what an earlier run has kept for this device and driver in Options.CacheDir, else to
// what measure finds, which is then kept. An implausible measurement is an error and changes nothing. A speed that cannot be
// kept only costs time at the next start.
func (d *Device) Calibrate(measure func() (Speed, error)) (Speed, error) {
	key := speedKey(d.caps)
	path := speedPath(d.opt.CacheDir, key)
	if d.opt.CacheDir != "" {
		if s, ok := decodeSpeed(readKept(path), key); ok {
			d.SetSpeed(s)
			return s, nil
		}
	}
	s, err := measure()
	if err != nil {
		return Speed{}, err
	}
	if !s.valid() {
		return Speed{}, fmt.Errorf("vk: %s was measured to read %g bytes/s, compute %g operations/s and take %v a dispatch, which no device does: "+
			"its timer or the host's clock is off; work is cut by what devices of its class reach at least", d.caps.Name, s.Read, s.FMA, s.Dispatch)
	}
	d.SetSpeed(s)
	if d.opt.CacheDir != "" {
		if data, err := json.Marshal(keptSpeed{key, s}); err == nil {
			_ = keep(path, speedMagic, data)
		}
	}
	return s, nil
}
