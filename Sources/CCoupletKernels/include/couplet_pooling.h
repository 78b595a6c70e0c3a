// Pooling of images with channels last, and of all positions of images or sequences.
//
// A window of an output pixel (i, j) begins at the pixel (i stride - padding, j stride - padding) and has at most 255
// pixels. Pixels outside of the image are left out.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t height, width, channels;
    size_t kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
} couplet_pooling;

// y[i][j][c] = the maximum of the window, and code[i][j][c] = its number in the window, the first of equal ones. A NaN
// counts as the largest number. Each window has at least one pixel of the image.
void couplet_max_pool(const couplet_pooling *shape, size_t images, const float *x, float *y, uint8_t *code);

// x_gradient[pixel] = Σ y_gradient of the windows whose maximum the pixel is, in their order.
void couplet_max_pool_backward(const couplet_pooling *shape, size_t images, const float *y_gradient,
                               const uint8_t *code, float *x_gradient);

// y[i][j][c] = factor Σ x over the window, in the order of its pixels.
void couplet_average_pool(const couplet_pooling *shape, size_t images, float factor, const float *x, float *y);

// x_gradient[pixel] = factor Σ y_gradient of the windows with the pixel, in their order.
void couplet_average_pool_backward(const couplet_pooling *shape, size_t images, float factor, const float *y_gradient,
                                   float *x_gradient);

// Of one sample, positions × channels: y[c] = the maximum over positions, and index[c] = its position, as above. No
// positions give 0.
void couplet_max_of_positions(size_t positions, size_t channels, const float *x, float *y, int32_t *index);
