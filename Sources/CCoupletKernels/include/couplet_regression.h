// Kernels of regressions, in Double.
#pragma once
#include <stddef.h>

// out[j] = e^(-gamma Σ_k (x[k] - points[k · stride + j])²) for j < count, summed over k in order, relative error below 2e-15 (1 + gamma Σ); 0
// where it is below 1e-40: beside a diagonal of at least 1 that is nothing, and products of such numbers would be subnormal, which are slow.
void couplet_gaussian_kernel(size_t count, size_t dimensions, const double *x, const double *points, size_t stride,
                             double gamma, double *out);
