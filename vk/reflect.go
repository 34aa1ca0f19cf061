package vk

import (
	"cmp"
	"fmt"
	"slices"
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
	Capabilities  []uint32  // SPIR-V capability numbers, in order of declaration
	ReadsGrid     bool      // it looks at the number of workgroups, so that a dispatch of it cannot be cut
}

// spans is how many spans a dispatch of the kernel binds: the highest index of one plus one.
func (in signature) spans() int {
	n := 0
	for _, b := range in.Bindings {
		n = max(n, int(b.Span())+1)
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

// reflectSPIRV reads a kernel's interface from its SPIR-V. It accepts compute modules with one entry point whose only
// resources are storage buffers and texel buffers in set 0 and a push constant block, and never panics on damaged input.
func reflectSPIRV(spirv []byte) (signature, error) {
	m, err := parse(spirv)
	if err == nil {
		err = m.complete()
	}
	if err != nil {
		return signature{}, fmt.Errorf("vk: reflect SPIR-V: %w", err)
	}
	return m.in, nil
}

// complete adds to the interface what takes the whole module to know.
func (m *module) complete() error {
	if m.entries != 1 {
		return fmt.Errorf("%d compute entry points, want 1", m.entries)
	}
	if err := m.workgroupSize(); err != nil {
		return err
	}
	for _, v := range m.variables {
		var err error
		switch v.class {
		case classPushConstant:
			err = m.push(v)
		case classUniform, classStorageBuffer, classUniformConstant:
			err = m.bind(v)
		}
		if err != nil {
			return err
		}
	}
	slices.SortFunc(m.in.Bindings, func(a, b bufferUse) int { return cmp.Compare(a.Index, b.Index) })
	return nil
}

// workgroupSize takes the size from the WorkgroupSize constant when there is one, else from the execution mode.
func (m *module) workgroupSize() error {
	m.in.LocalSizeSpec = [3]int64{-1, -1, -1}
	var ids []uint32
	if m.workgroupConstant != 0 {
		parts, _ := m.is(m.workgroupConstant, opConstantComposite, opSpecConstantComposite)
		if len(parts) != 5 {
			return fmt.Errorf("the WorkgroupSize constant has %d parts, want 3", max(len(parts)-2, 0))
		}
		ids = parts[2:]
	}
	for i, id := range ids {
		constant, ok := m.is(id, opConstant, opSpecConstant)
		if !ok {
			return fmt.Errorf("workgroup dimension %d is not a constant", i)
		}
		m.in.LocalSize[i] = constant[2]
		if spec, ok := m.decorations[decorated{id, whole, decorationSpecID}]; ok {
			m.in.LocalSizeSpec[i] = int64(spec)
		}
	}
	if i := slices.Index(m.in.LocalSize[:], 0); i >= 0 {
		return fmt.Errorf("workgroup dimension %d is 0 or not given", i)
	}
	return nil
}

// bind adds a buffer variable to the bindings. Two variables may view one storage buffer through different types.
func (m *module) bind(v variable) error {
	b, err := m.binding(v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(m.in.Bindings, func(old bufferUse) bool { return old.Index == b.Index })
	if i < 0 {
		m.in.Bindings = append(m.in.Bindings, b)
		return nil
	}
	old := &m.in.Bindings[i]
	if old.Texels != b.Texels {
		return fmt.Errorf("binding %d is of two kinds", b.Index)
	}
	old.Reads, old.Writes = b.Reads || old.Reads, b.Writes || old.Writes
	return nil
}

// binding reads a buffer variable's decorations.
func (m *module) binding(v variable) (bufferUse, error) {
	index, ok := m.decorations[decorated{v.id, whole, decorationBinding}]
	if !ok {
		return bufferUse{}, fmt.Errorf("buffer variable %d has no binding", v.id)
	}
	if set := m.decorations[decorated{v.id, whole, decorationDescriptorSet}]; set != 0 {
		return bufferUse{}, fmt.Errorf("binding %d is in descriptor set %d, only set 0 is supported", index, set)
	}
	limit := uint32(secondView)
	if v.class == classUniformConstant {
		limit = 2 * secondView
	}
	if index >= limit {
		return bufferUse{}, fmt.Errorf("binding %d is too high for its kind, below %d are supported", index, limit)
	}
	if v.class == classUniformConstant {
		texel, err := m.texel(v, index)
		return bufferUse{Index: index, Reads: true, Texels: texel}, err
	}
	block, members, err := m.block(v)
	if err != nil {
		return bufferUse{}, err
	}
	if v.class == classUniform && !m.has(block, whole, decorationBufferBlock) {
		return bufferUse{}, fmt.Errorf("variable %d is a uniform block, only storage buffers are supported", v.id)
	}
	reads, writes := len(members) == 0, len(members) == 0
	for i := range uint32(len(members)) {
		reads = reads || !m.has(block, i, decorationNonReadable)
		writes = writes || !m.has(block, i, decorationNonWritable)
	}
	return bufferUse{Index: index, Reads: reads && !m.has(v.id, whole, decorationNonReadable),
		Writes: writes && !m.has(v.id, whole, decorationNonWritable)}, nil
}

// pointee is the type that a variable points to.
func (m *module) pointee(v variable) (uint32, error) {
	p, ok := m.is(v.typ, opTypePointer)
	if !ok {
		return 0, fmt.Errorf("variable %d is not of a pointer type", v.id)
	}
	return p[2], nil
}

// texel is what a fetch from an image variable gives.
func (m *module) texel(v variable, index uint32) (Texel, error) {
	typ, err := m.pointee(v)
	if err != nil {
		return 0, err
	}
	image, ok := m.is(typ, opTypeImage) // its id, what a fetch gives, dimension, ..., 1 when it is sampled, 2 when it is stored to
	if !ok || image[2] != dimBuffer || image[6] != 1 {
		return 0, fmt.Errorf("variable %d is an image or sampler, only storage buffers and texel buffers are supported", v.id)
	}
	float, ok := m.word(image[1])
	if !ok {
		return 0, fmt.Errorf("texel buffer %d is not of 32-bit numbers", v.id)
	}
	texel := Uint
	if float {
		texel = Float
	}
	if index < secondView {
		texel += Uint4 - Uint
	}
	return texel, nil
}

// word tells whether a type is a 32-bit number, and whether it is a float.
func (m *module) word(typ uint32) (float, ok bool) {
	number, ok := m.is(typ, opTypeInt, opTypeFloat)
	return m.declared[typ].op == opTypeFloat, ok && number[1] == 32
}

// block returns the struct type that a variable points to, and its members' types.
func (m *module) block(v variable) (typ uint32, members []uint32, err error) {
	if typ, err = m.pointee(v); err != nil {
		return 0, nil, err
	}
	o, ok := m.is(typ, opTypeStruct)
	if !ok {
		return 0, nil, fmt.Errorf("variable %d is not a block", v.id)
	}
	return typ, o[1:], nil
}

// pushField is a member of a push constant block, or of the struct that fills one.
type pushField struct {
	name   string // without underscores; empty when the SPIR-V has no names
	offset uint32 // bytes
	float  bool   // a float32, else 32 bits of an integer
}

// push reads the members of a push constant block, which are 32-bit numbers.
func (m *module) push(v variable) error {
	block, members, err := m.block(v)
	if err != nil {
		return err
	}
	m.in.Push = nil
	for i, typ := range members {
		key := member{block, uint32(i)}
		offset := m.decorations[decorated{block, key.index, decorationOffset}]
		float, ok := m.word(typ)
		if !ok || offset%4 != 0 || offset > 1<<16 {
			return fmt.Errorf("push constant %d (%s) at %d is not a 32-bit number", i, m.names[key], offset)
		}
		m.in.Push = append(m.in.Push, pushField{strings.ReplaceAll(m.names[key], "_", ""), offset, float})
		m.in.PushBytes = max(m.in.PushBytes, offset+4)
	}
	return nil
}
