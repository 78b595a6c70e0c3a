// The parts of a convolution: windows of images as rows of matrices, Winograd's transforms, and the three methods
// (couplet_convolution.h).
#pragma once
#include "couplet_convolution.h"
#include <stddef.h>

// MARK: Windows

// The windows of images: the window of position (i, j) begins at the pixel (first_row + i row_step, first_column + j
// column_step), which may lie outside of the image, and has window_rows × window_columns pixels.
typedef struct {
    // An image, and its place in memory. Of each pixel `channels` floats are read; the next pixel is `pixel_stride`
    // floats further.
    size_t height, width, channels, pixel_stride;
    // Positions of an image.
    size_t rows, columns;
    size_t window_rows, window_columns, row_step, column_step;
    ptrdiff_t first_row, first_column;
} couplet_windows;

// Copies `count` windows, from position `first` on (all images in order), as rows of a matrix, zero outside of the
// image. `stride` leads from one row to the next; the 15 floats after a row belong to it and hold anything.
void couplet_copy_windows(const couplet_windows *windows, size_t first, size_t count, const float *x, float *matrix,
                          size_t stride);

// MARK: Taps

// Divides kernels of `taps` floats into their taps: to[offset[t] + i] = from[i taps + t] for i < count.
void couplet_split_taps(size_t count, size_t taps, const float *from, const size_t *offset, float *to);
// The reverse: to[i taps + t] = from[offset[t] + i].
void couplet_join_taps(size_t count, size_t taps, const float *from, const size_t *offset, float *to);

// MARK: Winograd

// An algorithm that computes tiles of y with n² products instead of one for each pixel and tap: n sums of a tile's
// pixels of x, n of the three taps, and from their products the pixels of y; so for rows, then for columns. What it
// does is linear in x and in the taps; its transposed sums give the gradients.
typedef enum {
    // Two pixels with a stride of 1, from four pixels of x: Winograd's F(2, 3), n = 4.
    COUPLET_TILE_OF_2,
    // All two pixels of a row of two, with a padding of 1: n = 3.
    COUPLET_ROW_OF_2,
    // Two pixels with a stride of 2, from five pixels of x: F(2, 2) for two taps, n = 5.
    COUPLET_STRIDE_2,
    // Back from the gradient of y to x in COUPLET_STRIDE_2 with a padding of 1: four pixels from three, n = 5.
    COUPLET_STRIDE_2_BACK,
} couplet_tile_scheme;

// n
static inline size_t couplet_scheme_values(couplet_tile_scheme scheme) {
    return scheme == COUPLET_TILE_OF_2 ? 4 : scheme == COUPLET_ROW_OF_2 ? 3 : 5;
}
// Sums of the taps, at most n: with a stride of 2 the last one belongs to the last two values.
static inline size_t couplet_scheme_weights(couplet_tile_scheme scheme) {
    return scheme == COUPLET_ROW_OF_2 ? 3 : 4;
}
// The number of the weights of value v, for rows and columns together.
static inline size_t couplet_weights_of_value(couplet_tile_scheme scheme, size_t v) {
    const size_t n = couplet_scheme_values(scheme), count = couplet_scheme_weights(scheme);
    const size_t row = v / n, column = v % n;
    return (row < count ? row : count - 1) * count + (column < count ? column : count - 1);
}

// Tiles of images with channels last. Tile (i, j) begins at the pixel first + (i, j) · step, which may lie outside of
// the image.
typedef struct {
    size_t height, width, channels;
    // Tiles of an image.
    size_t rows, columns;
    size_t step;
    ptrdiff_t first_row, first_column;
} couplet_tiles;

// n² values for each of some tiles: value v of tile t begins at v value_stride + t stride.
typedef struct {
    float *start;
    size_t stride, value_stride;
} couplet_tile_values;

