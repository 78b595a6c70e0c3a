// Kernels of the pairwise engine. The engine's unit of a score is T = S log2(e), so e^S = 2^T. A tile holds products of
// encodings; T = scale · product, where scale is log2(e)/τ. (A tile of T itself has the scale 1.) Shifts are whole
// numbers, so rescaling a sum from one shift to another is exact.
//
// A sum of exponentials is stored as (exponent, mantissa): mantissa · 2^exponent with 1 <= mantissa < 2. The empty sum
// is (COUPLET_EMPTY, 0).
#pragma once
#include <stddef.h>
#include <stdint.h>

// The exponent of an empty sum: smaller than the exponent of any score.
#define COUPLET_EMPTY (-1e9f)
// The product of an excluded pair: 2^T is 0.
#define COUPLET_EXCLUDED (-1e30f)
// If |T| is at most this for all scores of a tile, its exponentials have the shift 0: no sum can overflow, and none
// comes near COUPLET_UNDERFLOWED.
#define COUPLET_BOUNDED 56.0f
// A tile's sum below this (2^-60, relative to the shift) may have lost terms to underflow. In larger sums the lost
// terms are negligible: at most 512 terms below 2^-126.
#define COUPLET_UNDERFLOWED 8.673617379884035e-19f
// If a row's sum so far is at most this many powers of two below a tile's shift, the terms that the tile lost are
// negligible.
#define COUPLET_NEGLIGIBLE 30.0f
// If a tile's shift exceeds a row's exponent by more powers of two than this, weights are computed from the scores.
#define COUPLET_LARGEST_FACTOR 80.0f

// MARK: Tiles of scores

// tile[i][j] -= row[i] + column[j]
void couplet_tile_offset(size_t rows, size_t columns, float *tile, size_t stride, const float *row,
                         const float *column);

// tile[i][j] = scale · tile[i][j] - (row[i] + column[j])
void couplet_tile_scores(size_t rows, size_t columns, float *tile, size_t stride, float scale, const float *row,
                         const float *column);

// The largest entry.
float couplet_tile_maximum(size_t rows, size_t columns, const float *tile, size_t stride);

// out[i][j] = 2^(scale · tile[i][j] - shift), or 0 below 2^-126. row_sums[i] = Σ_j and column_sums[j] = Σ_i of the
// results; a null pointer skips the sums. out is the tile itself, or other memory, which is then written past the
// caches if its rows start at multiples of 64 bytes.
void couplet_tile_exponentials(size_t rows, size_t columns, const float *tile, size_t stride, float scale, float shift,
                               float *out, size_t out_stride, float *row_sums, float *column_sums);

// row_sums[i] += Σ_j tile[i][j], column_sums[j] += Σ_i tile[i][j]
void couplet_tile_sums(size_t rows, size_t columns, const float *tile, size_t stride, float *row_sums,
                       float *column_sums);

// MARK: Sums of exponentials

// Adds sums[i] · 2^shift to the sum (exponent[i], mantissa[i]).
void couplet_add_tile_sums(size_t count, float shift, const float *sums, float *exponent, float *mantissa);

// Adds (b_exponent[i], b_mantissa[i]) to (exponent[i], mantissa[i]).
void couplet_add_sums(size_t count, const float *b_exponent, const float *b_mantissa, float *exponent, float *mantissa);

// Computes Σ_k 2^(scale · x[k · step]) as (exponent, mantissa). The shift is the largest power, rounded up.
void couplet_exp2_sum(size_t count, const float *x, size_t step, float scale, float *exponent, float *mantissa);

// The number of a tile's sums that have underflowed and are not negligible in their row's sum so far, whose exponents
// are `exponent`.
size_t couplet_underflowed_sums(size_t count, float shift, const float *sums, const float *exponent);

// MARK: Weights of softmax losses

// out[i] = weight[i] · 2^(shift - exponent[i]), the factor from a tile's 2^(T - shift) to weight · 2^(T - exponent).
// Returns the largest shift - exponent[i] over the weights that are not 0, COUPLET_EMPTY if there is none.
float couplet_tile_factors(size_t count, float shift, const float *exponent, const float *weight, float *out);

// weights[i][j] = tile[i][j] (row[i] + column[j]); tile and weights may be the same memory.
void couplet_tile_weights(size_t rows, size_t columns, const float *tile, size_t stride, const float *row,
                          const float *column, float *weights, size_t weights_stride);

