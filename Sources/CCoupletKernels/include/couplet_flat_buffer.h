// Kernels over flat buffers of floats: vector operations, and one pass of an optimizer over a block.
#pragma once
#include <stddef.h>

// y[i] += x[i]
void couplet_add(size_t count, const float *x, float *y);

// y[i] += factor · x[i]
void couplet_add_scaled(size_t count, float factor, const float *x, float *y);

// x[i] *= factor
void couplet_scale(size_t count, float factor, float *x);

// Σ x[i] y[i] in Double: 16 lanes, which are then added as a binary tree.
double couplet_dot(size_t count, const float *x, const float *y);

// Σ x[i]² in Double, in the order of couplet_dot.
double couplet_squared_norm(size_t count, const float *x);

// Stochastic gradient descent with momentum:
//   g = scale · gradient + decay · parameter
//   momentum_buffer = momentum · momentum_buffer + g
//   parameter -= rate · momentum_buffer
// `scale` is the factor of gradient clipping. With momentum 0 the buffer may be null.
void couplet_sgd(size_t count, float *parameter, const float *gradient, float *momentum_buffer, float scale, float rate,
                 float momentum, float decay);

// Adam (Kingma, Ba, ICLR 2015, algorithm 1) with decoupled weight decay (Loshchilov, Hutter, ICLR 2019):
//   g = scale · gradient + l2 · parameter
//   first = beta1 first + (1 - beta1) g, second = beta2 second + (1 - beta2) g²
//   parameter = shrink · parameter - rate · first / (sqrt(second · correction) + epsilon)
// where rate = learning rate / (1 - beta1^t) and correction = 1 / (1 - beta2^t).
void couplet_adam(size_t count, float *parameter, const float *gradient, float *first, float *second, float scale,
                  float rate, float beta1, float one_minus_beta1, float beta2, float one_minus_beta2, float correction,
                  float epsilon, float l2, float shrink);

// LARS (You, Gitman, Ginsburg 2017, algorithm 1), given the rate of one tensor:
//   momentum_buffer = momentum · momentum_buffer + rate · (gradient + decay · parameter)
//   parameter -= momentum_buffer
// where rate = learning rate · trust ratio. With momentum 0 the buffer may be null.
void couplet_lars(size_t count, float *parameter, const float *gradient, float *momentum_buffer, float rate,
                  float momentum, float decay);

// The direction of LAMB (You et al., ICLR 2020, algorithm 2), which overwrites the gradient:
//   g = scale · gradient
//   first = beta1 first + (1 - beta1) g, second = beta2 second + (1 - beta2) g²
//   gradient = first_correction · first / (sqrt(second_correction · second) + epsilon) + decay · parameter
// where first_correction = 1 / (1 - beta1^t) and second_correction = 1 / (1 - beta2^t).
void couplet_lamb_direction(size_t count, const float *parameter, float *gradient, float *first, float *second,
                            float scale, float beta1, float one_minus_beta1, float beta2, float one_minus_beta2,
                            float first_correction, float second_correction, float epsilon, float decay);

// Exponential moving average: average[i] += weight · (x[i] - average[i]). A constant x is a fixed point, exactly.
void couplet_moving_average(size_t count, float weight, const float *x, float *average);
