// couplet_sequence.h
#include "arena.h"

// Token ids, from 0 to 4, in f[9]; some of them invalid.
static const float *ids(void) {
    for (size_t i = 0; i < 128; i++) a.f[9][i] = i % 13 == 12 ? a.f[9][i] : (float)a.codes[0][i];
    return a.f[9];
}

void digest_sequences(void) {
    DIGEST(couplet_count_positions, couplet_count_positions(r, 1 + k % 8, c, a.f[0], a.f[1]); ids();
           couplet_count_positions(r, 3, 1, a.f[9], a.f[2]))
    DIGEST(couplet_embed, couplet_embed(r, c, 5, ids(), a.f[0], a.f[1]))
    DIGEST(couplet_embed_backward, couplet_embed_backward(r, c, 5, ids(), a.f[0], a.f[1]))
    DIGEST(couplet_embedding_bag, couplet_embedding_bag(r, 7, c, 5, ids(), a.f[0], 1, a.f[1]);
           couplet_embedding_bag(r, 7, c, 5, ids(), a.f[0], 0, a.f[2]))
    DIGEST(couplet_embedding_bag_backward, couplet_embedding_bag_backward(r, 7, c, 5, ids(), 1, a.f[0], a.f[1]);
           couplet_embedding_bag_backward(r, 7, c, 5, ids(), 0, a.f[0], a.f[2]))
    DIGEST(couplet_sum_positions, couplet_sum_positions(r, c, a.f[0], (float)r, a.f[1]))
    DIGEST(couplet_spread_positions, couplet_spread_positions(r - r % 3, r, c, a.f[0], 7, a.f[1]))
    // Two heads, where the width is even.
    DIGEST(couplet_attention_pool,
           couplet_attention_pool(r - r % 3, r, c, 2 - c % 2, 0.3f, a.f[0], a.f[1], a.f[2], a.f[3]))
    DIGEST(couplet_attention_pool_backward,
           couplet_attention_pool_backward(r - r % 3, r, c, 2 - c % 2, 0.3f, a.f[0], a.f[1], a.p[0], a.f[3], a.f[4],
                                           a.f[5], a.f[6]))
}
