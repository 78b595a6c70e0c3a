// Kernels of the sources of pairs.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A linear map of each row: y[r][c] = Σ_k x[r][k] f[k][c], summed over k in order. Unlike in a BLAS product, the bits
// of a row depend neither on its position nor on the other rows. x is rows × inner with the given row stride, y is
// rows × columns. f is stored in blocks of 16 columns, the last one padded:
//   f[k][c] = factor[(c / 16 · inner + k) · 16 + c mod 16]
void couplet_map_rows(size_t rows, size_t inner, size_t columns, const float *x, size_t stride, const float *factor,
                      float *y);

// out[i] = bytes[i] · scale + shift
void couplet_scale_bytes(size_t count, const uint8_t *bytes, float scale, float shift, float *out);

// out[i] = x[i] · scale + shift, the same bits as couplet_scale_bytes for equal values.
void couplet_scale_shift(size_t count, const float *x, float scale, float shift, float *out);

// The index of the first NaN or infinity; `count` if there is none.
size_t couplet_first_not_finite(size_t count, const float *x);

// Adds the mean to the style of each sample, and perturbs some entries; rows have the given stride:
//   style[k] += mean[k]
//   perturbed[k] = style[k] + (perturbed[k] if uniform[k] < probability, otherwise 0)
void couplet_perturb_style(size_t rows, size_t columns, const float *mean, const float *uniforms, size_t uniform_stride,
                           float probability, size_t stride, float *style, float *perturbed);

// A square matrix with the entries 2 u - 1, u multiples of 2^-24, whose columns are normalised to length 1 in Double
// and then rounded.
void couplet_unit_columns(size_t size, const float *uniforms, float *matrix);

// The condition numbers (largest over smallest singular value) of COUPLET_CONDITION_LANES square matrices, which are
// stored one after the other: Householder reduction of AᵀA to a tridiagonal matrix, then bisection on its eigenvalue
// counts (Sturm sequences). The relative error is about 1e-15 times the condition number squared. `work` has
// couplet_condition_work(size) elements.
#define COUPLET_CONDITION_LANES 8
static inline size_t couplet_condition_work(size_t size) {
    return COUPLET_CONDITION_LANES * (2 * size * size + 4 * size);
}
void couplet_condition_numbers(size_t size, const float *matrices, double *work, double *conditions);
