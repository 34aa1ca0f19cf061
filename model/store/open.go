// Package store knows where models are.
package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"muninn/model/checkpoint"
	"muninn/model/demo"
	"muninn/model/internal/strict"
	"muninn/model/store/hub"
)

// DemoName is the path that stands for the embedded demo model.
const DemoName = "demo"

// Open opens the checkpoint in a folder, a GGUF file that WriteGGUF made, a model in the hub cache by its name ORG/NAME[@REVISION][:FILE.gguf],
// an alias or its folder there, or the embedded demo model for the name "demo". It fetches nothing: Wanted tells what could be.
// Every error is of the checkpoint.ErrModel family.
func Open(name string) (*checkpoint.Checkpoint, error) { return open(name, checkpoint.OpenPath) }

// OpenShapes is Open for a plan: a folder may lack the weights, as checkpoint.OpenShapes has it.
func OpenShapes(name string) (*checkpoint.Checkpoint, error) {
	return open(name, checkpoint.OpenShapes)
}

func open(name string, from func(path string) (*checkpoint.Checkpoint, error)) (*checkpoint.Checkpoint, error) {
	if name == DemoName {
		return checkpoint.OpenFS(demo.Files)
	}
	path, err := locate(name)
	if err != nil {
		return nil, err
	}
	return from(path)
}

// Name is a name for people, from what Open takes: that of the folder or file, in a hub cache that of the model there.
func Name(path string) string {
	if n, ok := hub.ParseName(path); ok {
		path = cmp.Or(n.File, n.Repo)
	}
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

// noneThere is an error that is fs.ErrNotExist, in other words.
func noneThere(format string, args ...any) error { return notThere(fmt.Sprintf(format, args...)) }

type notThere string

func (e notThere) Error() string   { return "model: " + string(e) }
func (e notThere) Unwrap() []error { return []error{fs.ErrNotExist, checkpoint.ErrModel} }

// locate is the folder or file of a model that is given as a path, as a folder models--ORG--NAME of a hub cache, or as its name on a hub.
func locate(name string) (string, error) {
	_, err := os.Stat(name)
	n, onHub := HubName(name)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && strings.EqualFold(filepath.Clean(name), DemoName):
		return "", noneThere("there is neither a folder nor a file %s; did you mean %s?", name, DemoName)
	case missing && n.File == "" && strings.HasSuffix(name, ".gguf"):
		return "", noneThere("there is no file %s; `muninn quantize` writes such files", name)
	case missing && !onHub:
		return "", noneThere("there is neither a folder nor a file %s", name)
	case missing:
		path, err := held(n)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, checkpoint.ErrNoWeights) {
			err = strict.Unusable("%s is neither a folder nor a complete model in the hub cache %s;\n`muninn pull %[1]s` fetches it", name, hub.Dir())
		} else if err != nil {
			err = strict.Unusable("%w", err)
		}
		return path, err
	}
	if _, err := os.Stat(filepath.Join(name, "snapshots")); err != nil {
		return name, nil
	}
	dir, err := hub.SnapshotIn(name, "")
	if none, ok := errors.AsType[*hub.NoSnapshotError](err); ok {
		return "", strict.Unusable("%s has %d snapshots and refs/main names none of them (%.80q); fetch the model again, or give a folder in snapshots",
			none.Repo, none.Snapshots, none.Commit)
	}
	if err != nil {
		return "", strict.Unusable("%w", err)
	}
	if whole, err := Whole(dir); err == nil {
		return whole, nil
	}
	return dir, nil // to be told what is wrong with it
}
