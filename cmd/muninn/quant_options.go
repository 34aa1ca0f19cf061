package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/engine"
	"muninn/model/store"
)

// schemeOptions say in which formats weights are held.
type schemeOptions struct {
	Quant string
	Keep  string
}

// AddFlags declares the flags; quant is the default format.
func (o *schemeOptions) AddFlags(fs *pflag.FlagSet, quant string) {
	cli.ChoiceVar(fs, &o.Quant, "quant", quant, checkpoint.QuantNames(), "format of the weights; auto: as stored")
	fs.StringVar(&o.Keep, "keep", "", "`parts` that stay at 16 bit, or in a format of their own: embed, head, adapter, prelude, core, coda, "+
		"separated by commas, as in core,embed=f16")
	fs.Lookup("keep").DefValue = "with q8_0 and q4_0 the adapter, and embed and head as q8_0"
}

func (o *schemeOptions) scheme() (checkpoint.Scheme, error) {
	scheme, err := checkpoint.ParseScheme(o.Quant, o.Keep)
	if err != nil {
		return scheme, cli.AsUsage(err)
	}
	return scheme, nil
}

// noteIdle names the flags about weights that the user gave and that change nothing with this checkpoint.
func (o *decodeOptions) noteIdle(s *cli.Streams, ck *checkpoint.Checkpoint, scheme checkpoint.Scheme) {
	bare := scheme
	bare.Keep = nil
	as, without := engine.DeviceFormats(scheme, ck.Config, ck.Stored), engine.DeviceFormats(bare, ck.Config, ck.Stored)
	blocks, kept := false, false
	for _, spec := range ck.Config.TensorSpecs() {
		blocks = blocks || as(spec).Blocked()
		kept = kept || as(spec) != without(spec)
	}
	makes, _ := scheme.Quantises(ck) // an error comes once more where it matters
	for _, f := range []struct {
		name string
		does bool
		why  string
	}{{"activations", blocks, "no weights are in q8_0 or q4_0"}, {"no-cache", makes, "no weights are quantised"}, {"keep", kept, "all parts are so without it"}} {
		if o.given(f.name) && !f.does {
			s.Note("--%s changes nothing here: %s", f.name, f.why)
		}
	}
}

// cacheVersion changes when the same source and scheme give other bytes than before.
const cacheVersion = "1"

// quantised is the checkpoint as the scheme wants it: the cached file if there is one, made now if not, and the checkpoint
// itself where the scheme makes no blocks of weights or there is no place for a file. In that case the weights are
// quantised as they are loaded. Closing what is returned, when it is not ck, is the caller's.
func quantised(ctx context.Context, s *cli.Streams, name string, ck *checkpoint.Checkpoint, scheme checkpoint.Scheme) (*checkpoint.Checkpoint, error) {
	makes, err := scheme.Quantises(ck)
	if err != nil || !makes {
		return ck, err
	}
	base := cacheBase(s)
	if base == "" {
		return ck, nil
	}
	source, err := ck.SourceKey()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(cacheVersion + "\n" + source + "\n" + scheme.String()))
	key := hex.EncodeToString(sum[:])
	path := filepath.Join(base, "weights", plainName(name)+"-"+plainName(scheme.String())+"-"+key[:16]+".gguf")
	if cached, err := store.Open(path); err == nil {
		if cached.CachedFrom() == key {
			s.Note("weights from the cache: %s", path)
			return cached, nil
		}
		cached.Close()
	}
	o := checkpoint.WriteOptions{Scheme: scheme, Name: modelName(name), Source: key}
	bytes, err := checkpoint.GGUFSize(ck, o)
	if err != nil {
		return nil, err
	}
	s.Note("quantising to %v, once: %s go to %s (--no-cache does without)", scheme, cli.Size(uint64(bytes)), path)
	err = os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		bar := cli.NewProgress(s, "quantising "+name, ck.Size(), true)
		o.Progress = bar.Set
		err = checkpoint.WriteGGUF(ctx, ck, path, o)
		bar.Done()
	}
	if err == nil {
		return store.Open(path)
	}
	if ctx.Err() != nil || errors.Is(err, checkpoint.ErrModel) || errors.Is(err, checkpoint.ErrScheme) {
		return nil, err
	}
	s.Note("no cache: %v; the weights are quantised as they are loaded", err)
	return ck, nil
}

// cacheBase is the user's folder for what can be made anew; empty when there is none.
func cacheBase(s *cli.Streams) string {
	base, _ := s.Env("MUNINN_CACHE_DIR")
	if base != "" {
		return base
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(user, "muninn")
}

// modelName is a name for people, from the path of a model.
func modelName(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return strings.ToValidUTF8(strings.TrimSuffix(filepath.Base(path), ".gguf"), "?")
}

var notPlain = regexp.MustCompile(`[^A-Za-z0-9_.]+`)

// plainName is what a text adds to a file's name.
func plainName(text string) string {
	return strings.Trim(notPlain.ReplaceAllString(modelName(text), "-"), "-.")
}
