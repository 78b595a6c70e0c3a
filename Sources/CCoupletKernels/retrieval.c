#ifndef COUPLET_SET
#include "couplet_flat_buffer.h"
#include "couplet_pairwise.h"
#include "couplet_retrieval.h"

// The number of rows of a tile, which is part of the definition of the sums, and of vectors of queries in a panel.
#define TILE_ROWS 8
#define TILE_VECTORS (COUPLET_SEARCH_WIDTH / COUPLET_LANES)
// The sums of a panel over one block, relative to a shift per query.
struct block_sums {
    float shift[COUPLET_SEARCH_WIDTH], sum[COUPLET_SEARCH_WIDTH], square[COUPLET_SEARCH_WIDTH];
    // A score above this needs `raise_limits`: it may belong to the top k, or be too large for the shift.
    float limit[COUPLET_SEARCH_WIDTH];
};

// A tile with scores that exceed a limit.
struct tile {
    float score[TILE_ROWS][COUPLET_SEARCH_WIDTH];
    // Not 0 if a score of the query exceeds its limit.
    int32_t exceeds[COUPLET_SEARCH_WIDTH];
    const float *row[TILE_ROWS];
    int64_t first_row;
    size_t rows, first_query, queries;
};

#define is_worse NAME(is_worse)
#define exact_similarity NAME(exact_similarity)
#define insert NAME(insert)
#define threshold NAME(threshold)
#define score_limit NAME(score_limit)
#define raise_limits NAME(raise_limits)
#define scan NAME(scan)
#define scan_all NAME(scan_all)
#define COUPLET_KERNELS "retrieval.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_count_row_scores)
COUPLET_DISPATCH(couplet_count_column_scores)
COUPLET_DISPATCH(couplet_score_statistics)
COUPLET_DISPATCH(couplet_search_block)
COUPLET_DISPATCH(couplet_search_unit_rows)
COUPLET_DISPATCH(couplet_search_checksum)

// 2^exponent for a whole number of at most 0; 0 below the normal numbers.
static double power_of_two(double exponent) {
    if (!(exponent >= -1022.0)) return 0;
    uint64_t bits = (uint64_t)(1023 + (int64_t)exponent) << 52;
    double power;
    memcpy(&power, &bits, 8);
    return power;
}

void couplet_search_add_normalizers(size_t count, const double *exponents, const double *sums, const double *squares,
                                    double *total_exponents, double *total_sums, double *total_squares) {
    for (size_t q = 0; q < count; q++) {
        if (exponents[q] == total_exponents[q]) {
            total_sums[q] += sums[q], total_squares[q] += squares[q];
            continue;
        }
        // Exponents are whole, so the factors are powers of two and round nothing.
        double larger = exponents[q] > total_exponents[q] ? exponents[q] : total_exponents[q];
        double a = power_of_two(total_exponents[q] - larger), b = power_of_two(exponents[q] - larger);
        total_sums[q] = total_sums[q] * a + sums[q] * b;
        total_squares[q] = total_squares[q] * (a * a) + squares[q] * (b * b);
        total_exponents[q] = larger;
    }
}

void couplet_search_pack(size_t count, size_t dimension, const float *rows, const double *factors, float *panel) {
    for (size_t k = 0; k < dimension; k++)
        for (size_t q = 0; q < COUPLET_SEARCH_WIDTH; q++)
            panel[k * COUPLET_SEARCH_WIDTH + q] = q < count ? (float)((double)rows[q * dimension + k] * factors[q]) : 0;
}

#else

// MARK: Rank counts

