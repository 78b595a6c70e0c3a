// Kernels of the pairwise engine. A tile holds scores in units of a power of two: T = S log2(e), so that e^S = 2^T, every shift
// is a whole number, and moving a sum from one shift to another is exact.
//
// Sums travel as (exponent, mantissa): mantissa · 2^exponent with 1 <= mantissa < 2, or (COUPLET_EMPTY, 0) for an empty sum.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The exponent of an empty sum: below any that a score can have.
#define COUPLET_EMPTY (-1e9f)
// The score of a pair that takes no part: 2^score is 0.
#define COUPLET_EXCLUDED (-1e30f)
// A tile's sum below this (2^-60) has lost terms: 256 terms below 2^-126 beside one of 2^-60 are still nothing.
#define COUPLET_LOST 8.673617379884035e-19f
// A sum that lies this many powers of two under a shift is so small that what a tile lost under its shift is nothing beside it.
#define COUPLET_NEGLIGIBLE 30.0f
// Beyond this many powers of two between a tile's shift and a row's exponent, weights are made from the scores themselves.
#define COUPLET_LARGEST_FACTOR 80.0f

// tile[i][j] -= row[i] + column[j]
void couplet_tile_offset(size_t rows, size_t columns, float *tile, size_t stride, const float *row,
                         const float *column);

// The largest entry.
float couplet_tile_maximum(size_t rows, size_t columns, const float *tile, size_t stride);

// tile[i][j] = 2^(tile[i][j] - shift), 0 where that is below 2^-126; row_sums[i] = Σ_j, column_sums[j] = Σ_i of the results,
// each left out where its pointer is null.
void couplet_tile_exponentials(size_t rows, size_t columns, float *tile, size_t stride, float shift, float *row_sums,
                               float *column_sums);

// Adds sums[i] · 2^shift to the sum (exponent[i], mantissa[i]).
void couplet_merge_sums(size_t count, float shift, const float *sums, float *exponent, float *mantissa);

// The sum Σ_k 2^x[k · step] with a shift of its own, as (exponent, mantissa).
void couplet_power_sum(size_t count, const float *x, size_t step, float *exponent, float *mantissa);

// Adds (b_exponent[i], b_mantissa[i]) to (exponent[i], mantissa[i]).
void couplet_add_sums(size_t count, const float *b_exponent, const float *b_mantissa, float *exponent, float *mantissa);

// out[i] = weight[i] · 2^(shift - exponent[i]): what turns a tile's 2^(T - shift) into weight · 2^(T - exponent). Returns the largest
// shift - exponent[i] among the weights that are not 0; COUPLET_EMPTY where there is none.
float couplet_tile_factors(size_t count, float shift, const float *exponent, const float *weight, float *out);

// weights[i][j] = tile[i][j] (row[i] + column[j]); the two may be the same memory.
void couplet_tile_weights(size_t rows, size_t columns, const float *tile, size_t stride, const float *row,
                          const float *column, float *weights, size_t weights_stride);

// tile[i][j] = row_weight[i] 2^(tile[i][j] - row_exponent[i]) + column_weight[j] 2^(tile[i][j] - column_exponent[j])
void couplet_tile_weights_direct(size_t rows, size_t columns, float *tile, size_t stride, const float *row_exponent,
                                 const float *row_weight, const float *column_exponent, const float *column_weight);

// With t = tile[i][j] + bias: losses[i] = Σ_j ln(1 + 2^t), and in place share / (1 + 2^-t), whose sum over j goes to sums[i].
void couplet_tile_sigmoid(size_t rows, size_t columns, float *tile, size_t stride, float bias, float share,
                          float *losses, float *sums);

// out[i][j] = weight[i] 2^(tile[i][j] - exponent[i]); the second: weight[j] 2^(tile[i][j] - exponent[j])
void couplet_tile_row_softmax(size_t rows, size_t columns, const float *tile, size_t stride, const float *exponent,
                              const float *weight, float *out);
