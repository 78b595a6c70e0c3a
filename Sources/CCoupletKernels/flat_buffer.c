#ifndef COUPLET_SET
#include "couplet_flat_buffer.h"
#define COUPLET_KERNELS "flat_buffer.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_add)
COUPLET_DISPATCH(couplet_add_scaled)
COUPLET_DISPATCH(couplet_scale)
COUPLET_DISPATCH(couplet_dot)
COUPLET_DISPATCH(couplet_sgd)
COUPLET_DISPATCH(couplet_adam)
COUPLET_DISPATCH(couplet_lars)
COUPLET_DISPATCH(couplet_lamb_direction)
COUPLET_DISPATCH(couplet_moving_average)

double couplet_squared_norm(size_t count, const float *x) {
    return couplet_dot(count, x, x);
}

#else

void NAME(couplet_add)(size_t count, const float *x, float *y) {
    for (size_t i = 0; i < count; i++) y[i] += x[i];
}

void NAME(couplet_add_scaled)(size_t count, float factor, const float *x, float *y) {
    for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}

void NAME(couplet_scale)(size_t count, float factor, float *x) {
    for (size_t i = 0; i < count; i++) x[i] *= factor;
}

double NAME(couplet_dot)(size_t count, const float *x, const float *y) {
    return couplet_lane_dot(count, x, y);
}

void NAME(couplet_sgd)(size_t count, float *parameter, const float *gradient, float *momentum_buffer, float scale,
                       float rate, float momentum, float decay) {
    if (!momentum_buffer) {
        for (size_t i = 0; i < count; i++) parameter[i] -= rate * (scale * gradient[i] + decay * parameter[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float g = scale * gradient[i] + decay * parameter[i];
        float step = momentum * momentum_buffer[i] + g;
        momentum_buffer[i] = step;
        parameter[i] -= rate * step;
    }
}

// The square root of the compiler, not of the C library: sqrtf may set errno, which keeps a loop from being vectorised.
// Both are the correctly rounded root, so the bits are the same.
#define couplet_sqrt(x) __builtin_elementwise_sqrt(x)

void NAME(couplet_adam)(size_t count, float *restrict parameter, const float *restrict gradient, float *restrict first,
                        float *restrict second, float scale, float rate, float beta1, float one_minus_beta1,
                        float beta2, float one_minus_beta2, float correction, float epsilon, float l2, float shrink) {
    for (size_t i = 0; i < count; i++) {
        float g = scale * gradient[i] + l2 * parameter[i];
        float m = beta1 * first[i] + one_minus_beta1 * g;
        float v = beta2 * second[i] + one_minus_beta2 * (g * g);
        first[i] = m;
        second[i] = v;
        parameter[i] = shrink * parameter[i] - rate * m / (couplet_sqrt(v * correction) + epsilon);
    }
}

void NAME(couplet_lars)(size_t count, float *restrict parameter, const float *restrict gradient,
                        float *restrict momentum_buffer, float rate, float momentum, float decay) {
    if (!momentum_buffer) {
        for (size_t i = 0; i < count; i++) parameter[i] -= rate * (gradient[i] + decay * parameter[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float step = momentum * momentum_buffer[i] + rate * (gradient[i] + decay * parameter[i]);
        momentum_buffer[i] = step;
        parameter[i] -= step;
    }
}

void NAME(couplet_lamb_direction)(size_t count, const float *restrict parameter, float *restrict gradient,
                                  float *restrict first, float *restrict second, float scale, float beta1,
                                  float one_minus_beta1, float beta2, float one_minus_beta2, float first_correction,
                                  float second_correction, float epsilon, float decay) {
    for (size_t i = 0; i < count; i++) {
        float g = scale * gradient[i];
        float m = beta1 * first[i] + one_minus_beta1 * g;
        float v = beta2 * second[i] + one_minus_beta2 * (g * g);
        first[i] = m;
        second[i] = v;
        float step = m * first_correction / (couplet_sqrt(v * second_correction) + epsilon);
        gradient[i] = step + decay * parameter[i];
    }
}

void NAME(couplet_moving_average)(size_t count, float weight, const float *restrict x, float *restrict average) {
    for (size_t i = 0; i < count; i++) average[i] += weight * (x[i] - average[i]);
}

#endif
