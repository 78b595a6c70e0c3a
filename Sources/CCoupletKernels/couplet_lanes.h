// What kernels of layers share, for the instruction set that is being built: loads and stores of up to 16 numbers. With
// AVX-512 these are one instruction with a mask, in other sets a copy.

#ifndef COUPLET_BLOCK_OF_ROWS
// Rows that are added in single precision before the sum goes on in double precision.
#define COUPLET_BLOCK_OF_ROWS 32

// The first multiple of 64 bytes in the scratch memory.
static inline double *couplet_aligned_doubles(float *scratch) {
    return (double *)(((uintptr_t)scratch + 63) / 64 * 64);
}

#endif

#undef load_lanes
#undef store_lanes
#define load_lanes NAME(couplet_load_lanes)
#define store_lanes NAME(couplet_store_lanes)

#if COUPLET_WIDTH == 16
#include <immintrin.h>
#define COUPLET_LANE_MASK(count) ((__mmask16)((1u << (count)) - 1))
#endif

// The first `count` <= 16 numbers; the other lanes are `filling`.
COUPLET_INLINE couplet_floats load_lanes(const float *x, const size_t count, float filling) {
    if (count == COUPLET_LANES) return couplet_load(x);
#if COUPLET_WIDTH == 16
    return (couplet_floats)_mm512_mask_loadu_ps((__m512)couplet_broadcast(filling), COUPLET_LANE_MASK(count), x);
#else
    return couplet_load_part(x, count, filling);
#endif
}

COUPLET_INLINE void store_lanes(float *x, const size_t count, couplet_floats v) {
    if (count == COUPLET_LANES)
        couplet_store(x, v);
    else
#if COUPLET_WIDTH == 16
        _mm512_mask_storeu_ps(x, COUPLET_LANE_MASK(count), (__m512)v);
#else
        couplet_store_part(x, count, v);
#endif
}
