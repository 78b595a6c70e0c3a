// Kernels of the optimizers: one pass over a block of a flat buffer. `scale` is what clipping multiplies the gradient by.
#pragma once
#include <stddef.h>

// g = scale · gradient + decay · parameter; momentum_buffer = momentum · momentum_buffer + g; parameter -= rate · momentum_buffer.
// With momentum 0 the buffer may be null.
void couplet_sgd(size_t count, float *parameter, const float *gradient, float *momentum_buffer, float scale, float rate,
                 float momentum, float decay);

// Adam (Kingma, Ba, ICLR 2015, algorithm 1; weight decay decoupled after Loshchilov, Hutter, ICLR 2019):
//   g = scale · gradient + l2 · parameter
//   first = beta1 first + (1 - beta1) g, second = beta2 second + (1 - beta2) g²
//   parameter = shrink · parameter - rate · first / (sqrt(second · correction) + epsilon)
// with rate = learning rate / (1 - beta1^t), correction = 1 / (1 - beta2^t).
void couplet_adam(size_t count, float *parameter, const float *gradient, float *first, float *second, float scale,
                  float rate, float beta1, float one_minus_beta1, float beta2, float one_minus_beta2, float correction,
                  float epsilon, float l2, float shrink);
