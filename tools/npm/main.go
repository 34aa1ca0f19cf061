// Npm puts the packages of a folder's package-lock.json where Node looks for them, without asking a registry twice for the same lock.
//
//	go run ./tools/npm tools/page
//
// They are fetched once for each lock, into the cache folder, to which the folder's node_modules points.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"muninn/model/store"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "npm: want one folder, with a package-lock.json in it")
		os.Exit(2)
	}
	if err := provide(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "npm: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func provide(folder string) error {
	lock, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	cache := os.Getenv("MUNINN_CACHE_DIR")
	if cache == "" {
		cache = store.CacheDir()
	}
	kept := filepath.Join(cache, "npm", fmt.Sprintf("%.8x", sha256.Sum256(lock)))
	if _, err := os.Stat(kept); err != nil {
		if err := install(folder, kept); err != nil {
			return err
		}
	}
	link := filepath.Join(folder, "node_modules")
	if err := os.RemoveAll(link); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(kept, "node_modules"), link)
}

// install fetches the packages into a folder, which is not there before all of it is.
func install(from, kept string) error {
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(kept), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	c := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	if err := os.Rename(dir, kept); err != nil {
		if _, there := os.Stat(kept); there != nil { // by another process
			return err
		}
	}
	return nil
}
