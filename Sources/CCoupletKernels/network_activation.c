#ifndef COUPLET_SET
#include "couplet_network.h"
#define relu NAME(relu)
#define leaky_relu NAME(leaky_relu)
#define hyperbolic_tangent NAME(hyperbolic_tangent)
#define normal NAME(normal)
#define COUPLET_KERNELS "network_activation.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_bias_identity)
COUPLET_DISPATCH(couplet_bias_relu)
COUPLET_DISPATCH(couplet_bias_leaky_relu)
COUPLET_DISPATCH(couplet_bias_tanh)
COUPLET_DISPATCH(couplet_bias_gelu)
COUPLET_DISPATCH(couplet_sum)
COUPLET_DISPATCH(couplet_sum_relu)
COUPLET_DISPATCH(couplet_sum_leaky_relu)
COUPLET_DISPATCH(couplet_backward_identity)
COUPLET_DISPATCH(couplet_backward_relu)
COUPLET_DISPATCH(couplet_backward_leaky_relu)
COUPLET_DISPATCH(couplet_backward_tanh)
COUPLET_DISPATCH(couplet_backward_gelu)
COUPLET_DISPATCH(couplet_relu)
COUPLET_DISPATCH(couplet_leaky_relu)
COUPLET_DISPATCH(couplet_tanh)
COUPLET_DISPATCH(couplet_gelu)
COUPLET_DISPATCH(couplet_relu_gradient)
COUPLET_DISPATCH(couplet_leaky_relu_gradient)
COUPLET_DISPATCH(couplet_tanh_gradient)
COUPLET_DISPATCH(couplet_gelu_gradient)
COUPLET_DISPATCH(couplet_gelu_and_gradient)

#else

// Returns NaN for NaN, so a NaN is found in the layer where it arises.
COUPLET_INLINE float relu(float z) {
    return z < 0.0f ? 0.0f : z;
}
COUPLET_INLINE float leaky_relu(float z, float slope) {
    return z < 0.0f ? slope * z : z;
}

// tanh z by Cephes' tanhf, relative error below 3e-7. Computes both branches, so a loop over it vectorises.
COUPLET_INLINE float hyperbolic_tangent(float z) {
    float size = z < 0.0f ? -z : z;
    float square = z * z;
    float poly = -5.70498872745e-3f;
    poly = couplet_fma(poly, square, 2.06390887954e-2f);
    poly = couplet_fma(poly, square, -5.37397155531e-2f);
    poly = couplet_fma(poly, square, 1.33314422036e-1f);
    poly = couplet_fma(poly, square, -3.33332819422e-1f);
    float near = couplet_fma(poly * square, z, z);
    float far = 1.0f - 2.0f / (couplet_exp_within(size > 44.0f ? 88.0f : 2.0f * size) + 1.0f);
    float signed_far = z < 0.0f ? -far : far;
    return size > 0.625f ? signed_far : near;
}

// The normal distribution function and its density, with relative errors below 4e-7 in both tails. The tail is
// Φ(-|z|) = e^(-z²/2) t p(t) with t = 1 / (1 + 0.265625 |z|). The polynomial p has degree 8 and a relative error of
// 1.3e-8 for |z| <= 13.2. For larger |z|, e^(-z²/2) is 0. A rounding error of z² would grow by the factor z² / 2 in the
// exponential, so the code computes that error and corrects for it.
COUPLET_INLINE void normal(float z, float *distribution, float *density) {
    float size = z < 0.0f ? -z : z;
    size = size > 14.0f ? 14.0f : size;
    float square = size * size, error = couplet_fma(size, size, -square);
    float bell = couplet_exp_within(-0.5f * square);
    bell = square > 174.0f ? 0.0f : bell;
    bell = couplet_fma(bell, -0.5f * error, bell);
    float t = 1.0f / couplet_fma(0.265625f, size, 1.0f);
    float poly = 3.06698270e-2f;
    poly = couplet_fma(poly, t, -1.42310679e-1f);
    poly = couplet_fma(poly, t, 2.12155789e-1f);
    poly = couplet_fma(poly, t, -1.10624634e-1f);
    poly = couplet_fma(poly, t, 1.34190723e-1f);
    poly = couplet_fma(poly, t, 6.18198104e-2f);
    poly = couplet_fma(poly, t, 1.02573439e-1f);
    poly = couplet_fma(poly, t, 1.05537027e-1f);
    poly = couplet_fma(poly, t, 1.05988704e-1f);
    float tail = bell * (poly * t);
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

void NAME(couplet_bias_identity)(size_t rows, size_t columns, const float *bias, float *restrict y) {
    FORWARD(y[r * columns + c] = z;)
}
void NAME(couplet_bias_relu)(size_t rows, size_t columns, const float *bias, float *restrict y) {
    FORWARD(y[r * columns + c] = relu(z);)
}
void NAME(couplet_bias_leaky_relu)(size_t rows, size_t columns, const float *bias, float slope, float *restrict y) {
    FORWARD(y[r * columns + c] = leaky_relu(z, slope);)
}
void NAME(couplet_bias_tanh)(size_t rows, size_t columns, const float *bias, float *restrict y) {
    FORWARD(y[r * columns + c] = hyperbolic_tangent(z);)
}
void NAME(couplet_bias_gelu)(size_t rows, size_t columns, const float *bias, float *restrict y,
                             float *restrict derivative) {
    FORWARD(float distribution; float density; normal(z, &distribution, &density);
            y[r * columns + c] = z * distribution; derivative[r * columns + c] = couplet_fma(z, density, distribution);)
}

// y may be a: an iteration reads its elements before it writes, so the loop vectorises without checks.
#define SUM(value)                                                                                                     \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < count; i++) {                                \
        float z = a[i] + b[i];                                                                                         \
        y[i] = value;                                                                                                  \
    }

