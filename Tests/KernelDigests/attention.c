// couplet_attention.h
#include "arena.h"

// Up to 305 positions, so that there are several blocks of queries and tiles of keys.
static couplet_attention_shape shape(void) {
    const size_t heads = 1 + k % 2, width = 1 + c % 4;
    return (couplet_attention_shape){5 * r, heads, width, 3 * heads * width, heads * width};
}

// The layout of packed operands depends on the instruction set, so the scratch memory is outside of the arena.
static float scratch[1 << 16];

void digest_attention(void) {
    DIGEST_RESULT(couplet_attention_scratch_count, couplet_attention_scratch_count(r, c))
    DIGEST(couplet_attention, {
        const couplet_attention_shape attention = shape();
        couplet_attention(&attention, a.f[0], a.f[1], a.f[2], scratch);
    })
    DIGEST(couplet_attention_backward, {
        const couplet_attention_shape attention = shape();
        couplet_attention(&attention, a.f[0], a.f[1], a.f[2], scratch);
        couplet_attention_backward(&attention, a.f[0], a.f[1], a.f[2], a.f[3], a.f[4], scratch);
    })
}
