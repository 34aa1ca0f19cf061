// Package store knows where models are.
package store

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"muninn/model/checkpoint"
	"muninn/model/demo"
	"muninn/model/internal/strict"
)

// DemoName is the path that stands for the embedded demo model.
const DemoName = "demo"

// Open opens the checkpoint in a folder, a GGUF file that WriteGGUF made, a model in the hub cache by its name ORG/NAME or its
// folder there, or the embedded demo model for the name "demo". Every error is of the checkpoint.ErrModel family.
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

// notThere is an error that is fs.ErrNotExist, in other words.
type notThere string

func (e notThere) Error() string   { return "model: " + string(e) }
func (e notThere) Unwrap() []error { return []error{fs.ErrNotExist, checkpoint.ErrModel} }

// hubID is the form of a model's name on a hub, ORG/NAME.
var hubID = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)

// locate is the folder or file of a model that is given as a path, as a folder models--ORG--NAME of a hub cache, or as ORG/NAME.
func locate(name string) (string, error) {
	_, err := os.Stat(name)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && strings.EqualFold(filepath.Clean(name), DemoName):
		return "", notThere("there is neither a folder nor a file " + name + "; did you mean " + DemoName + "?")
	case missing && strings.HasSuffix(name, ".gguf"):
		return "", notThere("there is no file " + name + "; `muninn quantize` writes such files")
	case missing && !hubID.MatchString(name):
		return "", notThere("there is neither a folder nor a file " + name)
	case missing:
		hub := hubCache()
		repo := filepath.Join(hub, "models--"+strings.ReplaceAll(name, "/", "--"))
		if _, err := os.Stat(repo); err != nil {
			return "", notThere("there is neither a folder " + name + " nor a model of that name in the hub cache " + hub + "; fetch it with\n" +
				"  hf download " + name + "\n" +
				"(a command of the Python package huggingface_hub), or give the folder that holds its config.json, tokenizer.json and\n" +
				"*.safetensors, with their index where there are several")
		}
		name = repo
	}
	if _, err := os.Stat(filepath.Join(name, "snapshots")); err != nil {
		return name, nil
	}
	return snapshot(name)
}

// snapshot is the folder of the revision in a hub cache's folder of a model that refs/main names, or of the only one.
func snapshot(repo string) (string, error) {
	all, err := os.ReadDir(filepath.Join(repo, "snapshots"))
	if err != nil {
		return "", strict.Unusable("%w", err)
	}
	ref, err := os.ReadFile(filepath.Join(repo, "refs", "main"))
	revision := strings.TrimSpace(string(ref))
	if err != nil && len(all) == 1 {
		revision = all[0].Name()
	}
	for _, s := range all {
		if s.Name() == revision {
			return filepath.Join(repo, "snapshots", revision), nil
		}
	}
	return "", strict.Unusable("%s has %d snapshots and refs/main names none of them (%.80q); fetch the model again, or give a folder in snapshots",
		repo, len(all), revision)
}

// hubCache is the folder in which the hub's tools keep models.
func hubCache() string {
	dir, _ := os.UserHomeDir() // without one the path is relative, and nothing is there
	user := cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(dir, ".cache"))
	home := cmp.Or(os.Getenv("HF_HOME"), filepath.Join(user, "huggingface"))
	return cmp.Or(os.Getenv("HF_HUB_CACHE"), filepath.Join(home, "hub"))
}
