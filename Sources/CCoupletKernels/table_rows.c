#ifndef COUPLET_SET
#include "couplet_table_rows.h"
#define COUPLET_KERNELS "table_rows.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_gather_rows)
COUPLET_DISPATCH(couplet_scatter_rows)
COUPLET_DISPATCH(couplet_add_marked_rows)
COUPLET_DISPATCH(couplet_table_row_squares)

#else

// Rows of a large table lie in memory, not in a cache. They are fetched this many rows ahead.
#define ROWS_AHEAD 8

COUPLET_INLINE void NAME(fetch)(const float *row, size_t width) {
    for (size_t i = 0; i < width; i += 16) __builtin_prefetch(row + i);
}

void NAME(couplet_gather_rows)(size_t count, size_t width, const uint32_t *rows, size_t first,
                               const float *restrict table, float *restrict out) {
    for (size_t i = 0; i < count; i++) {
        if (i + ROWS_AHEAD < count) NAME(fetch)(table + width * (rows[i + ROWS_AHEAD] - first), width);
        const float *row = table + width * (rows[i] - first);
        for (size_t j = 0; j < width; j++) out[width * i + j] = row[j];
    }
}

void NAME(couplet_scatter_rows)(size_t count, size_t width, const uint32_t *rows, size_t first,
                                const float *restrict in, float *restrict table) {
    for (size_t i = 0; i < count; i++) {
        float *row = table + width * (rows[i] - first);
        for (size_t j = 0; j < width; j++) row[j] = in[width * i + j];
    }
}

void NAME(couplet_add_marked_rows)(size_t words, uint64_t *from, uint64_t *to, size_t width, float *restrict x,
                                   float *restrict y) {
    for (size_t word = 0; word < words; word++) {
        uint64_t marks = from[word];
        to[word] |= marks;
        from[word] = 0;
        for (; marks; marks &= marks - 1) {
            const size_t row = 64 * word + (size_t)__builtin_ctzll(marks);
            float *source = x + width * row, *target = y + width * row;
            for (size_t j = 0; j < width; j++) {
                target[j] += source[j];
                source[j] = 0;
            }
        }
    }
}

void NAME(couplet_table_row_squares)(size_t rows, size_t width, float *x, double *squares) {
    for (size_t row = 0; row < rows; row++) {
        float *numbers = x + width * row;
        for (size_t j = 0; j < width; j++) numbers[j] += 0.0f;
        squares[row] = couplet_lane_dot(width, numbers, numbers);
    }
}

#endif
