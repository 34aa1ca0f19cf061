package vk

import (
	"fmt"
	"sort"
	"strings"
)

// bufferUse is one buffer of a kernel, in descriptor set 0.
type bufferUse struct {
	Index  uint32
	Reads  bool  // false when the kernel declares it writeonly
	Writes bool  // false when the kernel declares it readonly
	Texels Texel // what one fetch from a texel buffer gives; none for a storage buffer
}

// secondView is added to the binding index of a span that is viewed a second time, as a texel buffer of single words.
const secondView = 16

// Span is the index of the span that is bound: a texel buffer from index 16 on is a second view of the span at 16 less.
func (b bufferUse) Span() uint32 { return b.Index % secondView }

// signature is what a kernel's SPIR-V says about how it is called.
type signature struct {
	Entry         string
	Bindings      []bufferUse // by rising index; an index the kernel does not use is absent
	Push          []pushField
	PushBytes     uint32    // size of the push constant block, 0 for none
	LocalSize     [3]uint32 // workgroup size, with the defaults of specialization constants
	LocalSizeSpec [3]int64  // constant id that sets each dimension, -1 for none
	SpecIDs       []uint32  // specialization constant ids, rising
	Capabilities  []uint32  // SPIR-V capability numbers, in order of declaration
	ReadsGrid     bool      // it looks at the number of workgroups, so that a dispatch of it cannot be cut
}

// Spans is how many spans a dispatch of the kernel binds: the highest index of one plus one.
func (in signature) spans() int {
	n := 0
	for _, b := range in.Bindings {
		n = max(n, int(b.Span())+1)
	}
	return n
}

// StorageBuffers is how many of the bindings are storage buffers.
func (in signature) storageBuffers() int {
	n := 0
	for _, b := range in.Bindings {
		if b.Texels == NoTexel {
			n++
		}
	}
	return n
}

// workgroup returns the workgroup size under the given specialization values.
func (in signature) workgroup(spec []uint32) [3]uint32 {
	size := in.LocalSize
	for i, id := range in.LocalSizeSpec {
		if id >= 0 && id < int64(len(spec)) {
			size[i] = spec[id]
		}
	}
	return size
}

// Reflect reads a kernel's interface from its SPIR-V. It accepts compute modules with one entry point whose only
// resources are storage buffers and texel buffers in set 0 and a push constant block, and never panics on damaged input.
func reflectSPIRV(spirv []byte) (signature, error) {
	m, err := parse(spirv)
	if err != nil {
		return signature{}, fmt.Errorf("vk: reflect SPIR-V: %w", err)
	}
	in, err := m.iface()
	if err != nil {
		return signature{}, fmt.Errorf("vk: reflect SPIR-V: %w", err)
	}
	return in, nil
}

// iface turns the parsed module into its interface.
func (m *module) iface() (signature, error) {
	if m.entries != 1 {
		return signature{}, fmt.Errorf("%d compute entry points, want 1", m.entries)
	}
	in := signature{Entry: m.entryName, LocalSizeSpec: [3]int64{-1, -1, -1}, Capabilities: m.capabilities, ReadsGrid: m.readsGrid}
	if err := m.workgroupSize(&in); err != nil {
		return signature{}, err
	}
	byIndex := make(map[uint32]bufferUse)
	for _, v := range m.variables {
		switch v.class {
		case classPushConstant:
			fields, err := m.push(v)
			if err != nil {
				return signature{}, err
			}
			in.Push = fields
			for _, f := range fields {
				in.PushBytes = max(in.PushBytes, f.offset+4)
			}
		case classUniform, classStorageBuffer, classUniformConstant:
			b, err := m.binding(v)
			if err != nil {
				return signature{}, err
			}
			// Two variables may view one storage buffer through different types.
			if old, ok := byIndex[b.Index]; ok {
				if old.Texels != b.Texels {
					return signature{}, fmt.Errorf("binding %d is of two kinds", b.Index)
				}
				b.Reads, b.Writes = b.Reads || old.Reads, b.Writes || old.Writes
			}
			byIndex[b.Index] = b
		}
	}
	for _, b := range byIndex {
		in.Bindings = append(in.Bindings, b)
	}
	sort.Slice(in.Bindings, func(i, k int) bool { return in.Bindings[i].Index < in.Bindings[k].Index })
	for _, id := range m.specIDs {
		in.SpecIDs = append(in.SpecIDs, id)
	}
	sort.Slice(in.SpecIDs, func(i, k int) bool { return in.SpecIDs[i] < in.SpecIDs[k] })
	return in, nil
}

