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
void couplet_backward_leaky_relu(size_t rows, size_t columns, const float *y, float slope, float *gradient,
                                 float *sums);
void couplet_backward_tanh(size_t rows, size_t columns, const float *y, float *gradient, float *sums);
void couplet_backward_gelu(size_t rows, size_t columns, const float *derivative, float *gradient, float *sums);

// Convolutions of 3 × 3. An image lies as rows × columns × channels ("channels last"), with a border of one pixel of zeros
// where it is an input; `stride` is the floats from one of its rows to the next. Channels written as a multiple of 16
// end in zeros. Each result is one chain of sums in an order that the comment tells, whatever the CPU's vectors.

// y[i][j][o] = Σ_p Σ_q Σ_c x[i + p][j + q][c] weights[p][q][c][o], in that order; outputs a multiple of 16.
// x: channels a pixel; y: rows × columns × outputs.
void couplet_convolve(size_t rows, size_t columns, size_t channels, size_t outputs, const float *x, size_t stride,
                      const float *weights, float *y);

// Bias, relu and 2 × 2 max pooling of two rows y of 2 · columns pixels: out[j][o] = max(0, largest of the four + bias[o]);
// code[j][o] = which of the four (0, 1 above, 2, 3 below; the first of equals), 4 where out is not positive.
void couplet_pool(size_t columns, size_t channels, const float *y, const float *bias, float *out, uint8_t *code);

// gradient[j][o] = 0 where code[j][o] is 4; sums[o] += Σ_j gradient[j][o], from zero, over j in sequence.
void couplet_gate(size_t pixels, size_t channels, const uint8_t *code, float *gradient, float *sums);

// Undoes couplet_pool: y (two rows of 2 · columns pixels) gets each gradient[j][o] at the place that code tells, else 0.
void couplet_unpool(size_t columns, size_t channels, const uint8_t *code, const float *gradient, float *y);

// weights[p][q][c][o] += Σ_i Σ_j x[i + p][j + q][c] gradient[i][j][o], from zero, in that order: for few channels (at most 4).
void couplet_convolve_weights(size_t rows, size_t columns, size_t channels, size_t outputs, const float *x,
                              size_t stride, const float *gradient, float *weights);

// The same from the gradient before pooling undone, where one of four is not zero: weights[o][p][q][c] += Σ_i Σ_j
// gradient[i][j][o] x[2i + p + a][2j + q + b][c], from zero, (a, b) as code[i][j][o] tells; channels a multiple of 16.
void couplet_convolve_weights_pooled(size_t rows, size_t columns, size_t channels, size_t outputs,
                                     size_t gradient_channels, const float *x, size_t stride, const uint8_t *code,
                                     const float *gradient, float *weights);

// The gradient of 16 input channels: x[2i + p + a][2j + q + b][c] += Σ_o gradient[i][j][o] weights[o][p][q][c], the sum from zero
// over the o of one place (a, b), places and pixels in sequence. x: 16 channels, with its border; it starts from zero here.
void couplet_convolve_input_pooled(size_t rows, size_t columns, size_t outputs, const uint8_t *code,
                                   const float *gradient, const float *weights, size_t x_rows, size_t x_columns,
                                   float *x);

// out[r][c] = in[r][c], and out[c][r] = in[r][c]; strides in floats.
void couplet_copy_rows(size_t rows, size_t columns, const float *in, size_t in_stride, float *out, size_t out_stride);
void couplet_transpose(size_t rows, size_t columns, const float *in, size_t in_stride, float *out, size_t out_stride);
