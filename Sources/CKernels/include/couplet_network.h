// Kernels of the layers of encoders: bias and activation, convolution, pooling.
#pragma once
#include <stddef.h>
#include <stdint.h>

// y[r][c] = f(y[r][c] + bias[c]), row-major; bias may be null. f keeps NaN.
void couplet_bias_identity(size_t rows, size_t columns, const float *bias, float *y);
void couplet_bias_relu(size_t rows, size_t columns, const float *bias, float *y);
void couplet_bias_leaky_relu(size_t rows, size_t columns, const float *bias, float slope, float *y);
void couplet_bias_tanh(size_t rows, size_t columns, const float *bias, float *y);
// Also derivative[r][c] = f'(y[r][c] + bias[c]).
void couplet_bias_gelu(size_t rows, size_t columns, const float *bias, float *y, float *derivative);

// gradient[r][c] *= f'(z[r][c]), known from y = f(z) or given; sums[c] += Σ_r gradient[r][c], rows in
// sequence; sums may be null (but for the identity).
void couplet_backward_identity(size_t rows, size_t columns, const float *gradient, float *sums);
void couplet_backward_relu(size_t rows, size_t columns, const float *y, float *gradient, float *sums);
void couplet_backward_leaky_relu(size_t rows, size_t columns, const float *y, float slope, float *gradient, float *sums);
void couplet_backward_tanh(size_t rows, size_t columns, const float *y, float *gradient, float *sums);
void couplet_backward_gelu(size_t rows, size_t columns, const float *derivative, float *gradient, float *sums);
