package arch

import (
	"fmt"
	"strconv"
	"strings"

	"muninn/model/internal/strict"
)

// Shape is a model without weights.
type Shape struct {
	Name  string
	Says  string // what it stands for
	Steps int    // num_steps that it is measured at
	Config
}

// Shapes are those that have names.
var Shapes = []Shape{
	shapeOf("tiny", "4 layers of width 64", 32, 64, 2, 160, 384, 1, 2, 1),
	shapeOf("tinyloop", "a usual stand-in for looped models in other engines", 8, 1024, 16, 2816, 4096, 2, 4, 2),
	tied(shapeOf("huginn", "Huginn-0125 whole, 3.56 G weights", 32, 5280, 55, 17920, 65536, 2, 4, 2)),
	shapeOf("huginn-core", "its core block alone, 1.65 G weights with a vocabulary of 1024", 1, 5280, 55, 17920, 1024, 0, 4, 0),
}

// ShapeForm is how a shape without a name is written.
const ShapeForm = "n_embd,heads,ff,vocab,P,R,C"

func shapeOf(name, says string, steps, embd, heads, ff, vocab, prelude, core, coda int) Shape {
	return Shape{name, says, steps, Config{
		NEmbd: embd, NHeads: heads, HeadDim: embd / max(heads, 1), IntermediateSize: ff, VocabSize: vocab, PaddedVocabSize: vocab,
		NLayersInPrelude: prelude, NLayersInRecurrentBlock: core, NLayersInCoda: coda,
		BlockSize: 4096, MeanRecurrence: 32, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
	}}
}

func tied(s Shape) Shape {
	s.TieEmbeddings = true
	return s
}

// ShapeNames are those of Shapes.
func ShapeNames() string {
	var names []string
	for _, s := range Shapes {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// ParseShape reads a name, or the seven numbers of ShapeForm. Errors wrap ErrModel.
func ParseShape(text string) (Shape, error) {
	for _, s := range Shapes {
		if s.Name == text {
			return s, nil
		}
	}
	items, fields := strings.Split(text, ","), strings.Split(ShapeForm, ",")
	if len(items) != len(fields) {
		return Shape{}, strict.Unusable("shape %s: want one of %s, or the seven numbers %s, as in 1024,16,2816,4096,2,4,2", strict.Clip(text), ShapeNames(), ShapeForm)
	}
	var n [7]int
	for i, item := range items {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(item)); err != nil || n[i] < 0 {
			return Shape{}, strict.Unusable("shape %s: %q is no whole number from 0 on (%s)", strict.Clip(text), strict.Clip(item), fields[i])
		}
	}
	return shapeOf(fmt.Sprintf("%dx%d", n[0], n[4]+n[5]+n[6]), "", 32, n[0], n[1], n[2], n[3], n[4], n[5], n[6]), nil
}