void NAME(couplet_count_row_scores)(size_t rows, size_t columns, const float *restrict tile, size_t stride,
                                    const float *restrict scale, const float *restrict offset,
                                    const float *restrict low, const float *restrict high, uint32_t *restrict certain,
                                    uint32_t *restrict possible) {
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

void NAME(couplet_count_column_scores)(size_t rows, size_t columns, const float *restrict tile, size_t stride,
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

float NAME(couplet_score_statistics)(size_t count, const float *restrict scores, float center,
                                     float *restrict column_largest, double *restrict sums) {
    couplet_floats sum = {0}, squares = {0}, best = couplet_broadcast(-__builtin_inff());
    size_t j = 0;
    for (; j + COUPLET_LANES <= count; j += COUPLET_LANES) {
        couplet_floats x = couplet_load(scores + j), y = x - center;
        best = couplet_max(x, best);
        couplet_store(column_largest + j, couplet_max(x, couplet_load(column_largest + j)));
        sum += y;
        squares = couplet_fma(y, y, squares);
    }
    double rest = 0, rest_squares = 0;
    float largest = -__builtin_inff();
    for (; j < count; j++) {
        double y = (double)scores[j] - center;
        if (scores[j] > largest) largest = scores[j];
        if (scores[j] > column_largest[j]) column_largest[j] = scores[j];
        rest += y;
        rest_squares += y * y;
    }
    for (int lane = 0; lane < COUPLET_LANES; lane++) largest = best[lane] > largest ? best[lane] : largest;
    sums[0] += couplet_lane_sum(sum) + rest;
    sums[1] += couplet_lane_sum(squares) + rest_squares;
    return largest;
}

// MARK: Top-k search

// The most by which scores of a block may exceed its shift, in powers of two: 4^HEADROOM times a block's rows fits a
// float.
#define HEADROOM 40.0f

// Whether entry a is worse than entry b.
COUPLET_INLINE int is_worse(float a_score, int64_t a_row, float b_score, int64_t b_row) {
    return a_score < b_score || (a_score == b_score && a_row > b_row);
}

static double exact_similarity(const struct couplet_search_queries *queries, size_t query, const float *row) {
    const float *x = queries->rows + query * queries->dimension;
    if (queries->similarity == couplet_search_product)
        return queries->factors[query] * couplet_dot(queries->dimension, x, row);
    double lanes[COUPLET_LANES] = {0}, sum = 0;
    for (size_t k = 0; k < queries->dimension; k++) {
        double difference = (double)x[k] - (double)row[k];
        lanes[k % COUPLET_LANES] += difference * difference;
    }
    for (int lane = 0; lane < COUPLET_LANES; lane++) sum += lanes[lane];
    return -0.5 * sum;
}

// Inserts an entry into a query's heap. If the heap is full, the entry replaces the worst one; it must be better.
static void insert(const struct couplet_search_top_k *top_k, size_t query, float score, int64_t row, double exact) {
    float *scores = top_k->score + query * top_k->capacity;
    int64_t *rows = top_k->row + query * top_k->capacity;
    double *similarities = top_k->similarity + query * top_k->capacity;
    size_t count = top_k->count[query], index;
    if (count < top_k->capacity) {
        index = top_k->count[query]++;
        while (index > 0) {
            size_t parent = (index - 1) / 2;
            if (!is_worse(score, row, scores[parent], rows[parent])) break;
            scores[index] = scores[parent], rows[index] = rows[parent], similarities[index] = similarities[parent];
            index = parent;
        }
    } else {
        index = 0;
        while (2 * index + 1 < count) {
            size_t child = 2 * index + 1;
            if (child + 1 < count && is_worse(scores[child + 1], rows[child + 1], scores[child], rows[child])) child++;
            if (!is_worse(scores[child], rows[child], score, row)) break;
            scores[index] = scores[child], rows[index] = rows[child], similarities[index] = similarities[child];
            index = child;
        }
    }
    scores[index] = score, rows[index] = row, similarities[index] = exact;
}

// 1.5 · 2^23: adding a number of moderate size to it rounds the number to an integer.
#define ROUNDING 12582912.0f
// Terms are at least 2^LEAST_POWER: negligible compared with terms of the size of the shift, and never subnormal.
#define LEAST_POWER (-126.0f)

// 2^(t - shift) for t <= shift + 126 by a polynomial of degree 5, relative error below 3e-7; 2^-126 if t is more than
// 126 below the shift. `least` is shift - 126 and `origin` is ROUNDING - shift, so neither the shift nor the exponent's
// bias costs an operation.
#define power_above(t, least, origin)                                                                                  \
    ({                                                                                                                 \
        couplet_floats t_ = couplet_max((t), (least)), rounded_ = t_ + (origin), rest_ = t_ - (rounded_ - (origin));   \
        couplet_floats poly_ = couplet_broadcast(1.32647285e-3f);                                                      \
        poly_ = couplet_fma(poly_, rest_, couplet_broadcast(9.67151299e-3f));                                          \
        poly_ = couplet_fma(poly_, rest_, couplet_broadcast(5.55073358e-2f));                                          \
        poly_ = couplet_fma(poly_, rest_, couplet_broadcast(2.40222424e-1f));                                          \
        poly_ = couplet_fma(poly_, rest_, couplet_broadcast(6.93147004e-1f));                                          \
        poly_ = couplet_fma(poly_, rest_, couplet_broadcast(1.0f));                                                    \
        (couplet_floats)((couplet_ints)poly_ + ((couplet_ints)rounded_ << 23));                                        \
    })

COUPLET_INLINE float threshold(const struct couplet_search_top_k *top_k, size_t query) {
    return top_k->count[query] < top_k->capacity ? 0.5f * COUPLET_EXCLUDED : top_k->score[query * top_k->capacity];
}

COUPLET_INLINE float score_limit(const struct couplet_search_top_k *top_k, size_t query, float shift) {
    float admitted = threshold(top_k, query), representable = shift + HEADROOM;
    return admitted < representable ? admitted : representable;
}

// Processes a tile in which a score exceeds the limit of its query, which is rare: inserts rows into the top k, raises
// shifts, and sets new limits.
static __attribute__((noinline)) void raise_limits(const struct couplet_search_queries *queries,
                                                   const struct tile *tile, const struct couplet_search_top_k *top_k,
                                                   struct block_sums *sums) {
    for (size_t q = tile->first_query; q < tile->queries; q++) {
        if (!tile->exceeds[q]) continue;
        float largest = COUPLET_EXCLUDED;
        for (size_t r = 0; r < tile->rows; r++) largest = tile->score[r][q] > largest ? tile->score[r][q] : largest;
        if (largest > sums->shift[q] + HEADROOM) {
            // The factor is a power of two, so nothing is rounded. Below 2^-120 even sums of the full headroom are
            // negligible.
            float shift = __builtin_ceilf(largest), lower = sums->shift[q] - shift;
            float factor = lower >= -120.0f ? couplet_from_bits((127 + (int32_t)lower) << 23) : 0.0f;
            sums->sum[q] = factor > 0 ? sums->sum[q] * factor : 0;
            sums->square[q] = factor > 0 ? sums->square[q] * factor * factor : 0;
            sums->shift[q] = shift;
        }
        for (size_t r = 0; r < tile->rows; r++)
            if (tile->score[r][q] > threshold(top_k, q))
                insert(top_k, q, tile->score[r][q], tile->first_row + (int64_t)r,
                       exact_similarity(queries, q, tile->row[r]));
        sums->limit[q] = score_limit(top_k, q, sums->shift[q]);
    }
}

// Scans a block with `vectors` of a panel's vectors, from `first` on. It scores `group` rows of a tile at once. `group`
// and `vectors` are constants in every call, so these scores stay in registers.
COUPLET_INLINE void scan(const int group, const int vectors, size_t first, const struct couplet_search_queries *queries,
                         size_t count, const float *rows, const float *offsets, int64_t first_row,
                         const struct couplet_search_top_k *top_k, struct block_sums *sums) {
    const size_t dimension = queries->dimension;
    const float *panel = queries->panel + first * COUPLET_LANES;
    couplet_floats sum[TILE_VECTORS], square[TILE_VECTORS], shift[TILE_VECTORS], limits[TILE_VECTORS];
    COUPLET_UNROLL for (int v = 0; v < vectors; v++) {
        size_t q = (first + (size_t)v) * COUPLET_LANES;
        sum[v] = couplet_load(sums->sum + q), square[v] = couplet_load(sums->square + q);
        shift[v] = couplet_load(sums->shift + q), limits[v] = couplet_load(sums->limit + q);
    }
    for (size_t i = 0; i < count; i += TILE_ROWS) {
        couplet_floats score[TILE_ROWS][TILE_VECTORS];
        const float *row[TILE_ROWS];
        size_t tile_count = count - i < TILE_ROWS ? count - i : TILE_ROWS;
        COUPLET_UNROLL for (int r = 0; r < TILE_ROWS; r++) {
            // Rows beyond the end repeat the last row and are excluded.
            size_t index = (size_t)r < tile_count ? i + (size_t)r : count - 1;
            float offset = (size_t)r < tile_count ? offsets[index] : COUPLET_EXCLUDED;
            row[r] = rows + index * dimension;
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) score[r][v] = couplet_broadcast(offset);
        }
        COUPLET_UNROLL for (int top = 0; top < TILE_ROWS; top += group) {
            const float *column = panel;
            for (size_t k = 0; k < dimension; k++, column += COUPLET_SEARCH_WIDTH) {
                couplet_floats q[TILE_VECTORS];
                COUPLET_UNROLL for (int v = 0; v < vectors; v++) q[v] = couplet_load(column + v * COUPLET_LANES);
                COUPLET_UNROLL for (int r = top; r < top + group; r++) {
                    const couplet_floats x = couplet_broadcast(row[r][k]);
                    COUPLET_UNROLL for (int v = 0; v < vectors; v++) score[r][v] = couplet_fma(x, q[v], score[r][v]);
                }
            }
        }
        couplet_ints exceeds[TILE_VECTORS], any = {0};
        COUPLET_UNROLL for (int v = 0; v < vectors; v++) {
            couplet_floats largest = score[0][v];
            COUPLET_UNROLL for (int r = 1; r < TILE_ROWS; r++) largest = couplet_max(largest, score[r][v]);
            exceeds[v] = largest > limits[v];
            any |= exceeds[v];
        }
        if (__builtin_expect(__builtin_reduce_or(any) != 0, 0)) {
            struct tile tile;
            tile.first_row = first_row + (int64_t)i, tile.rows = tile_count;
            tile.first_query = first * COUPLET_LANES, tile.queries = (first + (size_t)vectors) * COUPLET_LANES;
            if (tile.queries > queries->count) tile.queries = queries->count;
            COUPLET_UNROLL for (int r = 0; r < TILE_ROWS; r++) {
                tile.row[r] = row[r];
                COUPLET_UNROLL for (int v = 0; v < vectors; v++)
                    couplet_store(tile.score[r] + (first + (size_t)v) * COUPLET_LANES, score[r][v]);
            }
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) {
                size_t q = (first + (size_t)v) * COUPLET_LANES;
                couplet_store(sums->sum + q, sum[v]);
                couplet_store(sums->square + q, square[v]);
                memcpy(tile.exceeds + q, &exceeds[v], sizeof exceeds[v]);
            }
            raise_limits(queries, &tile, top_k, sums);
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) {
                size_t q = (first + (size_t)v) * COUPLET_LANES;
                sum[v] = couplet_load(sums->sum + q), square[v] = couplet_load(sums->square + q);
                shift[v] = couplet_load(sums->shift + q), limits[v] = couplet_load(sums->limit + q);
            }
        }
        COUPLET_UNROLL for (int v = 0; v < vectors; v++) {
            couplet_floats tile_sum = {0}, tile_square = {0};
            couplet_floats least = shift[v] + LEAST_POWER, origin = ROUNDING - shift[v];
            COUPLET_UNROLL for (int r = 0; r < TILE_ROWS; r++) {
                couplet_floats e = power_above(score[r][v], least, origin);
                tile_sum += e;
                tile_square = couplet_fma(e, e, tile_square);
            }
            sum[v] += tile_sum, square[v] += tile_square;
        }
    }
    COUPLET_UNROLL for (int v = 0; v < vectors; v++) {
        size_t q = (first + (size_t)v) * COUPLET_LANES;
        couplet_store(sums->sum + q, sum[v]);
        couplet_store(sums->square + q, square[v]);
    }
}

