// log x, log2 x and log(1 + x).
#include "elementary_logarithm.h"
#include "couplet_elementary.h"

// The logarithm of 0, of negative numbers, of infinity and of NaN.
static double of_special(double x) {
    return x != x ? x : x == 0 ? -__builtin_inf() : x > 0 ? x : COUPLET_NAN64;
}

// One rounding more than couplet_logarithm, for a result of 53 bits.
static inline double rounded_logarithm(couplet_log_parts x) {
    double start = x.exponent * COUPLET_LOG2_HIGH + x.high, sum = start + x.r, square = x.r * x.r;
    double low = (start - sum) + x.r + x.exponent * COUPLET_LOG2_LOW + x.low + x.rest;
    double series = (-0.5 + x.r * 0x1.5555555555555p-2) +
                    square * ((-0.25 + x.r * 0x1.999999999999ap-3) +
                              square * ((-0x1.5555555555555p-3 + x.r * 0x1.2492492492492p-3) + square * -0.125));
    return sum + (low + square * series);
}

static inline int is_positive_and_finite(uint64_t bits) {
    return bits - 1 < COUPLET_INFINITY64 - 1;
}

double couplet_log64(double x) {
    uint64_t bits = couplet_bits64(x);
    if (!is_positive_and_finite(bits)) return of_special(x);
    return rounded_logarithm(couplet_split_logarithm(couplet_normalized(bits)));
}

double couplet_log2_64(double x) {
    uint64_t bits = couplet_bits64(x);
    if (!is_positive_and_finite(bits)) return of_special(x);
    couplet_log_parts parts = couplet_split_logarithm(couplet_normalized(bits));
    double exponent = parts.exponent;
    parts.exponent = 0;
    couplet_sum64 natural = couplet_logarithm(parts);
    // Times 1 / log 2 in two parts. The product of the first parts is exact.
    double first = couplet_high_part(natural.high), second = natural.high - first + natural.low;
    double product = first * 0x1.7154768000000p+0;
    double low = second * 0x1.7154768000000p+0 + natural.high * -0x1.6a3e80f444178p-27;
    double sum = exponent + product;
    return sum + (((exponent - sum) + product) + low);
}

double couplet_log1p_64(double x) {
    if (!(x > -1 && x < __builtin_inf())) return x == -1 ? -__builtin_inf() : x < -1 ? COUPLET_NAN64 : x;
    if (x > -0x1p-9 && x < 0x1p-8) {
        if (x > -0x1p-54 && x < 0x1p-54) return x;
        return rounded_logarithm((couplet_log_parts){0, 0, 0, x, 0});
    }
    // 1 + x and what its rounding loses.
    double sum = 1 + x, lost = x > 1 ? (x - sum) + 1 : (1 - sum) + x;
    couplet_log_parts parts = couplet_split_logarithm(couplet_bits64(sum));
    parts.rest += lost / sum;
    return rounded_logarithm(parts);
}
