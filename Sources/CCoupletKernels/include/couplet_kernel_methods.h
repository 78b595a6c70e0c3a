// Kernel methods: feature maps of data, and the Gaussian kernel of regressions.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Random Fourier features. `turns` is rows × count, angles in units of 2π. out, rows × 2 count:
// scale · cos(2π turns), then scale · sin(2π turns).
void couplet_fourier_features(size_t rows, size_t count, const float *turns, float scale, float *out);

// out[i][k] = coefficient[k] Π_d y[i][factor[k][d]] over d < degree, where the row y[i] is 1 followed by x[i].
// x is rows × columns, out is rows × count.
void couplet_monomials(size_t rows, size_t columns, const float *x, size_t count, size_t degree, const int32_t *factor,
                       const float *coefficient, float *out);

// One-hot encoding. out, rows × classes: 1 at the label of each row, 0 elsewhere.
void couplet_indicators(size_t rows, size_t classes, const float *labels, float *out);

// The Gaussian kernel in Double: out[j] = e^(-gamma Σ_k (x[k] - points[k · stride + j])²) for j < count, summed over k
// in order. The relative error is below 2e-15 (1 + gamma Σ). Values below 1e-40 become 0: they are negligible compared
// with a diagonal of at least 1, and arithmetic on their subnormal products is slow.
void couplet_gaussian_kernel(size_t count, size_t dimensions, const double *x, const double *points, size_t stride,
                             double gamma, double *out);