#define SCAN_ARGUMENTS queries, count, rows, offsets, first_row, top_k, sums
#define SCAN_PARAMETERS                                                                                                \
    const struct couplet_search_queries *queries, size_t count, const float *rows, const float *offsets,               \
        int64_t first_row, const struct couplet_search_top_k *top_k, struct block_sums *sums

// With 32 registers of 16 lanes 8 rows and 48 queries take 24. With 16 registers of 8 lanes 4 rows and 16 queries take
// 8.
static void scan_all(SCAN_PARAMETERS) {
#if COUPLET_WIDTH == 16
    switch ((queries->count + COUPLET_LANES - 1) / COUPLET_LANES) {
    case 1:
        scan(8, 1, 0, SCAN_ARGUMENTS);
        break;
    case 2:
        scan(8, 2, 0, SCAN_ARGUMENTS);
        break;
    default:
        scan(8, 3, 0, SCAN_ARGUMENTS);
    }
#else
    for (size_t v = 0; v * COUPLET_LANES < queries->count; v++) scan(COUPLET_WIDTH == 8 ? 4 : 2, 1, v, SCAN_ARGUMENTS);
#endif
}

void NAME(couplet_search_block)(const struct couplet_search_queries *queries, size_t count, const float *rows,
                                const float *offsets, int64_t first_row, const struct couplet_search_top_k *top_k,
                                double *exponents, double *totals, double *squares) {
    struct block_sums block, *sums = &block;
    for (size_t q = 0; q < COUPLET_SEARCH_WIDTH; q++) {
        block.shift[q] = q < queries->count ? (float)exponents[q] : 0, block.sum[q] = 0, block.square[q] = 0;
        // A column without a query never exceeds its limit.
        block.limit[q] = q < queries->count ? score_limit(top_k, q, block.shift[q]) : __builtin_inff();
    }
    scan_all(SCAN_ARGUMENTS);
    for (size_t q = 0; q < queries->count; q++) {
        // Without an exponent no row counts, and the sums hold excluded rows only.
        const int is_empty = block.shift[q] == COUPLET_EMPTY;
        exponents[q] = block.shift[q];
        totals[q] = is_empty ? 0 : block.sum[q], squares[q] = is_empty ? 0 : block.square[q];
    }
}

