// e^x, 2^x, e^x - 1 and the hyperbolic tangent.
#include "elementary_exponential.h"
#include "couplet_elementary.h"

double couplet_exp64(double x) {
    if (x != x) return x;
    return couplet_exponential_of_sum(x, 0);
}

double couplet_exp2_64(double x) {
    if (x != x) return x;
    if (x >= 1024) return __builtin_inf();
    if (x < -1076) return 0;
    // The number of 128ths. The rest times log 2 is the exponent of e; its rounding is that of one small term.
    double shifted = x + 0x1.8p45, r = (x - (shifted - 0x1.8p45)) * 0x1.62e42fefa39efp-1;
    couplet_power64 power = couplet_power_of(couplet_bits64(shifted), r);
    // Below -950 the product could be subnormal, which loses bits.
    if (x > 1022 || x < -950) return couplet_scaled_at_the_ends(power.scale, power.part, x > 0);
    double scale = couplet_double(power.scale);
    return scale + scale * power.part;
}

double couplet_expm1_64(double x) {
    if (x != x || x == 0) return x;
    if (x < -37.5) return -1;
    if (x > 709) return couplet_exponential_of_sum(x, 0);
    couplet_sum64 result = couplet_exponential_less_1(x);
    return result.high + result.low;
}

// With t = e^(2|x|) - 1 it is t / (t + 2), both sums of two Doubles.
double couplet_tanh64(double x) {
    double a = x < 0 ? -x : x;
    if (x != x || a < 0x1p-28) return x;
    double y = 1;
    if (a < 19.5) {
        couplet_sum64 t = couplet_exponential_less_1(2 * a);
        double sum = t.high + 2, lost = (t.high > 2 ? (t.high - sum) + 2 : (2 - sum) + t.high) + t.low;
        y = t.high / sum;
        y += (t.low - y * lost) / sum;
    }
    return x < 0 ? -y : y;
}
