#ifndef COUPLET_SET
#include "couplet_sequence.h"
#include <stdint.h>

// Rows of a table lie anywhere in memory; the row of a token is fetched while those of this many tokens before it are
// in work.
#define COUPLET_TOKENS_AHEAD 8
#define COUPLET_INVALID_ID SIZE_MAX
// The positions of a block of a sum; and the columns that are summed together, which change no bits.
#define COUPLET_SUMMED_POSITIONS 32
#define COUPLET_SUMMED_COLUMNS 256

#define id_of NAME(id_of)
#define add_to NAME(add_to)
#define lane_product NAME(lane_product)
#define softmax NAME(softmax)
#define COUPLET_KERNELS "network_sequence.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_count_positions)
COUPLET_DISPATCH(couplet_embed)
COUPLET_DISPATCH(couplet_embed_backward)
COUPLET_DISPATCH(couplet_embedding_bag)
COUPLET_DISPATCH(couplet_embedding_bag_backward)
COUPLET_DISPATCH(couplet_sum_positions)
COUPLET_DISPATCH(couplet_spread_positions)
COUPLET_DISPATCH(couplet_attention_pool)
COUPLET_DISPATCH(couplet_attention_pool_backward)

#else

// The row of a table; COUPLET_INVALID_ID for an invalid id.
COUPLET_INLINE size_t id_of(float id, size_t vocabulary) {
    if (!(id >= 0.0f && id < (float)vocabulary)) return COUPLET_INVALID_ID;
    const size_t whole = (size_t)id;
    return (float)whole == id ? whole : COUPLET_INVALID_ID;
}

// Fetches the row of a token into the cache.
#define COUPLET_FETCH(ids, i, count, table)                                                                            \
    if ((i) + COUPLET_TOKENS_AHEAD < (count)) {                                                                        \
        const size_t ahead_ = id_of((ids)[(i) + COUPLET_TOKENS_AHEAD], vocabulary);                                    \
        if (ahead_ != COUPLET_INVALID_ID)                                                                              \
            for (size_t line_ = 0; line_ < width; line_ += 16) __builtin_prefetch((table) + ahead_ * width + line_);   \
    }

COUPLET_INLINE void add_to(size_t width, const float *restrict x, float *restrict y) {
    for (size_t c = 0; c < width; c++) y[c] += x[c];
}

void NAME(couplet_count_positions)(size_t rows, size_t positions, size_t width, const float *x, float *counts) {
    for (size_t r = 0; r < rows; r++, x += positions * width) {
        size_t count = positions * width;
        while (count > 0 && x[count - 1] == 0.0f) count--;
        counts[r] = (float)((count + width - 1) / width);
    }
}

void NAME(couplet_embed)(size_t count, size_t width, size_t vocabulary, const float *ids, const float *table,
                         float *restrict y) {
    for (size_t i = 0; i < count; i++, y += width) {
        COUPLET_FETCH(ids, i, count, table)
        const size_t id = id_of(ids[i], vocabulary);
        if (id == COUPLET_INVALID_ID)
            for (size_t c = 0; c < width; c++) y[c] = __builtin_nanf("");
        else if (id == 0)
            memset(y, 0, width * sizeof(float));
        else
            memcpy(y, table + id * width, width * sizeof(float));
    }
}

void NAME(couplet_embed_backward)(size_t count, size_t width, size_t vocabulary, const float *ids,
                                  const float *restrict dy, float *restrict gradient) {
    for (size_t i = 0; i < count; i++, dy += width) {
        COUPLET_FETCH(ids, i, count, gradient)
        const size_t id = id_of(ids[i], vocabulary);
        if (id != COUPLET_INVALID_ID && id > 0) add_to(width, dy, gradient + id * width);
    }
}

void NAME(couplet_embedding_bag)(size_t rows, size_t positions, size_t width, size_t vocabulary, const float *ids,
                                 const float *table, int mean, float *restrict y) {
    const size_t count = rows * positions;
    for (size_t r = 0; r < rows; r++, y += width) {
        size_t valid = 0;
        memset(y, 0, width * sizeof(float));
        for (size_t i = r * positions; i < (r + 1) * positions; i++) {
            COUPLET_FETCH(ids, i, count, table)
            const size_t id = id_of(ids[i], vocabulary);
            if (id == 0) continue;
            valid++;
            if (id == COUPLET_INVALID_ID)
                for (size_t c = 0; c < width; c++) y[c] = __builtin_nanf("");
            else
                add_to(width, table + id * width, y);
        }
        const float divisor = (float)valid;
        if (mean && valid > 1)
            for (size_t c = 0; c < width; c++) y[c] /= divisor;
    }
}

void NAME(couplet_embedding_bag_backward)(size_t rows, size_t positions, size_t width, size_t vocabulary,
                                          const float *ids, int mean, float *restrict dy, float *restrict gradient) {
    const size_t count = rows * positions;
    for (size_t r = 0; r < rows; r++, dy += width) {
        size_t valid = 0;
        for (size_t i = r * positions; i < (r + 1) * positions; i++) valid += ids[i] != 0.0f;
        const float divisor = (float)valid;
        if (mean && valid > 1)
            for (size_t c = 0; c < width; c++) dy[c] /= divisor;
        for (size_t i = r * positions; i < (r + 1) * positions; i++) {
            COUPLET_FETCH(ids, i, count, gradient)
            const size_t id = id_of(ids[i], vocabulary);
            if (id != COUPLET_INVALID_ID && id > 0) add_to(width, dy, gradient + id * width);
        }
    }
}

