package clients_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// packages puts the packages of package-lock.json where Node looks for them: they are fetched once for each lock, into the cache folder,
// to which node_modules points.
func packages(t *testing.T) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: `./build.sh deps` installs it; to leave clients written in JavaScript untried: %s=1", err, skip)
		}
	}
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache := os.Getenv("MUNINN_CACHE_DIR")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "muninn")
	}
	kept := filepath.Join(cache, "npm", fmt.Sprintf("%.8x", sha256.Sum256(lock)))
	if _, err := os.Stat(kept); err != nil {
		install(t, kept)
	}
	_ = os.RemoveAll("node_modules")
	if err := os.Symlink(filepath.Join(kept, "node_modules"), "node_modules"); err != nil {
		t.Fatal(err)
	}
}

// install fetches the packages into a folder, which is not there before all of it is.
func install(t *testing.T, kept string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(kept), "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v; to leave clients written in JavaScript untried: %s=1\n%s", err, skip, out)
	}
	if err := os.Rename(dir, kept); err != nil {
		if _, there := os.Stat(kept); there != nil { // by another process
			t.Fatal(err)
		}
	}
}