void couplet_tile_column_softmax(size_t rows, size_t columns, const float *tile, size_t stride, const float *exponent,
                                 const float *weight, float *out);

// weights[i][j] += softmax[i][j] (products[i][j] - row[i]); the second: - column[j]
void couplet_tile_add_row_centred(size_t rows, size_t columns, const float *softmax, const float *products,
                                  size_t stride, const float *row, float *weights);
void couplet_tile_add_column_centred(size_t rows, size_t columns, const float *softmax, const float *products,
                                     size_t stride, const float *column, float *weights);

// row_sums[i] += Σ_j tile[i][j], column_sums[j] += Σ_i tile[i][j]
void couplet_tile_sums(size_t rows, size_t columns, const float *tile, size_t stride, float *row_sums,
                       float *column_sums);

// tile[i][j] = factor · Σ_k |x[i][k] - y[k][j]| for p = 1, factor · (Σ_k |x[i][k] - y[k][j]|²)^½ for p = 2; x is rows × dimension, y the
// columns' encodings transposed, dimension × stride.
void couplet_tile_distances(size_t rows, size_t columns, size_t dimension, const float *x, const float *y, int p,
                            float factor, float *tile, size_t stride);

// weights[i][j] /= (Σ_k |x[i][k] - y[k][j]|²)^½, 0 where that is 0.
void couplet_tile_divide_distances(size_t rows, size_t columns, size_t dimension, const float *x, const float *y,
                                   float *weights, size_t stride);

// row_sums[i][k] -= Σ_j weights[i][j] f(x[i][k] - y[k][j]) and column_sums[k][j] += Σ_i of the same, f the sign or the difference itself;
// the columns' are left out where their pointer is null.
void couplet_tile_difference_sums(size_t rows, size_t columns, size_t dimension, const float *x, const float *y,
                                  const float *weights, size_t stride, int of_signs, float *row_sums,
                                  float *column_sums);

// y[i][k] += x[k][i], where y is rows × columns and x has rows of length `stride`
void couplet_add_transposed(size_t rows, size_t columns, const float *x, size_t stride, float *y);

// out[i] = factor · Σ_k |x[i][k] - y[i][k]|^p for p = 1 or 2, of which the square root where `root`.
void couplet_pair_distances(size_t rows, size_t columns, const float *x, const float *y, int p, int root, double factor,
                            float *out);

// Adds factors[i] · ∂ distance(x[i], y[i]) to the gradients of both, 0 where the distance has no gradient.
void couplet_add_pair_gradients(size_t rows, size_t columns, const float *x, const float *y, int p, int root,
                                const float *factors, float *x_gradient, float *y_gradient);

// unit[i] = x[i] / |x[i]| for rows of length `columns`, inverse_norms[i] = 1 / max(|x[i]|, 1e-12)
void couplet_normalize_rows(size_t rows, size_t columns, const float *x, float *unit, float *inverse_norms);

// The gradient through it, in place: g[i] = (g[i] - unit[i] ⟨unit[i], g[i]⟩) inverse_norms[i]
void couplet_normalize_rows_backward(size_t rows, size_t columns, const float *unit, const float *inverse_norms,
                                     float *gradient);

// out[i] = factor · |x[i]|² for rows of length `columns`
void couplet_row_squares(size_t rows, size_t columns, const float *x, float factor, float *out);

// gradient[i] -= factors[i] · x[i] for rows of length `columns`
void couplet_subtract_scaled_rows(size_t rows, size_t columns, const float *x, const float *factors, float *gradient);

// How many of these sums of a tile are lost, that is so small beside the tile's shift that terms of theirs were flushed to 0, and
// still count beside what their row has summed up so far (`exponent`).
size_t couplet_lost_sums(size_t count, float shift, const float *sums, const float *exponent);

// Sets this thread's processor to take and give 0 for subnormal numbers: weights run down to them, and products over them are slow.
void couplet_flush_subnormals(void);
