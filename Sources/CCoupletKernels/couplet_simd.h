// Vectors of 16 lanes and their macros, shared by all kernels. Elementary functions are in couplet_vectors.h.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUPLET_PASTE_EXPANDED(a, b) a##_##b
#define COUPLET_PASTE(a, b) COUPLET_PASTE_EXPANDED(a, b)
// The name of a function in the instruction set that is being built (couplet_instruction_sets.h).
#define NAME(function) COUPLET_PASTE(function, COUPLET_SET)

// The number of the instruction set in use: on x86-64 0 portable, 1 avx2, 2 avx512. Constant in a process.
int couplet_chosen_set(void);

// Number of lanes of a reduction. Kernels write the lanes out, because the order of a sum is part of its definition.
#define COUPLET_LANES 16

static inline float couplet_from_bits(int32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
static inline int32_t couplet_to_bits(float value) {
    int32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

// Vectors of 16 lanes in the compiler's vector types: one register with AVX-512, two with AVX2, four elsewhere.
typedef float couplet_floats __attribute__((vector_size(4 * COUPLET_LANES)));
typedef int32_t couplet_ints __attribute__((vector_size(4 * COUPLET_LANES)));
typedef double couplet_doubles __attribute__((vector_size(8 * COUPLET_LANES)));
typedef int64_t couplet_longs __attribute__((vector_size(8 * COUPLET_LANES)));
// A quarter and half of the lanes.
typedef float couplet_floats4 __attribute__((vector_size(16)));
typedef float couplet_floats8 __attribute__((vector_size(32)));
typedef double couplet_doubles8 __attribute__((vector_size(64)));
typedef int64_t couplet_longs8 __attribute__((vector_size(64)));

#define COUPLET_INLINE static inline __attribute__((always_inline))
// Before a loop over a constant range: it becomes straight code, so that arrays of vectors are registers.
#define COUPLET_UNROLL _Pragma("clang loop unroll(full)")

// The body for `count` numbers, 16 at a time: c is the first, `lanes` the number of them in the vector.
#define COUPLET_EACH_VECTOR(count, ...)                                                                                \
    {                                                                                                                  \
        size_t c = 0;                                                                                                  \
        for (; c + 16 <= (count); c += 16) {                                                                           \
            const size_t lanes = 16;                                                                                   \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
        if (c < (count)) {                                                                                             \
            const size_t lanes = (count)-c;                                                                            \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

// A vector with the same number in all lanes. (x - 0 is x for every x; the compiler removes it.)
#define couplet_broadcast(x) ((x) - (couplet_floats){0})

#define couplet_load(x)                                                                                                \
    ({                                                                                                                 \
        couplet_floats loaded_;                                                                                        \
        memcpy(&loaded_, (x), sizeof loaded_);                                                                         \
        loaded_;                                                                                                       \
    })
#define couplet_store(x, v)                                                                                            \
    do {                                                                                                               \
        couplet_floats stored_ = (v);                                                                                  \
        memcpy((x), &stored_, sizeof stored_);                                                                         \
    } while (0)

// Loads and stores `count` <= 16 numbers; the other lanes are 0. (couplet_vectors.h has the parts.)
#define couplet_load_up_to(x, count) ((count) < COUPLET_LANES ? couplet_load_part((x), (count), 0) : couplet_load(x))
#define couplet_store_up_to(x, count, v)                                                                               \
    do {                                                                                                               \
        if ((count) < COUPLET_LANES)                                                                                   \
            couplet_store_part((x), (count), (v));                                                                     \
        else                                                                                                           \
            couplet_store((x), (v));                                                                                   \
    } while (0)

#define couplet_select(mask, a, b) ((couplet_floats)(((mask) & (couplet_ints)(a)) | (~(mask) & (couplet_ints)(b))))
#define couplet_max(a, b)                                                                                              \
    ({                                                                                                                 \
        couplet_floats a_ = (a), b_ = (b);                                                                             \
        couplet_select(a_ > b_, a_, b_);                                                                               \
    })

// The sum of the lanes, added as a binary tree: 16, 8, 4, 2, 1.
#define couplet_lane_sum(v)                                                                                            \
    ({                                                                                                                 \
        float tree_[COUPLET_LANES];                                                                                    \
        couplet_store(tree_, (v));                                                                                     \
        couplet_lane_sum_of(tree_);                                                                                    \
    })

COUPLET_INLINE void couplet_copy_lanes(const float *x, size_t count, float filling, float *lanes) {
    for (size_t lane = 0; lane < COUPLET_LANES; lane++) lanes[lane] = lane < count ? x[lane] : filling;
}

COUPLET_INLINE float couplet_lane_sum_of(float *lanes) {
    for (int half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

// Σ x[i] y[i] in 16 lanes of Double. Products of two floats are exact.
COUPLET_INLINE double couplet_lane_dot(size_t count, const float *x, const float *y) {
    double lanes[COUPLET_LANES] = {0};
    size_t whole = count / COUPLET_LANES * COUPLET_LANES;
    for (size_t k = 0; k < whole; k += COUPLET_LANES)
        for (int lane = 0; lane < COUPLET_LANES; lane++) lanes[lane] += (double)x[k + lane] * (double)y[k + lane];
    for (size_t k = whole; k < count; k++) lanes[k - whole] += (double)x[k] * (double)y[k];
    for (int half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}
