// What the kernels of normalisation share: blocks of rows, and sums in double precision in their scratch memory.
#pragma once
#include <stdint.h>

// Rows that are added in single precision before the sum goes on in double precision.
#define COUPLET_BLOCK_OF_ROWS 32

// The first multiple of 64 bytes in the scratch memory.
static inline double *couplet_aligned_doubles(float *scratch) {
    return (double *)(((uintptr_t)scratch + 63) / 64 * 64);
}
