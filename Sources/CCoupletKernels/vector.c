#include "couplet_dispatch.h"
#include "couplet_vector.h"

COUPLET_KERNEL void couplet_add(size_t count, const float *x, float *y) {
    for (size_t i = 0; i < count; i++) y[i] += x[i];
}

COUPLET_KERNEL void couplet_add_scaled(size_t count, float factor, const float *x, float *y) {
    for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}

COUPLET_KERNEL void couplet_scale(size_t count, float factor, float *x) {
    for (size_t i = 0; i < count; i++) x[i] *= factor;
}

COUPLET_KERNEL double couplet_dot(size_t count, const float *x, const float *y) {
    double lanes[COUPLET_LANES] = {0};
    size_t whole = count / COUPLET_LANES * COUPLET_LANES;
    for (size_t i = 0; i < whole; i += COUPLET_LANES)
        for (int lane = 0; lane < COUPLET_LANES; lane++) lanes[lane] += (double)x[i + lane] * (double)y[i + lane];
    for (size_t i = whole; i < count; i++) lanes[i - whole] += (double)x[i] * (double)y[i];
    for (int half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

double couplet_squared_norm(size_t count, const float *x) {
    return couplet_dot(count, x, x);
}
