package vk

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// SetupError says that Vulkan does not start, and what the loader had to read for it. Loaders answer to a broken manifest of any
// driver or layer with errors that point elsewhere. It matches ErrSetup and nothing else.
type SetupError struct {
	Op     string
	Result Result
	Loader string   // file of the loader
	Broken []string // manifests that are none, with the reason
	Layers []string // layers in force
}

func (e *SetupError) Error() string {
	text := fmt.Sprintf("vk: Vulkan does not start: %s: %v; loader %s", e.Op, e.Result, e.Loader)
	if len(e.Broken) > 0 {
		text += "; broken manifests: " + strings.Join(e.Broken, ", ")
	}
	if len(e.Layers) > 0 {
		text += "; layers in force: " + strings.Join(e.Layers, ", ")
	}
	return text
}

// Is matches ErrSetup.
func (e *SetupError) Is(target error) bool { return target == ErrSetup }

// setupFailed turns what a set-up call returned into an error, or nil for success.
func setupFailed(op string, r Result, loader string) error {
	if r == 0 {
		return nil
	}
	e := &SetupError{Op: op, Result: r, Loader: loader}
	for _, kind := range []string{"icd.d", "explicit_layer.d", "implicit_layer.d"} {
		for _, path := range manifests(kind) {
			layers, err := readManifest(path)
			if err != nil {
				e.Broken = append(e.Broken, fmt.Sprintf("%s (%v)", path, err))
			}
			for _, l := range layers {
				if kind == "implicit_layer.d" && l.on() {
					e.Layers = append(e.Layers, l.Name)
				}
			}
		}
	}
	e.Layers = append(e.Layers, filepath.SplitList(os.Getenv("VK_INSTANCE_LAYERS"))...)
	const incompatibleDriver = -9
	if (r == incompatibleDriver || r == resultInitFailed && op == "list devices") && len(e.Broken) == 0 {
		return ErrNoDriver // what loaders say when no driver starts
	}
	return e
}

// manifestVariables replace the usual folders of a kind of manifest, and add to them.
var manifestVariables = map[string][2][]string{
	"icd.d":            {{"VK_DRIVER_FILES", "VK_ICD_FILENAMES"}, {"VK_ADD_DRIVER_FILES"}},
	"explicit_layer.d": {{"VK_LAYER_PATH"}, {"VK_ADD_LAYER_PATH"}},
	"implicit_layer.d": {{"VK_IMPLICIT_LAYER_PATH"}, {"VK_ADD_IMPLICIT_LAYER_PATH"}},
}

// manifests are the files of a kind that the loader reads, without those that Windows has in its registry.
func manifests(kind string) (files []string) {
	list := func(names []string, usual ...string) []string {
		for _, name := range names {
			if list := filepath.SplitList(os.Getenv(name)); len(list) > 0 {
				return list
			}
		}
		return usual
	}
	var folders []string
	if home := os.Getenv("HOME"); runtime.GOOS != "windows" {
		for _, v := range [][]string{
			{"XDG_CONFIG_HOME", home + "/.config"}, {"XDG_CONFIG_DIRS", "/etc/xdg"}, {"", "/usr/local/etc", "/etc"},
			{"XDG_DATA_HOME", home + "/.local/share"}, {"XDG_DATA_DIRS", "/usr/local/share", "/usr/share"},
		} {
			for _, dir := range list(v[:1], v[1:]...) {
				folders = append(folders, filepath.Join(dir, "vulkan", kind))
			}
		}
	}
	variables := manifestVariables[kind]
	for _, place := range append(list(variables[0], folders...), list(variables[1])...) {
		if info, err := os.Stat(place); err == nil && !info.IsDir() {
			files = append(files, place)
			continue
		}
		found, _ := fs.Glob(os.DirFS(place), "*.json") // a folder that cannot be read has nothing to say
		for _, name := range found {
			files = append(files, filepath.Join(place, name))
		}
	}
	return files
}

// manifestLayer is what a manifest says of a layer.
type manifestLayer struct {
	Name    string            `json:"name"`
	Enable  map[string]string `json:"enable_environment"`
	Disable map[string]string `json:"disable_environment"`
}

// on tells whether an implicit layer is in force.
func (l manifestLayer) on() bool {
	for name := range l.Disable {
		if _, set := os.LookupEnv(name); set {
			return false
		}
	}
	for name, value := range l.Enable {
		if os.Getenv(name) != value {
			return false
		}
	}
	off := os.Getenv("VK_LOADER_LAYERS_DISABLE")
	return !strings.Contains(off, "~implicit~") && !strings.Contains(off, "~all~")
}

// readManifest returns the layers of a manifest, or why it is none.
func readManifest(path string) ([]manifestLayer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m struct {
		ICD    map[string]any  `json:"ICD"`
		Layer  *manifestLayer  `json:"layer"`
		Layers []manifestLayer `json:"layers"`
	}
	switch err := json.Unmarshal(text, &m); {
	case err != nil:
		return nil, fmt.Errorf("begins with %.10q: %w", text[:min(len(text), 10)], err)
	case m.Layer != nil:
		m.Layers = append(m.Layers, *m.Layer)
	case m.ICD == nil && m.Layers == nil:
		return nil, fmt.Errorf("names neither a driver nor a layer")
	}
	return m.Layers, nil
}
