#include "couplet_lanes.h"
#include "couplet_pairwise.h"
#include "couplet_search.h"
#include "couplet_vector.h"
#include <math.h>

// Loops whose arrays are to be registers.
#define UNROLLED _Pragma("clang loop unroll(full)")
// Rows that a tile has at most, and vectors of queries.
#define TILE_ROWS 8
#define TILE_VECTORS (COUPLET_SEARCH_WIDTH / COUPLET_LANES)
// How far scores of a block may lie above its shift, in powers of two: 4^HEADROOM times a block's rows is a float.
#define HEADROOM 40.0f

// The sums of a panel over one block, relative to a shift a query.
struct block_sums {
    float shift[COUPLET_SEARCH_WIDTH], sum[COUPLET_SEARCH_WIDTH], square[COUPLET_SEARCH_WIDTH];
    // A score above this calls for `raise`: it may be among the best, or too large for the shift.
    float limit[COUPLET_SEARCH_WIDTH];
};

// A tile whose scores exceed a limit, and where it is.
struct tile {
    float score[TILE_ROWS][COUPLET_SEARCH_WIDTH];
    // Not 0 where a query's limit is exceeded.
    int32_t exceeds[COUPLET_SEARCH_WIDTH];
    const float *row[TILE_ROWS];
    int64_t first_row;
    size_t rows, first_query, queries;
};

// Whether entry a is worse than entry b.
COUPLET_INLINE int is_worse(float a_score, int64_t a_row, float b_score, int64_t b_row) {
    return a_score < b_score || (a_score == b_score && a_row > b_row);
}

