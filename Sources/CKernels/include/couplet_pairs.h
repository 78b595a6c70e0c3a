// Kernels of the sources of pairs.
#pragma once
#include <stddef.h>
#include <stdint.h>

// y[r][c] = Σ_k x[r][k] f[k][c], summed over k in order, so that a row has the same bits wherever it stands and whatever stands beside it
// (a row of a BLAS product has not). x is rows × inner with the given row stride, y rows × columns; f lies in blocks of
// 16 columns, the last one filled up: f[k][c] = factor[(c / 16 · inner + k) · 16 + c mod 16].
void couplet_map_rows(size_t rows, size_t inner, size_t columns, const float *x, size_t stride, const float *factor, float *y);

// out[i] = bytes[i] · scale + shift
void couplet_scale_bytes(size_t count, const uint8_t *bytes, float scale, float shift, float *out);
// out[i] = x[i] · scale + shift, to the same bits as for bytes
void couplet_scale_shift(size_t count, const float *x, float scale, float shift, float *out);

// The position of the first NaN or infinity; count if there is none.
size_t couplet_first_not_finite(size_t count, const float *x);
