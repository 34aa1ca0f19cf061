package model

// Ask is what a sampler wants done next with rows of one sequence: some are begun, all take core steps together, and
// the last of them give choices. Samplers know nothing else of the engine; Session and Reference both do asks.
//
// A row is a position of the sequence in flight. It stays in flight, with its latent state and embeds, until the
// sequence's next ask leaves it out or the sequence is rewound to its position or before.
type Ask struct {
	Seq  int
	Rows []AskRow // consecutive positions, ascending

	Steps int   // core steps to take at most
	Exit  *Exit // may end the steps sooner, for all rows of the ask at once; nil: never

	EMA   float64 // embeds of rows begun again: (1 - EMA) new + EMA old
	Noise StateNoise

	Outputs int       // the last so many rows get a choice; 0: no coda is run
	Pick    *Sampling // of those choices; nil: greedy
	Compare Compare   // what Changes are to hold

	// What came of it.
	Taken   int       // core steps taken
	Choices []Choice  // one for each output
	Changes []float32 // of each row
}

// AskRow is one row of an Ask.
type AskRow struct {
	Pos   int
	Token int32
	Begin bool // embed the token and run the prelude: for a row that is new or whose token may have changed
	From  From // the state that the row's core steps start from
	Step  int  // core steps that lie behind it, for its cache slots: 0 when it starts anew
}

// From is where a row's core steps start.
type From int

const (
	FromInitial  From = iota // the initial state of the position
	FromOwn                  // the state that the row has: it is in flight
	FromNormed               // the final state of the position before after ln_f: continuous compute at fixed depth
	FromPrevious             // the state of the position before as the last ask left it: continuous compute at adaptive depth
)

// Compare says what an ask's Changes hold.
type Compare int

// CompareNone: nothing. CompareDifference: norm(s - s') / norm(s), s' being the row's state after the sequence's previous
// ask. CompareAcceleration: norm of the second difference over the last three asks' states, over norm(s). 1 for rows that
// were not in flight then.
const (
	CompareNone Compare = iota
	CompareDifference
	CompareAcceleration
)
