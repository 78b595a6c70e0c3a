#include "couplet_dispatch.h"
#include "couplet_features.h"
#include <math.h>

COUPLET_KERNEL void couplet_fourier_features(size_t rows, size_t count, const float *turns, float scale, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = turns + i * count;
        float *y = out + i * 2 * count;
        for (size_t k = 0; k < count; k++) {
            // The fraction of a turn in 2^32 parts; 2^32 itself is a whole turn, 0.
            float fraction = x[k] - floorf(x[k]), cosine, sine;
            couplet_turn((uint32_t)(int64_t)(fraction * 4294967296.0f), &cosine, &sine);
            y[k] = scale * cosine, y[count + k] = scale * sine;
        }
    }
}

COUPLET_KERNEL void couplet_monomials(size_t rows, size_t columns, const float *x, size_t count, size_t degree,
                                      const int32_t *factor, const float *coefficient, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *row = x + i * columns;
        for (size_t k = 0; k < count; k++) {
            float product = coefficient[k];
            for (size_t d = 0; d < degree; d++) {
                int32_t place = factor[k * degree + d];
                product *= place == 0 ? 1.0f : row[place - 1];
            }
            out[i * count + k] = product;
        }
    }
}

void couplet_indicators(size_t rows, size_t classes, const float *labels, float *out) {
    for (size_t i = 0; i < rows * classes; i++) out[i] = 0;
    for (size_t i = 0; i < rows; i++) out[i * classes + (size_t)labels[i]] = 1;
}
