// couplet_pairwise.h and couplet_pairwise_small.h
#include "arena.h"
#include <string.h>

static int32_t groups[2][ARENA_COUNT + 16];

// A tile of the passes for encodings of few numbers.
static couplet_small_tile small(void) {
    const size_t columns = 16 * ((c + 15) / 16), dimension = 1 + k % COUPLET_SMALL_DIMENSION;
    for (size_t j = c; j < columns; j++) {
        a.f[2][j] = -COUPLET_EXCLUDED;
        for (size_t p = 0; p < dimension; p++) a.f[3][p * columns + j] = 0;
    }
    return (couplet_small_tile){
        r, columns, columns, dimension, a.f[0], a.f[1], a.f[2], a.f[3], (ptrdiff_t)(k % 9) - 4, r % 2 == 0};
}

// Groups of rows and columns from -1 on, of which some match; behind the columns there are none.
static const int32_t *row_groups(void) {
    for (size_t i = 0; i < r; i++) groups[0][i] = (int32_t)((a.i[i] & 7) - 1);
    return groups[0];
}
static const int32_t *column_groups(void) {
    for (size_t j = 0; j < c + 16; j++) groups[1][j] = j < c ? (int32_t)((a.i[j + 500] & 7) - 1) : -1;
    return groups[1];
}

// Some entries of a tile with an excluded diagonal, as bits.
static couplet_small_groups entries(void) {
    static uint64_t bits[2][ARENA_COUNT];
    static uint8_t blocks[ARENA_COUNT];
    const size_t words = (c + 15) / 16 + 1;
    const ptrdiff_t diagonal = r % 2 == 0 ? (ptrdiff_t)(k % 9) - 4 : (ptrdiff_t)c + 1;
    memset(bits, 0, sizeof bits), memset(blocks, 0, sizeof blocks);
    const int32_t *rows = row_groups(), *columns = column_groups();
    for (size_t i = 0; i < r; i++)
        for (size_t j = 0; j < c; j++) {
            const int is_match = rows[i] >= 0 && rows[i] == columns[j], is_equal = (a.i[i] ^ a.i[j + 90]) % 31 == 0;
            if ((!is_match && !is_equal) || (ptrdiff_t)j == (ptrdiff_t)i + diagonal) continue;
            bits[!is_match][i / 4 * words + j / 16] |= 1ull << (16 * (i % 4) + j % 16);
            blocks[i / 4] = 1;
        }
    return (couplet_small_groups){bits[0], bits[1], words, blocks, k % 2 == 0};
}

