package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/internal/strict"
	"muninn/model/store/hub"
)

// Wanted is the name on a hub of what Open would open under a name and does not find in the cache, or not whole. ok is false
// where it is there, or is no name of a hub's.
func Wanted(name string) (n hub.Name, ok bool) {
	if _, err := os.Stat(name); name == DemoName || err == nil {
		return n, false
	}
	if n, ok = HubName(name); !ok {
		return n, false
	}
	_, err := held(n)
	return n, err != nil
}

// HubName reads an alias, or ORG/NAME, each with or without a @REVISION behind it; behind ORG/NAME may be :FILE.gguf too.
func HubName(name string) (hub.Name, bool) { return hub.ParseName(aliased(name)) }

// held is the folder, or the GGUF file, in which the hub cache has a model whole.
func held(n hub.Name) (string, error) {
	dir, err := hub.Cache{Dir: hub.Dir()}.Snapshot(n)
	if err != nil {
		return "", err
	}
	return opened(dir, n)
}

// opened is what to open in a snapshot of a model: the file that is named, or what Whole says.
func opened(dir string, n hub.Name) (string, error) {
	if n.File == "" {
		return Whole(dir)
	}
	file := filepath.Join(dir, n.File)
	_, err := os.Stat(file)
	return file, err
}

// Whole is what to open in a snapshot: the folder, or its only GGUF file. It fails where a file is missing.
func Whole(dir string) (string, error) {
	has := func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	}
	names, err := checkpoint.Needed(has, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) })
	if errors.Is(err, checkpoint.ErrNoWeights) {
		if files, _ := filepath.Glob(filepath.Join(dir, "*.gguf")); len(files) == 1 { // it errs on bad patterns alone
			return files[0], nil
		}
	}
	for _, name := range append(names, arch.FileConfig) {
		if err == nil && !has(name) {
			err = strict.Unusable("%s: %s: %w", dir, name, fs.ErrNotExist)
		}
	}
	return dir, err
}

// Download is what Pull fetches.
type Download struct {
	Repo  *hub.Repo
	Files []hub.File
	Left  int64 // bytes that are not in the cache
	Size  int64 // bytes of all files

	client *hub.Client
}

// Find asks the hub what of a model is to be fetched: the files that Open reads. Where a repository holds the weights more than
// once that is model.safetensors, else the shards of model.safetensors.index.json, else its only GGUF file.
func Find(ctx context.Context, c *hub.Client, name hub.Name) (*Download, error) {
	r, err := c.Repo(ctx, name)
	if err != nil {
		return nil, err
	}
	d := &Download{Repo: r, client: c}
	if name.File != "" {
		return d, d.only(name.File)
	}
	has := func(name string) bool { _, ok := r.File(name); return ok }
	names, err := checkpoint.Needed(has, func(name string) ([]byte, error) {
		f, _ := r.File(name)
		return c.ReadFile(ctx, r, f)
	})
	if errors.Is(err, checkpoint.ErrNoWeights) {
		names, err = onlyGGUF(r)
	} else if err == nil {
		err = known(ctx, c, r)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, ok := r.File(name)
		if !ok {
			return nil, strict.Unusable("%s has no %s, which its index names", r.Name, name)
		}
		d.Files, d.Size = append(d.Files, f), d.Size+f.Size
	}
	d.Left = c.Left(r, d.Files)
	return d, nil
}

// only makes it of one file.
func (d *Download) only(name string) error {
	f, ok := d.Repo.File(name)
	if !ok {
		return strict.Unusable("%s: there is no such file; of GGUF files it has: %s", d.Repo.Name, strings.Join(ggufs(d.Repo), ", "))
	}
	d.Files, d.Size = []hub.File{f}, f.Size
	d.Left = d.client.Left(d.Repo, d.Files)
	return nil
}

// known refuses a model that could not be run, before its weights are fetched.
func known(ctx context.Context, c *hub.Client, r *hub.Repo) error {
	f, ok := r.File(arch.FileConfig)
	if !ok {
		return strict.Unusable("%s has no %s, without which its weights say nothing", r.Name, arch.FileConfig)
	}
	data, err := c.ReadFile(ctx, r, f)
	if err != nil {
		return err
	}
	_, _, err = arch.ParseConfig(data, nil)
	if unknown, ok := errors.AsType[*arch.UnknownArchitectureError](err); ok {
		return strict.Unusable("%s: %w", r.Name, unknown)
	}
	return nil // what else may be wrong is seen with the tensors
}

// ggufs are the names of a repository's GGUF files.
func ggufs(r *hub.Repo) (names []string) {
	for _, f := range r.Files {
		if path.Ext(f.Path) == ".gguf" && path.Base(f.Path) == f.Path {
			names = append(names, f.Path)
		}
	}
	return names
}

// onlyGGUF is the name of the GGUF file of a repository that has no other weights that are read.
func onlyGGUF(r *hub.Repo) ([]string, error) {
	names := ggufs(r)
	switch {
	case len(names) > 1:
		return nil, strict.Unusable("%s has no safetensors weights but %d GGUF files; name one, as %s:%s, of: %s", r.Name, len(names), r.Name, names[0], strings.Join(names, ", "))
	case len(names) == 0:
		return nil, strict.Unusable("%s has no model.safetensors and no index of shards; %w", r.Name, checkpoint.ErrNoWeights)
	}
	return names, nil
}

// Pull fetches it and returns what Open opens then. progress is told how much of Left has come.
func (d *Download) Pull(ctx context.Context, progress func(done, total int64)) (string, error) {
	dir, err := d.client.Fetch(ctx, d.Repo, d.Files, progress)
	if err != nil {
		return "", err
	}
	return opened(dir, d.Repo.Name)
}

// OpenRemote opens a model on a hub for what its config, texts and headers of weights say, which is all that is read, and kept nowhere.
func OpenRemote(ctx context.Context, d *Download) (*checkpoint.Checkpoint, error) {
	if len(d.Files) == 1 {
		return nil, strict.Unusable("%s has its weights as %s, which can be looked at once it is fetched", d.Repo.Name, d.Files[0].Path)
	}
	return checkpoint.OpenHeaders(d.client.FS(ctx, d.Repo, func(path string) bool { return !strings.HasSuffix(path, ".safetensors") }))
}
