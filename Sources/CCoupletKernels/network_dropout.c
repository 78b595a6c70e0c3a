#ifndef COUPLET_SET
#include "couplet_network.h"
#define COUPLET_KERNELS "network_dropout.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_dropout)

#else

#include "couplet_philox.h"

#undef drop_lanes
#undef drop
#define drop_lanes NAME(drop_lanes)
#define drop NAME(drop)
COUPLET_INLINE void drop_lanes(const size_t count, couplet_words words, uint32_t threshold, float factor,
                               const float *x, float *y) {
    const couplet_ints keeps = (couplet_ints)(words >> 8) >= (int32_t)threshold;
    couplet_store_up_to(y, count, (couplet_floats)(keeps & (couplet_ints)(couplet_load_up_to(x, count) * factor)));
}

// At most COUPLET_PHILOX_WORDS numbers.
COUPLET_INLINE void drop(size_t count, const couplet_words words[4], uint32_t threshold, float factor, const float *x,
                         float *y) {
    if (count >= COUPLET_PHILOX_WORDS)
        COUPLET_UNROLL for (size_t v = 0; v < 4; v++)
            drop_lanes(COUPLET_LANES, words[v], threshold, factor, x + 16 * v, y + 16 * v);
    else
        for (size_t v = 0; 16 * v < count; v++) {
            const size_t left = count - 16 * v;
            drop_lanes(left < COUPLET_LANES ? left : COUPLET_LANES, words[v], threshold, factor, x + 16 * v,
                       y + 16 * v);
        }
}

void NAME(couplet_dropout)(size_t rows, size_t columns, uint64_t seed, uint32_t stream, uint64_t first_number,
                           uint32_t threshold, float factor, const float *x, float *y) {
    // Two rows at a time.
    for (size_t r = 0; r < rows; r += 2, x += 2 * columns, y += 2 * columns)
        for (size_t c = 0; c < columns; c += COUPLET_PHILOX_WORDS) {
            const uint32_t block = (uint32_t)(c / 4);
            const uint64_t number = first_number + r;
            couplet_words words[2][4];
            philox_words(seed, stream, (uint64_t[]){number, number + 1}, (uint32_t[]){block, block}, words);
            drop(columns - c, words[0], threshold, factor, x + c, y + c);
            if (r + 1 < rows) drop(columns - c, words[1], threshold, factor, x + columns + c, y + columns + c);
        }
}

#endif
