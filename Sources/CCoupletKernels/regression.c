#include "couplet_dispatch.h"
#include "couplet_regression.h"

// Points worked on at a time: their distances stay in registers or the first cache.
#define COUPLET_POINTS 64

// e^x for -700 <= x <= 0: Cody-Waite reduction, the Taylor polynomial of degree 12 on [-ln2/2, ln2/2], exponent put in by integer addition.
static inline double couplet_exp_double(double x) {
    double shifted = x * 1.44269504088896338700 + 6755399441055744.0;
    double whole = shifted - 6755399441055744.0;
    double rest = x - whole * 6.93147180369123816490e-01;
    rest = rest - whole * 1.90821492927058770002e-10;
    double poly = 1.0 / 479001600.0;
    poly = poly * rest + 1.0 / 39916800.0;
    poly = poly * rest + 1.0 / 3628800.0;
    poly = poly * rest + 1.0 / 362880.0;
    poly = poly * rest + 1.0 / 40320.0;
    poly = poly * rest + 1.0 / 5040.0;
    poly = poly * rest + 1.0 / 720.0;
    poly = poly * rest + 1.0 / 120.0;
    poly = poly * rest + 1.0 / 24.0;
    poly = poly * rest + 1.0 / 6.0;
    poly = poly * rest + 0.5;
    poly = poly * rest + 1.0;
    poly = poly * rest + 1.0;
    uint64_t exponent, bits;
    memcpy(&exponent, &shifted, 8);
    memcpy(&bits, &poly, 8);
    bits += exponent << 52;
    memcpy(&poly, &bits, 8);
    return poly;
}

COUPLET_KERNEL void couplet_gaussian_kernel(size_t count, size_t dimensions, const double *x, const double *points,
                                            size_t stride, double gamma, double *out) {
    for (size_t start = 0; start < count; start += COUPLET_POINTS) {
        size_t here = count - start < COUPLET_POINTS ? count - start : COUPLET_POINTS;
        double squares[COUPLET_POINTS] = {0};
        for (size_t k = 0; k < dimensions; k++) {
            const double *column = points + k * stride + start;
            double own = x[k];
            if (here == COUPLET_POINTS) {
                for (size_t j = 0; j < COUPLET_POINTS; j++) squares[j] += (own - column[j]) * (own - column[j]);
            } else {
                for (size_t j = 0; j < here; j++) squares[j] += (own - column[j]) * (own - column[j]);
            }
        }
        for (size_t j = 0; j < COUPLET_POINTS; j++) {
            double power = -gamma * squares[j];
            double clamped = power < -100.0 ? -100.0 : power;
            double value = couplet_exp_double(clamped);
            squares[j] = power < -92.1034037197618 ? 0.0 : value;
        }
        memcpy(out + start, squares, here * sizeof(double));
    }
}
