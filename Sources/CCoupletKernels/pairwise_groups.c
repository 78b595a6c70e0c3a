#ifndef COUPLET_SET
#include "couplet_pairwise.h"
#include "couplet_pairwise_groups.h"
#define matches NAME(matches)
#define sigmoid_row NAME(sigmoid_row)
#define COUPLET_KERNELS "pairwise_groups.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_tile_match_sums)
COUPLET_DISPATCH(couplet_tile_exclude_matches)
COUPLET_DISPATCH(couplet_tile_add_matches)
COUPLET_DISPATCH(couplet_tile_sigmoid_matches)

#else

// The mask of the matches of 16 columns.
COUPLET_INLINE couplet_ints matches(const int32_t *column_groups, int32_t group) {
    couplet_ints groups;
    memcpy(&groups, column_groups, sizeof groups);
    return groups == group;
}

void NAME(couplet_tile_match_sums)(size_t rows, size_t columns, const float *tile, size_t stride,
                                   const int32_t *row_groups, const int32_t *column_groups, float *sums,
                                   int32_t *counts) {
    for (size_t i = 0; i < rows; i++) {
        sums[i] = 0, counts[i] = 0;
        if (row_groups[i] < 0) continue;
        couplet_floats sum = {0};
        couplet_ints count = {0};
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            couplet_floats x = couplet_load(tile + i * stride + j);
            couplet_ints mask = matches(column_groups + j, row_groups[i]) & (x > 0.5f * COUPLET_EXCLUDED);
            sum += (couplet_floats)(mask & (couplet_ints)x);
            count -= mask;
        }
        sums[i] = couplet_lane_sum(sum);
        for (int lane = 0; lane < COUPLET_LANES; lane++) counts[i] += count[lane];
    }
}

void NAME(couplet_tile_exclude_matches)(size_t rows, size_t columns, float *tile, size_t stride,
                                        const int32_t *row_groups, const int32_t *column_groups) {
    for (size_t i = 0; i < rows; i++) {
        if (row_groups[i] < 0) continue;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            float *x = tile + i * stride + j;
            couplet_store(x, couplet_select(matches(column_groups + j, row_groups[i]),
                                            couplet_broadcast(COUPLET_EXCLUDED), couplet_load(x)));
        }
    }
}

void NAME(couplet_tile_add_matches)(size_t rows, size_t columns, float *tile, size_t stride, const int32_t *row_groups,
                                    const int32_t *column_groups, const float *values) {
    for (size_t i = 0; i < rows; i++) {
        if (row_groups[i] < 0) continue;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            float *x = tile + i * stride + j;
            couplet_floats old = couplet_load(x);
            couplet_store(x, couplet_select(matches(column_groups + j, row_groups[i]), old + values[i], old));
        }
    }
}

// couplet_tile_sigmoid of a row, of which `columns` is a multiple of 16 but for the end.
COUPLET_INLINE void sigmoid_row(size_t columns, float *x, float scale, float bias, float share, int32_t group,
                                const int32_t *column_groups, float *loss, float *total) {
    couplet_floats losses = {0}, sum = {0};
    const couplet_floats zero = {0};
    for (size_t j = 0; j < columns; j += COUPLET_LANES) {
        const size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
        couplet_floats p =
            count < COUPLET_LANES ? couplet_load_part(x + j, count, COUPLET_EXCLUDED) : couplet_load(x + j);
        couplet_ints mask = matches(column_groups + j, group) & (p > 0.5f * COUPLET_EXCLUDED);
        couplet_floats t = couplet_fma(couplet_broadcast(scale), p, couplet_broadcast(bias));
        t = couplet_select(mask, -t, t);
        couplet_floats e = couplet_exp2(couplet_select(t > zero, -t, t));
        couplet_floats small = share * e / (1.0f + e);
        couplet_floats w = couplet_select(t > zero, share - small, small);
        w = couplet_select(mask, -w, w);
        losses += couplet_fma(couplet_max(t, zero), couplet_broadcast(0.69314718f), couplet_log1p(e));
        couplet_store_up_to(x + j, count, w);
        sum += w;
    }
    *loss = couplet_lane_sum(losses), *total = couplet_lane_sum(sum);
}

void NAME(couplet_tile_sigmoid_matches)(size_t rows, size_t columns, float *tile, size_t stride, float scale,
                                        float bias, float share, const int32_t *row_groups,
                                        const int32_t *column_groups, float *losses, float *sums) {
    for (size_t i = 0; i < rows; i++)
        sigmoid_row(columns, tile + i * stride, scale, bias, share, row_groups[i] < 0 ? INT32_MIN : row_groups[i],
                    column_groups, losses + i, sums + i);
}

#endif
