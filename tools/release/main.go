// Command release builds the archives of a release into dist: the program for each system, what users should have beside it, the licences
// of all that is linked in, and SHA256SUMS. The same commit, Go and compilers give the same bytes. `./build.sh release` installs what it needs.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// target is a system that the program is built for.
type target struct {
	os, arch, compiler string
	licences           []file // of what the compiler links in that is not the system's
}

var targets = []target{
	{"linux", "amd64", "x86_64-linux-gnu-gcc", nil},
	{"linux", "arm64", "aarch64-linux-gnu-gcc", nil},
	{"windows", "amd64", "x86_64-w64-mingw32-gcc", []file{{name: "licences/mingw-w64", path: "/usr/share/doc/mingw-w64-x86-64-dev/copyright"}}},
}

const dist = "dist"

func main() {
	version := flag.String("version", "", "`name` of the version")
	commit := flag.String("commit", "", "`commit` that it is built from")
	seconds := flag.Int64("time", 0, "time of the commit in Unix `seconds`, which all files get")
	flag.Parse()
	if err := release(*version, *commit, time.Unix(*seconds, 0).UTC()); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func release(version, commit string, at time.Time) error {
	work, err := os.MkdirTemp("", "muninn-release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	sums := ""
	for _, t := range targets {
		program, needs, err := t.build(work, version, commit)
		if err != nil {
			return fmt.Errorf("%s %s: %w", t.os, t.arch, err)
		}
		files := []file{program, {name: "LICENSE", path: "LICENSE"}, {name: "README.md", path: "README.md"}, {name: "CHANGELOG.md", path: "CHANGELOG.md"}}
		linked, err := t.linked()
		if err != nil {
			return fmt.Errorf("%s %s: %w", t.os, t.arch, err)
		}
		name := strings.Join([]string{"muninn", version, t.os, t.arch}, "-")
		data, ending, err := t.pack(name, append(append(files, linked...), t.licences...), at)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dist, name+ending), data, 0o644); err != nil {
			return err
		}
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name+ending)
		fmt.Printf("%s  %.1f MB%s\n", filepath.Join(dist, name+ending), float64(len(data))/1e6, needs)
	}
	return os.WriteFile(filepath.Join(dist, "SHA256SUMS"), []byte(sums), 0o644)
}

// environment is what go runs in for the target: nothing of the user's that changes what is built.
func (t target) environment() []string {
	return append(os.Environ(), "CGO_ENABLED=1", "GOOS="+t.os, "GOARCH="+t.arch, "CC="+t.compiler, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0",
		"CGO_CFLAGS=-O2", "CGO_CPPFLAGS=", "CGO_LDFLAGS=", "GOEXPERIMENT=")
}

// build builds the program, and says what it needs of the system.
func (t target) build(work, version, commit string) (program file, needs string, err error) {
	program = file{name: "muninn", program: true}
	if t.os == "windows" {
		program.name += ".exe"
	}
	program.path = filepath.Join(work, t.os+t.arch)
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+version+" -X main.commit="+commit, "-o", program.path, "./cmd/muninn")
	c.Env, c.Stderr = t.environment(), os.Stderr
	if err := c.Run(); err != nil {
		return program, "", err
	}
	if t.os == "linux" {
		needs, err = glibc(program.path)
	}
	return program, needs, err
}
