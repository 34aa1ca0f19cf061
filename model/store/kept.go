package store

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"muninn/model/checkpoint"
)

// Kept is a file of ours that can be made anew.
type Kept struct {
	Kind    string    `json:"kind"`
	Path    string    `json:"path"`            // below the folder of all
	Model   string    `json:"model,omitempty"` // whose weights; empty for what is no model's, and where the file is not whole
	Bytes   int64     `json:"bytes"`
	Changed time.Time `json:"changed"`
}

// keptFiles are the kinds of files, and their names below the folder.
var keptFiles = []struct {
	kind     string
	patterns []string
}{
	{"weights", []string{WeightsDir + "/*.gguf", WeightsDir + "/.*", WeightsDir + "/sources/*"}},
	{"kernels", []string{KernelsDir + "/pipelines-*.bin"}},
	{"measurements", []string{KernelsDir + "/speed-*.bin", KernelsDir + "/verdict-*.bin", KernelsDir + "/tuning-*.bin"}},
}

// WeightsDir is the folder of quantized weights, KernelsDir that of compiled kernels and of what was found of devices.
const (
	WeightsDir = "weights"
	KernelsDir = "pipelines"
)

// KeptKinds are the kinds of files that Muninn keeps: weights, kernels, measurements.
func KeptKinds() (kinds []string) {
	for _, k := range keptFiles {
		kinds = append(kinds, k.kind)
	}
	return kinds
}

// ListKept lists the files that are kept in a folder, as CacheDir is.
func ListKept(dir string) (list []Kept, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) || dir == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, k := range keptFiles {
		for _, pattern := range k.patterns {
			names, _ := fs.Glob(root.FS(), pattern) // it errs on bad patterns alone
			for _, name := range names {
				info, err := root.Lstat(name)
				if err != nil || !info.Mode().IsRegular() {
					continue
				}
				one := Kept{Kind: k.kind, Path: name, Bytes: info.Size(), Changed: info.ModTime().UTC()}
				if path.Ext(name) == ".gguf" && !strings.HasPrefix(path.Base(name), ".") {
					one.Model = keptModel(dir + "/" + name)
				}
				list = append(list, one)
			}
		}
	}
	return list, nil
}

// keptModel is the name in a file of weights.
func keptModel(path string) string {
	ck, err := checkpoint.OpenPath(path)
	if err != nil {
		return ""
	}
	defer ck.Close()
	return ck.Name()
}

// ClearKept removes the files of some kinds and returns how many bytes they had.
func ClearKept(dir string, kinds ...string) (freed int64, err error) {
	list, err := ListKept(dir)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	for _, k := range list {
		if slices.Contains(kinds, k.Kind) {
			if e := root.Remove(k.Path); e != nil {
				err = errors.Join(err, e)
				continue
			}
			freed += k.Bytes
		}
	}
	return freed, err
}

// Format is that of the kept weights; empty for other files.
func (k Kept) Format() string {
	format, _, ok := strings.Cut(path.Base(k.Path), "-")
	if !ok || k.Kind != "weights" {
		return ""
	}
	return format
}
