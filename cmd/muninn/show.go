package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/fit"
	"muninn/model/store"
)

type showOptions struct {
	Offline bool
	Tensors bool
	JSON    bool
}

func (o *showOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.Tensors, "tensors", false, "list every tensor too")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object, with every tensor")
	fs.BoolVar(&o.Offline, "offline", false, "ask no hub, as with HF_HUB_OFFLINE=1")
}

func showCommand() *cli.Command {
	o := &showOptions{}
	return &cli.Command{
		Name: "show", Args: "MODEL", Min: 1, Max: 1,
		Summary: "show what a model consists of",
		Detail: `MODEL is what "muninn run" takes. Headers are read and checked, weights are not. The headers of a model that is
not here are read from the hub, a few hundred kilobytes, and nothing is kept. The last table says how "muninn run" would
fit the model, with its full context, into the devices of this machine and into cards of common sizes.`,
		Examples: []string{"muninn show demo", "muninn show huginn-q4.gguf --tensors", "muninn show ouro-1.4b"},
		Flags:    o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			ck, far, err := inspect(ctx, s, hubOptions{Offline: o.Offline}, args[0], store.Open)
			if err != nil {
				return err
			}
			defer ck.Close()
			d, err := describeModel(args[0], ck, far)
			if err != nil {
				return err
			}
			if d.Verdicts, err = fit.Holdings(ck); err != nil {
				return err
			}
			if o.JSON {
				return cli.JSONLines(s.Out).Encode(d)
			}
			d.print(s, o.Tensors)
			printVerdicts(s, d.Verdicts)
			return nil
		},
	}
}

// modelDescription is what show prints with --json.
type modelDescription struct {
	Model          string              `json:"model"`
	Download       int64               `json:"download_bytes"` // of a model that is not here
	Name           string              `json:"name"`           // inside a GGUF file; empty for a folder
	Shape          string              `json:"shape"`
	Parameters     int64               `json:"parameters"`
	Context        int                 `json:"context"`
	MeanRecurrence int                 `json:"mean_recurrence"`
	Cycles         int                 `json:"cycles,omitempty"` // passes over the first of two stacks in a core step
	TiedEmbeddings bool                `json:"tied_embeddings"`
	Tokens         int                 `json:"tokens"` // of the tokenizer; 0 without one
	Notes          []string            `json:"notes"`  // about the files
	Parts          []partDescription   `json:"parts"`
	Bytes          int64               `json:"bytes"` // of all tensors
	Tensors        []tensorDescription `json:"tensors"`
	Verdicts       []fit.Holding       `json:"verdicts"`
}

type partDescription struct {
	Part     string   `json:"part"`
	Tensors  int      `json:"tensors"`
	Weights  int64    `json:"weights"`
	Bytes    int64    `json:"bytes"`
	Matrices []string `json:"matrices"` // formats of the matrices, most weights first

	formats map[string]int64 // weights of matrices by format
}

type tensorDescription struct {
	checkpoint.TensorInfo
	Part string `json:"part"`
}

