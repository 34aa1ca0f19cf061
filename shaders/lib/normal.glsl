// Normal numbers from a counter: philox, then the inverse of the error function.
#include "philox.glsl"

// Inverse of the error function in float32 after Giles, "Approximating the erfinv function" (2010).
float erfinv(float x) {
    float w = -log((1.0 - x) * (1.0 + x));
    float r;
    if (w < 5.0) {
        w -= 2.5;
        r = 2.81022636e-08;
        r = 3.43273939e-07 + r * w;
        r = -3.5233877e-06 + r * w;
        r = -4.39150654e-06 + r * w;
        r = 0.00021858087 + r * w;
        r = -0.00125372503 + r * w;
        r = -0.00417768164 + r * w;
        r = 0.246640727 + r * w;
        r = 1.50140941 + r * w;
    } else {
        w = sqrt(w) - 3.0;
        r = -0.000200214257;
        r = 0.000100950558 + r * w;
        r = 0.00134934322 + r * w;
        r = -0.00367342844 + r * w;
        r = 0.00573950773 + r * w;
        r = -0.0076224613 + r * w;
        r = 0.00943887047 + r * w;
        r = 1.00167406 + r * w;
        r = 2.83297682 + r * w;
    }
    return r * x;
}

const float WITHIN_3 = 0.9973002039; // share of a normal distribution within 3 standard deviations

// Of standard deviation 1 before the cut at 3 of them.
float cut_normal(uint word) { return 1.41421356 * erfinv((2.0 * uniform01(word) - 1.0) * WITHIN_3); }
float normal(uint word) { return 1.41421356 * erfinv(2.0 * uniform01(word) - 1.0); }

// What a number is for, in the counter's third word: as in model/state.go.
const uint KIND_INITIAL = 0, KIND_NOISE = 2, KIND_NOISE_CHI = 3, KIND_MIXED = 4;
