//go:build unix

package checkpoint

import (
	"os"
	"path/filepath"
	"syscall"

	"muninn/model/arch"
)

// systemCases need links and pipes.
func systemCases() []badCase {
	link := func(name, want, file, target string) badCase {
		return replaced("links: "+name, want, func(dir string) error {
			path := filepath.Join(dir, file)
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(target, path)
		})
	}
	return []badCase{
		link("config out of the folder", "config.json: not valid JSON", arch.FileConfig, "../../../../../../../etc/hostname"),
		link("config to an absolute path", "config.json: not valid JSON", arch.FileConfig, "/etc/hostname"),
		link("weights to a device", "model.safetensors: a link to /dev/zero: not a regular file", fileSingle, "/dev/zero"),
		link("weights to themselves", "model.safetensors: ", fileSingle, fileSingle),
		link("weights to nothing", "model.safetensors: a link to gone, which is not there", fileSingle, "gone"),
		replaced("links: shard to a device", shardB+": a link to /dev/null: not a regular file", func(dir string) error {
			if err := soundShardsIn(dir); err != nil {
				return err
			}
			for _, name := range []string{fileSingle, shardB} {
				if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
					return err
				}
			}
			return os.Symlink("/dev/null", filepath.Join(dir, shardB))
		}),
		replaced("links: weights are a pipe", "model.safetensors: not a regular file", func(dir string) error {
			path := filepath.Join(dir, fileSingle)
			if err := os.Remove(path); err != nil {
				return err
			}
			return syscall.Mkfifo(path, 0o644)
		}),
	}
}
