package arch

// Part is where in the model a tensor belongs.
type Part string

// The parts of the model, in the order of the forward pass.
const (
	PartEmbedding Part = "embedding"
	PartPrelude   Part = "prelude"
	PartAdapter   Part = "adapter"
	PartCore      Part = "core_block"
	PartCoda      Part = "coda"
	PartNorm      Part = "ln_f"
	PartHead      Part = "lm_head"
	PartTable     Part = "freqs_cis" // precomputed rope table; never read, rope angles are computed
)

// Role is what a tensor does in its part. A family stores matrices fused or apart: Table.Pieces finds them either way.
type Role string

// The roles. d is the width, m the inner width of the MLP, H heads of size h, V the rows of the vocabulary.
const (
	RoleEmbedding   Role = "embedding" // (V, d)
	RoleHead        Role = "head"      // (V, d)
	RoleFinalNorm   Role = "norm"      // (d)
	RoleAdapter     Role = "adapter"   // (d, 2d): columns of the state, then of the embeds
	RoleAdapterBias Role = "bias"      // (d)

	RoleNorm1   Role = "norm_1"  // (d) before attention
	RoleNorm2   Role = "norm_2"  // (d) after it and the residual
	RoleNorm3   Role = "norm_3"  // (d) before the MLP
	RoleNorm4   Role = "norm_4"  // (d) after it and the residual
	RoleQKV     Role = "qkv"     // (3d, d): all q heads, all k heads, all v heads; or the three apart
	RoleQ       Role = "q"       // (d, d)
	RoleK       Role = "k"       // (d, d)
	RoleV       Role = "v"       // (d, d)
	RoleQKBias  Role = "qk_bias" // (2, 1, H, h): q, k, before rope
	RoleAttnOut Role = "out"     // (d, d)
	RoleGateUp  Role = "gate_up" // (2m, d): gate rows, then up rows; or the two apart
	RoleGate    Role = "gate"    // (m, d)
	RoleUp      Role = "up"      // (m, d)
	RoleDown    Role = "down"    // (d, m)
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

// Pieces lists the rows that make up a role in block number block of a part, whichever way the family stores them; nothing where
// the model has no such tensor.
func (t Table) Pieces(part Part, block int, role Role) []Piece {
	if s, ok := t.find(part, block, role); ok {
		return []Piece{{s, 0, s.Shape[0]}}
	}
	apart := map[Role][]Role{RoleQKV: {RoleQ, RoleK, RoleV}, RoleGateUp: {RoleGate, RoleUp}}[role]
	var pieces []Piece
	for _, r := range apart {
		pieces = append(pieces, t.Pieces(part, block, r)...)
	}
	if fused, ok := t.find(part, block, RoleGateUp); ok && apart == nil {
		half := fused.Shape[0] / 2
		switch role {
		case RoleGate:
			return []Piece{{fused, 0, half}}
		case RoleUp:
			return []Piece{{fused, half, half}}
		}
	}
	return pieces
}
