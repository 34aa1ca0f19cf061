package vk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"
)

// Files kept from run to run are sealed: a magic that names kind and version, the SHA-256 of the data, the data. They are
// replaced in one step, checked before use, and passed over when anything is wrong: all they hold can be made again.

const keptMax = 256 << 20 // bytes of a kept file that are read at most

// keptPath is where what is true for a key is kept.
func keptPath(dir, kind, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(dir, kind+"-"+hex.EncodeToString(sum[:12])+".bin")
}

// Key names the device and its driver: what was measured or found there is true for both only, and on a CPU for so many cores.
func (c Caps) Key() string {
	key := fmt.Sprintf("%s, device %s, driver %s, %s", c.Name, c.UUID, c.DriverUUID, c.Driver)
	if c.IsCPU() {
		key += fmt.Sprintf(", %d cores", runtime.NumCPU())
	}
	return key
}

// found is what a kept file of one kind holds as JSON.
type found struct {
	For   string          `json:"for"`
	Value json.RawMessage `json:"value"`
}

func foundMagic(kind string) string { return "muninn " + kind + " 3\n" }

// Recall reads into v what Remember kept of a kind for a key. It tells whether there is such a thing, and whole; dir "" holds none.
func Recall(dir, kind, key string, v any) bool {
	return dir != "" && recall(readKept(keptPath(dir, kind, key)), kind, key, v)
}

func recall(file []byte, kind, key string, v any) bool {
	var f found
	return json.Unmarshal(unseal(foundMagic(kind), file), &f) == nil && f.For == key && json.Unmarshal(f.Value, v) == nil
}

// Remember keeps v, as JSON, in the folder; "" keeps nothing.
func Remember(dir, kind, key string, v any) error {
	if dir == "" {
		return nil
	}
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	file, err := json.Marshal(found{For: key, Value: value})
	if err != nil {
		return err
	}
	return keep(keptPath(dir, kind, key), foundMagic(kind), file)
}

// Change keeps what change makes of the v that is kept of a kind for a key, the zero value if none is. Processes that change what is in a
// folder take turns, so that none loses what another has added.
func Change[T any](dir, kind, key string, change func(v T) T) error {
	return inTurn(dir, func() error {
		var kept, none T
		if !Recall(dir, kind, key, &kept) {
			kept = none
		}
		return Remember(dir, kind, key, change(kept))
	})
}

// inTurn does what changes a folder, which is made if it is not there, while no other process does. A lock that cannot be had soon is done
// without: what is lost then can be made again.
func inTurn(dir string, do func() error) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	lock := flock.New(filepath.Join(dir, ".lock"))
	_, _ = lock.TryLockContext(ctx, 5*time.Millisecond)
	defer func() { _ = lock.Close() }()
	return do()
}

func seal(magic string, data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(append([]byte(magic), sum[:]...), data...)
}

// unseal returns the data of a whole file of the kind, else nil.
func unseal(magic string, file []byte) []byte {
	head := len(magic) + sha256.Size
	if len(file) < head || string(file[:len(magic)]) != magic {
		return nil
	}
	data := file[head:]
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], file[len(magic):head]) {
		return nil
	}
	return data
}

// readKept returns the file's bytes, or nil when there is no such file or it cannot be one of ours.
func readKept(path string) []byte {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > keptMax {
		return nil
	}
	file, _ := os.ReadFile(path) // what could be read of it: a part does not match the sum
	return file
}

// keep seals data in a file, in a folder that is made when it is not there.
func keep(path, magic string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return replaceFile(path, seal(magic, data))
}

// replaceFile writes a file beside its place and renames it, so that no reader sees a part of it.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
