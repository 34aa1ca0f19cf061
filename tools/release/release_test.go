package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// put writes files of a folder, each holding its own name.
func put(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// listed are the entries of an archive: mode, time, name and content.
func listed(t *testing.T, data []byte, ending string) (entries []string) {
	t.Helper()
	add := func(mode os.FileMode, at time.Time, name string, r io.Reader) {
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, fmt.Sprintf("%o %d %s %s", mode, at.Unix(), name, content))
	}
	if ending == ".zip" {
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.File {
			content, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			add(f.Mode(), f.Modified, f.Name, content)
		}
		return entries
	}
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		add(os.FileMode(h.Mode), h.ModTime, h.Name, r)
	}
}

// An archive has its files in one folder, programs alone are executable, and nothing in it tells when or by whom it was made.
func TestArchives(t *testing.T) {
	at := time.Unix(1_700_000_001, 0).UTC()
	for _, c := range []struct{ os, ending string }{{"linux", ".tar.gz"}, {"windows", ".zip"}} {
		var made [2][]byte
		for i := range made {
			dir := put(t, "p", "LICENSE")
			if err := os.Chtimes(filepath.Join(dir, "p"), at, time.Unix(int64(i), 0)); err != nil {
				t.Fatal(err)
			}
			files := []file{{"muninn", filepath.Join(dir, "p"), true}, {"licences/a/LICENSE", filepath.Join(dir, "LICENSE"), false}}
			var ending string
			var err error
			if made[i], ending, err = (target{os: c.os}).pack("muninn-1", files, at); err != nil || ending != c.ending {
				t.Fatal(ending, err)
			}
		}
		if !bytes.Equal(made[0], made[1]) {
			t.Errorf("%s: two archives of the same differ", c.os)
		}
		want := []string{"755 1700000001 muninn-1/muninn p", "644 1700000001 muninn-1/licences/a/LICENSE LICENSE"}
		if got := listed(t, made[0], c.ending); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.os, got, want)
		}
	}
	if _, _, err := (target{os: "linux"}).pack("x", []file{{"a", filepath.Join(t.TempDir(), "gone"), false}}, at); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}

// All that a module wants passed on goes along; one without a licence ends the release.
func TestLicences(t *testing.T) {
	for _, c := range []struct{ has, want []string }{
		{[]string{"LICENSE", "PATENTS", "README.md", "license_test.go.txt"}, []string{"LICENSE", "PATENTS", "license_test.go.txt"}},
		{[]string{"COPYING.md", "THIRD_PARTY_LICENSES", "main.go"}, []string{"COPYING.md", "THIRD_PARTY_LICENSES"}},
		{[]string{"Licence.txt", "NOTICE"}, []string{"Licence.txt", "NOTICE"}},
		{[]string{"LICENSE", "THIRD_PARTY_LICENSES/A"}, []string{"LICENSE", "THIRD_PARTY_LICENSES/A"}},
		{[]string{"NOTICE", "README.md", "LICENSES/A"}, nil},
		{nil, nil},
	} {
		files, err := licences("example.org/m", put(t, c.has...))
		if c.want == nil {
			if err == nil || !strings.Contains(err.Error(), "example.org/m has no licence") {
				t.Errorf("%v: %v", c.has, err)
			}
			continue
		}
		var names []string
		for _, f := range files {
			names = append(names, strings.TrimPrefix(f.name, "licences/example.org/m/"))
		}
		if err != nil || !slices.Equal(names, c.want) {
			t.Errorf("%v: %v, %v, want %v", c.has, names, err, c.want)
		}
	}
}
