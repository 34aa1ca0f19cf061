// Synth writes a checkpoint of any shape with random weights, in the form model hubs have them: config.json,
// generation_config.json, tokenizer.json and weights in safetensors.
//
//	go run ./tools/synth --out DIR --shape tiny
//	go run ./tools/synth --out DIR --shape 5280,55,17920,65536,2,4,2 --dtype bf16 --shard-size 5GB
//	go run ./tools/synth --out DIR --shape ouro-1.4b
//
// The model talks nonsense, but it costs what a trained one of that shape costs, and its core block contracts, so states
// settle and exit criteria fire (recipe.go). The same seed and shape give the same bytes on every machine, however many
// cores write them. Nothing that can be opened is there before all of it is.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"muninn/model/arch"
)

type options struct {
	out       string
	shape     string
	dtype     string
	shardSize string
	seed      uint64
	blockSize int
}

func main() {
	var o options
	flags := pflag.NewFlagSet("synth", pflag.ExitOnError)
	flags.StringVar(&o.out, "out", "", "folder to write; must not hold a checkpoint yet")
	flags.StringVar(&o.shape, "shape", "tiny", arch.ShapeForm+", a config.json, or one of "+arch.ShapeNames())
	flags.StringVar(&o.dtype, "dtype", "bf16", "element type: bf16, f16 or f32")
	flags.StringVar(&o.shardSize, "shard-size", "5GB", "largest file of weights, in bytes or with KB, MB, GB, KiB, MiB, GiB")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the weights")
	flags.IntVar(&o.blockSize, "block-size", 0, "positions, for config.json; 0: the shape's own")
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, "Usage: synth --out DIR [--shape SHAPE]\n\n%s", flags.FlagUsages())
	}
	flags.Parse(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "synth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	p, err := o.plan()
	if err != nil {
		return err
	}
	bar := progressbar.NewOptions64(p.bytes(),
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true), progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionSetDescription("writing"), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))))
	start := time.Now()
	if err := p.write(ctx, o.out, func(n int) { bar.Add(n) }); err != nil {
		return err
	}
	bar.Finish()
	took := time.Since(start)
	fmt.Fprintf(os.Stderr, "%s: %v, %d parameters, %.2f GB in %d files, %s (%.0f MB/s)\n", o.out, p.config,
		p.config.Params(), float64(p.bytes())/1e9, len(p.shards), took.Round(time.Millisecond), float64(p.bytes())/1e6/took.Seconds())
	return nil
}

// plan turns the options into everything that will be written.
func (o options) plan() (*plan, error) {
	if o.out == "" {
		return nil, errors.New("no folder to write to: give --out DIR")
	}
	s, err := arch.ParseShape(o.shape)
	if err != nil {
		return nil, err
	}
	return o.planShape(s)
}

func (o options) planShape(s arch.Shape) (*plan, error) {
	dtype, ok := elementTypes[strings.ToLower(o.dtype)]
	if !ok {
		return nil, fmt.Errorf("--dtype %s: want bf16, f16 or f32", o.dtype)
	}
	limit, err := parseSize(o.shardSize)
	if err != nil {
		return nil, fmt.Errorf("--shard-size: %w", err)
	}
	p := &plan{dtype: dtype, seed: o.seed, texts: map[string][]byte{}}
	if p.texts[configName], err = configJSON(s, dtype.torch, o.blockSize); err != nil {
		return nil, err
	}
	if p.config, _, err = arch.ParseConfig(p.texts[configName], nil); err != nil {
		return nil, fmt.Errorf("the shape is refused: %w", err)
	}
	if p.texts["generation_config.json"], err = generationJSON(s.VocabSize); err != nil {
		return nil, err
	}
	if p.texts["tokenizer.json"], err = tokenizerJSON(s.VocabSize, specials(p.config)); err != nil {
		return nil, err
	}
	return p, p.place(limit)
}

// parseSize reads a number of bytes with an optional unit.
func parseSize(s string) (int64, error) {
	factor, digits := int64(1), s
	for _, u := range []struct {
		unit  string
		bytes int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(s, u.unit); ok {
			factor, digits = u.bytes, rest
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n <= 0 || n > 1<<60/factor {
		return 0, fmt.Errorf("%q is not a size; write 500MB, 5GB or a number of bytes", s)
	}
	return n * factor, nil
}
