// The taps of kernels: PyTorch's order has the taps of a kernel side by side, products want the kernels of a tap.
#ifndef COUPLET_SET
#include "convolution.h"
#include <stdint.h>
#define split_block NAME(split_block)
#define COUPLET_KERNELS "convolution_taps.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_split_taps)
COUPLET_DISPATCH(couplet_join_taps)

#else

// Blocks of 16 kernels stay in the first-level cache.
void NAME(couplet_split_taps)(size_t count, size_t taps, const float *restrict from, const size_t *offset,
                              float *restrict to) {
    for (size_t i = 0; i < count; i += 16) {
        const size_t block = count - i < 16 ? count - i : 16;
        for (size_t t = 0; t < taps; t++) {
            const float *source = from + i * taps + t;
            float lanes[16], *target = to + offset[t] + i;
            if (block == 16) {
                COUPLET_UNROLL for (size_t j = 0; j < 16; j++) lanes[j] = source[j * taps];
                couplet_store(target, couplet_load(lanes));
            } else {
                for (size_t j = 0; j < block; j++) target[j] = source[j * taps];
            }
        }
    }
}

void NAME(couplet_join_taps)(size_t count, size_t taps, const float *restrict from, const size_t *offset,
                             float *restrict to) {
    for (size_t i = 0; i < count; i += 16) {
        const size_t block = count - i < 16 ? count - i : 16;
        for (size_t t = 0; t < taps; t++) {
            const float *source = from + offset[t] + i;
            float *target = to + i * taps + t;
            if (block == 16) {
                COUPLET_UNROLL for (size_t j = 0; j < 16; j++) target[j * taps] = source[j];
            } else {
                for (size_t j = 0; j < block; j++) target[j * taps] = source[j];
            }
        }
    }
}

#endif