// clang-format off
void NAME(couplet_sum)(size_t count, const float *a, const float *b, float *y) {
    SUM(z)
}
void NAME(couplet_sum_relu)(size_t count, const float *a, const float *b, float *y) {
    SUM(relu(z))
}
void NAME(couplet_sum_leaky_relu)(size_t count, const float *a, const float *b, float slope, float *y) {
    SUM(leaky_relu(z, slope))
}
// clang-format on

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

void NAME(couplet_backward_identity)(size_t rows, size_t columns, const float *gradient, float *restrict sums) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) sums[c] += gradient[r * columns + c];
}

// Formatted by hand: clang-format joins functions whose body is one macro.
// clang-format off
void NAME(couplet_backward_relu)(size_t rows, size_t columns, const float *restrict y,
                                          float *restrict gradient, float *restrict sums) {
    BACKWARD(y[i] > 0.0f ? g : 0.0f)
}
void NAME(couplet_backward_leaky_relu)(size_t rows, size_t columns, const float *restrict y, float slope,
                                                float *restrict gradient, float *restrict sums) {
    BACKWARD(y[i] > 0.0f ? g : slope * g)
}
void NAME(couplet_backward_tanh)(size_t rows, size_t columns, const float *restrict y,
                                          float *restrict gradient, float *restrict sums) {
    BACKWARD(g * couplet_fma(-y[i], y[i], 1.0f))
}
void NAME(couplet_backward_gelu)(size_t rows, size_t columns, const float *restrict derivative,
                                          float *restrict gradient, float *restrict sums) {
    BACKWARD(g * derivative[i])
}
// clang-format on

// Elementwise, out of place.

void NAME(couplet_relu)(size_t count, const float *x, float *restrict y) {
    for (size_t i = 0; i < count; i++) y[i] = relu(x[i]);
}
void NAME(couplet_leaky_relu)(size_t count, const float *x, float slope, float *restrict y) {
    for (size_t i = 0; i < count; i++) y[i] = leaky_relu(x[i], slope);
}
void NAME(couplet_tanh)(size_t count, const float *x, float *restrict y) {
    for (size_t i = 0; i < count; i++) y[i] = hyperbolic_tangent(x[i]);
}
void NAME(couplet_gelu)(size_t count, const float *x, float *restrict y) {
    for (size_t i = 0; i < count; i++) {
        float distribution, density;
        normal(x[i], &distribution, &density);
        y[i] = x[i] * distribution;
    }
}

void NAME(couplet_relu_gradient)(size_t count, const float *y, const float *gradient, float *restrict dx) {
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i];
        dx[i] = y[i] > 0.0f ? g : 0.0f;
    }
}
void NAME(couplet_leaky_relu_gradient)(size_t count, const float *y, float slope, const float *gradient,
                                       float *restrict dx) {
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i];
        dx[i] = y[i] > 0.0f ? g : slope * g;
    }
}
void NAME(couplet_tanh_gradient)(size_t count, const float *y, const float *gradient, float *restrict dx) {
    for (size_t i = 0; i < count; i++) dx[i] = gradient[i] * couplet_fma(-y[i], y[i], 1.0f);
}
void NAME(couplet_gelu_gradient)(size_t count, const float *x, const float *gradient, float *restrict dx) {
    for (size_t i = 0; i < count; i++) {
        float distribution, density;
        normal(x[i], &distribution, &density);
        dx[i] = gradient[i] * couplet_fma(x[i], density, distribution);
    }
}

void NAME(couplet_gelu_and_gradient)(size_t rows, size_t columns, const float *x, float *restrict gradient,
                                     float *restrict y, float *restrict sums) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            size_t i = r * columns + c;
            float distribution, density;
            normal(x[i], &distribution, &density);
            y[i] = x[i] * distribution;
            float g = gradient[i] * couplet_fma(x[i], density, distribution);
            gradient[i] = g;
            sums[c] += g;
        }
}

#endif
