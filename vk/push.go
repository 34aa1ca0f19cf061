package vk

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
)

// encodePush turns push constants for a kernel into bytes: nil for none, else a struct of 32-bit numbers that follow each other as
// the members of the kernel's block do, or a []uint32 that fills it without names.
func (in signature) encodePush(push any) ([]byte, error) {
	var p []byte
	if push != nil {
		if err := in.checkPush(reflect.TypeOf(push)); err != nil {
			return nil, err
		}
		var err error
		if p, err = binary.Append(nil, binary.LittleEndian, push); err != nil {
			return nil, fmt.Errorf("push constants of type %T: %w", push, err)
		}
	}
	if len(p) != int(in.PushBytes) {
		return nil, fmt.Errorf("%d bytes of push constants, the kernel takes %d", len(p), in.PushBytes)
	}
	return p, nil
}

// checkPush compares a struct with the kernel's block, field by field: two of one size in another order would only give wrong
// results.
func (in signature) checkPush(t reflect.Type) error {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range max(t.NumField(), len(in.Push)) {
		switch {
		case i >= t.NumField():
			return fmt.Errorf("push constant %v of the kernel is not in %v", in.Push[i], t)
		case i >= len(in.Push):
			return fmt.Errorf("push constant %s of %v is not in the kernel", t.Field(i).Name, t)
		}
		f, want := t.Field(i), in.Push[i]
		got := pushField{f.Name, uint32(f.Offset), f.Type.Kind() == reflect.Float32}
		if f.Type.Size() != 4 || got.offset != want.offset || got.float != want.float || want.name != "" && !strings.EqualFold(got.name, want.name) {
			return fmt.Errorf("push constant %v is %v in the kernel", got, want)
		}
	}
	return nil
}

func (f pushField) String() string {
	kind := "integer"
	if f.float {
		kind = "float"
	}
	return fmt.Sprintf("%s, %s at %d,", f.name, kind, f.offset)
}
