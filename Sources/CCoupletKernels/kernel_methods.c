#ifndef COUPLET_SET
#include "couplet_kernel_methods.h"
#define couplet_exp_double NAME(couplet_exp_double)
#define COUPLET_KERNELS "kernel_methods.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_fourier_features)
COUPLET_DISPATCH(couplet_monomials)
COUPLET_DISPATCH(couplet_gaussian_kernel)

void couplet_indicators(size_t rows, size_t classes, const float *labels, float *out) {
    for (size_t i = 0; i < rows * classes; i++) out[i] = 0;
    for (size_t i = 0; i < rows; i++) out[i * classes + (size_t)labels[i]] = 1;
}

#else

void NAME(couplet_fourier_features)(size_t rows, size_t count, const float *turns, float scale, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = turns + i * count;
        float *y = out + i * 2 * count;
        for (size_t k = 0; k < count; k++) {
            float cosine, sine;
            couplet_turns(x[k], &cosine, &sine);
            y[k] = scale * cosine, y[count + k] = scale * sine;
        }
    }
}

void NAME(couplet_monomials)(size_t rows, size_t columns, const float *x, size_t count, size_t degree,
                             const int32_t *factor, const float *coefficient, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *row = x + i * columns;
        for (size_t k = 0; k < count; k++) {
            float product = coefficient[k];
            for (size_t d = 0; d < degree; d++) {
                int32_t index = factor[k * degree + d];
                product *= index == 0 ? 1.0f : row[index - 1];
            }
            out[i * count + k] = product;
        }
    }
}

// Number of points per block: their distances stay in registers or the first-level cache.
#define COUPLET_POINTS 64

// e^x for -700 <= x <= 0: Cody-Waite reduction, Taylor polynomial of degree 12 on [-ln2/2, ln2/2], exponent inserted by
// integer addition.
COUPLET_INLINE double couplet_exp_double(double x) {
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

void NAME(couplet_gaussian_kernel)(size_t count, size_t dimensions, const double *x, const double *points,
                                   size_t stride, double gamma, double *out) {
    for (size_t start = 0; start < count; start += COUPLET_POINTS) {
        size_t block = count - start < COUPLET_POINTS ? count - start : COUPLET_POINTS;
        double squares[COUPLET_POINTS] = {0};
        for (size_t k = 0; k < dimensions; k++) {
            const double *column = points + k * stride + start;
            double coordinate = x[k];
            if (block == COUPLET_POINTS) {
                for (size_t j = 0; j < COUPLET_POINTS; j++)
                    squares[j] += (coordinate - column[j]) * (coordinate - column[j]);
            } else {
                for (size_t j = 0; j < block; j++) squares[j] += (coordinate - column[j]) * (coordinate - column[j]);
            }
        }
        for (size_t j = 0; j < COUPLET_POINTS; j++) {
            double power = -gamma * squares[j];
            double clamped = power < -100.0 ? -100.0 : power;
            double value = couplet_exp_double(clamped);
            squares[j] = power < -92.1034037197618 ? 0.0 : value;
        }
        memcpy(out + start, squares, block * sizeof(double));
    }
}

#endif
