#ifndef COUPLET_SET
#include "couplet_peak.h"
#define COUPLET_KERNELS "peak.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_multiply_add_6)
COUPLET_DISPATCH(couplet_multiply_add_12)

#else

// A CPU with two multiply-add units and a latency of 4 cycles needs at least 8 independent chains. 12 vectors of 16
// lanes take 12 registers with AVX-512; 6 vectors take 12 registers of half the width with AVX2. x <- x * scale + shift
// converges to 1, so no number overflows or underflows. The assembler statements hide the numbers from the compiler,
// which would otherwise compute less.
#define DEFINE_LOOP(count)                                                                                             \
    double NAME(couplet_multiply_add_##count)(int64_t rounds) {                                                        \
        couplet_floats x[count], scale = couplet_broadcast(0.5f), shift = couplet_broadcast(0.5f);                     \
        for (int chain = 0; chain < count; chain++) x[chain] = couplet_broadcast((float)chain);                        \
        __asm__ volatile("" : "+m"(x), "+m"(scale), "+m"(shift));                                                      \
        for (int64_t round = 0; round < rounds; round++) {                                                             \
            _Pragma("clang loop unroll(full)") for (int chain = 0; chain < count; chain++) x[chain] =                  \
                couplet_fma(x[chain], scale, shift);                                                                   \
        }                                                                                                              \
        __asm__ volatile("" : : "m"(x));                                                                               \
        return 2.0 * COUPLET_LANES * count * (double)rounds;                                                           \
    }

DEFINE_LOOP(6)
DEFINE_LOOP(12)

#endif
