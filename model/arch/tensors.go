package arch

import "slices"

// Part is where in the model a tensor belongs.
type Part string

// The parts of the model, in the order of the forward pass.
const (
	PartEmbedding Part = "embedding"
	PartPrelude   Part = "prelude"
	PartSecond    Part = "second_state"
	PartAdapter   Part = "adapter"
	PartCore      Part = "core_block"
	PartExitGate  Part = "exit_gate"
	PartCoda      Part = "coda"
	PartNorm      Part = "ln_f"
	PartHead      Part = "lm_head"
	PartTable     Part = "freqs_cis" // precomputed rope tables; never read, rope angles are computed
)

// Parts lists them in that order.
var Parts = []Part{PartEmbedding, PartPrelude, PartSecond, PartAdapter, PartCore, PartExitGate, PartCoda, PartNorm, PartHead, PartTable}

// Role is what a tensor does in its part. A family stores matrices fused or apart: Table.Pieces finds them either way.
type Role string

// The roles. d is the width, m the inner width of the MLP, H heads of size h, K of them of keys and values, V the rows of the vocabulary.
const (
	RoleEmbedding    Role = "embedding"      // (V, d)
	RoleHead         Role = "head"           // (V, d)
	RoleFinalNorm    Role = "norm"           // (d)
	RoleAdapter      Role = "adapter"        // (d, 2d): columns of the state, then of the embeds
	RoleAdapterBias  Role = "bias"           // (d)
	RoleSecond       Role = "second"         // (d) what the second state begins with
	RoleExitGate     Role = "exit_gate"      // (1, d)
	RoleExitGateBias Role = "exit_gate_bias" // (1)

	RoleNorm1    Role = "norm_1"    // (d) before attention
	RoleNorm2    Role = "norm_2"    // (d) after it and the residual
	RoleNorm3    Role = "norm_3"    // (d) before the MLP
	RoleNorm4    Role = "norm_4"    // (d) after it and the residual
	RoleQKV      Role = "qkv"       // ((H + 2K) h, d): all q heads, all k heads, all v heads; or the three apart
	RoleGateQKV  Role = "gate_qkv"  // (4 H h, d): the gate before q, k and v; or the four apart
	RoleQ        Role = "q"         // (H h, d)
	RoleK        Role = "k"         // (K h, d)
	RoleV        Role = "v"         // (K h, d)
	RoleAttnGate Role = "attn_gate" // (H h, d)
	RoleQNorm    Role = "q_norm"    // (H h) over all heads, before rope
	RoleKNorm    Role = "k_norm"    // (K h)
	RoleQKBias   Role = "qk_bias"   // (2, 1, H, h): q, k, before rope
	RoleAttnOut  Role = "out"       // (d, H h)
	RoleGateUp   Role = "gate_up"   // (2m, d): gate rows, then up rows; or the two apart
	RoleGate     Role = "gate"      // (m, d)
	RoleUp       Role = "up"        // (m, d)
	RoleDown     Role = "down"      // (d, m)
)

// TensorSpec is one tensor that a checkpoint of a given Config has.
type TensorSpec struct {
	Name     string
	Shape    []int
	Part     Part
	Block    int // index inside the part, for blocks
	Role     Role
	Optional bool
}

// Elements is the number of elements.
func (s TensorSpec) Elements() int64 {
	n := int64(1)
	for _, dim := range s.Shape {
		n *= int64(dim)
	}
	return n
}

// Matrix tells whether the tensor is a matrix, which may be stored in blocks; one row is a vector.
func (s TensorSpec) Matrix() bool { return len(s.Shape) == 2 && s.Shape[0] > 1 }

// Table lists a model's tensors in the order of the forward pass.
type Table []TensorSpec

// Piece is a run of rows of a tensor.
type Piece struct {
	TensorSpec
	Row, Rows int
}

// find is the tensor of a role.
func (t Table) find(part Part, block int, role Role) (TensorSpec, bool) {
	for _, s := range t {
		if s.Part == part && s.Block == block && s.Role == role {
			return s, true
		}
	}
	return TensorSpec{}, false
}

// wholes are roles that may be stored in parts, in the order of their rows; a part that the model has not is left out.
var wholes = map[Role][]Role{RoleQKV: {RoleQ, RoleK, RoleV, RoleAttnGate}, RoleGateUp: {RoleGate, RoleUp}}

// fused are tensors of several roles with as many rows each.
var fused = map[Role][]Role{RoleGateUp: {RoleGate, RoleUp}, RoleGateQKV: {RoleAttnGate, RoleQ, RoleK, RoleV}}

// Pieces lists the rows that make up a role in block number block of a part, whichever way the family stores them; nothing where
// the model has no such tensor.
func (t Table) Pieces(part Part, block int, role Role) (pieces []Piece) {
	if s, ok := t.find(part, block, role); ok {
		return []Piece{{s, 0, s.Shape[0]}}
	}
	for _, r := range wholes[role] {
		pieces = append(pieces, t.Pieces(part, block, r)...)
	}
	for whole, roles := range fused {
		at := slices.Index(roles, role)
		if s, ok := t.find(part, block, whole); ok && at >= 0 {
			rows := s.Shape[0] / len(roles)
			return []Piece{{s, at * rows, rows}}
		}
	}
	return pieces
}
