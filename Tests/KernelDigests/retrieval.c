// couplet_retrieval.h and couplet_kernel_methods.h
#include "arena.h"
#include <string.h>

// Low and high bounds around a.f[4].
static void bounds(void) {
    for (size_t i = 0; i < ARENA_COUNT; i++) a.f[5][i] = a.f[4][i] - a.p[0][i], a.f[6][i] = a.f[4][i] + a.p[1][i];
}

static void search(enum couplet_search_similarity similarity) {
    const size_t queries = r < COUPLET_SEARCH_WIDTH ? r : COUPLET_SEARCH_WIDTH;
    const struct couplet_search_queries packed = {a.f[2], a.f[0], a.d[0], queries, k, similarity};
    const struct couplet_search_top_k top = {5, a.s[1], a.f[3], (int64_t *)a.w[0], a.d[1]};
    for (size_t i = 0; i < COUPLET_SEARCH_WIDTH; i++) a.d[2][i] = COUPLET_EMPTY, a.d[3][i] = 0, a.d[4][i] = 0;
    couplet_search_pack(queries, k, a.f[0], a.d[0], a.f[2]);
    // Two blocks, so that the second one meets full heaps.
    for (int64_t block = 0; block < 2; block++)
        couplet_search_block(&packed, c, a.f[5] + block * 7, a.f[6], block * (int64_t)c, &top, a.d[2], a.d[3], a.d[4]);
}

void digest_retrieval(void) {
    DIGEST(couplet_count_row_scores, {
        bounds();
        memset(a.w[0], 0, sizeof a.w);
        couplet_count_row_scores(r, c, a.f[0], stride, a.f[1], a.f[2], a.f[5], a.f[6], a.w[0], a.w[1]);
    })
    DIGEST(couplet_count_column_scores, {
        bounds();
        memset(a.w[0], 0, sizeof a.w);
        couplet_count_column_scores(r, c, a.f[0], stride, a.f[1], a.f[2], a.f[5], a.f[6], a.w[0], a.w[1]);
    })
    DIGEST_RESULT(couplet_score_statistics, couplet_score_statistics(n, a.f[0], 0.1f, a.f[1], a.d[0]))
    DIGEST(couplet_search_pack, couplet_search_pack(r < 48 ? r : 48, k, a.f[0], a.d[0], a.f[1]))
    DIGEST(couplet_search_unit_rows, couplet_search_unit_rows(r, c, a.f[0], a.f[1]))
    DIGEST(couplet_search_block, search(couplet_search_product))
    DIGEST(couplet_search_block, search(couplet_search_distance))
    DIGEST(couplet_search_add_normalizers, {
        for (size_t i = 0; i < 100; i++) a.d[0][i] = (double)(a.i[i] % 50), a.d[1][i] = (double)(a.i[i] % 41);
        a.d[0][3] = COUPLET_EMPTY;
        couplet_search_add_normalizers(c, a.d[0], a.d[2], a.d[3], a.d[1], a.d[4], a.d[5]);
    })
    DIGEST_RESULT(couplet_search_checksum, couplet_search_checksum(n, a.w[0]) >> 12)

    DIGEST(couplet_fourier_features, couplet_fourier_features(r, c, a.f[0], 0.7f, a.f[1]))
    DIGEST(couplet_monomials, {
        for (size_t i = 0; i < ARENA_COUNT; i++) a.i[i] %= (int32_t)(k + 1);
        couplet_monomials(r, k, a.f[0], c, 3, a.i, a.f[1], a.f[2]);
    })
    DIGEST(couplet_indicators, {
        for (size_t i = 0; i < r; i++) a.f[0][i] = (float)(a.i[i] % (int32_t)c);
        couplet_indicators(r, c, a.f[0], a.f[1]);
    })
    DIGEST(couplet_gaussian_kernel, couplet_gaussian_kernel(c < 60 ? c : 60, k % 20, a.d[0], a.d[1], 61, 3.7, a.d[2]))
}