// The sums of the pixels of `count` tiles from `first` on, zero outside of the image.
void couplet_tiles_to_values(couplet_tile_scheme scheme, const couplet_tiles *tiles, size_t first, size_t count,
                             const float *x, couplet_tile_values values);
// The pixels of tiles from their values, plus the epilogue. Pixels outside of the image are left out.
void couplet_values_to_tiles(couplet_tile_scheme scheme, const couplet_tiles *tiles, size_t first, size_t count,
                             couplet_tile_values values, const couplet_epilogue *epilogue, float *y);
// The transpose of couplet_values_to_tiles: values from the gradient of y, zero outside of the image.
void couplet_gradient_to_values(couplet_tile_scheme scheme, const couplet_tiles *tiles, size_t first, size_t count,
                                const float *y_gradient, couplet_tile_values values);

// The sums of the taps of 3 × 3 kernels, outputs × channels, as packed operands B of c × o (couplet_product_pack),
// one every `value_stride` floats; if `back`, of kernels turned by a half turn and of o × c. `taps` holds
// COUPLET_STRIP_FLOATS for each of the larger of channels and outputs.
void couplet_taps_to_values(couplet_tile_scheme scheme, size_t outputs, size_t channels, const float *weight, int back,
                            float *taps, float *packed, size_t value_stride);
#define COUPLET_STRIP_FLOATS 288
// The transpose of couplet_taps_to_values: the gradient of `count` kernels from the gradients of their sums. `taps`
// holds 9 floats for each kernel.
void couplet_values_to_taps(couplet_tile_scheme scheme, size_t count, const float *values, size_t value_stride,
                            float *taps, float *gradient);

// MARK: Methods

// An extent rounded up to a multiple of 16 floats.
static inline size_t couplet_padded(size_t count) {
    return (count + 15) / 16 * 16;
}
static inline size_t couplet_larger(size_t a, size_t b) {
    return a > b ? a : b;
}
static inline size_t couplet_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}
// Rows and columns of y.
static inline size_t couplet_output_rows(const couplet_convolution *s) {
    return (s->height + 2 * s->padding_height - s->kernel_height) / s->stride_height + 1;
}
static inline size_t couplet_output_columns(const couplet_convolution *s) {
    return (s->width + 2 * s->padding_width - s->kernel_width) / s->stride_width + 1;
}

size_t couplet_direct_scratch_count(const couplet_convolution *shape);
void couplet_direct_forward(const couplet_convolution *shape, size_t images, const float *x, const float *weight,
                            const couplet_epilogue *epilogue, float *y, float *scratch);
void couplet_direct_weight_gradient(const couplet_convolution *shape, size_t images, const float *x,
                                    const float *y_gradient, float *weight_gradient, float *scratch);
void couplet_direct_input_gradient(const couplet_convolution *shape, size_t images, const float *weight,
                                   const float *y_gradient, float *x_gradient, float *scratch);

size_t couplet_winograd_scratch_count(const couplet_convolution *shape);
void couplet_winograd_forward(const couplet_convolution *shape, size_t images, const float *x, const float *weight,
                              const couplet_epilogue *epilogue, float *y, float *scratch);
void couplet_winograd_weight_gradient(const couplet_convolution *shape, size_t images, const float *x,
                                      const float *y_gradient, float *weight_gradient, float *scratch);
void couplet_winograd_input_gradient(const couplet_convolution *shape, size_t images, const float *weight,
                                     const float *y_gradient, float *x_gradient, float *scratch);

void couplet_depthwise_forward(const couplet_convolution *shape, size_t images, const float *x, const float *weight,
                               const couplet_epilogue *epilogue, float *y, float *scratch);
void couplet_depthwise_weight_gradient(const couplet_convolution *shape, size_t images, const float *x,
                                       const float *y_gradient, float *weight_gradient, float *scratch);
void couplet_depthwise_input_gradient(const couplet_convolution *shape, size_t images, const float *weight,
                                      const float *y_gradient, float *x_gradient, float *scratch);
