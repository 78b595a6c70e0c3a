// Kernels of layers over sequences: embeddings of token ids, pooling over positions.
//
// Token ids are whole numbers in Float32; id 0 is padding. An id that is not a whole number from 0 to vocabulary - 1
// has a vector of NaN and no gradient. A table has one row of `width` numbers for each id.
#pragma once
#include <stddef.h>

// counts[r] = 1 + the last position of row r whose `width` numbers are not all zero, or 0 if there is none. -0 is zero,
// NaN is not.
void couplet_count_positions(size_t rows, size_t positions, size_t width, const float *x, float *counts);

// y[i] = table[ids[i]], zeros for id 0.
void couplet_embed(size_t count, size_t width, size_t vocabulary, const float *ids, const float *table, float *y);

// gradient[ids[i]] += dy[i] over i in order, but for id 0. A vector of dy is skipped where id is 0.
void couplet_embed_backward(size_t count, size_t width, size_t vocabulary, const float *ids, const float *dy,
                            float *gradient);

// y[r] = Σ_p table[ids[r][p]] over the p in order whose id is not 0; divided by their number if `mean`. Zeros for a row
// without any.
void couplet_embedding_bag(size_t rows, size_t positions, size_t width, size_t vocabulary, const float *ids,
                           const float *table, int mean, float *y);

// gradient[ids[r][p]] += dy[r] over (r, p) in order, but for id 0. If `mean`, dy[r] is divided by the number of ids
// that are not 0 first, in place.
void couplet_embedding_bag_backward(size_t rows, size_t positions, size_t width, size_t vocabulary, const float *ids,
                                    int mean, float *dy, float *gradient);

// y[c] = (Σ_p x[p][c] over p < count) / divisor; zeros if count is 0. Σ_p runs in blocks of 32 positions, which start
// at zero and are added in order.
void couplet_sum_positions(size_t count, size_t width, const float *x, float divisor, float *y);

// x[p][c] = dy[c] / divisor for p < count, and 0 for the other positions.
void couplet_spread_positions(size_t count, size_t positions, size_t width, const float *dy, float divisor, float *x);

// Attention pooling of one row x [positions][width] with one query [width] for each head; the first `count` positions
// are valid. Head h has `width` / heads columns of y.
//
// weights[h][p] = softmax_p(scale Σ_c queries[h][c] x[p][c]), 0 for p >= count;
// y[c] = Σ_p weights[h][p] x[p][c] with the head h of column c. Σ_c runs in 16 lanes, added as a tree; Σ_p in order.
// Zeros if count is 0.
void couplet_attention_pool(size_t count, size_t positions, size_t width, size_t heads, float scale, const float *x,
                            const float *queries, float *weights, float *y);

// The gradients of couplet_attention_pool: dx [positions][width], 0 for p >= count, unless it is null; the gradient of
// this row, a sum over p in order, is added to dqueries. `scores` is memory for heads · positions + width numbers.
void couplet_attention_pool_backward(size_t count, size_t positions, size_t width, size_t heads, float scale,
                                     const float *x, const float *queries, const float *weights, const float *dy,
                                     float *scores, float *dqueries, float *dx);
