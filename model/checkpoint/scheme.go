package checkpoint

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

// ErrScheme is wrapped when a quantization is asked for that there is not.
var ErrScheme = errors.New("unknown weight format")

// Scheme says in which format each matrix is stored, in a file or on a device. Norms and biases are float32 always.
type Scheme struct {
	// Quant is the format of the matrices; empty: as each is stored. With format.Q8_0 and format.Q4_0 the adapter stays at 16 bit, because
	// it carries most of the error, and embedding and head are format.Q8_0.
	Quant format.Type
	// Keep is the format of parts that differ from that.
	Keep map[arch.Part]format.Type
}

// keep16 is 16 bit: as stored if the file has no more, else format.F16, or format.BF16 where values are too large for that.
const Keep16 format.Type = "16 bit"

type schemePart struct {
	name string
	part arch.Part
}

// schemeParts are the names of parts in --keep.
var schemeParts = []schemePart{{"embed", arch.PartEmbedding}, {"head", arch.PartHead}, {"adapter", arch.PartAdapter},
	{"prelude", arch.PartPrelude}, {"core", arch.PartCore}, {"coda", arch.PartCoda}}

// QuantNames are the formats that ParseScheme knows.
func QuantNames() []string { return []string{"auto", "f32", "f16", "bf16", "q8_0", "q4_0"} }

func parseQuant(name string) (format.Type, error) {
	switch {
	case name == "auto", name == "":
		return "", nil
	case slices.Contains(QuantNames(), name):
		return format.Type(name), nil
	}
	return "", fmt.Errorf("model: %w %q; use %s", ErrScheme, strict.Clip(name), strings.Join(QuantNames(), ", "))
}

// ParseScheme reads the name of a format, auto for as stored, and a list of parts that are kept at 16 bit, or at a format of
// their own: "adapter=q8_0,core,head=f16". Errors wrap ErrScheme.
func ParseScheme(quant, keep string) (Scheme, error) {
	s := Scheme{Keep: map[arch.Part]format.Type{}}
	var err error
	if s.Quant, err = parseQuant(quant); err != nil {
		return s, err
	}
	for item := range strings.SplitSeq(keep, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, wanted, given := strings.Cut(item, "=")
		i := slices.IndexFunc(schemeParts, func(e schemePart) bool { return e.name == name })
		if i < 0 {
			return s, fmt.Errorf("model: %w for the part %q; parts are embed, head, adapter, prelude, core, coda", ErrScheme, strict.Clip(name))
		}
		d := Keep16
		if given {
			if d, err = parseQuant(wanted); err != nil || d == "" {
				return s, fmt.Errorf("model: %w %q for the part %s; use f32, f16, bf16, q8_0 or q4_0", ErrScheme, strict.Clip(wanted), name)
			}
		}
		if _, twice := s.Keep[schemeParts[i].part]; twice {
			return s, fmt.Errorf("model: %w: the part %s is given twice", ErrScheme, name)
		}
		s.Keep[schemeParts[i].part] = d
	}
	return s, nil
}

// With is the scheme with another format; nil: as stored.
func (s Scheme) With(quant *format.Type) Scheme {
	s.Quant = ""
	if quant != nil {
		s.Quant = *quant
	}
	return s
}

// String is the scheme in a form that ParseScheme reads, but for spelling always the same.
func (s Scheme) String() string {
	text := "auto"
	if s.Quant != "" {
		text = string(s.Quant)
	}
	sep := ", keep "
	for _, e := range schemeParts {
		if d, ok := s.Keep[e.part]; ok {
			text += sep + e.name
			if sep = ","; d != Keep16 {
				text += "=" + string(d)
			}
		}
	}
	return text
}

// check refuses a scheme that contradicts itself for a model: one matrix cannot have two formats.
func (s Scheme) Check(c arch.Config) error {
	embed, hasEmbed := s.Keep[arch.PartEmbedding]
	head, hasHead := s.Keep[arch.PartHead]
	if c.TieEmbeddings && hasEmbed && hasHead && embed != head {
		return fmt.Errorf("model: %w: embed and head are one matrix in this model; give one of them, or both the same", ErrScheme)
	}
	return nil
}

// Quantizes tells whether the scheme makes blocks of weights that the checkpoint has in another form.
func (s Scheme) Quantizes(ck *Checkpoint) (makes bool, err error) {
	return makes, s.changes(ck, func(from, to format.Type) { makes = makes || to.Blocked() })
}

