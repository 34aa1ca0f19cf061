// Rows that leave the core together: what was asked of them, and how far they are. shaders.ExitRule and shaders.Progress in Go.
struct ExitRule {
    uint steps;     // core steps at most
    uint criterion; // 0: none
    uint measure;   // what its value is: MEASURE_*
    uint at_least;  // 1: done when the value is at the threshold or above; 0: when it is below
    float threshold;
    uint min_steps; // no check while the index of the step is below
    uint every;     // check every so many steps from there
    uint delay;     // core steps that are still taken when it is done
};
struct Progress {
    uint taken;  // core steps
    uint done;   // 1: the rows have left; more: they leave after so many steps less one
    uint checks;
    float value; // at the last check
};
const uint MEASURE_PROBE = 0;        // what a kernel on the logits wrote to Progress.value
const uint MEASURE_DIFF = 1;         // norm(s - s') / norm(s), mean over the rows
const uint MEASURE_COSINE = 2;       // 1 - mean cosine(s, s')
const uint MEASURE_ACCELERATION = 3; // norm(s - 2 s' + s'') / norm(s), mean over the rows
const uint MEASURE_GATE = 4;         // how likely the exit gate has let them go, mean over the rows

// Whether the step that follows so many taken ones ends with a check.
bool due(ExitRule r, uint taken) { return r.criterion != 0 && taken >= r.min_steps && (r.every < 2 || (taken - r.min_steps) % r.every == 0); }
