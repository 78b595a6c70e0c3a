// Kernels of encoder layers: bias and activation, convolution, pooling.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Forward: y[r][c] = f(y[r][c] + bias[c]), row-major. `bias` may be null. f propagates NaN.
void couplet_bias_identity(size_t rows, size_t columns, const float *bias, float *y);
void couplet_bias_relu(size_t rows, size_t columns, const float *bias, float *y);
void couplet_bias_leaky_relu(size_t rows, size_t columns, const float *bias, float slope, float *y);
void couplet_bias_tanh(size_t rows, size_t columns, const float *bias, float *y);
// Also writes derivative[r][c] = f'(y[r][c] + bias[c]).
void couplet_bias_gelu(size_t rows, size_t columns, const float *bias, float *y, float *derivative);

// y[i] = f(a[i] + b[i]). y may be a.
void couplet_sum(size_t count, const float *a, const float *b, float *y);
void couplet_sum_relu(size_t count, const float *a, const float *b, float *y);
void couplet_sum_leaky_relu(size_t count, const float *a, const float *b, float slope, float *y);

// Backward: gradient[r][c] *= f'(z[r][c]), computed from y = f(z) or from the saved derivative, and
// sums[c] += Σ_r gradient[r][c] over r in order. `sums` may be null, except for the identity.
void couplet_backward_identity(size_t rows, size_t columns, const float *gradient, float *sums);
void couplet_backward_relu(size_t rows, size_t columns, const float *y, float *gradient, float *sums);
void couplet_backward_leaky_relu(size_t rows, size_t columns, const float *y, float slope, float *gradient,
                                 float *sums);
void couplet_backward_tanh(size_t rows, size_t columns, const float *y, float *gradient, float *sums);
void couplet_backward_gelu(size_t rows, size_t columns, const float *derivative, float *gradient, float *sums);

// Elementwise, out of place: y = f(x) and dx = gradient f'(x), from y = f(x) or, for gelu, from x. The bits are those
// of the functions above, which also add a bias.
void couplet_relu(size_t count, const float *x, float *y);
void couplet_leaky_relu(size_t count, const float *x, float slope, float *y);
void couplet_tanh(size_t count, const float *x, float *y);
void couplet_gelu(size_t count, const float *x, float *y);
void couplet_relu_gradient(size_t count, const float *y, const float *gradient, float *dx);
void couplet_leaky_relu_gradient(size_t count, const float *y, float slope, const float *gradient, float *dx);
void couplet_tanh_gradient(size_t count, const float *y, const float *gradient, float *dx);
void couplet_gelu_gradient(size_t count, const float *x, const float *gradient, float *dx);

// Both at once, for layers that keep x alone: gradient[r][c] *= gelu'(x[r][c]), y[r][c] = gelu(x[r][c]) and
// sums[c] += Σ_r gradient[r][c] over r in order.
void couplet_gelu_and_gradient(size_t rows, size_t columns, const float *x, float *gradient, float *y, float *sums);

// Dropout: y[r][c] = 0 where the first 24 bits of a random word are below `threshold`, factor · x[r][c] elsewhere. The
// words of row r are those of Philox with the counters (c / 4, stream, first_number + r). y may be x.
void couplet_dropout(size_t rows, size_t columns, uint64_t seed, uint32_t stream, uint64_t first_number,
                     uint32_t threshold, float factor, const float *x, float *y);

// 3 × 3 convolutions. An image is stored as rows × columns × channels ("channels last"); an input image has a border of
// one pixel of zeros. `stride` is the number of floats from one image row to the next. Padding channels are zero. Each
// result is one chain of sums in the stated order, whatever the CPU's vector width.

// y[i][j][o] = Σ_p Σ_q Σ_c x[i + p][j + q][c] weights[p][q][c][o], in this order. x has `channels` per pixel; y is
// rows × columns × outputs, outputs a multiple of 16.
void couplet_convolve(size_t rows, size_t columns, size_t channels, size_t outputs, const float *x, size_t stride,
                      const float *weights, float *y);

// Bias, ReLU and 2 × 2 max pooling of two rows y of 2 · columns pixels: out[j][o] = max(0, maximum of the four pixels +
// bias[o]). code[j][o] is the index of the maximum (0, 1 in the upper row, 2, 3 in the lower row; the first of equal
// ones), or 4 if out is not positive.
void couplet_bias_relu_max_pool(size_t columns, size_t channels, const float *y, const float *bias, float *out,
                                uint8_t *code);

// The gradient through the ReLU: gradient[j][o] = 0 where code[j][o] is 4, and sums[o] += Σ_j gradient[j][o]. Σ_j
// starts from zero and runs over j in order.
void couplet_relu_backward_from_code(size_t pixels, size_t channels, const uint8_t *code, float *gradient, float *sums);

// The gradient through the max pooling: y (two rows of 2 · columns pixels) receives each gradient[j][o] at the pixel
// that code[j][o] selects, and 0 elsewhere.
void couplet_max_unpool(size_t columns, size_t channels, const uint8_t *code, const float *gradient, float *y);

// The gradient of the weights, for at most 4 channels:
// weights[p][q][c][o] += Σ_i Σ_j x[i + p][j + q][c] gradient[i][j][o]. The double sum starts from zero and runs in this
// order.
void couplet_convolve_weights(size_t rows, size_t columns, size_t channels, size_t outputs, const float *x,
                              size_t stride, const float *gradient, float *weights);

// The gradient of the weights from the pooled gradient, because three of four elements of the unpooled gradient are
// zero: weights[o][p][q][c] += Σ_i Σ_j gradient[i][j][o] x[2i + p + a][2j + q + b][c], where code[i][j][o] selects
// (a, b). Pixels whose code is 4 are left out. The double sum runs in this order, in blocks of 256 pixels (i, j) that
// start from zero. channels is a multiple of 16.
void couplet_convolve_weights_pooled(size_t rows, size_t columns, size_t channels, size_t outputs,
                                     size_t gradient_channels, const float *x, size_t stride, const uint8_t *code,
                                     const float *gradient, float *weights);

// The gradient of 16 input channels: for each (i, j) and each (a, b) in order,
// x[2i + p + a][2j + q + b][c] += Σ_o gradient[i][j][o] weights[o][p][q][c] over the o whose code[i][j][o] selects
// (a, b). Σ_o starts from zero. x has 16 channels and a border; this function sets it to zero first.
void couplet_convolve_input_pooled(size_t rows, size_t columns, size_t outputs, const uint8_t *code,
                                   const float *gradient, const float *weights, size_t x_rows, size_t x_columns,
                                   float *x);

// out[r][c] = in[r][c]; strides in floats.
void couplet_copy_rows(size_t rows, size_t columns, const float *in, size_t in_stride, float *out, size_t out_stride);

// out[c][r] = in[r][c]; strides in floats.
void couplet_transpose(size_t rows, size_t columns, const float *in, size_t in_stride, float *out, size_t out_stride);
