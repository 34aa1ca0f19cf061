// Package recorded holds what real GPUs say of themselves, for planning and for tests without the hardware. The
// README beside it names where each was recorded.
package recorded

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"muninn/vk"
)

//go:embed devices.json
var devices []byte

// Devices lists the recorded devices. Each call gives fresh data.
func Devices() []vk.Caps {
	var list []vk.Caps
	if err := json.Unmarshal(devices, &list); err != nil {
		panic(fmt.Sprintf("recorded: devices.json: %v", err))
	}
	for i := range list {
		list[i].Index = i
	}
	return list
}

// Find is the recorded device that a name, or a part of one that only one device has, stands for. Its errors match
// vk.ErrNoDevice and list the names.
func Find(name string) (vk.Caps, error) {
	list := Devices()
	choice, err := vk.Select(list, name)
	if err != nil {
		return vk.Caps{}, err
	}
	return list[choice.Index], nil
}
