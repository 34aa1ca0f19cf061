// Package store knows where models are.
package store

import (
	"os"
	"path/filepath"
	"strings"

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

// Name is a name for people, from what Open takes: that of the folder or file, in a hub cache that of the model there.
func Name(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if dir := filepath.Dir(path); filepath.Base(dir) == "snapshots" {
		path = filepath.Dir(dir)
	}
	name := strings.TrimSuffix(filepath.Base(path), ".gguf")
	if _, model, ok := strings.Cut(strings.TrimPrefix(name, "models--"), "--"); ok && strings.HasPrefix(name, "models--") {
		name = model
	}
	return strings.ToValidUTF8(name, "?")
}

// CacheDir is the user's folder for what can be made anew; empty when there is none.
func CacheDir() string {
	user, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(user, "muninn")
}
