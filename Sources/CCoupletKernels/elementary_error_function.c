// The error function and its complement.
#include "couplet_elementary.h"
#include "elementary_exponential.h"

// Polynomials near the best ones: they interpolate at Chebyshev's nodes.

// erf(x) / x - 1 in x², for |x| < 0.84375.
static inline double near_zero(double square) {
    double p = -0x1.e82ab4a278a15p-31;
    p = 0x1.e819bbd670300p-27 + square * p;
    p = -0x1.5e1b368bdf02cp-23 + square * p;
    p = 0x1.b9c9ed1d47fc7p-20 + square * p;
    p = -0x1.f4d0c17daf57ep-17 + square * p;
    p = 0x1.f9a317b0dcb87p-14 + square * p;
    p = -0x1.c02db3a033205p-11 + square * p;
    p = 0x1.565bcd0ceb1d7p-8 + square * p;
    p = -0x1.b82ce31281a71p-6 + square * p;
    p = 0x1.ce2f21a042acfp-4 + square * p;
    p = -0x1.812746b0379e6p-2 + square * p;
    return 0x1.06eba8214db69p-3 + square * p;
}

// erf(0.671875), rounded to Float.
#define COUPLET_ERF_OF_TWO_THIRDS 0x1.50e24c0000000p-1

// erf(0.671875 + u) - erf(0.671875) for 0.5 <= 0.671875 + u <= 0.84375.
static double near_two_thirds(double u) {
    double p = -0x1.27f2166c4fd8cp-16;
    p = 0x1.61e7c810d855dp-11 + u * p;
    p = -0x1.907c2e5c42f72p-12 + u * p;
    p = -0x1.fe7fb527cfc0ap-9 + u * p;
    p = 0x1.4dbad7ae18ff1p-8 + u * p;
    p = 0x1.08243b1c0521fp-6 + u * p;
    p = -0x1.2a3331abf6003p-5 + u * p;
    p = -0x1.3a460fb8557e4p-5 + u * p;
    p = 0x1.598c345ed673ep-3 + u * p;
    p = -0x1.7d4463ac6a1d5p-6 + u * p;
    p = -0x1.ee4e5fc706066p-2 + u * p;
    p = 0x1.6fdb11b1e0c36p-1 + u * p;
    return 0x1.46bfa5772e645p-26 + u * p;
}

// erf(1), rounded to Float.
#define COUPLET_ERF_OF_1 0x1.af767a0000000p-1

// erf(1 + u) - erf(1) for 0.84375 <= 1 + u <= 1.25.
static inline double near_one(double u) {
    double p = 0x1.4160efc00cbc1p-16;
    p = 0x1.43b3789a9ac60p-16 + u * p;
    p = -0x1.a2ec14ff6578ep-13 + u * p;
    p = 0x1.666ba569cd698p-14 + u * p;
    p = 0x1.417655df98da9p-10 + u * p;
    p = -0x1.ee30af1146398p-10 + u * p;
    p = -0x1.39114696e74a7p-8 + u * p;
    p = 0x1.f096fd59dac7ap-7 + u * p;
    p = 0x1.2e45a5663a0f0p-8 + u * p;
    p = -0x1.1b614b0f4cc5fp-4 + u * p;
    p = 0x1.1b614b0f5266cp-4 + u * p;
    p = 0x1.1b614b0f527f0p-3 + u * p;
    p = -0x1.a911f096fbc25p-2 + u * p;
    p = 0x1.a911f096fbc26p-2 + u * p;
    return 0x1.d04222b1b32cap-27 + u * p;
}

