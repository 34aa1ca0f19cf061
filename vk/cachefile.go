package vk

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// A cache file is sealed under this magic and holds the data as the driver gave it. Drivers have crashed on damaged cache
// data, so nothing reaches one that does not match its sum.
const cacheMagic = "muninn pipeline cache 1\n"

// cachePath is where a device's cache is kept: its name changes with the driver and the device.
func cachePath(dir string, c Caps) string {
	return keptPath(dir, "pipelines", c.DriverUUID+" "+c.CacheUUID+" "+c.Driver+" "+c.Name)
}

// decodeCache returns the data of a cache file when it is whole and made by this driver for this device, else nil.
func decodeCache(file []byte, c Caps) []byte {
	data := unseal(cacheMagic, file)
	// The header that Vulkan prescribes: length, version 1, vendor, device, cache UUID.
	if len(data) < 32 || binary.LittleEndian.Uint32(data) < 32 || binary.LittleEndian.Uint32(data[4:]) != 1 ||
		binary.LittleEndian.Uint32(data[8:]) != c.VendorID || binary.LittleEndian.Uint32(data[12:]) != c.DeviceID ||
		hex.EncodeToString(data[16:32]) != c.CacheUUID {
		return nil
	}
	return data
}

// openCache makes the pipeline cache, from the file when there is a good one.
func (d *Device) openCache() error {
	if d.opt.CacheDir == "" {
		return nil
	}
	d.cached = decodeCache(readKept(cachePath(d.opt.CacheDir, d.caps)), d.caps)
	var err error
	if d.cache, err = d.drv.createPipelineCache(d.cached); err != nil && d.cached != nil {
		// The driver refuses what it wrote itself: start afresh.
		d.cached = nil
		d.cache, err = d.drv.createPipelineCache(nil)
	}
	return err
}

// ReadCache takes into the pipeline cache what other processes have compiled since it was read: self-tests compile most of what a run
// does, and not every driver keeps that itself. Nothing may be compiled meanwhile.
func (d *Device) ReadCache() {
	if d.cache == 0 || d.drv.alive() != nil {
		return
	}
	data := decodeCache(readKept(cachePath(d.opt.CacheDir, d.caps)), d.caps)
	if data != nil && !bytes.Equal(data, d.cached) && d.drv.mergePipelineCache(d.cache, data) == nil {
		d.cached = data
	}
}

// saveCache writes the pipeline cache, with what others have written meanwhile, to Options.CacheDir, replacing the file in one step.
// Close leaves out its errors: a cache that cannot be written only costs time.
func (d *Device) saveCache() error {
	if d.cache == 0 {
		return nil
	}
	err := inTurn(d.opt.CacheDir, func() error {
		d.ReadCache()
		data, err := d.drv.pipelineCacheData(d.cache)
		if err != nil || bytes.Equal(data, d.cached) {
			return err
		}
		d.cached = data
		return keep(cachePath(d.opt.CacheDir, d.caps), cacheMagic, data)
	})
	if err != nil {
		return fmt.Errorf("vk: pipeline cache: %w", err)
	}
	return nil
}

func (d *Device) closeCache() {
	if d.drv.alive() == nil {
		_ = d.saveCache()
	}
	d.drv.destroy(objPipelineCache, d.cache)
	d.cache = 0
}
