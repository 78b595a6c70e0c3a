#include "couplet_peak.h"

// "avx512f" and not "arch=x86-64-v4": the latter's tuning keeps to vectors of 256 bits.
#if defined(__x86_64__) && defined(__linux__)
#define COUPLET_PEAK __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define COUPLET_PEAK
#endif

#define LANES 16
typedef float floats __attribute__((vector_size(4 * LANES)));

// A CPU with two multiply-add units of 4 cycles latency needs at least 8 independent chains. 12 vectors of 16 lanes fill the registers of
// AVX-512; 6 (12 registers of half the width) those of AVX2. x <- x * scale + shift converges to 1, so no number overflows or underflows.
// The compiler must not know the numbers, or it computes less.
#define DEFINE_LOOP(count)                                                                                             \
    COUPLET_PEAK double couplet_multiply_add_##count(int64_t rounds) {                                                 \
        floats x[count], scale = (floats){0} + 0.5f, shift = (floats){0} + 0.5f;                                       \
        for (int chain = 0; chain < count; chain++) x[chain] = (floats){0} + (float)chain;                             \
        __asm__ volatile("" : "+m"(x), "+m"(scale), "+m"(shift));                                                      \
        for (int64_t round = 0; round < rounds; round++) {                                                             \
            _Pragma("clang loop unroll(full)") for (int chain = 0; chain < count; chain++)                             \
                x[chain] = x[chain] * scale + shift;                                                                   \
        }                                                                                                              \
        __asm__ volatile("" : : "m"(x));                                                                               \
        return 2.0 * LANES * count * (double)rounds;                                                                   \
    }

DEFINE_LOOP(6)
DEFINE_LOOP(12)