static double similarity(const struct couplet_search_queries *queries, size_t query, const float *row) {
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

// Puts an entry into a query's heap: while that is not full, else in place of the worst, which it must beat.
static void insert(const struct couplet_search_best *best, size_t query, float score, int64_t row, double exact) {
    float *scores = best->score + query * best->capacity;
    int64_t *rows = best->row + query * best->capacity;
    double *similarities = best->similarity + query * best->capacity;
    size_t count = best->count[query], place;
    if (count < best->capacity) {
        place = best->count[query]++;
        while (place > 0) {
            size_t parent = (place - 1) / 2;
            if (!is_worse(score, row, scores[parent], rows[parent])) break;
            scores[place] = scores[parent], rows[place] = rows[parent], similarities[place] = similarities[parent];
            place = parent;
        }
    } else {
        place = 0;
        while (2 * place + 1 < count) {
            size_t child = 2 * place + 1;
            if (child + 1 < count && is_worse(scores[child + 1], rows[child + 1], scores[child], rows[child])) child++;
            if (!is_worse(scores[child], rows[child], score, row)) break;
            scores[place] = scores[child], rows[place] = rows[child], similarities[place] = similarities[child];
            place = child;
        }
    }
    scores[place] = score, rows[place] = row, similarities[place] = exact;
}

// 1.5 · 2^23: a number of moderate size that is added to it is rounded to a whole one.
#define ROUNDING 12582912.0f
// Terms are at least 2^LEAST_POWER: nothing beside those of the shift's size, and never subnormal.
#define LEAST_POWER (-126.0f)

// 2^(t - shift), relative error below 3e-7, for t <= shift + 126; 2^-126 where t lies further below the shift. `least` is shift - 126,
// `origin` ROUNDING - shift: so the shift costs no operation of its own, nor does the exponent's bias. A polynomial of degree 5.
#define power_above(t, least, origin)                                                                                  \
    ({                                                                                                                 \
        couplet_floats t_ = couplet_larger((t), (least)), rounded_ = t_ + (origin),                                    \
                       rest_ = t_ - (rounded_ - (origin));                                                             \
        couplet_floats poly_ = 1.32647285e-3f * rest_ + 9.67151299e-3f;                                                \
        poly_ = poly_ * rest_ + 5.55073358e-2f;                                                                        \
        poly_ = poly_ * rest_ + 2.40222424e-1f;                                                                        \
        poly_ = poly_ * rest_ + 6.93147004e-1f;                                                                        \
        poly_ = poly_ * rest_ + 1.0f;                                                                                  \
        (couplet_floats)((couplet_ints)poly_ + ((couplet_ints)rounded_ << 23));                                        \
    })

COUPLET_INLINE float threshold(const struct couplet_search_best *best, size_t query) {
    return best->count[query] < best->capacity ? 0.5f * COUPLET_EXCLUDED : best->score[query * best->capacity];
}

COUPLET_INLINE float limit(const struct couplet_search_best *best, size_t query, float shift) {
    float admitted = threshold(best, query), representable = shift + HEADROOM;
    return admitted < representable ? admitted : representable;
}

// The rare path: a tile in which some query has a score above its limit.
static __attribute__((noinline)) void raise_limits(const struct couplet_search_queries *queries,
                                                   const struct tile *tile, const struct couplet_search_best *best,
                                                   struct block_sums *sums) {
    for (size_t q = tile->first_query; q < tile->queries; q++) {
        if (!tile->exceeds[q]) continue;
        float largest = COUPLET_EXCLUDED;
        for (size_t r = 0; r < tile->rows; r++) largest = tile->score[r][q] > largest ? tile->score[r][q] : largest;
        if (largest > sums->shift[q] + HEADROOM) {
            // A power of two: nothing is rounded. Below 2^-120 even sums of the full headroom are nothing, as are those without a shift.
            float shift = ceilf(largest), lower = sums->shift[q] - shift,
                  factor = lower < -120.0f ? 0.0f : exp2f(lower);
            sums->sum[q] = factor > 0 ? sums->sum[q] * factor : 0;
            sums->square[q] = factor > 0 ? sums->square[q] * factor * factor : 0;
            sums->shift[q] = shift;
        }
        for (size_t r = 0; r < tile->rows; r++)
            if (tile->score[r][q] > threshold(best, q))
                insert(best, q, tile->score[r][q], tile->first_row + (int64_t)r, similarity(queries, q, tile->row[r]));
        sums->limit[q] = limit(best, q, sums->shift[q]);
    }
}

// All of a panel's vectors from `first` on, `vectors` of them, over a block. `tile_rows` and `vectors` are constants where this is called:
// the tile's scores stay in registers.
COUPLET_INLINE void scan(const int tile_rows, const int vectors, size_t first,
                         const struct couplet_search_queries *queries, size_t count, const float *rows,
                         const float *offsets, int64_t first_row, const struct couplet_search_best *best,
                         struct block_sums *sums) {
    const size_t dimension = queries->dimension;
    const float *panel = queries->panel + first * COUPLET_LANES;
    couplet_floats sum[TILE_VECTORS], square[TILE_VECTORS], shift[TILE_VECTORS], limits[TILE_VECTORS];
    UNROLLED for (int v = 0; v < vectors; v++) {
        size_t q = (first + (size_t)v) * COUPLET_LANES;
        sum[v] = couplet_load(sums->sum + q), square[v] = couplet_load(sums->square + q);
        shift[v] = couplet_load(sums->shift + q), limits[v] = couplet_load(sums->limit + q);
    }
    for (size_t i = 0; i < count; i += (size_t)tile_rows) {
        couplet_floats score[TILE_ROWS][TILE_VECTORS];
        const float *row[TILE_ROWS];
        size_t here = count - i < (size_t)tile_rows ? count - i : (size_t)tile_rows;
        UNROLLED for (int r = 0; r < tile_rows; r++) {
            // Beyond the end the last row once more, excluded.
            size_t place = (size_t)r < here ? i + (size_t)r : count - 1;
            float offset = (size_t)r < here ? offsets[place] : COUPLET_EXCLUDED;
            row[r] = rows + place * dimension;
            UNROLLED for (int v = 0; v < vectors; v++) score[r][v] = couplet_all(offset);
        }
        const float *column = panel;
        for (size_t k = 0; k < dimension; k++, column += COUPLET_SEARCH_WIDTH) {
            couplet_floats q[TILE_VECTORS];
            UNROLLED for (int v = 0; v < vectors; v++) q[v] = couplet_load(column + v * COUPLET_LANES);
            UNROLLED for (int r = 0; r < tile_rows; r++) {
                // The number times a vector, not a vector of it: `couplet_all` would add 0 to it first.
                const float x = row[r][k];
                UNROLLED for (int v = 0; v < vectors; v++) score[r][v] += x * q[v];
            }
        }
        couplet_ints exceeds[TILE_VECTORS], any = {0};
        UNROLLED for (int v = 0; v < vectors; v++) {
            couplet_floats largest = score[0][v];
            UNROLLED for (int r = 1; r < tile_rows; r++) largest = couplet_larger(largest, score[r][v]);
            exceeds[v] = largest > limits[v];
            any |= exceeds[v];
        }
        if (__builtin_expect(__builtin_reduce_or(any) != 0, 0)) {
            struct tile tile;
            tile.first_row = first_row + (int64_t)i, tile.rows = here;
            tile.first_query = first * COUPLET_LANES, tile.queries = (first + (size_t)vectors) * COUPLET_LANES;
            if (tile.queries > queries->count) tile.queries = queries->count;
            UNROLLED for (int r = 0; r < tile_rows; r++) {
                tile.row[r] = row[r];
                UNROLLED for (int v = 0; v < vectors; v++)
                    couplet_store(tile.score[r] + (first + (size_t)v) * COUPLET_LANES, score[r][v]);
            }
            UNROLLED for (int v = 0; v < vectors; v++) {
                size_t q = (first + (size_t)v) * COUPLET_LANES;
                couplet_store(sums->sum + q, sum[v]);
                couplet_store(sums->square + q, square[v]);
                memcpy(tile.exceeds + q, &exceeds[v], sizeof exceeds[v]);
            }
            raise_limits(queries, &tile, best, sums);
            UNROLLED for (int v = 0; v < vectors; v++) {
                size_t q = (first + (size_t)v) * COUPLET_LANES;
                sum[v] = couplet_load(sums->sum + q), square[v] = couplet_load(sums->square + q);
                shift[v] = couplet_load(sums->shift + q), limits[v] = couplet_load(sums->limit + q);
            }
        }
        UNROLLED for (int v = 0; v < vectors; v++) {
            couplet_floats tile_sum = {0}, tile_square = {0};
            couplet_floats least = shift[v] + LEAST_POWER, origin = ROUNDING - shift[v];
            UNROLLED for (int r = 0; r < tile_rows; r++) {
                couplet_floats e = power_above(score[r][v], least, origin);
                tile_sum += e;
                tile_square += e * e;
            }
            sum[v] += tile_sum, square[v] += tile_square;
        }
    }
    UNROLLED for (int v = 0; v < vectors; v++) {
        size_t q = (first + (size_t)v) * COUPLET_LANES;
        couplet_store(sums->sum + q, sum[v]);
        couplet_store(sums->square + q, square[v]);
    }
}

#define SCAN_ARGUMENTS queries, count, rows, offsets, first_row, best, sums
#define SCAN_PARAMETERS                                                                                                \
    const struct couplet_search_queries *queries, size_t count, const float *rows, const float *offsets,               \
        int64_t first_row, const struct couplet_search_best *best, struct block_sums *sums

#if defined(__x86_64__) && defined(__linux__)
// 32 registers of 16 lanes: 24 hold the tile.
__attribute__((target("avx512f"))) static void scan_avx512(SCAN_PARAMETERS) {
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
}

// 16 registers of 8 lanes: a tile of 4 rows and 16 queries takes 8.
__attribute__((target("arch=x86-64-v3"))) static void scan_avx2(SCAN_PARAMETERS) {
    for (size_t v = 0; v * COUPLET_LANES < queries->count; v++) scan(4, 1, v, SCAN_ARGUMENTS);
}
#endif

static void scan_default(SCAN_PARAMETERS) {
    for (size_t v = 0; v * COUPLET_LANES < queries->count; v++) scan(2, 1, v, SCAN_ARGUMENTS);
}

void couplet_search_add_total(double exponent, double sum, double square, double *total_exponent, double *total_sum,
                              double *total_square) {
    if (exponent == *total_exponent) {
        *total_sum += sum, *total_square += square;
        return;
    }
    double larger = exponent > *total_exponent ? exponent : *total_exponent;
    double a = exp2(*total_exponent - larger), b = exp2(exponent - larger);
    *total_sum = *total_sum * a + sum * b;
    *total_square = *total_square * (a * a) + square * (b * b);
    *total_exponent = larger;
}

void couplet_search_block(const struct couplet_search_queries *queries, size_t count, const float *rows,
                          const float *offsets, int64_t first_row, const struct couplet_search_best *best,
                          double *exponents, double *totals, double *squares) {
    struct block_sums block, *sums = &block;
    for (size_t q = 0; q < COUPLET_SEARCH_WIDTH; q++) {
        // The shift of the total so far: what lies too far below it for this block's sums is nothing in the total either.
        block.shift[q] = q < queries->count ? (float)exponents[q] : 0, block.sum[q] = 0, block.square[q] = 0;
        // A column without a query never calls.
        block.limit[q] = q < queries->count ? limit(best, q, block.shift[q]) : INFINITY;
    }
#if defined(__x86_64__) && defined(__linux__)
    if (__builtin_cpu_supports("avx512f"))
        scan_avx512(SCAN_ARGUMENTS);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        scan_avx2(SCAN_ARGUMENTS);
    else
        scan_default(SCAN_ARGUMENTS);
#else
    scan_default(SCAN_ARGUMENTS);
#endif
    for (size_t q = 0; q < queries->count; q++)
        if (block.shift[q] != COUPLET_EMPTY)
            couplet_search_add_total(block.shift[q], block.sum[q], block.square[q], exponents + q, totals + q,
                                     squares + q);
}

void couplet_search_pack(size_t count, size_t dimension, const float *rows, const double *factors, float *panel) {
    for (size_t k = 0; k < dimension; k++)
        for (size_t q = 0; q < COUPLET_SEARCH_WIDTH; q++)
            panel[k * COUPLET_SEARCH_WIDTH + q] = q < count ? (float)((double)rows[q * dimension + k] * factors[q]) : 0;
}

COUPLET_KERNEL void couplet_search_unit_rows(size_t count, size_t dimension, const float *rows, float *unit) {
    for (size_t i = 0; i < count; i++) {
        const float *x = rows + i * dimension;
        double norm = sqrt(couplet_squared_norm(dimension, x)), inverse = 1 / (norm > 1e-12 ? norm : 1e-12);
        for (size_t k = 0; k < dimension; k++) unit[i * dimension + k] = (float)((double)x[k] * inverse);
    }
}

COUPLET_KERNEL uint64_t couplet_search_checksum(size_t count, const uint32_t *words) {
    // Two sums a lane, as Fletcher's: the second tells an order from another.
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