// log(x e^(x²) erfc(x)) + 0.5625 in s = 1/x², by intervals of x: a polynomial in s less the middle.
static const struct {
    double end, middle, coefficients[17];
} far_intervals[4] = {
    {1.75,
     0x1.eedd19b459718p-2,
     {-0x1.69dc1624de658p-3, -0x1.0773b4047d555p-2, 0x1.cdb5f2817553bp-4, -0x1.3fcede7a40dcap-4, 0x1.111e6bfa03104p-4,
      -0x1.0819a526eccd0p-4, 0x1.15ba198f9f723p-4, -0x1.3682a4608e92cp-4, 0x1.6beeea72e944dp-4, -0x1.baf0b09932377p-4,
      0x1.160df1b8997b5p-3, -0x1.66a5922e3f2d5p-3, 0x1.d8b393564e32cp-3, -0x1.36daca6fb9ebap-2, 0x1.a86e28e90c4a8p-2,
      -0x1.750c9215f866ep-1, 0x1.07cb40d2a1ee0p+0}},
    {2.857142857,
     0x1.cbceae4a30715p-3,
     {-0x1.9cf201e8c1283p-4, -0x1.5a30a5bc3df0cp-2, 0x1.c067e7b693250p-3, -0x1.e449b3e7a8d00p-3, 0x1.4d3f159cd195dp-2,
      -0x1.09cb696d90e3cp-1, 0x1.d5749a6dbfeb7p-1, -0x1.bf380d8265acap+0, 0x1.c40dbfecb136dp+1, -0x1.df696f102c15ap+2,
      0x1.089e357ff8434p+4, -0x1.2f05cc3ee73cfp+5, 0x1.64983d351924bp+6, -0x1.9a8e96b8640c0p+7, 0x1.f93b1b300b0bbp+8,
      -0x1.c71ac371ee7b0p+10, 0x1.27409b8f63321p+12}},
    {6,
     0x1.33c4d5e763c9bp-4,
     {-0x1.6bf32bdcc2b65p-5, -0x1.b3c7afb253728p-2, 0x1.96c35d66bb416p-2, -0x1.551b3018256ccp-1, 0x1.7fbfe6b3eb3d0p+0,
      -0x1.0447cb11435acp+2, 0x1.93b1dee4c0e08p+3, -0x1.5afb68a102e63p+5, 0x1.43f082aa0b9c6p+7, -0x1.43e4483fb3c06p+9,
      0x1.574b8650a7402p+11, -0x1.7f63f70a66d48p+13, 0x1.bee6d1b2769e9p+15, -0x1.044ea547d48fdp+18,
      0x1.4523244ab3309p+20, -0x1.26013f5a15c4ep+23, 0x1.8e39df19abcc1p+25}},
    {28,
     0x1.dc02526e4b770p-7,
     {-0x1.168ad21a33f33p-6, -0x1.ee57629f78bacp-2, 0x1.20d1cd8b8f724p-1, -0x1.447762cebead4p+0, 0x1.0231fc2af83eep+2,
      -0x1.03a6358d4b9a8p+4, 0x1.3753a73ecee81p+6, -0x1.adca149e8ec3bp+8, 0x1.4daebf283d729p+11, -0x1.1e5bced52df81p+14,
      0x1.0c7f66b59f756p+17, -0x1.1d7b718144e89p+20, 0x1.3853dc2534f24p+23, 0, 0, 0, 0}},
};

// erfc(x) for x >= 1.25.
static double far(double x) {
    if (x > 27.3) return 0;
    int i = 0;
    while (x > far_intervals[i].end) i++;
    double s = 1 / (x * x) - far_intervals[i].middle, p = far_intervals[i].coefficients[16];
    for (int n = 15; n >= 0; n--) p = far_intervals[i].coefficients[n] + s * p;
    // -x² - 0.5625 is exact for the first part of x.
    double first = couplet_high_part(x), large = -first * first - 0.5625;
    double exponent = large + p, tail = ((large - exponent) + p) - (x - first) * (x + first);
    return couplet_exponential_of_sum(exponent, tail) / x;
}

double couplet_erf64(double x) {
    double a = x < 0 ? -x : x;
    if (x != x) return x;
    // A product that is subnormal loses bits.
    if (a < 0x1p-900) return (x * 0x1p900 + 0x1.06eba8214db69p-3 * (x * 0x1p900)) * 0x1p-900;
    if (a < 0.84375) return x + x * near_zero(x * x);
    double y = a <= 1.25 ? COUPLET_ERF_OF_1 + near_one(a - 1) : a < 6 ? 1 - far(a) : 1;
    return x < 0 ? -y : y;
}

double couplet_erfc64(double x) {
    double a = x < 0 ? -x : x;
    if (x != x) return x;
    if (x < 0.5 && a < 0.84375) {
        double p = x * near_zero(x * x);
        return x < 0.25 ? 1 - (x + p) : 0.5 - ((x - 0.5) + p);
    }
    if (a < 0.84375) return (1 - COUPLET_ERF_OF_TWO_THIRDS) - near_two_thirds(a - 0.671875);
    if (a <= 1.25) {
        double p = near_one(a - 1);
        return x > 0 ? (1 - COUPLET_ERF_OF_1) - p : 1 + (COUPLET_ERF_OF_1 + p);
    }
    return x > 0 ? far(x) : a < 6 ? 2 - far(a) : 2;
}
