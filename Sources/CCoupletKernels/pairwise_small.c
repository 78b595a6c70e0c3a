#ifndef COUPLET_SET
#include "couplet_pairwise.h"
#include "couplet_pairwise_small.h"
#define lane_sums NAME(lane_sums)
#define score_rows NAME(score_rows)
#define power_rows NAME(power_rows)
#define diagonal_mask NAME(diagonal_mask)
#define entry_mask NAME(entry_mask)
#define sum_rows NAME(sum_rows)
#define sums NAME(sums)
#define weight_rows NAME(weight_rows)
#define add_to_rows NAME(add_to_rows)
#define add_to_columns NAME(add_to_columns)
#define gradient_rows NAME(gradient_rows)
#define gradients NAME(gradients)
#define COUPLET_KERNELS "pairwise_small.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_small_sums)
COUPLET_DISPATCH(couplet_small_gradients)
COUPLET_DISPATCH(couplet_small_match_sums)
COUPLET_DISPATCH(couplet_small_match_gradients)
COUPLET_DISPATCH(couplet_small_diagonal)

#else

// The number of columns with the padding.
#define padded(tile) (((tile)->columns + COUPLET_LANES - 1) / COUPLET_LANES * COUPLET_LANES)

// Loops over constant ranges become straight code, so that arrays of vectors are registers. Without an instruction for
// multiply-adds that would be far too much code.
#undef FOR
#if COUPLET_HAS_FMA
#define FOR(variable, count) _Pragma("clang loop unroll(full)") for (int variable = 0; variable < (count); variable++)
#else
#define FOR(variable, count)                                                                                           \
    _Pragma("clang loop unroll(disable)") for (int variable = 0; variable < (count); variable++)
#endif

