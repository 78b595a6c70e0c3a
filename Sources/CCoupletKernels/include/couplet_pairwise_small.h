// The pairwise engine's passes for encodings of few numbers. A tile of scores is never stored: its scores, exponentials
// and weights stay in registers.
//
// A score is one chain of fused multiply-adds over k, which starts at minus the offsets of its row and its column:
// T[i][j] = Σ_k scaled[i][k] y[k][j] - (row offset + column offset). The row's encoding is scaled by log2(e)/τ before.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The largest number of numbers in an encoding.
#define COUPLET_SMALL_DIMENSION 8

// A tile of scores. y, offsets, factors and sums of columns are padded to a multiple of 16: the padding of y is 0, that
// of the offsets -COUPLET_EXCLUDED, and that of the factors any number.
typedef struct {
    size_t rows;
    size_t columns;
    // Floats from one row of y, or of column gradients, to the next.
    size_t stride;
    // d, 1 to COUPLET_SMALL_DIMENSION.
    size_t dimension;
    // The rows' encodings times log2(e)/τ, rows × d.
    const float *scaled;
    const float *row_offsets;
    const float *column_offsets;
    // The columns' encodings, d × columns.
    const float *y;
    // The column of the excluded pair of row 0, which may be outside of the tile; the pair of row i is i columns
    // further. Ignored unless `has_diagonal`.
    ptrdiff_t diagonal;
    int has_diagonal;
} couplet_small_tile;

// row_sums[i] = Σ_j 2^T[i][j] and column_sums[j] = Σ_i 2^T[i][j] without the excluded pairs.
void couplet_small_sums(const couplet_small_tile *tile, float *row_sums, float *column_sums);

// With the weights w[i][j] = 2^T[i][j] (row_factors[i] + column_factors[j]), and diagonal_weights[i] for the excluded
// pair of row i (0 if the pointer is null): row_gradient[i][k] += Σ_j w[i][j] y[k][j] and column_gradient[k][j] =
// Σ_i w[i][j] x[i][k]. Unless `row_weight_sums` is null: row_weight_sums[i] += Σ_j w[i][j] and column_gradient[d][j] =
// Σ_i w[i][j]. x and row_gradient are rows × d.
void couplet_small_gradients(const couplet_small_tile *tile, const float *x, const float *row_factors,
                             const float *column_factors, const float *diagonal_weights, float *row_gradient,
                             float *row_weight_sums, float *column_gradient);

// Which entries of a tile are treated apart. Bit 16 (i % 4) + j % 16 of word (i / 4) · stride + j / 16 is that of the
// entry (i, j). The excluded pairs of the diagonal have no bits. A block is four rows from a multiple of 4.
typedef struct {
    // Matches: the pairs of one group.
    const uint64_t *matches;
    // Other pairs that sums and weights leave out.
    const uint64_t *excluded;
    // Words of a block.
    size_t stride;
    // Whether a block has bits.
    const uint8_t *blocks;
    // Whether the sums leave out the matches, too, and the weights are those of matches alone.
    int excludes_matches;
} couplet_small_groups;

// couplet_small_sums, and of each row Σ_j T[i][j] over its matches and their number.
void couplet_small_match_sums(const couplet_small_tile *tile, const couplet_small_groups *groups, float *row_sums,
                              float *column_sums, float *match_sums, int32_t *match_counts);

// couplet_small_gradients with match_weights[i] added to the weights of the matches of row i.
void couplet_small_match_gradients(const couplet_small_tile *tile, const couplet_small_groups *groups, const float *x,
                                   const float *row_factors, const float *column_factors, const float *diagonal_weights,
                                   const float *match_weights, float *row_gradient, float *row_weight_sums,
                                   float *column_gradient);

// out[i] = T[i][i] of `rows` pairs, with the bits of the passes: scaled and y are rows × d.
void couplet_small_diagonal(size_t rows, size_t dimension, const float *scaled, const float *row_offsets,
                            const float *y, const float *column_offsets, float *out);
