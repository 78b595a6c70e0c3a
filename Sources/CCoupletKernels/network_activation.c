#include "couplet_network.h"
#include "couplet_simd.h"

// Returns NaN for NaN, so a NaN is found in the layer where it arises.
static inline float relu(float z) {
    return z < 0.0f ? 0.0f : z;
}
static inline float leaky_relu(float z, float slope) {
    return z < 0.0f ? slope * z : z;
}

// tanh z by Cephes' tanhf, relative error below 3e-7. Computes both branches, so a loop over it vectorises.
static inline float hyperbolic_tangent(float z) {
    float size = z < 0.0f ? -z : z;
    float square = z * z;
    float poly = -5.70498872745e-3f;
    poly = poly * square + 2.06390887954e-2f;
    poly = poly * square - 5.37397155531e-2f;
    poly = poly * square + 1.33314422036e-1f;
    poly = poly * square - 3.33332819422e-1f;
    float near = poly * square * z + z;
    float far = 1.0f - 2.0f / (couplet_exp(size > 44.0f ? 88.0f : 2.0f * size) + 1.0f);
    float signed_far = z < 0.0f ? -far : far;
    return size > 0.625f ? signed_far : near;
}

// The normal distribution function and its density. The tail Φ(-|z|) = erfc(|z| / √2) / 2 is computed by Abramowitz and
// Stegun 7.1.26; absolute error below 1e-7.
static inline void normal(float z, float *distribution, float *density) {
    float size = z < 0.0f ? -z : z;
    float bell = couplet_exp(-0.5f * z * z);
    float t = 1.0f / (1.0f + 0.231641888f * size);
    float poly = 1.061405429f;
    poly = poly * t - 1.453152027f;
    poly = poly * t + 1.421413741f;
    poly = poly * t - 0.284496736f;
    poly = poly * t + 0.254829592f;
    float tail = 0.5f * poly * t * bell;
    *distribution = z < 0.0f ? tail : 1.0f - tail;
    *density = 0.398942280401432678f * bell;
}

// The loop with and without a bias; the test is outside the loop.
#define FORWARD(value)                                                                                                 \
    if (bias)                                                                                                          \
        for (size_t r = 0; r < rows; r++)                                                                              \
            for (size_t c = 0; c < columns; c++) {                                                                     \
                float z = y[r * columns + c] + bias[c];                                                                \
                value                                                                                                  \
            }                                                                                                          \
    else                                                                                                               \
        for (size_t r = 0; r < rows; r++)                                                                              \
            for (size_t c = 0; c < columns; c++) {                                                                     \
                float z = y[r * columns + c];                                                                          \
                value                                                                                                  \
            }

COUPLET_KERNEL void couplet_bias_identity(size_t rows, size_t columns, const float *bias, float *restrict y) {
    FORWARD(y[r * columns + c] = z;)
}
COUPLET_KERNEL void couplet_bias_relu(size_t rows, size_t columns, const float *bias, float *restrict y) {
    FORWARD(y[r * columns + c] = relu(z);)
}
COUPLET_KERNEL void couplet_bias_leaky_relu(size_t rows, size_t columns, const float *bias, float slope,
                                            float *restrict y) {
    FORWARD(y[r * columns + c] = leaky_relu(z, slope);)
}
COUPLET_KERNEL void couplet_bias_tanh(size_t rows, size_t columns, const float *bias, float *restrict y) {
    FORWARD(y[r * columns + c] = hyperbolic_tangent(z);)
}
COUPLET_KERNEL void couplet_bias_gelu(size_t rows, size_t columns, const float *bias, float *restrict y,
                                      float *restrict derivative) {
    FORWARD(float distribution; float density; normal(z, &distribution, &density);
            y[r * columns + c] = z * distribution; derivative[r * columns + c] = distribution + z * density;)
}

// One pass: updates the gradient in place, and adds its column sums unless `sums` is null.
#define BACKWARD(factor)                                                                                               \
    if (sums)                                                                                                          \
        for (size_t r = 0; r < rows; r++)                                                                              \
            for (size_t c = 0; c < columns; c++) {                                                                     \
                size_t i = r * columns + c;                                                                            \
                float g = gradient[i];                                                                                 \
                g = factor;                                                                                            \
                gradient[i] = g;                                                                                       \
                sums[c] += g;                                                                                          \
            }                                                                                                          \
    else                                                                                                               \
        for (size_t i = 0; i < rows * columns; i++) {                                                                  \
            float g = gradient[i];                                                                                     \
            gradient[i] = factor;                                                                                      \
        }

COUPLET_KERNEL void couplet_backward_identity(size_t rows, size_t columns, const float *gradient,
                                              float *restrict sums) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) sums[c] += gradient[r * columns + c];
}

// Formatted by hand: clang-format joins functions whose body is one macro.
// clang-format off
COUPLET_KERNEL void couplet_backward_relu(size_t rows, size_t columns, const float *restrict y,
                                          float *restrict gradient, float *restrict sums) {
    BACKWARD(y[i] > 0.0f ? g : 0.0f)
}
COUPLET_KERNEL void couplet_backward_leaky_relu(size_t rows, size_t columns, const float *restrict y, float slope,
                                                float *restrict gradient, float *restrict sums) {
    BACKWARD(y[i] > 0.0f ? g : slope * g)
}
COUPLET_KERNEL void couplet_backward_tanh(size_t rows, size_t columns, const float *restrict y,
                                          float *restrict gradient, float *restrict sums) {
    BACKWARD(g * (1.0f - y[i] * y[i]))
}
COUPLET_KERNEL void couplet_backward_gelu(size_t rows, size_t columns, const float *restrict derivative,
                                          float *restrict gradient, float *restrict sums) {
    BACKWARD(g * derivative[i])
}
// clang-format on
