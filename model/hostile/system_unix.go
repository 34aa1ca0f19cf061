//go:build unix

package hostile

import (
	"os"
	"path/filepath"
	"syscall"
)

// systemCases need links and pipes.
func systemCases() []Case {
	link := func(name, want, file, target string) Case {
		return replaced("links: "+name, want, func(dir string) error {
			path := filepath.Join(dir, file)
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(target, path)
		})
	}
	return []Case{
		link("config out of the folder", "config.json: not valid JSON", fileConfig, "../../../../../../../etc/hostname"),
		link("config to an absolute path", "config.json: not valid JSON", fileConfig, "/etc/hostname"),
		link("weights to a device", "model.safetensors: a link to /dev/zero: not a regular file", fileWeights, "/dev/zero"),
		link("weights to themselves", "model.safetensors: ", fileWeights, fileWeights),
		link("weights to nothing", "model.safetensors: a link to gone, which is not there", fileWeights, "gone"),
		replaced("links: shard to a device", shardB+": a link to /dev/null: not a regular file", func(dir string) error {
			if err := SoundShards(dir); err != nil {
				return err
			}
			for _, name := range []string{fileWeights, shardB} {
				if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
					return err
				}
			}
			return os.Symlink("/dev/null", filepath.Join(dir, shardB))
		}),
		replaced("links: weights are a pipe", "model.safetensors: not a regular file", func(dir string) error {
			path := filepath.Join(dir, fileWeights)
			if err := os.Remove(path); err != nil {
				return err
			}
			return syscall.Mkfifo(path, 0o644)
		}),
	}
}
