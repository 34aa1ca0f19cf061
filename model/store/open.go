// Package store knows where models are.
package store

import (
	"muninn/model/checkpoint"
	"muninn/model/demo"
)

// DemoName is the path that stands for the embedded demo model.
const DemoName = "demo"

// Open opens the checkpoint in a folder, a GGUF file that WriteGGUF made, a model in the hub cache by its name ORG/NAME or its
// folder there, or the embedded demo model for the name "demo". Every error is of the checkpoint.ErrModel family.
func Open(name string) (*checkpoint.Checkpoint, error) {
	if name == DemoName {
		return checkpoint.OpenFS(demo.Files)
	}
	path, err := locate(name)
	if err != nil {
		return nil, err
	}
	return checkpoint.OpenPath(path)
}
