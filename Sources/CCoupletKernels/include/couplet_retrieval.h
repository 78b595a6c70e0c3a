// Kernels of retrieval: how many scores of a tile beat a positive's.
//
// Scores come in single precision; the caller bounds their error and asks with an interval: above `high` a score certainly beats
// the positive's, below `low` it certainly does not, and what lies between is looked at again. A NaN counts as possible.
#pragma once
#include <stddef.h>
#include <stdint.h>

// With s = tile[i][j] scale[j] + offset[j]: certain[i] = how many j have s > high[i], possible[i] = how many have not s < low[i].
void couplet_count_row_scores(size_t rows, size_t columns, const float *tile, size_t stride, const float *scale,
                              const float *offset, const float *low, const float *high, uint32_t *certain,
                              uint32_t *possible);

// With s = tile[i][j] scale[i] + offset[i]: certain[j] = how many i have s > high[j], possible[j] = how many have not s < low[j].
void couplet_count_column_scores(size_t rows, size_t columns, const float *tile, size_t stride, const float *scale,
                                 const float *offset, const float *low, const float *high, uint32_t *certain,
                                 uint32_t *possible);
