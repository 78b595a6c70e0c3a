// Kernels of the pairwise engine for pairs of one group (couplet_pairwise.h, couplet_pairwise_small.h).
//
// An entry (i, j) of a tile is a match if row_groups[i] = column_groups[j] >= 0. A row with a negative group has no
// match and costs nothing. `column_groups` is padded with negative numbers to a multiple of 16; a tile's rows have room
// for as many floats.
#pragma once
#include <stddef.h>
#include <stdint.h>

// sums[i] = Σ_j tile[i][j] over the matches of row i, and counts[i] their number. Entries of COUPLET_EXCLUDED are no
// matches.
void couplet_tile_match_sums(size_t rows, size_t columns, const float *tile, size_t stride, const int32_t *row_groups,
                             const int32_t *column_groups, float *sums, int32_t *counts);

// tile[i][j] = COUPLET_EXCLUDED for the matches.
void couplet_tile_exclude_matches(size_t rows, size_t columns, float *tile, size_t stride, const int32_t *row_groups,
                                  const int32_t *column_groups);

// tile[i][j] += values[i] for the matches.
void couplet_tile_add_matches(size_t rows, size_t columns, float *tile, size_t stride, const int32_t *row_groups,
                              const int32_t *column_groups, const float *values);

// couplet_tile_sigmoid with matches as positives. With t = scale · tile[i][j] + bias, z = -1 for the matches and 1
// otherwise: losses[i] = Σ_j ln(1 + 2^(z t)), tile[i][j] = z share / (1 + 2^(-z t)), sums[i] = Σ_j of the results.
// Entries of COUPLET_EXCLUDED are no matches.
void couplet_tile_sigmoid_matches(size_t rows, size_t columns, float *tile, size_t stride, float scale, float bias,
                                  float share, const int32_t *row_groups, const int32_t *column_groups, float *losses,
                                  float *sums);
