// Convolutions of images in single precision, forward and backward, on the calling thread.
//
// Images lie channels last: x is images × height × width × channels, y is images × rows × columns × outputs, and the
// weights are outputs × (channels / groups) × kernel height × kernel width, as in PyTorch. With s, d, P strides and
// paddings,
//
//     y[i][j][o] = Σ_(p, q, c) x[s i + p - P][s j + q - P][c] weight[o][c][p][q],
//
// where x is zero outside of the image, and o and c belong to the same group.
//
// The order of each sum is a function of the shape alone (couplet_convolution_method), so that bits depend neither on
// the instruction set nor on the number of images or on an image's place among them, apart from the sums over images of
// a gradient.
//
// - COUPLET_DIRECT: y is a matrix product (couplet_product.h) of the windows of x, whose k runs over (p, q, c), and the
//   weights. The gradient of x is one such product for each residue of the pixel's row and column modulo the strides;
//   k runs over the taps of the residue, from the last to the first, then over o. The gradient of the weights is
//   a product whose k are the pixels of y, in blocks of a constant size; each starts at zero, and they are added in
//   ascending order.
// - COUPLET_WINOGRAD, for 3 × 3 kernels of many channels, with stride 1, or with stride 2 and padding 1: minimal
//   filtering (Winograd 1980; Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016). Tiles of
//   2 × 2 pixels of y, the pixels of x below them and the weights become sums of n × n values, whose products over c
//   give y: n² products instead of 36 (convolution.h). n is 4; 3 for images of 2 × 2 pixels with padding 1; 5 for a
//   stride of 2. The gradient of x is the same of the gradient of y. The gradient of the weights is n² products over
//   tiles, in blocks of a constant size as above. The errors are as small as those of the direct sum.
// - COUPLET_DEPTHWISE, for one channel and one output in each group: chains of fused multiply-adds over (p, q).
#pragma once
#include "couplet_product.h"
#include <stddef.h>

typedef struct {
    // Of x.
    size_t height, width, channels;
    // Channels of y.
    size_t outputs;
    size_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
    // A divisor of channels and outputs.
    size_t groups;
} couplet_convolution;

#define COUPLET_DIRECT 0
#define COUPLET_WINOGRAD 1
#define COUPLET_DEPTHWISE 2

// The most taps of a kernel, and the largest product of both strides.
#define COUPLET_MOST_TAPS 256

int couplet_convolution_method(const couplet_convolution *shape);

// Floats of scratch that the functions below need, whatever the number of images. It should lie at a multiple of 64
// bytes, for speed.
size_t couplet_convolution_scratch_count(const couplet_convolution *shape);

// Overwrites y. A null epilogue leaves the sums as they are.
void couplet_convolution_forward(const couplet_convolution *shape, size_t images, const float *x, const float *weight,
                                 const couplet_epilogue *epilogue, float *y, float *scratch);

// Overwrites the gradient of the weights.
void couplet_convolution_weight_gradient(const couplet_convolution *shape, size_t images, const float *x,
                                         const float *y_gradient, float *weight_gradient, float *scratch);

// Overwrites the gradient of x.
void couplet_convolution_input_gradient(const couplet_convolution *shape, size_t images, const float *weight,
                                        const float *y_gradient, float *x_gradient, float *scratch);
