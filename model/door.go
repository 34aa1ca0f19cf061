// Package model runs recurrent-depth language models: a prelude embeds the tokens, a core block of a few layers is
// looped num_steps times over a latent state, a coda reads the answer out.
package model

import (
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/vk"
)

// Open loads what store.Open opens.
func Open(path string, dev *vk.Device, o engine.LoadOptions) (*engine.Model, error) {
	ck, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	defer ck.Close()
	return engine.Load(ck, dev, o)
}
