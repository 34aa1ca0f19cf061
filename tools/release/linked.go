package main

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// linked are the licences of Go and of the modules that are linked in for the target.
func (t target) linked() ([]file, error) {
	c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "./cmd/muninn")
	c.Env, c.Stderr = t.environment(), os.Stderr
	list, err := c.Output()
	if err != nil {
		return nil, err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	modules := append(strings.Fields(strings.ReplaceAll(string(list), "\t", "=")), "go="+strings.TrimSpace(string(root)))
	slices.Sort(modules)
	var all []file
	for _, m := range slices.Compact(modules) {
		name, dir, _ := strings.Cut(m, "=")
		found, err := licences(name, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

var (
	isLicence = regexp.MustCompile(`(?i)^(licen[cs]e|copying)`)
	isNotice  = regexp.MustCompile(`(?i)^(notice|patents|third.party)`)
)

// licences are the files in a module's folder that have to go with it. A module without a licence may not be passed on.
func licences(module, dir string) (files []file, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	may := false
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() && isNotice.MatchString(name) {
			err := filepath.WalkDir(filepath.Join(dir, name), func(path string, e fs.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() {
					files = append(files, file{name: "licences/" + module + "/" + name + "/" + e.Name(), path: path})
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		} else if e.Type().IsRegular() && (isLicence.MatchString(name) || isNotice.MatchString(name)) {
			files = append(files, file{name: "licences/" + module + "/" + name, path: filepath.Join(dir, name)})
			may = may || isLicence.MatchString(name)
		}
	}
	if !may {
		return nil, fmt.Errorf("%s has no licence in %s, and is linked in", module, dir)
	}
	return files, nil
}

// newestGlibc is the minor version of the GNU C library, 2.34 of August 2021, that a release may ask of a system: Debian 12, Ubuntu
// 22.04, RHEL 9 and newer have it. What a program asks comes from the system that it is built on.
const newestGlibc = 34

// glibc says which version of the GNU C library a program needs, and for which symbols.
func glibc(path string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return "", err
	}
	newest, names := 0, []string(nil)
	for _, s := range symbols {
		minor := 0
		if n, _ := fmt.Sscanf(s.Version, "GLIBC_2.%d", &minor); n == 0 || minor < newest {
			continue
		}
		if minor > newest {
			newest, names = minor, nil
		}
		names = append(names, s.Name)
	}
	slices.Sort(names)
	needs := fmt.Sprintf(", needs glibc 2.%d (%s)", newest, strings.Join(slices.Compact(names), " "))
	if newest > newestGlibc {
		return "", fmt.Errorf("this system is too new to build a release on%s, more than 2.%d; build on Debian 12 or a system as old", needs, newestGlibc)
	}
	return needs, nil
}
