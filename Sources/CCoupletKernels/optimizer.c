#include "couplet_dispatch.h"
#include "couplet_optimizer.h"
#include <math.h>

COUPLET_KERNEL void couplet_sgd(size_t count, float *parameter, const float *gradient, float *momentum_buffer,
                                float scale, float rate, float momentum, float decay) {
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

COUPLET_KERNEL void couplet_adam(size_t count, float *restrict parameter, const float *restrict gradient,
                                 float *restrict first, float *restrict second, float scale, float rate, float beta1,
                                 float one_minus_beta1, float beta2, float one_minus_beta2, float correction,
                                 float epsilon, float l2, float shrink) {
    for (size_t i = 0; i < count; i++) {
        float g = scale * gradient[i] + l2 * parameter[i];
        float m = beta1 * first[i] + one_minus_beta1 * g;
        float v = beta2 * second[i] + one_minus_beta2 * (g * g);
        first[i] = m;
        second[i] = v;
        parameter[i] = shrink * parameter[i] - rate * m / (sqrtf(v * correction) + epsilon);
    }
}
