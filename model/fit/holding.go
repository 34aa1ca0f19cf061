package fit

import (
	"errors"

	"muninn/model/checkpoint"
	"muninn/vk"
)

// Holding is how a model can be held on one device, with the model's whole context.
type Holding struct {
	Device  string `json:"device"`
	Fits    bool   `json:"fits"`
	Quant   string `json:"quant,omitempty"`
	Lookup  string `json:"cache_lookup_strategy,omitempty"`
	KV      string `json:"kv_type,omitempty"`
	Context int    `json:"context,omitempty"`
	Bytes   uint64 `json:"bytes"` // taken; when it does not fit, the least that is needed
	Free    uint64 `json:"free"`
}

// CardSizes are those looked at besides this machine's devices, in GiB.
var CardSizes = []uint64{4, 6, 8, 12, 16, 24}

// Holdings are those of this machine's devices, as far as there are any, and of cards of usual sizes.
func Holdings(ck *checkpoint.Checkpoint) ([]Holding, error) {
	var list []Holding
	devices, _ := vk.Devices() // none is no reason not to show the model
	for i, c := range devices {
		devices[i] = WithHost(c)
	}
	for _, n := range CardSizes {
		devices = append(devices, Card(n<<30))
	}
	for _, c := range devices {
		if c.Supported() != nil {
			continue
		}
		v, err := HoldingOn(ck, c)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// HoldingOn is that of one device.
func HoldingOn(ck *checkpoint.Checkpoint, c vk.Caps) (Holding, error) {
	m := Of(ck, checkpoint.Scheme{})
	choice, err := Choose(m, c, Wish{})
	var e *Error
	if errors.As(err, &e) {
		return Holding{Device: c.Name, Bytes: e.Plan.Device + e.Space.Reserve, Free: e.Space.Free}, nil
	}
	return Holding{
		Device: c.Name, Fits: err == nil, Quant: m.QuantName(choice.Quant), Lookup: choice.Lookup.String(), KV: choice.KV.String(),
		Context: choice.Context, Bytes: choice.Plan.Device, Free: choice.Space.Free,
	}, err
}
