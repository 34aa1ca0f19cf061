package shaders

import (
	"slices"

	"muninn/vk"
)

// GPUs whose lanes have few registers, by their ids: what spills there was seen in what Mesa compiles for them (tools/lab).

// smallRegisters tells of GPUs with so few registers a lane that 4 rows of x spill: Adreno 605 to 630, and the first Keplers, which have 63.
func (t *Tuning) smallRegisters() bool {
	return t.kepler() || t.adreno6() && t.caps.DeviceID>>16 <= 0x603
}

// kepler tells of those Keplers: GK104, GK106 and GK107.
func (t *Tuning) kepler() bool {
	id := t.caps.DeviceID
	return t.caps.VendorID == vk.VendorNVIDIA && (id >= 0xfc0 && id < 0x1000 || id >= 0x1180 && id < 0x1200)
}

// broadwell tells of Intel's GPUs before Skylake, which have a compiler of their own.
func (t *Tuning) broadwell() bool {
	return t.caps.VendorID == vk.VendorIntel && slices.Contains([]uint32{0x01, 0x04, 0x0a, 0x0c, 0x0d, 0x0f, 0x16, 0x22}, t.caps.DeviceID>>8)
}

// adreno6 tells of Adreno 605 to 690.
func (t *Tuning) adreno6() bool {
	return t.caps.VendorID == vk.VendorQualcomm && t.caps.DeviceID>>24 == 6
}