// The lane sums of 16 vectors. Each is added as couplet_lane_sum adds: 16, 8, 4, 2, 1.
COUPLET_INLINE couplet_floats lane_sums(const couplet_floats *v) {
    couplet_floats a[8], b[4], c[2];
    FOR(i, 8)
    a[i] =
        __builtin_shufflevector(v[2 * i], v[2 * i + 1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
        __builtin_shufflevector(v[2 * i], v[2 * i + 1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    FOR(i, 4)
    b[i] = __builtin_shufflevector(a[2 * i], a[2 * i + 1], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
           __builtin_shufflevector(a[2 * i], a[2 * i + 1], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    FOR(i, 2)
    c[i] = __builtin_shufflevector(b[2 * i], b[2 * i + 1], 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29) +
           __builtin_shufflevector(b[2 * i], b[2 * i + 1], 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
    return __builtin_shufflevector(c[0], c[1], 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
           __builtin_shufflevector(c[0], c[1], 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

// Computes T of 16 columns from column j, for `count` rows from row i.
COUPLET_INLINE void score_rows(const couplet_small_tile *tile, size_t i, size_t j, const int count, const int dimension,
                               couplet_floats *scores) {
    couplet_floats offset = couplet_load(tile->column_offsets + j);
    FOR(r, count) scores[r] = -(offset + tile->row_offsets[i + r]);
    FOR(k, dimension) {
        couplet_floats y = couplet_load(tile->y + k * tile->stride + j);
        FOR(r, count)
        scores[r] = couplet_fma(couplet_broadcast(tile->scaled[(i + r) * dimension + k]), y, scores[r]);
    }
}

// The same for 2^T.
COUPLET_INLINE void power_rows(const couplet_small_tile *tile, size_t i, size_t j, const int count, const int dimension,
                               couplet_floats *powers) {
    score_rows(tile, i, j, count, dimension, powers);
    FOR(r, count) powers[r] = couplet_exp2(powers[r]);
}

// The mask of the lane of row i's excluded pair, in 16 columns from column j.
COUPLET_INLINE couplet_ints diagonal_mask(const couplet_small_tile *tile, size_t i, size_t j) {
    const ptrdiff_t column = tile->diagonal + (ptrdiff_t)i;
    const int32_t lane = column < (ptrdiff_t)tile->columns ? (int32_t)(column - (ptrdiff_t)j) : -1;
    return (couplet_ints){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} == lane;
}

// The bits of row i and the rows behind it in its block, in 16 columns from column j.
#define entry_bits(bits, groups, i, j) ((bits)[(i) / 4 * (groups)->stride + (j) / COUPLET_LANES] >> 16 * ((i) % 4))

// The mask of the bits of row r of `entry_bits`.
COUPLET_INLINE couplet_ints entry_mask(uint64_t bits, int r) {
    const couplet_ints lanes = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    return (lanes & (int32_t)(bits >> 16 * r & 0xffff)) == lanes;
}

// With `has_groups`, a constant, also the sums and the numbers of the matches.
COUPLET_INLINE void sum_rows(const couplet_small_tile *tile, size_t i, const int count, const int dimension,
                             float *row_sums, float *column_sums, const int has_groups,
                             const couplet_small_groups *groups, float *match_sums, int32_t *match_counts) {
    couplet_floats total[4] = {0}, e[4] = {0}, matched[4] = {0};
    int32_t counts[4] = {0};
    for (size_t j = 0; j < padded(tile); j += COUPLET_LANES) {
        const uint64_t matches = has_groups ? entry_bits(groups->matches, groups, i, j) : 0;
        const uint64_t excluded = has_groups ? entry_bits(groups->excluded, groups, i, j) : 0;
        if (has_groups && matches | excluded) {
            score_rows(tile, i, j, count, dimension, e);
            FOR(r, count) {
                couplet_ints mask = entry_mask(matches, r), out = entry_mask(excluded, r);
                matched[r] += (couplet_floats)(mask & (couplet_ints)e[r]);
                counts[r] += __builtin_popcountll(matches >> 16 * r & 0xffff);
                if (groups->excludes_matches) out |= mask;
                e[r] = (couplet_floats)(~out & (couplet_ints)couplet_exp2(e[r]));
            }
        } else {
            power_rows(tile, i, j, count, dimension, e);
        }
        if (tile->has_diagonal)
            FOR(r, count) e[r] = (couplet_floats)(~diagonal_mask(tile, i + r, j) & (couplet_ints)e[r]);
        FOR(r, count) total[r] += e[r];
        couplet_floats added = count == 4 ? (e[0] + e[1]) + (e[2] + e[3]) : e[0];
        couplet_store(column_sums + j, couplet_load(column_sums + j) + added);
    }
    FOR(r, count) row_sums[i + r] = couplet_lane_sum(total[r]);
    if (has_groups)
        for (int r = 0; r < count; r++) {
            match_counts[i + r] = counts[r];
            match_sums[i + r] = counts[r] ? couplet_lane_sum(matched[r]) : 0;
        }
}

COUPLET_INLINE void sums(const couplet_small_tile *tile, const int dimension, float *row_sums, float *column_sums,
                         const int has_groups, const couplet_small_groups *groups, float *match_sums,
                         int32_t *match_counts) {
    for (size_t j = 0; j < padded(tile); j++) column_sums[j] = 0;
    if (has_groups)
        for (size_t i = 0; i < tile->rows; i++) match_sums[i] = 0, match_counts[i] = 0;
    size_t i = 0;
    for (; i + 4 <= tile->rows; i += 4)
        if (has_groups && groups->blocks[i / 4])
            sum_rows(tile, i, 4, dimension, row_sums, column_sums, 1, groups, match_sums, match_counts);
        else
            sum_rows(tile, i, 4, dimension, row_sums, column_sums, 0, 0, 0, 0);
    for (; i < tile->rows; i++)
        if (has_groups && groups->blocks[i / 4])
            sum_rows(tile, i, 1, dimension, row_sums, column_sums, 1, groups, match_sums, match_counts);
        else
            sum_rows(tile, i, 1, dimension, row_sums, column_sums, 0, 0, 0, 0);
}

// Calls `call` with the dimension as a constant, so that the compiler builds one loop for each.
#undef WITH_CONSTANT
#if COUPLET_HAS_FMA
#define WITH_CONSTANT(dimension, call)                                                                                 \
    switch (dimension) {                                                                                               \
        CASE(call, 1)                                                                                                  \
        CASE(call, 2) CASE(call, 3) CASE(call, 4) CASE(call, 5) CASE(call, 6) CASE(call, 7) CASE(call, 8)              \
    }
#else
#define WITH_CONSTANT(dimension, call) call((int)(dimension));
#endif
#undef CASE
#define CASE(call, dimension)                                                                                          \
    case dimension:                                                                                                    \
        call(dimension);                                                                                               \
        break;

void NAME(couplet_small_sums)(const couplet_small_tile *tile, float *row_sums, float *column_sums) {
#define call(dimension) sums(tile, dimension, row_sums, column_sums, 0, 0, 0, 0)
    WITH_CONSTANT(tile->dimension, call)
#undef call
}

void NAME(couplet_small_match_sums)(const couplet_small_tile *tile, const couplet_small_groups *groups, float *row_sums,
                                    float *column_sums, float *match_sums, int32_t *match_counts) {
#define call(dimension) sums(tile, dimension, row_sums, column_sums, 1, groups, match_sums, match_counts)
    WITH_CONSTANT(tile->dimension, call)
#undef call
}

// The columns of a strip: the weights of four rows take 4 KiB.
#define STRIP 256
// The rows whose gradients stay in registers together.
#define ROWS_AT_ONCE (COUPLET_WIDTH == 16 ? 2 : 1)

// Computes the weights of `count` rows from row i, in the columns from `start` to `end`.
COUPLET_INLINE void weight_rows(const couplet_small_tile *tile, size_t i, size_t start, size_t end, const int count,
                                const int dimension, const float *row_factors, const float *column_factors,
                                const float *diagonal_weights, const int has_groups, const couplet_small_groups *groups,
                                const float *match_weights, float weights[4][STRIP]) {
    for (size_t j = start; j < end; j += COUPLET_LANES) {
        couplet_floats w[4];
        power_rows(tile, i, j, count, dimension, w);
        couplet_floats factor = couplet_load(column_factors + j);
        FOR(r, count) w[r] *= factor + row_factors[i + r];
        const uint64_t matches = has_groups ? entry_bits(groups->matches, groups, i, j) : 0;
        const uint64_t excluded = has_groups ? entry_bits(groups->excluded, groups, i, j) : 0;
        if (has_groups && matches | excluded) FOR(r, count) {
                couplet_ints mask = entry_mask(matches, r), out = entry_mask(excluded, r);
                if (groups->excludes_matches) out |= mask;
                couplet_floats old = (couplet_floats)(~out & (couplet_ints)w[r]);
                w[r] = couplet_select(mask, old + match_weights[i + r], old);
            }
        FOR(r, count) couplet_store(weights[r] + (j - start), w[r]);
    }
    if (tile->has_diagonal)
        for (size_t r = 0; r < (size_t)count; r++) {
            const ptrdiff_t column = tile->diagonal + (ptrdiff_t)(i + r) - (ptrdiff_t)start;
            if (column >= 0 && column < (ptrdiff_t)(end - start) &&
                column + (ptrdiff_t)start < (ptrdiff_t)tile->columns)
                weights[r][column] = diagonal_weights ? diagonal_weights[i + r] : 0.0f;
        }
}

// Adds a strip of weights to the sums of `rows` rows, which have 16 lanes until the end of the tile.
COUPLET_INLINE void add_to_rows(const couplet_small_tile *tile, size_t start, size_t end, const int rows,
                                const int dimension, float (*weights)[STRIP], couplet_floats *total) {
    couplet_floats sums[2][COUPLET_SMALL_DIMENSION];
    FOR(r, rows) FOR(k, dimension) sums[r][k] = total[r * dimension + k];
    for (size_t j = start; j < end; j += COUPLET_LANES) {
        couplet_floats w[2];
        FOR(r, rows) w[r] = couplet_load(weights[r] + (j - start));
        FOR(k, dimension) {
            couplet_floats y = couplet_load(tile->y + k * tile->stride + j);
            FOR(r, rows) sums[r][k] = couplet_fma(w[r], y, sums[r][k]);
        }
    }
    FOR(r, rows) FOR(k, dimension) total[r * dimension + k] = sums[r][k];
}

// Adds a strip of the weights of `count` rows to the columns' gradients.
COUPLET_INLINE void add_to_columns(const couplet_small_tile *tile, size_t start, size_t end, const int count,
                                   const int dimension, const float *x, float (*weights)[STRIP],
                                   float *column_gradient) {
    for (size_t j = start; j < end; j += COUPLET_LANES) {
        couplet_floats w[4];
        FOR(r, count) w[r] = couplet_load(weights[r] + (j - start));
        FOR(k, dimension) {
            float *address = column_gradient + k * tile->stride + j;
            couplet_floats sum = couplet_load(address);
            FOR(r, count) sum = couplet_fma(w[r], couplet_broadcast(x[r * dimension + k]), sum);
            couplet_store(address, sum);
        }
    }
}

COUPLET_INLINE
void gradient_rows(const couplet_small_tile *tile, size_t i, const int count, const int dimension, const float *x,
                   const float *row_factors, const float *column_factors, const float *diagonal_weights,
                   const int has_groups, const couplet_small_groups *groups, const float *match_weights,
                   float *row_gradient, float *row_weight_sums, float *column_gradient) {
    _Alignas(64) float weights[4][STRIP];
    couplet_floats total[32] = {0}, weight_total[4] = {0};
    const size_t columns = padded(tile);
    for (size_t start = 0; start < columns; start += STRIP) {
        const size_t end = columns - start < STRIP ? columns : start + STRIP;
        weight_rows(tile, i, start, end, count, dimension, row_factors, column_factors, diagonal_weights, has_groups,
                    groups, match_weights, weights);
        if (count % ROWS_AT_ONCE == 0)
            for (int r = 0; r < count; r += ROWS_AT_ONCE)
                add_to_rows(tile, start, end, ROWS_AT_ONCE, dimension, weights + r, total + r * dimension);
        else
            add_to_rows(tile, start, end, 1, dimension, weights, total);
        add_to_columns(tile, start, end, count, dimension, x + i * dimension, weights, column_gradient);
        if (row_weight_sums)
            for (size_t j = start; j < end; j += COUPLET_LANES) {
                float *address = column_gradient + dimension * tile->stride + j;
                couplet_floats sum = couplet_load(address);
                for (int r = 0; r < count; r++) {
                    couplet_floats w = couplet_load(weights[r] + (j - start));
                    weight_total[r] += w, sum += w;
                }
                couplet_store(address, sum);
            }
    }
    float lanes[32];
    couplet_store(lanes, lane_sums(total));
    if (count * dimension > 16) couplet_store(lanes + 16, lane_sums(total + 16));
    FOR(n, count * dimension) row_gradient[i * dimension + n] += lanes[n];
    if (row_weight_sums) FOR(r, count) row_weight_sums[i + r] += couplet_lane_sum(weight_total[r]);
}

COUPLET_INLINE void gradients(const couplet_small_tile *tile, const int dimension, const float *x,
                              const float *row_factors, const float *column_factors, const float *diagonal_weights,
                              const int has_groups, const couplet_small_groups *groups, const float *match_weights,
                              float *row_gradient, float *row_weight_sums, float *column_gradient) {
    size_t count = (size_t)(dimension + (row_weight_sums != 0)) * tile->stride, i = 0;
    for (size_t j = 0; j < count; j++) column_gradient[j] = 0;
#define ROWS(count, has_groups)                                                                                        \
    gradient_rows(tile, i, count, dimension, x, row_factors, column_factors, diagonal_weights, has_groups, groups,     \
                  match_weights, row_gradient, row_weight_sums, column_gradient)
    for (; i + 4 <= tile->rows; i += 4)
        if (has_groups && groups->blocks[i / 4])
            ROWS(4, 1);
        else
            ROWS(4, 0);
    for (; i < tile->rows; i++)
        if (has_groups && groups->blocks[i / 4])
            ROWS(1, 1);
        else
            ROWS(1, 0);
#undef ROWS
}

void NAME(couplet_small_gradients)(const couplet_small_tile *tile, const float *x, const float *row_factors,
                                   const float *column_factors, const float *diagonal_weights, float *row_gradient,
                                   float *row_weight_sums, float *column_gradient) {
#define call(dimension)                                                                                                \
    gradients(tile, dimension, x, row_factors, column_factors, diagonal_weights, 0, 0, 0, row_gradient,                \
              row_weight_sums, column_gradient)
    WITH_CONSTANT(tile->dimension, call)
#undef call
}

void NAME(couplet_small_match_gradients)(const couplet_small_tile *tile, const couplet_small_groups *groups,
                                         const float *x, const float *row_factors, const float *column_factors,
                                         const float *diagonal_weights, const float *match_weights, float *row_gradient,
                                         float *row_weight_sums, float *column_gradient) {
#define call(dimension)                                                                                                \
    gradients(tile, dimension, x, row_factors, column_factors, diagonal_weights, 1, groups, match_weights,             \
              row_gradient, row_weight_sums, column_gradient)
    WITH_CONSTANT(tile->dimension, call)
#undef call
}

void NAME(couplet_small_diagonal)(size_t rows, size_t dimension, const float *scaled, const float *row_offsets,
                                  const float *y, const float *column_offsets, float *out) {
    for (size_t i = 0; i < rows; i++) {
        float score = -(column_offsets[i] + row_offsets[i]);
        for (size_t k = 0; k < dimension; k++)
            score = couplet_fma(scaled[i * dimension + k], y[i * dimension + k], score);
        out[i] = score;
    }
}

#endif
