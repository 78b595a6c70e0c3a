// Kernels of retrieval: rank counts of positives, statistics of scores, and the top-k search of a gallery.
#pragma once
#include <stddef.h>
#include <stdint.h>

// MARK: Rank counts
//
// Scores are in single precision. The caller bounds their error and passes an interval: a score above `high` certainly
// exceeds the positive's score, a score below `low` certainly does not. The caller computes scores in between again. A
// NaN counts as possible.

// With s = tile[i][j] scale[j] + offset[j]: certain[i] is the number of j with s > high[i], possible[i] the number of j
// without s < low[i].
void couplet_count_row_scores(size_t rows, size_t columns, const float *tile, size_t stride, const float *scale,
                              const float *offset, const float *low, const float *high, uint32_t *certain,
                              uint32_t *possible);

// With s = tile[i][j] scale[i] + offset[i]: certain[j] is the number of i with s > high[j], possible[j] the number of i
// without s < low[j].
void couplet_count_column_scores(size_t rows, size_t columns, const float *tile, size_t stride, const float *scale,
                                 const float *offset, const float *low, const float *high, uint32_t *certain,
                                 uint32_t *possible);

// Statistics of a row of scores: column_largest[j] = max(column_largest[j], scores[j]), sums[0] += Σ_j (scores[j] -
// center) and sums[1] += Σ_j (scores[j] - center)². The sums within the row are in single precision. Returns the
// largest score, -infinity if there is none.
float couplet_score_statistics(size_t count, const float *scores, float center, float *column_largest, double *sums);

// MARK: Top-k search
//
// One pass over a gallery finds the best rows for each of many queries, and the normalizers that turn scores into
// probabilities. It does not write all scores to memory.
//
// Scores are stored in powers of two: t = offset + Σ_k query[k] row[k], a chain of fused multiply-adds over k. Its bits
// are a function of the query and the row only, so equal rows tie exactly.
//
// Queries are packed in panels of COUPLET_SEARCH_WIDTH columns: panel[k · WIDTH + q]. Gallery rows are row-major and
// need no alignment.

#define COUPLET_SEARCH_WIDTH 48

// The similarity by which the best candidates are scored again in Double.
enum couplet_search_similarity {
    // factor · ⟨query, row⟩
    couplet_search_product = 0,
    // -½ |query - row|²
    couplet_search_distance = 1,
};

// The best candidates so far for the queries of one panel. Query q has a heap of count[q] <= capacity entries that
// starts at q · capacity. Its root is the worst entry: the smallest single-precision score, of equal scores the last
// row.
struct couplet_search_top_k {
    size_t capacity;
    size_t *count;
    float *score;
    int64_t *row;
    // The similarity of each entry in Double, before temperature and prior.
    double *similarity;
};

// The queries of a panel: packed in `panel`, and unpacked in `rows`, `dimension` floats and one factor per query.
struct couplet_search_queries {
    const float *panel;
    const float *rows;
    const double *factors;
    size_t count;
    size_t dimension;
    enum couplet_search_similarity similarity;
};

// panel[k · WIDTH + q] = rows[q][k] · factors[q], rounded once; columns from `count` on are zero.
void couplet_search_pack(size_t count, size_t dimension, const float *rows, const double *factors, float *panel);

// unit[i] = rows[i] / max(|rows[i]|, 1e-12), in Double, rounded once.
void couplet_search_unit_rows(size_t count, size_t dimension, const float *rows, float *unit);

// Scores `count` rows of a gallery against the queries of a panel. `first_row` is the number of the first row;
// `offsets` has one number per row. Inserts rows into the top k, and sets the normalizers of the block for query q: Σ
// 2^t = sums[q] · 2^exponents[q] and Σ 4^t = squares[q] · 4^exponents[q]. The exponents may only grow; they begin with
// those of the rows before, because terms far below these are negligible, or with COUPLET_EMPTY. The empty normalizer
// is (COUPLET_EMPTY, 0, 0). Scores of at most half COUPLET_EXCLUDED are ignored.
void couplet_search_block(const struct couplet_search_queries *queries, size_t count, const float *rows,
                          const float *offsets, int64_t first_row, const struct couplet_search_top_k *top_k,
                          double *exponents, double *sums, double *squares);

// Adds the normalizers of `count` queries to others. Exponents are whole numbers.
void couplet_search_add_normalizers(size_t count, const double *exponents, const double *sums, const double *squares,
                                    double *total_exponents, double *total_sums, double *total_squares);

// A checksum of a block that depends on the order of its words (after Fletcher). It runs at the bandwidth of memory.
uint64_t couplet_search_checksum(size_t count, const uint32_t *words);
