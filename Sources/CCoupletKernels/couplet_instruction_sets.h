// Builds the kernels of a file once for each instruction set of the architecture.
//
// A file of kernels includes this header with COUPLET_KERNELS set to its own name. The header includes the file again,
// once for each instruction set; only then the file defines its kernels. `NAME(f)` is the name of f in that set. At
// last COUPLET_DISPATCH(f) defines f itself, which jumps to the set in use (couplet_instruction_set.h):
//
//     #ifndef COUPLET_SET
//     #include "couplet_example.h"
//     #define COUPLET_KERNELS "example.c"
//     #include "couplet_instruction_sets.h"
//     COUPLET_DISPATCH(couplet_scale)
//     #else
//     void NAME(couplet_scale)(size_t count, float factor, float *x) { … }
//     #endif
//
// Each pass defines:
//     COUPLET_SET          avx512, avx2, portable or neon
//     COUPLET_HAS_FMA      1 if the set has a fused multiply-add, 0 if couplet_fma computes it in Double
//     COUPLET_WIDTH        floats of a register
//     COUPLET_REGISTERS    the number of vector registers
//
// The bits of a kernel do not depend on the set. So no expression is contracted: fused multiply-adds are written
// out, as couplet_fma.
#pragma STDC FP_CONTRACT OFF
// Vectors are passed by value to inlined functions only.
#pragma clang diagnostic ignored "-Wpsabi"
#include "couplet_simd.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2"))),          \
                             apply_to = function)
#define COUPLET_SET avx512
#define COUPLET_HAS_FMA 1
#define COUPLET_WIDTH 16
#define COUPLET_REGISTERS 32
#include "couplet_vectors.h"
#include COUPLET_KERNELS
#undef COUPLET_SET
#undef COUPLET_HAS_FMA
#undef COUPLET_WIDTH
#undef COUPLET_REGISTERS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#define COUPLET_SET avx2
#define COUPLET_HAS_FMA 1
#define COUPLET_WIDTH 8
#define COUPLET_REGISTERS 16
#include "couplet_vectors.h"
#include COUPLET_KERNELS
#undef COUPLET_SET
#undef COUPLET_HAS_FMA
#undef COUPLET_WIDTH
#undef COUPLET_REGISTERS
#pragma clang attribute pop

#define COUPLET_SET portable
#define COUPLET_HAS_FMA 0
#define COUPLET_WIDTH 4
#define COUPLET_REGISTERS 16
#include "couplet_vectors.h"
#include COUPLET_KERNELS
#undef COUPLET_SET
#undef COUPLET_HAS_FMA
#undef COUPLET_WIDTH
#undef COUPLET_REGISTERS

// The function `name` is one jump through a pointer, which the program's start sets. Assembler, because C would need
// the parameters of each function once more.
#define COUPLET_DISPATCH(name)                                                                                         \
    __attribute__((used)) static __typeof__(name) *name##_chosen = name##_portable;                                    \
    __attribute__((constructor)) static void name##_choose(void) {                                                     \
        const int set = couplet_chosen_set();                                                                          \
        name##_chosen = set == 2 ? name##_avx512 : set == 1 ? name##_avx2 : name##_portable;                           \
    }                                                                                                                  \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n\tjmp *" #name                           \
            "_chosen(%rip)\n.size " #name ", . - " #name "\n");

#else

#if defined(__aarch64__)
#define COUPLET_SET neon
#define COUPLET_HAS_FMA 1
#define COUPLET_REGISTERS 32
#else
#define COUPLET_SET portable
#define COUPLET_HAS_FMA 0
#define COUPLET_REGISTERS 16
#endif
#define COUPLET_WIDTH 4
#include "couplet_vectors.h"
#include COUPLET_KERNELS

// The only set of the architecture.
#if defined(__aarch64__)
#define COUPLET_DISPATCH(name) extern __typeof__(name) name __attribute__((alias(#name "_neon")));
#else
#define COUPLET_DISPATCH(name) extern __typeof__(name) name __attribute__((alias(#name "_portable")));
#endif
#undef COUPLET_SET

#endif
