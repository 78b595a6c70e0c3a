// Kernels of a search: the best of a gallery for each of many queries, and the sums over the whole gallery that turn scores into
// probabilities, in one pass that writes no score to memory.
//
// A score is kept in units of a power of two, t = offset + Σ_k query[k] row[k], a chain of fused multiply-adds over k where the processor
// has them: its bits depend on the query and the row alone, not on where they lie, so equal rows tie exactly.
//
// Queries stand in panels of COUPLET_SEARCH_WIDTH columns: panel[k · WIDTH + q]. Gallery rows are used as they lie, row-major, unaligned
// if need be.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define COUPLET_SEARCH_WIDTH 48

// How the best candidates are scored again, in Double.
enum couplet_search_similarity {
    // factor · ⟨query, row⟩
    couplet_search_product = 0,
    // -½ |query - row|²
    couplet_search_distance = 1,
};

// The best candidates of one panel's queries so far: for query q, heaps of `count[q]` <= capacity entries that begin at q · capacity. On top
// lies the worst: the least single-precision score, of equal ones the last row.
struct couplet_search_best {
    size_t capacity;
    size_t *count;
    float *score;
    int64_t *row;
    // The similarity of the entry in Double, before temperature and prior.
    double *similarity;
};

// What the queries of a panel are scored with: their rows as they are, `dimension` apart, and a factor each.
struct couplet_search_queries {
    const float *panel;
    const float *rows;
    const double *factors;
    size_t count;
    size_t dimension;
    enum couplet_search_similarity similarity;
};

// panel[k · WIDTH + q] = rows[q][k] · factors[q], rounded once; columns beyond `count` are zero.
void couplet_search_pack(size_t count, size_t dimension, const float *rows, const double *factors, float *panel);

// rows[i] = rows[i] / max(|rows[i]|, 1e-12), in Double, rounded once.
void couplet_search_unit_rows(size_t count, size_t dimension, const float *rows, float *unit);

// Scores `count` rows of a gallery, the first of which has the number `first_row`, against the queries of a panel: puts those that belong
// there among the best, and adds to the totals of query q, exponents[q], sums[q] and squares[q]: Σ 2^t = sums · 2^exponents and
// Σ 4^t = squares · 4^exponents. An empty total is (COUPLET_EMPTY, 0, 0). A score at or below half of COUPLET_EXCLUDED takes no part.
// `offsets` has one number a row.
void couplet_search_block(const struct couplet_search_queries *queries, size_t count, const float *rows,
                          const float *offsets, int64_t first_row, const struct couplet_search_best *best,
                          double *exponents, double *sums, double *squares);

// Adds another total to a total.
void couplet_search_add_total(double exponent, double sum, double square, double *total_exponent, double *total_sum,
                              double *total_square);

// A sum of all words of a block, rotated by their place: what tells a damaged block from a whole one, at the speed of memory.
uint64_t couplet_search_checksum(size_t count, const uint32_t *words);
