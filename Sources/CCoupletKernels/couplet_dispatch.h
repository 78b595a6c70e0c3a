// What every kernel shares: how a loop is built for several CPU levels, and the elementary functions
// that are polynomials in plain C, so that a vector loop gives an element the same bits wherever the
// loop starts and ends (the C library's vector functions do not).
#pragma once
#include <stdint.h>
#include <string.h>

// "avx512f" and not "arch=x86-64-v4": the latter's tuning keeps to vectors of 256 bits.
#if defined(__x86_64__) && defined(__linux__)
#define COUPLET_KERNEL __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define COUPLET_KERNEL
#endif

// Reductions use this many independent lanes, written out: the order of a sum is part of its definition.
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

// e^x for x <= 88, relative error below 2e-7; 0 below -87 (no subnormals). Cody-Waite reduction,
// polynomial of degree 6 on [-ln2/2, ln2/2], exponent put in by integer addition.
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

// cos and sin of 2 pi w / 2^32, by the nearest quarter turn and Cephes' polynomials on [-pi/4, pi/4].
static inline void couplet_turn(uint32_t w, float *cosine, float *sine) {
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
