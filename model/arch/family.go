package arch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"muninn/model/internal/strict"
)

// Family is a kind of recurrent-depth model: what is special about it, in one file each.
type Family struct {
	Name      string // also general.architecture of GGUF files
	ModelType string // of config.json
	Class     string // in architectures of config.json

	// Owns tells whether a model that config.json names so is the family's; nil: it is. Families before it in Families come first.
	Owns    func(f *strict.Fields, has Has) bool
	Config  func(f *strict.Fields, has Has) Config // reads config.json; the first error sticks in f
	Tensors func(c Config) Table

	StateStd   func(c Config) float64
	EmbedScale func(c Config) float64

	Generation func(rows int) Generation // what holds without generation_config.json, for a vocabulary of so many rows
	Begin      string                    // the token that a text begins with; empty: none
	Stops      []Stop                    // tokens that end an answer
	Chats      []*ChatForm               // ways to lay conversations out; the first where the model's own template tells none
}

// Has tells whether a checkpoint has a tensor of that name. One without weights has none.
type Has func(tensor string) bool

// Stop is a token that ends an answer, by its name, and by its id where there is no tokenizer; -1: only by its name.
type Stop struct {
	Name string
	ID   int32
}

// Families lists the families that are known.
var Families = []*Family{Retrofit, Huginn, Ouro, HRMText, Nanbeige}

// ParseConfig reads config.json. Absent fields take the defaults of the reference, null counts as absent. Fields that would
// change the forward pass in a way that is not supported are refused; notes name contradictions and fields that are not known. has
// is asked where files of one name differ in their tensors; nil: there are none.
// Errors match checkpoint.ErrModel and name the field, the value found and what is supported; another architecture gives
// *UnknownArchitectureError.
func ParseConfig(data []byte, has Has) (c Config, notes []string, err error) {
	if has == nil {
		has = func(string) bool { return false }
	}
	f, err := strict.Parse(FileConfig, data)
	if err != nil {
		return Config{}, nil, err
	}
	family, err := familyOf(f, has)
	if err != nil {
		return Config{}, nil, err
	}
	c = family.Config(f, has)
	c.Family = family
	if f.Err != nil {
		return Config{}, nil, f.Err
	}
	return c, f.Notes, nil
}

// familyOf finds the family that config.json names.
func familyOf(f *strict.Fields, has Has) (*Family, error) {
	modelType := f.Text("model_type")
	var classes []string
	if _, raw := f.Get("architectures"); raw != nil {
		if err := json.Unmarshal(raw, &classes); err != nil {
			f.Fail("architectures is %s, want a list of strings", raw)
		}
	}
	if f.Err != nil {
		return nil, f.Err
	}
	if modelType == "" && len(classes) == 0 {
		return nil, unknown("(none named)", "config.json has neither model_type nor architectures")
	}
	for _, family := range Families {
		if (modelType == "" || modelType == family.ModelType) && (len(classes) == 0 || slices.Contains(classes, family.Class)) &&
			(family.Owns == nil || family.Owns(f, has)) {
			return family, nil
		}
	}
	found := strict.Clip(modelType)
	if len(classes) > 0 {
		found = strings.TrimSpace(found + " (" + strict.Clip(strings.Join(classes, ", ")) + ")")
	}
	return nil, unknown(found, "model_type and architectures in config.json")
}

func unknown(found, evidence string) error {
	return &UnknownArchitectureError{found, evidence}
}

// UnknownArchitectureError refuses a checkpoint of another architecture by name.
type UnknownArchitectureError struct {
	Found    string // what the checkpoint is, as far as it can be told
	Evidence string // where that was seen
}

func (e *UnknownArchitectureError) Error() string {
	var known []string // as config.json names them
	for _, f := range Families {
		if name := f.ModelType + " (" + f.Class + ")"; !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	return fmt.Sprintf("model: architecture %s is not supported by this version (seen: %s); supported: %s",
		e.Found, e.Evidence, strings.Join(known, ", "))
}

// Is makes the error one of the checkpoint.ErrModel family.
func (e *UnknownArchitectureError) Is(target error) bool { return target == strict.ErrUnusable }
