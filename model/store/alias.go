package store

import (
	"strings"

	"muninn/model/arch"
)

// Alias is a short name of a published model.
type Alias struct {
	Name    string `json:"name"`
	Repo    string `json:"repo"` // ORG/NAME on the hub
	Licence string `json:"licence"`
	Weights int64  `json:"weights"` // their number
}

// Aliases are all there are, by the names of their shapes where a shape stands for more than one model's.
var Aliases = []Alias{
	alias("huginn", "huginn", "tomg-group-umd/huginn-0125", "Apache-2.0"),
	alias("ouro-1.4b", "ouro-1.4b", "ByteDance/Ouro-1.4B", "Apache-2.0"),
	alias("ouro-1.4b-thinking", "ouro-1.4b", "ByteDance/Ouro-1.4B-Thinking", "Apache-2.0"),
	alias("ouro-2.6b", "ouro-2.6b", "ByteDance/Ouro-2.6B", "Apache-2.0"),
	alias("ouro-2.6b-thinking", "ouro-2.6b", "ByteDance/Ouro-2.6B-Thinking", "Apache-2.0"),
	alias("hrm-1b", "hrm-1b", "sapientinc/HRM-Text-1B", "Apache-2.0"),
	alias("nanbeige-3b", "nanbeige-3b", "Nanbeige/Nanbeige4.2-3B", "Apache-2.0, it is said"),
	alias("tinyllama-r", "tinyllama-r", "smcleish/Recurrent-TinyLlama-3T-train-recurrence-32", "Apache-2.0, by origin"),
	alias("llama-1b-r", "llama-1b-r", "smcleish/Recurrent-Llama-3.2-train-recurrence-32", "Llama 3.2 Community, by origin"),
	alias("olmo-1b-r", "olmo-1b-r", "smcleish/Recurrent-OLMo-2-0425-train-recurrence-32", "Apache-2.0, by origin"),
}

func alias(name, shape, repo, licence string) Alias {
	s, err := arch.ParseShape(shape)
	if err != nil {
		panic(err)
	}
	return Alias{name, repo, licence, s.Params()}
}

// aliased replaces an alias, with or without a @REVISION behind it, by the name that it stands for.
func aliased(name string) string {
	short, revision, at := strings.Cut(name, "@")
	for _, a := range Aliases {
		if strings.EqualFold(a.Name, short) {
			if at {
				return a.Repo + "@" + revision
			}
			return a.Repo
		}
	}
	return name
}

// AliasOf is that of a model on the hub; empty where there is none.
func AliasOf(repo string) Alias {
	for _, a := range Aliases {
		if strings.EqualFold(a.Repo, repo) {
			return a
		}
	}
	return Alias{}
}
