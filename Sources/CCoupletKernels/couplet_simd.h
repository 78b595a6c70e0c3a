// Shared by all kernels: function multiversioning, vectors of 16 lanes, and elementary functions.
//
// The elementary functions are polynomials in plain C. An element of a vector loop therefore has the same bits wherever
// the loop starts and ends. The C library's vector functions do not guarantee this.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Builds a kernel for several CPU levels. The highest level is "avx512f" and not "arch=x86-64-v4", because the compiler
// prefers vectors of 256 bits for the latter.
#if defined(__x86_64__) && defined(__linux__)
#define COUPLET_KERNEL __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define COUPLET_KERNEL
#endif

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

// e^x for x <= 88, relative error below 2e-7; 0 below -87 (no subnormals). Cody-Waite reduction, polynomial of degree 6
// on [-ln2/2, ln2/2], exponent inserted by integer addition.
static inline float couplet_exp(float x) {
    float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    float shifted = clamped * 1.44269504088896341f + 12582912.0f;
    float whole = shifted - 12582912.0f;
    float rest = clamped - whole * 0.693359375f;
    rest = rest + whole * 2.12194440e-4f;
    float poly = 1.3888889e-3f;
    poly = poly * rest + 8.3333477e-3f;
    poly = poly * rest + 4.1666646e-2f;
    poly = poly * rest + 1.6666667e-1f;
    poly = poly * rest + 0.5f;
    poly = poly * rest + 1.0f;
    poly = poly * rest + 1.0f;
    int32_t exponent = (int32_t)((uint32_t)couplet_to_bits(shifted) << 23);
    float result = couplet_from_bits((int32_t)((uint32_t)couplet_to_bits(poly) + (uint32_t)exponent));
    return x < -87.0f ? 0.0f : result;
}

// ln x for normal x > 0, relative error below 2e-7 (Cephes' logf, without its special cases).
static inline float couplet_log(float x) {
    int32_t bits = couplet_to_bits(x);
    int32_t exponent = ((bits >> 23) & 0xff) - 126;
    float mantissa = couplet_from_bits((bits & 0x007fffff) | 0x3f000000);
    int small = mantissa < 0.707106781186547524f;
    float e = (float)(exponent - small);
    float m = small ? mantissa + mantissa - 1.0f : mantissa - 1.0f;
    float z = m * m;
    float poly = 7.0376836292e-2f;
    poly = poly * m - 1.1514610310e-1f;
    poly = poly * m + 1.1676998740e-1f;
    poly = poly * m - 1.2420140846e-1f;
    poly = poly * m + 1.4249322787e-1f;
    poly = poly * m - 1.6668057665e-1f;
    poly = poly * m + 2.0000714765e-1f;
    poly = poly * m - 2.4999993993e-1f;
    poly = poly * m + 3.3333331174e-1f;
    float y = poly * m * z + e * -2.12194440e-4f - 0.5f * z;
    return m + y + e * 0.693359375f;
}

// cos and sin of 2π w / 2^32: reduction to the nearest quarter turn, then Cephes' polynomials on [-π/4, π/4].
static inline void couplet_cos_sin(uint32_t w, float *cosine, float *sine) {
    uint32_t quarter = (w + 0x20000000u) >> 30;
    int32_t rest = (int32_t)(w - (quarter << 30));
    float x = (float)rest * 1.46291807926715968e-9f;
    float z = x * x;
    float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * x + x;
    float c =
        ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
    float first = (quarter & 1) ? s : c, second = (quarter & 1) ? c : s;
    *cosine = (quarter == 1 || quarter == 2) ? -first : first;
    *sine = (quarter == 2 || quarter == 3) ? -second : second;
}

// Vectors of 16 lanes in the compiler's vector types: one register with AVX-512, two with AVX2, four elsewhere. Their
// numbers are the same everywhere except for fused multiply-add. Operations on vectors are macros: a function that
// takes such a vector by value would be built for one CPU level, but the kernels are built for several.
typedef float couplet_floats __attribute__((vector_size(4 * COUPLET_LANES)));
typedef int32_t couplet_ints __attribute__((vector_size(4 * COUPLET_LANES)));

#define COUPLET_INLINE static inline __attribute__((always_inline))

// A vector with the same number in all lanes.
#define couplet_broadcast(x) ((couplet_floats){0} + (x))

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

// Loads the first `count` < 16 numbers; the other lanes are `filling`.
#define couplet_load_part(x, count, filling)                                                                           \
    ({                                                                                                                 \
        float lanes_[COUPLET_LANES];                                                                                   \
        couplet_copy_lanes((x), (count), (filling), lanes_);                                                           \
        couplet_load(lanes_);                                                                                          \
    })
#define couplet_store_part(x, count, v)                                                                                \
    do {                                                                                                               \
        float lanes_[COUPLET_LANES];                                                                                   \
        couplet_store(lanes_, (v));                                                                                    \
        memcpy((x), lanes_, (count) * sizeof(float));                                                                  \
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

// 2^x for x <= 126, 0 below -126, relative error below 1.3e-7: a polynomial of degree 6 on [-1/2, 1/2], then the
// integer part is added to the exponent.
#define couplet_exp2(x)                                                                                                \
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

// ln(1 + y) for 0 <= y <= 1, relative error below 3e-7: the series of 2 artanh(z), z = y / (2 + y) <= 1/3, which is
// accurate for small y, too.
#define couplet_log1p(y)                                                                                               \
    ({                                                                                                                 \
        couplet_floats y_ = (y), z_ = y_ / (2.0f + y_), square_ = z_ * z_;                                             \
        couplet_floats series_ = square_ * 0.15384615f + 0.18181818f;                                                  \
        series_ = series_ * square_ + 0.22222222f;                                                                     \
        series_ = series_ * square_ + 0.28571429f;                                                                     \
        series_ = series_ * square_ + 0.4f;                                                                            \
        series_ = series_ * square_ + 0.66666667f;                                                                     \
        series_ = series_ * square_ + 2.0f;                                                                            \
        (series_ * z_);                                                                                                \
    })

COUPLET_INLINE void couplet_copy_lanes(const float *x, size_t count, float filling, float *lanes) {
    for (size_t lane = 0; lane < COUPLET_LANES; lane++) lanes[lane] = lane < count ? x[lane] : filling;
}

COUPLET_INLINE float couplet_lane_sum_of(float *lanes) {
    for (int half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}
