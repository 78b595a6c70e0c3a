// Kernels of the sources of pairs.
#pragma once
#include <stddef.h>
#include <stdint.h>

// y[r][c] = Σ_k x[r][k] f[k][c], summed over k in order, so that a row has the same bits wherever it stands and whatever stands beside it
// (a row of a BLAS product has not). x is rows × inner with the given row stride, y rows × columns; f lies in blocks of
// 16 columns, the last one filled up: f[k][c] = factor[(c / 16 · inner + k) · 16 + c mod 16].
void couplet_map_rows(size_t rows, size_t inner, size_t columns, const float *x, size_t stride, const float *factor,
                      float *y);

// out[i] = bytes[i] · scale + shift
void couplet_scale_bytes(size_t count, const uint8_t *bytes, float scale, float shift, float *out);
// out[i] = x[i] · scale + shift, to the same bits as for bytes
void couplet_scale_shift(size_t count, const float *x, float scale, float shift, float *out);

// The position of the first NaN or infinity; count if there is none.
size_t couplet_first_not_finite(size_t count, const float *x);

// The style of some samples and its perturbation, in rows with the given stride: style[k] += mean[k], perturbed[k] = style[k] + (perturbed[k] if
// uniform[k] < probability, else 0).
void couplet_perturb_style(size_t rows, size_t columns, const float *mean, const float *uniforms, size_t uniform_stride,
                           float probability, size_t stride, float *style, float *perturbed);

// The columns of a square matrix with the entries 2 u - 1, u a multiple of 2^-24, made unit vectors in double and rounded.
void couplet_unit_columns(size_t size, const float *uniforms, float *matrix);

// Condition numbers (largest over smallest singular value) of as many square matrices at a time, one after the other in `matrices`, by
// Householder's reduction of AᵀA to a tridiagonal matrix and bisection on the counts of its eigenvalues (Sturm): relative error about
// 1e-15 times the condition number squared. `work` holds couplet_condition_work(size) numbers.
#define COUPLET_CONDITION_LANES 8
static inline size_t couplet_condition_work(size_t size) {
    return COUPLET_CONDITION_LANES * (2 * size * size + 4 * size);
}
void couplet_condition_numbers(size_t size, const float *matrices, double *work, double *conditions);
