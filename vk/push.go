package vk

import (
	"encoding/binary"
	"fmt"
)

// encodePush turns push constants into bytes: nil for none, else any value of fixed size that encoding/binary takes, such
// as a struct of uint32 and float32 fields or a []uint32. Fields follow each other without padding, so a struct must be
// laid out as the kernel's block is.
func encodePush(push any) ([]byte, error) {
	if push == nil {
		return nil, nil
	}
	n := binary.Size(push)
	if n < 0 {
		return nil, fmt.Errorf("push constants of type %T have no fixed size", push)
	}
	p, err := binary.Append(make([]byte, 0, n), binary.LittleEndian, push)
	if err != nil {
		return nil, fmt.Errorf("push constants of type %T: %w", push, err)
	}
	return p, nil
}
