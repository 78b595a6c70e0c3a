// Features of data, for losses that compare moments.
#pragma once
#include <stddef.h>
#include <stdint.h>

// turns: rows × count, angles in units of a whole turn. out, rows × 2 count: scale cos(2π turns), then scale sin(2π turns).
void couplet_fourier_features(size_t rows, size_t count, const float *turns, float scale, float *out);

// out[i][k] = coefficient[k] Π_d y[i][factor[k][d]] over d < degree, where y[i] is 1 and then the row x[i]: rows × count from rows × columns.
void couplet_monomials(size_t rows, size_t columns, const float *x, size_t count, size_t degree, const int32_t *factor,
                       const float *coefficient, float *out);

// out, rows × classes: 1 at each row's label, 0 elsewhere.
void couplet_indicators(size_t rows, size_t classes, const float *labels, float *out);