// describeModel says what there is to say; far is the download of a model that is not here, and else nil.
func describeModel(name string, ck *checkpoint.Checkpoint, far *store.Download) (modelDescription, error) {
	c := ck.Config
	d := modelDescription{Model: name, Name: ck.Name(), Shape: c.String(), Parameters: c.Params(), Context: c.BlockSize, MeanRecurrence: c.MeanRecurrence, Cycles: c.Cycles,
		TiedEmbeddings: c.TieEmbeddings, Notes: append([]string{}, ck.Notes...), Bytes: ck.Size()}
	if far != nil {
		d.Download = far.Left // its tokenizer is too large to be looked at
	} else if m, err := textOf(ck); err == nil {
		d.Tokens = m.Tokenizer.VocabSize()
	} else if !errors.Is(err, checkpoint.ErrNoTokenizer) {
		return d, err
	}
	specs := map[string]arch.TensorSpec{}
	for _, spec := range c.TensorSpecs() {
		specs[spec.Name] = spec
	}
	for _, part := range arch.Parts {
		d.Parts = append(d.Parts, partDescription{Part: string(part), formats: map[string]int64{}})
	}
	for _, info := range ck.Tensors() {
		spec, known := specs[info.Name]
		if !known {
			spec.Part = arch.PartTable
		}
		p, weights := &d.Parts[slices.Index(arch.Parts, spec.Part)], info.DType.Elements(info.Bytes)
		p.Tensors, p.Weights, p.Bytes = p.Tensors+1, p.Weights+weights, p.Bytes+info.Bytes
		if spec.Matrix() {
			p.formats[string(info.DType)] += weights
		}
		d.Tensors = append(d.Tensors, tensorDescription{info, p.Part})
	}
	d.Parts = slices.DeleteFunc(d.Parts, func(p partDescription) bool { return p.Tensors == 0 })
	for i, p := range d.Parts {
		d.Parts[i].Matrices = append([]string{}, slices.SortedFunc(maps.Keys(p.formats), func(a, b string) int {
			return cmp.Or(cmp.Compare(p.formats[b], p.formats[a]), strings.Compare(a, b))
		})...)
	}
	return d, nil
}

// print writes the description for people.
func (d modelDescription) print(s *cli.Streams, tensors bool) {
	fmt.Fprintln(s.Out, d.Model)
	if d.Name != "" && d.Name != store.Name(d.Model) {
		fmt.Fprintf(s.Out, "named %s\n", d.Name)
	}
	fmt.Fprintf(s.Out, "%s\ncontext %d, mean_recurrence %d", d.Shape, d.Context, d.MeanRecurrence)
	if d.Cycles > 0 {
		fmt.Fprintf(s.Out, " (H_cycles), L_cycles %d", d.Cycles)
	}
	fmt.Fprintln(s.Out)
	if d.Download > 0 {
		fmt.Fprintf(s.Out, "not here: `muninn pull %s` fetches %s\n\n", d.Model, cli.Size(uint64(d.Download)))
	} else if d.Tokens == 0 {
		fmt.Fprint(s.Out, "no tokenizer\n\n")
	} else {
		fmt.Fprintf(s.Out, "tokenizer of %d tokens\n\n", d.Tokens)
	}
	t := cli.NewTable(s, s.Out, "PART", "TENSORS", "WEIGHTS", "MATRICES", "SIZE")
	var count int
	var weights int64
	for _, p := range d.Parts {
		formats := strings.Join(p.Matrices, ", ")
		if formats == "" {
			formats = "-"
		}
		t.Row(p.Part, p.Tensors, p.Weights, formats, cli.Size(uint64(p.Bytes)))
		count, weights = count+p.Tensors, weights+p.Weights
	}
	t.Row("total", count, weights, fmt.Sprintf("%.2f bits a weight", 8*float64(d.Bytes)/float64(max(weights, 1))), cli.Size(uint64(d.Bytes)))
	t.Print()
	if d.TiedEmbeddings {
		fmt.Fprintln(s.Out, "The embedding is the output matrix too.")
	}
	if !tensors {
		return
	}
	fmt.Fprintln(s.Out)
	t = cli.NewTable(s, s.Out, "TENSOR", "FORMAT", "SHAPE", "SIZE")
	for _, x := range d.Tensors {
		t.Row(x.Name, x.DType, x.Shape, cli.Size(uint64(x.Bytes)))
	}
	t.Print()
}

// printVerdicts writes them for people.
func printVerdicts(s *cli.Streams, list []fit.Holding) {
	fmt.Fprintln(s.Out)
	t := cli.NewTable(s, s.Out, "ON", "AS", "KV CACHE", "POSITIONS", "TAKES", "FREE")
	for _, v := range list {
		if !v.Fits {
			t.Row(v.Device, "does not fit", "", "", fit.Size(v.Bytes), fit.Size(v.Free))
			continue
		}
		t.Row(v.Device, v.Quant, v.Lookup+", "+v.KV, v.Context, fit.Size(v.Bytes), fit.Size(v.Free))
	}
	t.Print()
}