void NAME(couplet_search_unit_rows)(size_t count, size_t dimension, const float *rows, float *unit) {
    for (size_t i = 0; i < count; i++) {
        const float *x = rows + i * dimension;
        double norm = __builtin_sqrt(couplet_squared_norm(dimension, x)), inverse = 1 / (norm > 1e-12 ? norm : 1e-12);
        for (size_t k = 0; k < dimension; k++) unit[i * dimension + k] = (float)((double)x[k] * inverse);
    }
}

uint64_t NAME(couplet_search_checksum)(size_t count, const uint32_t *words) {
    // Two sums per lane, as in Fletcher's checksum: the second depends on the order.
    uint32_t first[COUPLET_LANES] = {0}, second[COUPLET_LANES] = {0};
    size_t i = 0;
    for (; i + COUPLET_LANES <= count; i += COUPLET_LANES)
        for (size_t lane = 0; lane < COUPLET_LANES; lane++) {
            uint32_t word;
            memcpy(&word, words + i + lane, 4);
            first[lane] += word, second[lane] += first[lane];
        }
    for (size_t lane = 0; i + lane < count; lane++) first[lane] += words[i + lane], second[lane] += first[lane];
    uint64_t a = 0, b = 0;
    for (size_t lane = 0; lane < COUPLET_LANES; lane++)
        a = a * 0x9e3779b97f4a7c15u + first[lane], b = b * 0xc2b2ae3d27d4eb4fu + second[lane];
    return (a ^ (a >> 29)) + (b ^ (b >> 31));
}

#endif
