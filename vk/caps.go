package vk

import (
	"cmp"
	"math"
)

// Caps describes one physical device as plain data. Every decision that depends on the device is a pure function of it.
// Sizes are in bytes.
type Caps struct {
	Index      int       `json:"index"`
	Name       string    `json:"name"`
	Driver     string    `json:"driver"`    // driver name and version text
	DriverID   uint32    `json:"driver_id"` // VkDriverId; 0 when the driver does not say
	Type       string    `json:"type"`      // discrete, integrated, virtual, cpu or other
	VendorID   uint32    `json:"vendor_id"`
	DeviceID   uint32    `json:"device_id"`
	APIVersion [3]uint32 `json:"api_version"`
	UUID       string    `json:"uuid"`
	DriverUUID string    `json:"driver_uuid"`
	CacheUUID  string    `json:"cache_uuid"` // what the driver accepts pipeline cache data for

	DriverVersion uint32 `json:"driver_version"` // packed in the driver's own way; 0 where it was not recorded

	MaxStorageBufferRange   uint64    `json:"max_storage_buffer_range"`
	MaxAllocation           uint64    `json:"max_allocation"`
	MaxBufferSize           uint64    `json:"max_buffer_size"` // 0 when the driver does not say
	MaxAllocationCount      uint32    `json:"max_allocation_count"`
	MaxPushConstants        uint32    `json:"max_push_constants"`
	MaxWorkgroupInvocations uint32    `json:"max_workgroup_invocations"`
	MaxSharedMemory         uint32    `json:"max_shared_memory"`
	MaxWorkgroupSize        [3]uint32 `json:"max_workgroup_size"`
	MaxWorkgroupCount       [3]uint32 `json:"max_workgroup_count"`
	MaxStorageBuffers       uint32    `json:"max_storage_buffers"` // per compute stage
	OffsetAlignment         uint64    `json:"offset_alignment"`    // of a storage buffer binding
	MaxTexels               uint64    `json:"max_texels"`          // in a view of a buffer
	TexelAlignment          uint64    `json:"texel_alignment"`     // of a view's offset

	SubgroupSize        uint32 `json:"subgroup_size"`
	SubgroupMin         uint32 `json:"subgroup_min"` // 0 when the driver does not say
	SubgroupMax         uint32 `json:"subgroup_max"`
	MaxSubgroups        uint32 `json:"max_subgroups"`         // of a workgroup whose subgroup size is required; 0 when the driver does not say
	SubgroupSizeControl bool   `json:"subgroup_size_control"` // a compute kernel may require a size
	FullSubgroups       bool   `json:"full_subgroups"`        // and may require subgroups to be full
	SubgroupArithmetic  bool   `json:"subgroup_arithmetic"`   // subgroupAdd and the like in compute kernels

	Float16               bool `json:"float16"`
	Int8                  bool `json:"int8"`
	Storage16             bool `json:"storage16"`
	Storage8              bool `json:"storage8"`
	IntegerDot            bool `json:"integer_dot"`
	IntegerDotAccelerated bool `json:"integer_dot_accelerated"` // packed 4x8 bit, signed
	IntegerDotMixed       bool `json:"integer_dot_mixed"`       // the same of a signed and an unsigned factor

	Matrices []Matrix `json:"matrices,omitempty"` // what the device's matrix units multiply: halves, with sums in floats

	TimestampBits   uint32  `json:"timestamp_bits"`   // valid bits; 0 for no timestamps
	TimestampPeriod float64 `json:"timestamp_period"` // nanoseconds per tick

	MemoryBudget bool         `json:"memory_budget"` // Budget and Used of heaps are the driver's
	Heaps        []Heap       `json:"heaps"`
	MemoryTypes  []MemoryType `json:"memory_types"`

	queueFamily       uint32
	sizeControlByName bool // the feature needs its extension enabled by name
	integerDotByName  bool
	portabilitySubset bool
}

// Matrix is a size of cooperative matrices: a subgroup adds the product of an M x K and a K x N matrix to one of M x N.
type Matrix struct {
	M uint32 `json:"m"`
	N uint32 `json:"n"`
	K uint32 `json:"k"`
}

// Heap is one pool of memory.
type Heap struct {
	Size        uint64 `json:"size"`
	Budget      uint64 `json:"budget"` // what the process may use, as far as known
	Used        uint64 `json:"used"`   // what it uses already, 0 when unknown
	DeviceLocal bool   `json:"device_local"`
}

// MemoryType is one way of using a heap.
type MemoryType struct {
	Heap         int  `json:"heap"`
	DeviceLocal  bool `json:"device_local"`
	HostVisible  bool `json:"host_visible"`
	HostCoherent bool `json:"host_coherent"`
	HostCached   bool `json:"host_cached"`
}

const (
	minStorageBufferRange = 128 << 20 // what Vulkan guarantees
	maxShard              = 1 << 30
	spanAlignment         = 256
	unlimited             = uint64(math.MaxUint64) // in place of a limit of 0, which drivers report that do not say
)

// ShardLimit is the largest piece, in bytes, that a tensor may be bound as: the storage buffer range, at most 1 GiB and
// at most half of the largest allocation. A range of 0 (seen on early MoltenVK) counts as the guaranteed 128 MiB.
func (c Caps) ShardLimit() uint64 {
	limit := min(c.bindLimit(), maxShard, max(cmp.Or(c.MaxAllocation, unlimited)/2, spanAlignment), cmp.Or(c.MaxBufferSize, unlimited))
	return limit &^ (spanAlignment - 1)
}

// bindLimit is the largest range that a storage buffer may be bound as.
func (c Caps) bindLimit() uint64 { return cmp.Or(c.MaxStorageBufferRange, minStorageBufferRange) }

// IsCPU tells whether the device is a software driver.
func (c Caps) IsCPU() bool { return c.Type == "cpu" }

// uma tells whether host and device share one memory, so that device-local memory may be mapped without harm.
func (c Caps) uma() bool { return c.Type == "cpu" || c.Type == "integrated" }

// Supported returns nil when the package can use the device, else an error that matches ErrUnsupported.
func (c Caps) Supported() error {
	if c.APIVersion[0] < 1 || c.APIVersion[0] == 1 && c.APIVersion[1] < 1 {
		return unsupported("%s speaks Vulkan %d.%d, 1.1 is needed; update its driver", c.Name, c.APIVersion[0], c.APIVersion[1])
	}
	return nil
}

// blockLimit is the usual size of an arena's memory block on a heap.
func (c Caps) blockLimit(heap uint64) uint64 {
	n := min(256<<20, cmp.Or(c.MaxAllocation, unlimited)/2, cmp.Or(heap, unlimited)/8)
	return max(n&^(spanAlignment-1), spanAlignment)
}

// allocationLimit is the largest block that may be asked for at all.
func (c Caps) allocationLimit() uint64 {
	return min(cmp.Or(c.MaxAllocation, unlimited), cmp.Or(c.MaxBufferSize, unlimited))
}