// workgroupSize takes the size from the WorkgroupSize constant when there is one, else from the execution mode.
func (m *module) workgroupSize(in *signature) error {
	in.LocalSize = m.localSize
	var ids []uint32
	if m.workgroupConstant != 0 {
		if ids = m.composites[m.workgroupConstant]; len(ids) != 3 {
			return fmt.Errorf("the WorkgroupSize constant has %d parts, want 3", len(ids))
		}
	}
	for i, id := range ids {
		value, ok := m.constants[id]
		if !ok {
			return fmt.Errorf("workgroup dimension %d is not a constant", i)
		}
		in.LocalSize[i] = value
		if spec, ok := m.specIDs[id]; ok {
			in.LocalSizeSpec[i] = int64(spec)
		}
	}
	for i, n := range in.LocalSize {
		if n == 0 {
			return fmt.Errorf("workgroup dimension %d is 0 or not given", i)
		}
	}
	return nil
}

// binding reads a buffer variable's decorations.
func (m *module) binding(v variable) (bufferUse, error) {
	d := m.decorations[v.id]
	if d == nil || !d.hasBinding {
		return bufferUse{}, fmt.Errorf("buffer variable %d has no binding", v.id)
	}
	if d.set != 0 {
		return bufferUse{}, fmt.Errorf("binding %d is in descriptor set %d, only set 0 is supported", d.binding, d.set)
	}
	limit := uint32(secondView)
	if v.class == classUniformConstant {
		limit = 2 * secondView
	}
	if d.binding >= limit {
		return bufferUse{}, fmt.Errorf("binding %d is too high for its kind, below %d are supported", d.binding, limit)
	}
	if v.class == classUniformConstant {
		texel, err := m.texel(v, d.binding)
		return bufferUse{Index: d.binding, Reads: true, Texels: texel}, err
	}
	block, err := m.block(v)
	if err != nil {
		return bufferUse{}, err
	}
	if v.class == classUniform && !m.bufferBlock[block] {
		return bufferUse{}, fmt.Errorf("variable %d is a uniform block, only storage buffers are supported", v.id)
	}
	members := m.structs[block]
	reads, writes := len(members) == 0, len(members) == 0
	for i := range members {
		md := m.members[member{block, uint32(i)}]
		reads = reads || !md.nonReadable
		writes = writes || !md.nonWritable
	}
	return bufferUse{Index: d.binding, Reads: reads && !d.nonReadable, Writes: writes && !d.nonWritable}, nil
}

// texel is what a fetch from an image variable gives.
func (m *module) texel(v variable, index uint32) (Texel, error) {
	i, ok := m.images[m.pointers[v.typ]]
	if !ok || i.dim != dimBuffer || i.sampled != 1 {
		return 0, fmt.Errorf("variable %d is an image or sampler, only storage buffers and texel buffers are supported", v.id)
	}
	texel := Uint
	switch t := m.types[i.of]; {
	case t.bits != 32:
		return 0, fmt.Errorf("texel buffer %d is not of 32-bit numbers", v.id)
	case t.float:
		texel = Float
	}
	if index < secondView {
		texel += Uint4 - Uint
	}
	return texel, nil
}

// block returns the struct type a variable points to.
func (m *module) block(v variable) (uint32, error) {
	p, ok := m.pointers[v.typ]
	if !ok {
		return 0, fmt.Errorf("variable %d is not of a pointer type", v.id)
	}
	if _, ok := m.structs[p]; !ok {
		return 0, fmt.Errorf("variable %d is not a block", v.id)
	}
	return p, nil
}

// pushField is a member of a push constant block, or of the struct that fills one.
type pushField struct {
	name   string // without underscores; empty when the SPIR-V has no names
	offset uint32 // bytes
	float  bool   // a float32, else 32 bits of an integer
}

// push reads the members of a push constant block, which are 32-bit numbers.
func (m *module) push(v variable) ([]pushField, error) {
	block, err := m.block(v)
	if err != nil {
		return nil, err
	}
	var fields []pushField
	for i, typ := range m.structs[block] {
		key := member{block, uint32(i)}
		t, offset := m.types[typ], m.members[key].offset
		if t.bits != 32 || offset%4 != 0 || offset > 1<<16 {
			return nil, fmt.Errorf("push constant %d (%s) at %d is not a 32-bit number", i, m.names[key], offset)
		}
		fields = append(fields, pushField{strings.ReplaceAll(m.names[key], "_", ""), offset, t.float})
	}
	return fields, nil
}
