package shaders

import "muninn/shaders/format"

// The names that callers still use.
type Format = format.Type

const (
	F32       = format.F32
	F16       = format.F16
	BF16      = format.BF16
	Q8_0      = format.Q8_0
	Q4_0      = format.Q4_0
	BlockSize = format.Block
)

var (
	Formats     = format.Types
	ParseFormat = format.Parse
)
