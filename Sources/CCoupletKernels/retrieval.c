#include "couplet_dispatch.h"
#include "couplet_retrieval.h"

COUPLET_KERNEL void couplet_count_row_scores(size_t rows, size_t columns, const float *restrict tile, size_t stride,
                                             const float *restrict scale, const float *restrict offset,
                                             const float *restrict low, const float *restrict high,
                                             uint32_t *restrict certain, uint32_t *restrict possible) {
    for (size_t i = 0; i < rows; i++) {
        const float *row = tile + i * stride;
        float lowest = low[i], highest = high[i];
        uint32_t above = 0, not_below = 0;
        for (size_t j = 0; j < columns; j++) {
            float score = row[j] * scale[j] + offset[j];
            above += score > highest;
            not_below += !(score < lowest);
        }
        certain[i] = above;
        possible[i] = not_below;
    }
}

COUPLET_KERNEL void couplet_count_column_scores(size_t rows, size_t columns, const float *restrict tile, size_t stride,
                                                const float *restrict scale, const float *restrict offset,
                                                const float *restrict low, const float *restrict high,
                                                uint32_t *restrict certain, uint32_t *restrict possible) {
    for (size_t j = 0; j < columns; j++) certain[j] = possible[j] = 0;
    for (size_t i = 0; i < rows; i++) {
        const float *row = tile + i * stride;
        float factor = scale[i], term = offset[i];
        for (size_t j = 0; j < columns; j++) {
            float score = row[j] * factor + term;
            certain[j] += score > high[j];
            possible[j] += !(score < low[j]);
        }
    }
}
