package vk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A cache file is this magic, the SHA-256 of the data, and the data as the driver gave it. Drivers have crashed on
// damaged cache data, so nothing reaches one that does not match its sum.
const cacheMagic = "muninn pipeline cache 1\n"

const cacheMax = 256 << 20 // bytes of a cache file that are read at most

// cachePath is where a device's cache is kept: its name changes with the driver and the device.
func cachePath(dir string, c Caps) string {
	key := sha256.Sum256([]byte(c.DriverUUID + " " + c.CacheUUID + " " + c.Driver + " " + c.Name))
	return filepath.Join(dir, "pipelines-"+hex.EncodeToString(key[:12])+".bin")
}

// decodeCache returns the data of a cache file when it is whole and made by this driver for this device, else nil.
func decodeCache(file []byte, c Caps) []byte {
	head := len(cacheMagic) + sha256.Size
	if len(file) < head || string(file[:len(cacheMagic)]) != cacheMagic {
		return nil
	}
	data := file[head:]
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], file[len(cacheMagic):head]) {
		return nil
	}
	// The header that Vulkan prescribes: length, version 1, vendor, device, cache UUID.
	if len(data) < 32 || binary.LittleEndian.Uint32(data) < 32 || binary.LittleEndian.Uint32(data[4:]) != 1 ||
		binary.LittleEndian.Uint32(data[8:]) != c.VendorID || binary.LittleEndian.Uint32(data[12:]) != c.DeviceID ||
		hex.EncodeToString(data[16:32]) != c.CacheUUID {
		return nil
	}
	return data
}

func encodeCache(data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(append([]byte(cacheMagic), sum[:]...), data...)
}

// openCache makes the pipeline cache, from the file when there is a good one.
func (d *Device) openCache() error {
	if d.opt.CacheDir == "" {
		return nil
	}
	path := cachePath(d.opt.CacheDir, d.caps)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() <= cacheMax {
		if file, err := os.ReadFile(path); err == nil {
			d.cached = decodeCache(file, d.caps)
		}
	}
	h, err := d.drv.createPipelineCache(d.cached)
	if err != nil && d.cached != nil {
		// The driver refuses what it wrote itself: start afresh.
		d.cached = nil
		h, err = d.drv.createPipelineCache(nil)
	}
	if err != nil {
		return err
	}
	d.cache = h
	return nil
}

// SavePipelineCache writes the pipeline cache to Options.CacheDir, replacing the file in one step. Close does so too, but
// leaves out errors: a cache that cannot be written only costs time.
func (d *Device) SavePipelineCache() error {
	if err := d.take(context.Background()); err != nil {
		return err
	}
	defer d.release()
	return d.saveCache()
}

func (d *Device) saveCache() error {
	if d.cache == 0 {
		return nil
	}
	data, err := d.drv.pipelineCacheData(d.cache)
	if err != nil {
		return err
	}
	if bytes.Equal(data, d.cached) {
		return nil
	}
	path := cachePath(d.opt.CacheDir, d.caps)
	if err := os.MkdirAll(d.opt.CacheDir, 0o755); err != nil {
		return fmt.Errorf("vk: pipeline cache: %w", err)
	}
	if err := replaceFile(path, encodeCache(data)); err != nil {
		return fmt.Errorf("vk: pipeline cache: %w", err)
	}
	d.cached = data
	return nil
}

// replaceFile writes a file beside its place and renames it, so that no reader sees a part of it.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (d *Device) closeCache() {
	if d.cache == 0 {
		return
	}
	if d.drv.alive() == nil {
		_ = d.saveCache()
	}
	d.drv.destroyPipelineCache(d.cache)
	d.cache = 0
}
