// Package store knows where models are.
package store

import (
	"muninn/model/checkpoint"
	"muninn/model/demo"
)

// DemoName is the path that stands for the embedded demo model.
const DemoName = "demo"

// store.Open opens the checkpoint in a folder, a GGUF file that WriteGGUF made, or the embedded demo model for the name "demo".
func Open(path string) (*checkpoint.Checkpoint, error) {
	if path == DemoName {
		return checkpoint.OpenFS(demo.Files)
	}
	return checkpoint.OpenPath(path)
}
