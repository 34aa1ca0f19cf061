package vk

import "slices"

// Quirk is a choice that goes wrong with a driver.
type Quirk struct {
	Off    string `json:"off"`    // the choice that is not to be made: a row of the table in package shaders
	Why    string `json:"why"`    // what goes wrong
	Source string `json:"source"` // where that was found: a project's issue or pull request
}

// DriverIDs as VkDriverId numbers them, and vendors (Caps.VendorID) as PCI does.
const (
	driverAMDProprietary = 1
	driverAMDOpen        = 2
	driverRADV           = 3
	driverQualcomm       = 8
	driverSwiftShader    = 10
	driverLavapipe       = 13
	driverMoltenVK       = 14
	driverHoneykrisp     = 26

	vendorAMD   = 0x1002
	vendorApple = 0x106b

	VendorIntel    = 0x8086
	VendorNVIDIA   = 0x10de
	VendorQualcomm = 0x5143
)

// Apple tells of Apple's GPUs, under whatever driver.
func (c Caps) Apple() bool { return c.VendorID == vendorApple || c.DriverID == driverHoneykrisp }

// idRange is a range of device ids, both ends included.
type idRange [2]uint32

// quirks is what is known of drivers. Where a row leaves something out it means all: vendors, devices, versions.
var quirks = []struct {
	driver, vendor uint32
	devices        []idRange
	before         uint32 // the driver version that came without the fault
	Quirk
}{
	// It does not tell the version of Metal, from 3.2 on of which there are such fences.
	{driver: driverMoltenVK,
		Quirk: Quirk{"arrivals", "the driver may order memory within a workgroup only", "MoltenVK issue 2497, SPIRV-Cross issue 2473"}},
	{driver: driverMoltenVK, vendor: vendorAMD,
		Quirk: Quirk{"subgroup", "the driver spreads one subgroup over two of Metal's, so that sums are of half of it", "llama.cpp issue 15846, PR 15886"}},
	{driver: driverMoltenVK, vendor: VendorIntel,
		Quirk: Quirk{"subgroup", "sums over subgroups were found wrong on Intel GPUs under Metal", "MoltenVK PR 2755"}},
	// GCN, RDNA1 and RDNA2: the driver claims dot products for them that they lack.
	{driver: driverAMDProprietary, vendor: vendorAMD,
		devices: []idRange{{0x1300, 0x14ff}, {0x1506, 0x1506}, {0x15d8, 0x15e7}, {0x1636, 0x1681}, {0x6600, 0x743f}, {0x9830, 0x98ff}},
		Quirk:   Quirk{"int8", "the driver gives wrong results for dot products that the GPU lacks", "llama.cpp issue 10710, audio.cpp PR 193"}},
	// RDNA4, and the 890M.
	{driver: driverAMDProprietary, vendor: vendorAMD, devices: []idRange{{0x150e, 0x150e}, {0x7550, 0x75ff}},
		Quirk: Quirk{"int8", "GEMV by dot products was found wrong with this driver", "llama.cpp issue 27007"}},
	{driver: driverQualcomm, before: version(512, 800, 0),
		Quirk: Quirk{"subgroup", "the driver's compiler crashes on GEMV by subgroups, or makes it wrong", "llama.cpp PR 29165, ncnn issue 6778"}},
	{driver: driverQualcomm,
		Quirk: Quirk{"int8", "the driver's compiler refuses GEMV by dot products", "audio.cpp issue 453"}},
	{driver: driverSwiftShader,
		Quirk: Quirk{"unrolled loops", "the driver runs them at a fifth of the speed and takes gigabytes to compile them", "measured by this project"}},
}

// version packs a driver's version as most drivers do.
func version(major, minor, patch uint32) uint32 { return major<<22 | minor<<12 | patch }

// NewLavapipe tells of Mesa's CPU driver as measured with 26.2.6, and unlike 22.3.6; between them nothing was.
func (c Caps) NewLavapipe() bool {
	return c.DriverID == driverLavapipe && c.DriverVersion >= version(26, 0, 0)
}

// Quirks lists what is known of the device's driver.
func (c Caps) Quirks() (list []Quirk) {
	for _, q := range quirks {
		if q.driver == c.DriverID && (q.vendor == 0 || q.vendor == c.VendorID) && (q.before == 0 || c.DriverVersion < q.before) &&
			(q.devices == nil || slices.ContainsFunc(q.devices, func(r idRange) bool { return r[0] <= c.DeviceID && c.DeviceID <= r[1] })) {
			list = append(list, q.Quirk)
		}
	}
	return list
}

// Quirks lists all that is known, of any driver.
func Quirks() (list []Quirk) {
	for _, q := range quirks {
		list = append(list, q.Quirk)
	}
	return list
}