void digest_pairwise(void) {
    DIGEST(couplet_tile_offset, couplet_tile_offset(r, c, a.f[0], stride, a.f[1], a.f[2]))
    DIGEST(couplet_tile_scores, couplet_tile_scores(r, c, a.f[0], stride, 0.7f, a.f[1], a.f[2]))
    DIGEST_RESULT(couplet_tile_maximum, couplet_tile_maximum(r, c, a.f[0], stride))
    DIGEST(couplet_tile_exponentials, {
        couplet_scale(ARENA_COUNT, 40.0f, a.f[0]);
        couplet_tile_exponentials(r, c, a.f[0], stride, 1.0f, 120.0f, a.f[0], stride, a.f[1], a.f[2]);
        couplet_tile_exponentials(r, c, a.f[3], stride, 0.7f, 3.0f, a.f[4], c + 1, 0, 0);
    })
    DIGEST(couplet_tile_sums, couplet_tile_sums(r, c, a.f[0], stride, a.f[1], a.f[2]))
    DIGEST(couplet_add_tile_sums, {
        a.f[0][0] = 0, a.f[1][0] = COUPLET_EMPTY, a.f[2][0] = 0;
        couplet_scale(ARENA_COUNT, 9.0f, a.f[1]);
        couplet_add_tile_sums(n, 5.0f, a.p[0], a.f[1], a.p[1]);
    })
    DIGEST(couplet_add_sums, {
        for (size_t i = 0; i < ARENA_COUNT; i++)
            a.f[0][i] = (float)(a.i[i] % 60), a.f[1][i] = (float)(a.i[i] % 37), a.p[0][i] += 1, a.p[1][i] += 1;
        a.f[0][0] = COUPLET_EMPTY, a.p[0][0] = 0;
        couplet_add_sums(n, a.f[0], a.p[0], a.f[1], a.p[1]);
    })
    DIGEST(couplet_exp2_sum, {
        couplet_scale(ARENA_COUNT, 30.0f, a.f[0]);
        couplet_exp2_sum(r, a.f[0], stride, 1.0f, a.f[1], a.f[2]);
        couplet_exp2_sum(n, a.f[0], 1, 0.7f, a.f[1] + 1, a.f[2] + 1);
    })
    DIGEST_RESULT(couplet_underflowed_sums, ({
                      for (size_t i = 0; i < ARENA_COUNT; i++)
                          a.p[0][i] *= 1e-18f, a.f[0][i] = (float)(a.i[i] % 80) - 40;
                      couplet_underflowed_sums(n, 5.0f, a.p[0], a.f[0]);
                  }))
    DIGEST_RESULT(couplet_tile_factors, ({
                      for (size_t i = 0; i < ARENA_COUNT; i++) a.f[0][i] = (float)(a.i[i] % 60);
                      couplet_tile_factors(n, 20.0f, a.f[0], a.p[0], a.f[1]);
                  }))
    DIGEST(couplet_tile_weights, couplet_tile_weights(r, c, a.f[0], stride, a.f[1], a.f[2], a.f[3], c + 1))
    DIGEST(couplet_tile_weights_direct, {
        couplet_scale(ARENA_COUNT, 9.0f, a.f[0]);
        for (size_t i = 0; i < ARENA_COUNT; i++) a.f[1][i] = (float)(a.i[i] % 20), a.f[2][i] = (float)(a.i[i] % 31);
        couplet_tile_weights_direct(r, c, a.f[0], stride, 0.7f, a.f[1], a.p[0], a.f[2], a.p[1]);
    })
    DIGEST(couplet_tile_sigmoid, {
        couplet_scale(ARENA_COUNT, 9.0f, a.f[0]);
        couplet_tile_sigmoid(r, c, a.f[0], stride, 0.7f, -3.0f, 0.01f, a.f[1], a.f[2]);
    })
    DIGEST(couplet_tile_match_sums, {
        a.f[0][1] = COUPLET_EXCLUDED;
        couplet_tile_match_sums(r, c, a.f[0], stride, row_groups(), column_groups(), a.f[1], a.i);
    })
    DIGEST(couplet_tile_exclude_matches,
           couplet_tile_exclude_matches(r, c, a.f[0], stride, row_groups(), column_groups()))
    DIGEST(couplet_tile_add_matches,
           couplet_tile_add_matches(r, c, a.f[0], stride, row_groups(), column_groups(), a.f[1]))
    DIGEST(couplet_tile_sigmoid_matches, {
        couplet_scale(ARENA_COUNT, 9.0f, a.f[0]);
        a.f[0][1] = COUPLET_EXCLUDED;
        couplet_tile_sigmoid_matches(r, c, a.f[0], stride, 0.7f, -3.0f, 0.01f, row_groups(), column_groups(), a.f[1],
                                     a.f[2]);
    })
    DIGEST(couplet_tile_row_softmax, couplet_tile_row_softmax(r, c, a.f[0], stride, 0.7f, a.f[1], a.p[0], a.f[2]))
    DIGEST(couplet_tile_column_softmax, couplet_tile_column_softmax(r, c, a.f[0], stride, 0.7f, a.f[1], a.p[0], a.f[2]))
    DIGEST(couplet_tile_add_row_centred, couplet_tile_add_row_centred(r, c, a.p[0], a.f[0], stride, a.f[1], a.f[2]))
    DIGEST(couplet_tile_add_column_centred,
           couplet_tile_add_column_centred(r, c, a.p[0], a.f[0], stride, a.f[1], a.f[2]))
    DIGEST(couplet_tile_distances, {
        couplet_tile_distances(r, c, k, a.f[0], a.f[1], 1, -1.3f, a.f[2], stride);
        couplet_tile_distances(r, c, k, a.f[0], a.f[1], 2, -1.3f, a.f[3], stride);
    })
    DIGEST(couplet_tile_divide_distances, couplet_tile_divide_distances(r, c, k, a.f[0], a.f[1], a.f[2], stride))
    DIGEST(couplet_tile_difference_sums, {
        couplet_tile_difference_sums(r, c, k, a.f[0], a.f[1], a.f[2], stride, 0, a.f[3], a.f[4]);
        couplet_tile_difference_sums(r, c, k, a.f[0], a.f[1], a.f[2], stride, 1, a.f[5], 0);
    })
    DIGEST(couplet_add_transposed, couplet_add_transposed(r, c, a.f[0], r + 3, a.f[1]))
    DIGEST(couplet_pair_distances, {
        couplet_pair_distances(r, c, a.f[0], a.f[1], 1, 0, -1.3, a.f[2]);
        couplet_pair_distances(r, c, a.f[0], a.f[1], 2, 0, -1.3, a.f[3]);
        couplet_pair_distances(r, c, a.f[0], a.f[1], 2, 1, -1.3, a.f[4]);
    })
    DIGEST(couplet_add_pair_gradients, {
        couplet_add_pair_gradients(r, c, a.f[0], a.f[1], 1, 0, a.f[2], a.f[3], a.f[4]);
        couplet_add_pair_gradients(r, c, a.f[0], a.f[1], 2, 0, a.f[2], a.f[5], a.f[6]);
        couplet_add_pair_gradients(r, c, a.f[0], a.f[1], 2, 1, a.f[2], a.f[7], a.f[8]);
    })
    DIGEST(couplet_normalize_rows, couplet_normalize_rows(r, c, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_normalize_rows_backward, couplet_normalize_rows_backward(r, c, a.f[0], a.p[0], a.f[1]))
    DIGEST(couplet_row_squares, couplet_row_squares(r, c, a.f[0], -0.5f, a.f[1]))
    DIGEST(couplet_subtract_scaled_rows, couplet_subtract_scaled_rows(r, c, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_small_sums, {
        const couplet_small_tile tile = small();
        couplet_small_sums(&tile, a.f[4], a.f[5]);
    })
    DIGEST(couplet_small_gradients, {
        const couplet_small_tile tile = small();
        couplet_small_gradients(&tile, a.f[4], a.p[0], a.p[1], a.f[5], a.f[6], a.f[7], a.f[8]);
        couplet_small_gradients(&tile, a.f[4], a.p[0], a.p[1], 0, a.f[6] + 4096, 0, a.f[8] + 4096);
    })
    DIGEST(couplet_small_match_sums, {
        const couplet_small_tile tile = small();
        const couplet_small_groups matching = entries();
        couplet_small_match_sums(&tile, &matching, a.f[4], a.f[5], a.f[6], a.i);
    })
    DIGEST(couplet_small_match_gradients, {
        const couplet_small_tile tile = small();
        const couplet_small_groups matching = entries();
        couplet_small_match_gradients(&tile, &matching, a.f[4], a.p[0], a.p[1], a.f[5], a.f[9], a.f[6], a.f[7], a.f[8]);
    })
    DIGEST(couplet_small_diagonal,
           couplet_small_diagonal(r, 1 + k % COUPLET_SMALL_DIMENSION, a.f[0], a.f[1], a.f[2], a.f[3], a.f[4]))
}
