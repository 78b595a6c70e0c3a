// Vectors of 16 lanes, spelled out with the compiler's vector types: one register with AVX-512, two with AVX2, four elsewhere, the same
// numbers everywhere up to fused multiply-add. They are macros because a function that passes such a vector by value would have to be built
// for one CPU level, and the kernels are built for several.
#pragma once
#include "couplet_dispatch.h"
#include <stddef.h>

typedef float couplet_floats __attribute__((vector_size(4 * COUPLET_LANES)));
typedef int32_t couplet_ints __attribute__((vector_size(4 * COUPLET_LANES)));

#define COUPLET_INLINE static inline __attribute__((always_inline))

// The same number in all lanes.
#define couplet_all(x) ((couplet_floats){0} + (x))

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

// The first `count` < 16 numbers, the other lanes filled up.
#define couplet_load_part(x, count, filling)                                                                           \
    ({                                                                                                                 \
        float lanes_[COUPLET_LANES];                                                                                   \
        couplet_copy_part((x), (count), (filling), lanes_);                                                            \
        couplet_load(lanes_);                                                                                          \
    })
#define couplet_store_part(x, count, v)                                                                                \
    do {                                                                                                               \
        float lanes_[COUPLET_LANES];                                                                                   \
        couplet_store(lanes_, (v));                                                                                    \
        memcpy((x), lanes_, (count) * sizeof(float));                                                                  \
    } while (0)

#define couplet_select(mask, a, b) ((couplet_floats)(((mask) & (couplet_ints)(a)) | (~(mask) & (couplet_ints)(b))))
#define couplet_larger(a, b)                                                                                           \
    ({                                                                                                                 \
        couplet_floats a_ = (a), b_ = (b);                                                                             \
        couplet_select(a_ > b_, a_, b_);                                                                               \
    })

// The lanes added as a binary tree: 16, 8, 4, 2, 1.
#define couplet_tree(v)                                                                                                \
    ({                                                                                                                 \
        float tree_[COUPLET_LANES];                                                                                    \
        couplet_store(tree_, (v));                                                                                     \
        couplet_tree_of(tree_);                                                                                        \
    })

// 2^x for x <= 126, 0 below -126, relative error below 1.3e-7: a polynomial of degree 6 on [-1/2, 1/2], the whole part put in by
// adding to the exponent.
#define couplet_power(x)                                                                                               \
    ({                                                                                                                 \
        couplet_floats x_ = (x), shifted_ = x_ + 12582912.0f, rest_ = x_ - (shifted_ - 12582912.0f);                   \
        couplet_floats poly_ = 1.5353362e-4f * rest_ + 1.3398875e-3f;                                                  \
        poly_ = poly_ * rest_ + 9.6184370e-3f;                                                                         \
        poly_ = poly_ * rest_ + 5.5503324e-2f;                                                                         \
        poly_ = poly_ * rest_ + 2.4022648e-1f;                                                                         \
        poly_ = poly_ * rest_ + 6.9314718e-1f;                                                                         \
        poly_ = poly_ * rest_ + 1.0f;                                                                                  \
        couplet_ints power_ = (couplet_ints)poly_ + ((couplet_ints)shifted_ << 23);                                    \
        (couplet_floats)((x_ >= -126.0f) & power_);                                                                    \
    })

// ln(1 + y) for 0 <= y <= 1, relative error below 3e-7: 2 artanh(z), z = y / (2 + y) <= 1/3, as a series that keeps the digits of small y.
#define couplet_log_one_plus(y)                                                                                        \
    ({                                                                                                                 \
        couplet_floats y_ = (y), z_ = y_ / (2.0f + y_), square_ = z_ * z_;                                             \
        couplet_floats series_ = square_ * 0.15384615f + 0.18181818f;                                                  \
        series_ = series_ * square_ + 0.22222222f;                                                                     \
        series_ = series_ * square_ + 0.28571429f;                                                                     \
        series_ = series_ * square_ + 0.4f;                                                                            \
        series_ = series_ * square_ + 0.66666667f;                                                                     \
        series_ = series_ * square_ + 2.0f;                                                                            \
        series_ *z_;                                                                                                   \
    })

COUPLET_INLINE void couplet_copy_part(const float *x, size_t count, float filling, float *lanes) {
    for (size_t lane = 0; lane < COUPLET_LANES; lane++) lanes[lane] = lane < count ? x[lane] : filling;
}

COUPLET_INLINE float couplet_tree_of(float *lanes) {
    for (int half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}