// With T = scale · tile[i][j]: tile[i][j] = row_weight[i] 2^(T - row_exponent[i]) + column_weight[j] 2^(T -
// column_exponent[j])
void couplet_tile_weights_direct(size_t rows, size_t columns, float *tile, size_t stride, float scale,
                                 const float *row_exponent, const float *row_weight, const float *column_exponent,
                                 const float *column_weight);

// MARK: Sigmoid loss

// With t = scale · tile[i][j] + bias: losses[i] = Σ_j ln(1 + 2^t), tile[i][j] = share / (1 + 2^-t), sums[i] = Σ_j of
// the results.
void couplet_tile_sigmoid(size_t rows, size_t columns, float *tile, size_t stride, float scale, float bias, float share,
                          float *losses, float *sums);

// MARK: Maximum mean discrepancy

// out[i][j] = weight[i] 2^(scale · tile[i][j] - exponent[i])
void couplet_tile_row_softmax(size_t rows, size_t columns, const float *tile, size_t stride, float scale,
                              const float *exponent, const float *weight, float *out);

// out[i][j] = weight[j] 2^(scale · tile[i][j] - exponent[j])
void couplet_tile_column_softmax(size_t rows, size_t columns, const float *tile, size_t stride, float scale,
                                 const float *exponent, const float *weight, float *out);

// weights[i][j] += softmax[i][j] (products[i][j] - row[i])
void couplet_tile_add_row_centred(size_t rows, size_t columns, const float *softmax, const float *products,
                                  size_t stride, const float *row, float *weights);

// weights[i][j] += softmax[i][j] (products[i][j] - column[j])
void couplet_tile_add_column_centred(size_t rows, size_t columns, const float *softmax, const float *products,
                                     size_t stride, const float *column, float *weights);

// MARK: Distances (pairwise_distance.c)

// tile[i][j] = factor · Σ_k |x[i][k] - y[k][j]| for p = 1, factor · (Σ_k |x[i][k] - y[k][j]|²)^½ for p = 2. x is
// rows × dimension; y holds the columns' encodings transposed, dimension × stride.
void couplet_tile_distances(size_t rows, size_t columns, size_t dimension, const float *x, const float *y, int p,
                            float factor, float *tile, size_t stride);

// weights[i][j] /= (Σ_k |x[i][k] - y[k][j]|²)^½; 0 where the distance is 0.
void couplet_tile_divide_distances(size_t rows, size_t columns, size_t dimension, const float *x, const float *y,
                                   float *weights, size_t stride);

// With term = weights[i][j] f(x[i][k] - y[k][j]): row_sums[i][k] -= Σ_j term and column_sums[k][j] += Σ_i term. f is
// the sign if `of_signs`, otherwise the identity. A null `column_sums` skips the columns.
void couplet_tile_difference_sums(size_t rows, size_t columns, size_t dimension, const float *x, const float *y,
                                  const float *weights, size_t stride, int of_signs, float *row_sums,
                                  float *column_sums);

// y[i][k] += x[k][i]. y is rows × columns; x has rows of `stride` floats.
void couplet_add_transposed(size_t rows, size_t columns, const float *x, size_t stride, float *y);

// out[i] = factor · Σ_k |x[i][k] - y[i][k]|^p for p = 1 or 2; the square root of the sum if `root`.
void couplet_pair_distances(size_t rows, size_t columns, const float *x, const float *y, int p, int root, double factor,
                            float *out);

// Adds factors[i] · ∂distance(x[i], y[i]) to the gradients of x and y; 0 where the distance has no gradient.
void couplet_add_pair_gradients(size_t rows, size_t columns, const float *x, const float *y, int p, int root,
                                const float *factors, float *x_gradient, float *y_gradient);

// MARK: Rows of encodings

// unit[i] = x[i] / |x[i]| and inverse_norms[i] = 1 / max(|x[i]|, 1e-12) for rows of `columns` floats.
void couplet_normalize_rows(size_t rows, size_t columns, const float *x, float *unit, float *inverse_norms);

// The gradient through couplet_normalize_rows, in place: g[i] = (g[i] - unit[i] ⟨unit[i], g[i]⟩) inverse_norms[i]
void couplet_normalize_rows_backward(size_t rows, size_t columns, const float *unit, const float *inverse_norms,
                                     float *gradient);

// out[i] = factor · |x[i]|² for rows of `columns` floats.
void couplet_row_squares(size_t rows, size_t columns, const float *x, float factor, float *out);

// gradient[i] -= factors[i] · x[i] for rows of `columns` floats.
void couplet_subtract_scaled_rows(size_t rows, size_t columns, const float *x, const float *factors, float *gradient);
