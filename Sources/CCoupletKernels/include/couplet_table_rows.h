// Kernels over single rows of tables: the parameters, gradients and moments of an embedding, of which a step touches
// few rows. `width` is the number of floats of a row.
#pragma once
#include <stddef.h>
#include <stdint.h>

// out[i] = table[rows[i] - first]: `table` begins at the row `first`.
void couplet_gather_rows(size_t count, size_t width, const uint32_t *rows, size_t first, const float *table,
                         float *out);

// table[rows[i] - first] = in[i]
void couplet_scatter_rows(size_t count, size_t width, const uint32_t *rows, size_t first, const float *in,
                          float *table);

// y[r] += x[r] and then x[r] = 0, for each row r whose mark is set in `from`. The marks move to `to`: to |= from,
// from = 0. Row r has the bit r mod 64 of the word r / 64.
void couplet_add_marked_rows(size_t words, uint64_t *from, uint64_t *to, size_t width, float *x, float *y);

// squares[r] = Σ x[r][i]², in Double, in the order of couplet_dot. Zeros of x lose their sign: -0 becomes 0.
void couplet_table_row_squares(size_t rows, size_t width, float *x, double *squares);