void NAME(couplet_sum_positions)(size_t count, size_t width, const float *restrict x, float divisor,
                                 float *restrict y) {
    for (size_t first = 0; first < width; first += COUPLET_SUMMED_COLUMNS) {
        const size_t columns = width - first < COUPLET_SUMMED_COLUMNS ? width - first : COUPLET_SUMMED_COLUMNS;
        float *restrict sums = y + first, block[COUPLET_SUMMED_COLUMNS];
        memset(sums, 0, columns * sizeof(float));
        for (size_t start = 0; start < count; start += COUPLET_SUMMED_POSITIONS) {
            memset(block, 0, columns * sizeof(float));
            for (size_t p = start; p < count && p < start + COUPLET_SUMMED_POSITIONS; p++)
                add_to(columns, x + p * width + first, block);
            add_to(columns, block, sums);
        }
        if (count > 0 && divisor != 1.0f)
            for (size_t c = 0; c < columns; c++) sums[c] /= divisor;
    }
}

void NAME(couplet_spread_positions)(size_t count, size_t positions, size_t width, const float *restrict dy,
                                    float divisor, float *restrict x) {
    if (count > 0)
        for (size_t c = 0; c < width; c++) x[c] = dy[c] / divisor;
    for (size_t p = 1; p < count; p++) memcpy(x + p * width, x, width * sizeof(float));
    memset(x + count * width, 0, (positions - count) * width * sizeof(float));
}

// Σ x[i] y[i] in 16 lanes, added as a tree.
COUPLET_INLINE float lane_product(size_t count, const float *x, const float *y) {
    couplet_floats sum = couplet_broadcast(0.0f);
    size_t i = 0;
    for (; i + COUPLET_LANES <= count; i += COUPLET_LANES)
        sum = couplet_fma(couplet_load(x + i), couplet_load(y + i), sum);
    if (i < count)
        sum = couplet_fma(couplet_load_part(x + i, count - i, 0.0f), couplet_load_part(y + i, count - i, 0.0f), sum);
    return couplet_lane_sum(sum);
}

// x[i] = e^(x[i] - max x) / Σ e^(x[j] - max x). Σ_j runs in 16 lanes, added as a tree.
COUPLET_INLINE void softmax(size_t count, float *x) {
    float largest = x[0];
    for (size_t i = 1; i < count; i++) largest = x[i] > largest ? x[i] : largest;
    for (size_t i = 0; i < count; i++) x[i] = couplet_exp(x[i] - largest);
    float lanes[COUPLET_LANES] = {0};
    for (size_t i = 0; i < count; i++) lanes[i % COUPLET_LANES] += x[i];
    const float sum = couplet_lane_sum_of(lanes);
    for (size_t i = 0; i < count; i++) x[i] /= sum;
}

void NAME(couplet_attention_pool)(size_t count, size_t positions, size_t width, size_t heads, float scale,
                                  const float *restrict x, const float *restrict queries, float *restrict weights,
                                  float *restrict y) {
    const size_t columns = width / heads;
    memset(y, 0, width * sizeof(float));
    for (size_t h = 0; h < heads; h++) memset(weights + h * positions + count, 0, (positions - count) * sizeof(float));
    if (count == 0) return;
    for (size_t p = 0; p < count; p++)
        for (size_t h = 0; h < heads; h++)
            weights[h * positions + p] = scale * lane_product(width, queries + h * width, x + p * width);
    for (size_t h = 0; h < heads; h++) softmax(count, weights + h * positions);
    for (size_t p = 0; p < count; p++)
        for (size_t h = 0; h < heads; h++) {
            const float weight = weights[h * positions + p];
            const float *restrict from = x + p * width + h * columns;
            float *restrict to = y + h * columns;
            for (size_t c = 0; c < columns; c++) to[c] = couplet_fma(weight, from[c], to[c]);
        }
}

void NAME(couplet_attention_pool_backward)(size_t count, size_t positions, size_t width, size_t heads, float scale,
                                           const float *restrict x, const float *restrict queries,
                                           const float *restrict weights, const float *restrict dy,
                                           float *restrict scores, float *restrict dqueries, float *restrict dx) {
    const size_t columns = width / heads;
    // The gradient of the weights, then that of the scores.
    for (size_t p = 0; p < count; p++)
        for (size_t h = 0; h < heads; h++)
            scores[h * positions + p] = lane_product(columns, dy + h * columns, x + p * width + h * columns);
    for (size_t h = 0; h < heads; h++) {
        float *restrict s = scores + h * positions;
        const float *restrict w = weights + h * positions;
        const float mean = lane_product(count, w, s);
        for (size_t p = 0; p < count; p++) s[p] = scale * (w[p] * (s[p] - mean));
    }
    float *restrict sum = scores + heads * positions;
    for (size_t h = 0; h < heads; h++) {
        memset(sum, 0, width * sizeof(float));
        for (size_t p = 0; p < count; p++) {
            const float score = scores[h * positions + p];
            const float *restrict from = x + p * width;
            for (size_t c = 0; c < width; c++) sum[c] = couplet_fma(score, from[c], sum[c]);
        }
        add_to(width, sum, dqueries + h * width);
    }
    if (!dx) return;
    for (size_t p = 0; p < count; p++) {
        float *restrict to = dx + p * width;
        for (size_t h = 0; h < heads; h++) {
            const float weight = weights[h * positions + p];
            for (size_t c = h * columns; c < (h + 1) * columns; c++) to[c] = weight * dy[c];
        }
        for (size_t h = 0; h < heads; h++) {
            const float score = scores[h * positions + p];
            const float *restrict query = queries + h * width;
            for (size_t c = 0; c < width; c++) to[c] = couplet_fma(score, query[c], to[c]);
        }
    }
    memset(dx + count * width, 0, (positions - count) * width * sizeof(float));
}

#endif
