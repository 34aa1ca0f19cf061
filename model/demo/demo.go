// Package demo holds the demo model: a small trained recurrent-depth model that follows chains of definitions, and
// the problems that it is shown and measured on.
package demo

import "embed"

// Files are the model's files, as in a checkpoint folder.
//
//go:embed config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json
var Files embed.FS
