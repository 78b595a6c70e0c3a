// x^y.
#include "couplet_elementary.h"
#include "elementary_logarithm.h"

// 0 if y is no integer, 1 if it is odd, 2 if it is even.
static int kind_of_integer(double y) {
    uint64_t bits = couplet_bits64(y);
    int exponent = (int)(bits >> 52 & 0x7ff);
    if (exponent < 0x3ff) return 0;
    if (exponent > 0x3ff + 52) return 2;
    uint64_t one = (uint64_t)1 << (0x3ff + 52 - exponent);
    return bits & (one - 1) ? 0 : bits & one ? 1 : 2;
}

double couplet_pow64(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (x != x || y != y) return x + y;
    double a = x < 0 ? -x : x;
    int is_negative = couplet_bits64(x) >> 63 && kind_of_integer(y) == 1;
    double sign = is_negative ? -1 : 1, infinity = __builtin_inf();
    if (y == infinity || y == -infinity) return a == 1 ? 1 : (a > 1) == (y > 0) ? infinity : 0;
    if (a == 0 || a == infinity) return sign * ((a == 0) == (y > 0) ? 0 : infinity);
    if (x < 0 && kind_of_integer(y) == 0) return COUPLET_NAN64;
    couplet_sum64 logarithm = couplet_logarithm(couplet_split_logarithm(couplet_normalized(couplet_bits64(a))));
    double estimate = y * logarithm.high;
    if (!(estimate < 720)) return sign * infinity;
    if (!(estimate > -760)) return sign * 0;
    if (estimate < 0x1p-60 && estimate > -0x1p-60) return sign;
    // The product in two parts, of which the first is exact.
    double y_first = couplet_high_part(y), first = couplet_high_part(logarithm.high);
    double exponent = y_first * first;
    double tail = (y - y_first) * first + y * (logarithm.high - first + logarithm.low);
    return sign * couplet_exponential_of_sum(exponent, tail);
}
