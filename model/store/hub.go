package store

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"muninn/model/internal/strict"
)

// hubID is the form of a model's name on a hub, ORG/NAME.
var hubID = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)

// locate is the folder or file of a model that is given as a path, as a folder models--ORG--NAME of a hub cache, or as ORG/NAME.
func locate(name string) (string, error) {
	_, err := os.Stat(name)
	if err != nil && hubID.MatchString(name) {
		hub := hubCache()
		repo := filepath.Join(hub, "models--"+strings.ReplaceAll(name, "/", "--"))
		if _, err := os.Stat(repo); err != nil {
			return "", strict.Unusable("there is neither a folder %s nor a model of that name in the hub cache %s; fetch it, or give its folder",
				name, hub)
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
