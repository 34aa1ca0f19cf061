package main

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"

	"muninn/tools/glsl/table"
)

// compiler runs glslc, and spirv-val on what it made.
type compiler struct {
	glslc, spirvVal string // paths; spirvVal is empty when it is not installed
	version         string // of glslc and the libraries in it, on one line
}

func findCompiler() (compiler, error) {
	var c compiler
	var err error
	if c.glslc, err = exec.LookPath("glslc"); err != nil {
		return c, errors.New("glslc is not installed; it compiles the kernels: on Debian and Ubuntu `apt install glslc spirv-tools`, " +
			"on Fedora `dnf install glslc spirv-tools`, on Arch `pacman -S shaderc spirv-tools`, elsewhere the Vulkan SDK")
	}
	c.spirvVal, _ = exec.LookPath("spirv-val") // optional: an empty path skips it
	out, err := exec.Command(c.glslc, "--version").Output()
	if err != nil {
		return c, fmt.Errorf("%s --version: %w", c.glslc, err)
	}
	var parts []string
	for _, line := range strings.Split(string(out), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Target") {
			parts = append(parts, line)
		}
	}
	c.version = strings.Join(parts, ", ")
	return c, nil
}

// compile compiles one variant of the shaders folder dir into the file out.
func (c compiler) compile(v table.Variant, dir, out string) error {
	if msg, err := exec.Command(c.glslc, v.Args(dir, out)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: glslc: %w\n%s", v.Name, err, msg)
	}
	if c.spirvVal != "" { // older ones do not know what finish translates into
		if msg, err := exec.Command(c.spirvVal, "--target-env", "vulkan1.1", out).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: spirv-val: %w\n%s", v.Name, err, msg)
		}
	}
	if err := finish(out); err != nil {
		return fmt.Errorf("%s: %w", v.Name, err)
	}
	return nil
}

// compileAll compiles the variants on all processors; out names the file of a kernel. All errors are returned.
func (c compiler) compileAll(list []table.Variant, dir string, out func(name string) string) error {
	errs := make([]error, len(list))
	running := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for i, v := range list {
		running <- struct{}{}
		wg.Go(func() {
			errs[i] = c.compile(v, dir, out(v.Name))
			<-running
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
