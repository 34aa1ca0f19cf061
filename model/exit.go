package model

// Exit is an adaptive exit: after which core step rows are done.
type Exit struct {
	Criterion Criterion
	Threshold float64 // 0: the criterion's own (auto)
	MinSteps  int     // no check while the index of the step is below it
	Every     int     // check every so many steps; 0 and 1: each
	Prefill   bool    // false: a pass of more than one row takes all steps
	// Values, if set, is given the criterion's value after each checked step. For inspection: it reads back.
	Values func(step int, value float64)
}

// Criterion names a way to tell that a state has settled. The names are the reference's, but for acceleration.
type Criterion string

// The criteria. Values are of one ask: state criteria take the mean over its rows, those of logits its last row.
const (
	LatentDiff      Criterion = "latent-diff"      // norm(s - s') / norm(s) below the threshold
	Cosine          Criterion = "cosine"           // 1 - cosine(s, s')
	Acceleration    Criterion = "acceleration"     // norm(s - 2 s' + s'') / norm(s)
	EntropyDiff     Criterion = "entropy-diff"     // change of the entropy of the next token
	KL              Criterion = "kl"               // KL(previous || current) of the next token
	MinPKL          Criterion = "minp-kl"          // the same of probabilities below a tenth of the largest levelled
	ArgmaxStability Criterion = "argmax-stability" // checks in a row that kept the likeliest token, at or above the threshold
)

// StateNoise is the reference's test_time_noise: fresh noise mixed into the state before each core step.
type StateNoise struct {
	Weight float64   // 0: none
	Type   NoiseType // how it falls with the steps
}

// NoiseType is the reference's test_time_noise_type.
type NoiseType string

// The five types: n; n/step; n/sqrt(step); max(n, (mean_recurrence-step)/mean_recurrence); 2 n u with u uniform.
const (
	NoiseFixed NoiseType = "fixed"
	NoiseGeom  NoiseType = "geom"
	NoiseSqrt  NoiseType = "sqrt"
	NoiseLine  NoiseType = "line"
	NoiseChi   NoiseType = "chi"
)
