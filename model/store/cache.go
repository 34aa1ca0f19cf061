package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"muninn/model/checkpoint"
)

// Cache keeps quantized weights, so that what a model holds is quantized once for each scheme, whatever the model is called.
// It is a convenience: what is wrong with it is noted, and the weights come from the source.
type Cache struct {
	Dir      string // "" means that nothing is kept
	Note     func(format string, args ...any)
	Progress Progress
}

// Progress begins to show how far work on total bytes is: set says it, end takes the display away.
type Progress func(what string, total int64) (set func(done, total int64), end func())

// cacheVersion changes when the same source and scheme give other bytes than before.
const cacheVersion = "2"

// Load calls load with ck as the scheme wants it: the kept file, one made now, or ck itself where the scheme makes no blocks of
// weights or there is no place for a file. A file that cannot be loaded is replaced. Closing the checkpoint that was loaded,
// when it is not ck, is the caller's.
func (c Cache) Load(ctx context.Context, name string, ck *checkpoint.Checkpoint, scheme checkpoint.Scheme, load func(*checkpoint.Checkpoint) error) (*checkpoint.Checkpoint, error) {
	makes, err := scheme.Quantizes(ck)
	if err != nil {
		return nil, err
	}
	if !makes || c.Dir == "" {
		return ck, load(ck)
	}
	source, err := c.Key(ctx, name, ck)
	if err != nil {
		return nil, err
	}
	key := digest(cacheVersion + "\n" + source + "\n" + scheme.String())
	format, _, _ := strings.Cut(scheme.String(), ",")
	path := filepath.Join(c.Dir, format+"-"+key[:32]+".gguf")
	if _, err := os.Lstat(path); err == nil {
		c.Note("weights from the cache: %s", path)
		kept, err := loadKept(path, key, load)
		if err == nil || !errors.Is(err, checkpoint.ErrModel) {
			return kept, err
		}
		c.Note("the cached weights cannot be used and are re-created: %v", err)
	}
	err = c.write(ctx, path, name, ck, checkpoint.WriteOptions{Scheme: scheme, Name: name, Source: key})
	if err != nil && (ctx.Err() != nil || errors.Is(err, checkpoint.ErrModel) || errors.Is(err, checkpoint.ErrScheme)) {
		return nil, err
	}
	// Windows replaces no file that another has open: what that one reads is as good.
	made, unusable := loadKept(path, key, load)
	if !errors.Is(unusable, checkpoint.ErrModel) {
		return made, unusable
	}
	c.Note("no cache: %v; the weights are quantized as they are loaded", cmp.Or(err, unusable))
	return ck, load(ck)
}

// loadKept loads the file at path if it was made under key.
func loadKept(path, key string, load func(*checkpoint.Checkpoint) error) (*checkpoint.Checkpoint, error) {
	kept, err := checkpoint.OpenPath(path)
	if err != nil {
		return nil, err
	}
	if kept.CachedFrom() != key {
		err = fmt.Errorf("%w: it is of other weights", checkpoint.ErrModel)
	} else if err = load(kept); err == nil {
		return kept, nil
	}
	kept.Close()
	return nil, err
}

func (c Cache) write(ctx context.Context, path, name string, ck *checkpoint.Checkpoint, o checkpoint.WriteOptions) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	set, end := c.Progress("quantizing "+name, ck.Size())
	defer end()
	o.Progress, o.Begin = set, func(size int64) {
		c.Note("quantizing to %v, once: %.1f MB go to %s (--no-cache turns this off)", o.Scheme, float64(size)/1e6, path)
	}
	return checkpoint.WriteGGUF(ctx, ck, path, o)
}

// Key is the checkpoint's SourceKey. All weights are read for it the first time; it is remembered under their Identity.
func (c Cache) Key(ctx context.Context, name string, ck *checkpoint.Checkpoint) (string, error) {
	memo := ""
	if id := ck.Identity(); id != "" && c.Dir != "" {
		memo = filepath.Join(c.Dir, "sources", digest(id))
		if weights, err := os.ReadFile(memo); err == nil && len(weights) == 2*sha256.Size {
			return ck.SourceKey(string(weights))
		}
	}
	set, end := c.Progress("reading "+name, ck.Size())
	weights, err := ck.WeightsKey(ctx, set)
	end()
	if err != nil {
		return "", err
	}
	if memo != "" && os.MkdirAll(filepath.Dir(memo), 0o700) == nil {
		_ = os.WriteFile(memo, []byte(weights), 0o600) // what is not remembered is read again
	}
	return ck.SourceKey(weights)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
