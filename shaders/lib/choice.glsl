// What is read back for a row of logits: shaders.Choice in Go.
struct Choice {
    uint token;    // the token chosen, NO_TOKEN when the logits hold no number or are all equal
    float logit;   // its logit
    float logprob; // its log-probability before temperature and filters
    float margin;  // largest logit minus the second largest
    float top;     // largest logit
    float lse;     // log of the sum of exp(logit - top)
    uint kept;     // tokens that the filters left
    float below; // largest logit minus that of the token given
};
const uint NO_TOKEN = 0xffffffffu;