// Loss says what is lost where the scheme makes other blocks of weights that come in blocks; empty where nothing is.
func (s Scheme) Loss(ck *Checkpoint) (string, error) {
	from, err := s.Requantizes(ck)
	if from != "" {
		from = fmt.Sprintf("weights in %s: made into %v, they keep its rounding errors; the original model would give better ones", from, s)
	}
	return from, err
}

// Requantizes names the formats of blocks in which the checkpoint has weights that the scheme has otherwise, as in "q8_0":
// what those blocks rounded away stays lost. Empty where there are none.
func (s Scheme) Requantizes(ck *Checkpoint) (string, error) {
	var lost []string
	err := s.changes(ck, func(from, _ format.Type) {
		if from.Blocked() && !slices.Contains(lost, from.String()) {
			lost = append(lost, from.String())
		}
	})
	slices.Sort(lost)
	return strings.Join(lost, ", "), err
}

// changes calls do for every matrix of the checkpoint that the scheme has in another format than it is stored in.
func (s Scheme) changes(ck *Checkpoint, do func(from, to format.Type)) error {
	for _, spec := range ck.Config.TensorSpecs() {
		info, ok := ck.Tensor(spec.Name)
		if to := s.Expected(ck.Config, spec, info.DType); ok && spec.Matrix() && to != info.DType {
			do(info.DType, to)
		}
	}
	return s.Check(ck.Config)
}

// Expected is the format that the scheme gives a matrix that is stored in one; Keep16 where that depends on its values.
func (s Scheme) Expected(c arch.Config, spec arch.TensorSpec, stored format.Type) format.Type {
	d := s.wanted(spec.Part, c.TieEmbeddings)
	if d == "" || d == Keep16 && stored != format.F32 {
		return stored
	}
	return d
}

// Format is the format that the scheme gives a tensor of the checkpoint. It looks at the values where 16 bit may not do.
func (s Scheme) Format(ck *Checkpoint, spec arch.TensorSpec) (format.Type, error) {
	if err := s.Check(ck.Config); err != nil {
		return "", err
	}
	if !spec.Matrix() {
		return format.F32, nil
	}
	info, ok := ck.Tensor(spec.Name)
	if !ok {
		return "", strict.Unusable("%s: no such tensor in the checkpoint", spec.Name)
	}
	d := s.Expected(ck.Config, spec, info.DType)
	if d != Keep16 {
		return d, nil
	}
	if d, ok := ck.narrow.Load(info.Name); ok {
		return d.(format.Type), nil
	}
	fits, err := fitsF16(ck, info)
	if err != nil {
		return "", err
	}
	if d = format.F16; !fits {
		d = format.BF16
	}
	ck.narrow.Store(info.Name, d)
	return d, nil
}

// wanted is the scheme's word on a part.
func (s Scheme) wanted(part arch.Part, tied bool) format.Type {
	if d, ok := s.Keep[part]; ok {
		return d
	}
	if d, ok := s.Keep[arch.PartHead]; ok && tied && part == arch.PartEmbedding {
		return d
	}
	switch {
	case !s.Quant.Blocked():
		return s.Quant
	case part == arch.PartEmbedding || part == arch.PartHead:
		return format.Q8_0
	case part == arch.PartAdapter:
		return Keep16
	}
	return s.Quant
}

// fitsF16 tells whether no value of the tensor is beyond half precision.
func fitsF16(ck *Checkpoint, info TensorInfo) (bool, error) {
	v := make([]float32, min(1<<16, info.DType.Elements(info.Bytes)))
	for at := int64(0); at < info.DType.Elements(info.Bytes); at += int64(len(v)) {
		v = v[:min(int64(len(v)), info.DType.Elements(info.Bytes)-at)]
		if err := ck.ReadF32(info.Name, v, at); err != nil {
			return false, err
		}
		for _, x := range v {
			if math.Abs(float64(x)) > 65504 {
				return false, nil
			}
		}
	}
	return true, nil
}

// inFile is the format that a GGUF file can have where a scheme wants d: blocks cannot cross rows, or the border between
// the adapter's halves, so other matrices stay as they are stored and are quantized when they are loaded.
func inFile(d, stored format.Type, c arch.Config, spec arch.TensorSpec) format.Type {
	cols := spec.Shape[len(spec.Shape)-1]
	if spec.Part == arch.PartAdapter && len(spec.Shape) == 2 {
		cols = c.NEmbd
	}
	if block, _ := d.Block(); cols%block != 0 {
		return stored
	}
	return d
}
