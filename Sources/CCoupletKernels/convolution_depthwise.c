// Depthwise convolutions (couplet_convolution.h, COUPLET_DEPTHWISE): vectors over channels.
#ifndef COUPLET_SET
#include "convolution.h"
#include <stdint.h>

// Pixels of y whose part of the weights' gradient is one chain.
#define BLOCK 1024

// The taps of kernel positions first … last - 1 that lie in an image: position + tap - padding in 0 ..< extent.
typedef struct {
    size_t first, end;
} tap_range;
static tap_range taps_inside(ptrdiff_t start, size_t kernel, size_t extent) {
    const ptrdiff_t first = start < 0 ? -start : 0, end = (ptrdiff_t)extent - start;
    tap_range range = {(size_t)first < kernel ? (size_t)first : kernel, 0};
    range.end = end < (ptrdiff_t)range.first ? range.first : end < (ptrdiff_t)kernel ? (size_t)end : kernel;
    return range;
}

#define COUPLET_KERNELS "convolution_depthwise.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_depthwise_forward)
COUPLET_DISPATCH(couplet_depthwise_weight_gradient)
COUPLET_DISPATCH(couplet_depthwise_input_gradient)

#else

void NAME(couplet_depthwise_forward)(const couplet_convolution *s, size_t images, const float *x, const float *weight,
                                     const couplet_epilogue *epilogue, float *y, float *taps) {
    const size_t rows = couplet_output_rows(s), columns = couplet_output_columns(s), channels = s->channels;
    const size_t kernel = s->kernel_height * s->kernel_width;
    const int activation = epilogue ? epilogue->activation : COUPLET_IDENTITY;
    size_t offset[COUPLET_MOST_TAPS];
    for (size_t t = 0; t < kernel; t++) offset[t] = t * channels;
    couplet_split_taps(channels, kernel, weight, offset, taps);
    for (size_t image = 0; image < images; image++, x += s->height * s->width * channels)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++, y += channels) {
                const ptrdiff_t top = (ptrdiff_t)(i * s->stride_height) - (ptrdiff_t)s->padding_height;
                const ptrdiff_t left = (ptrdiff_t)(j * s->stride_width) - (ptrdiff_t)s->padding_width;
                const tap_range p = taps_inside(top, s->kernel_height, s->height);
                const tap_range q = taps_inside(left, s->kernel_width, s->width);
                for (size_t c = 0; c < channels; c += 16) {
                    const size_t lanes = channels - c < 16 ? channels - c : 16;
                    couplet_floats sum = {0};
                    for (size_t u = p.first; u < p.end; u++)
                        for (size_t v = q.first; v < q.end; v++) {
                            const ptrdiff_t pixel = (top + (ptrdiff_t)u) * (ptrdiff_t)s->width + left + (ptrdiff_t)v;
                            sum = couplet_fma(
                                couplet_load_up_to(x + (size_t)pixel * channels + c, lanes),
                                couplet_load_up_to(taps + (u * s->kernel_width + v) * channels + c, lanes), sum);
                        }
                    if (epilogue && epilogue->bias) sum += couplet_load_up_to(epilogue->bias + c, lanes);
                    if (activation == COUPLET_RELU) sum = couplet_select(sum < 0.0f, (couplet_floats){0}, sum);
                    if (activation == COUPLET_LEAKY_RELU) sum = couplet_select(sum < 0.0f, epilogue->slope * sum, sum);
                    couplet_store_up_to(y + c, lanes, sum);
                }
            }
}

// For each pixel of x: the chain over the taps (p, q) that reach it, in ascending order.
void NAME(couplet_depthwise_input_gradient)(const couplet_convolution *s, size_t images, const float *weight,
                                            const float *y_gradient, float *x_gradient, float *taps) {
    const size_t rows = couplet_output_rows(s), columns = couplet_output_columns(s), channels = s->channels;
    const size_t kernel = s->kernel_height * s->kernel_width;
    size_t offset[COUPLET_MOST_TAPS];
    for (size_t t = 0; t < kernel; t++) offset[t] = t * channels;
    couplet_split_taps(channels, kernel, weight, offset, taps);
    for (size_t image = 0; image < images; image++, y_gradient += rows * columns * channels)
        for (size_t i = 0; i < s->height; i++)
            for (size_t j = 0; j < s->width; j++, x_gradient += channels)
                for (size_t c = 0; c < channels; c += 16) {
                    const size_t lanes = channels - c < 16 ? channels - c : 16;
                    couplet_floats sum = {0};
                    for (size_t u = 0; u < s->kernel_height; u++) {
                        const size_t row = i + s->padding_height - u;
                        if (u > i + s->padding_height || row % s->stride_height != 0 || row / s->stride_height >= rows)
                            continue;
                        for (size_t v = 0; v < s->kernel_width; v++) {
                            const size_t column = j + s->padding_width - v;
                            if (v > j + s->padding_width || column % s->stride_width != 0 ||
                                column / s->stride_width >= columns)
                                continue;
                            const size_t pixel = row / s->stride_height * columns + column / s->stride_width;
                            sum = couplet_fma(
                                couplet_load_up_to(y_gradient + pixel * channels + c, lanes),
                                couplet_load_up_to(taps + (u * s->kernel_width + v) * channels + c, lanes), sum);
                        }
                    }
                    couplet_store_up_to(x_gradient + c, lanes, sum);
                }
}

// For each tap a chain over the pixels of y, in blocks that start at zero; blocks are added in ascending order.
void NAME(couplet_depthwise_weight_gradient)(const couplet_convolution *s, size_t images, const float *x,
                                             const float *y_gradient, float *weight_gradient, float *taps) {
    const size_t rows = couplet_output_rows(s), columns = couplet_output_columns(s), channels = s->channels;
    const size_t kernel = s->kernel_height * s->kernel_width, count = images * rows * columns;
    float *const sums = taps + kernel * channels;
    for (size_t i = 0; i < kernel * channels; i++) sums[i] = 0;
    for (size_t first = 0; first < count; first += BLOCK) {
        const size_t end = first + couplet_smaller(count - first, BLOCK);
        for (size_t i = 0; i < kernel * channels; i++) taps[i] = 0;
        for (size_t n = first; n < end; n++) {
            const size_t j = n % columns, i = n / columns % rows, image = n / columns / rows;
            const ptrdiff_t top = (ptrdiff_t)(i * s->stride_height) - (ptrdiff_t)s->padding_height;
            const ptrdiff_t left = (ptrdiff_t)(j * s->stride_width) - (ptrdiff_t)s->padding_width;
            const tap_range p = taps_inside(top, s->kernel_height, s->height);
            const tap_range q = taps_inside(left, s->kernel_width, s->width);
            const float *const dy = y_gradient + n * channels;
            for (size_t u = p.first; u < p.end; u++)
                for (size_t v = q.first; v < q.end; v++) {
                    const ptrdiff_t pixel = (top + (ptrdiff_t)u) * (ptrdiff_t)s->width + left + (ptrdiff_t)v;
                    const float *const from = x + (image * s->height * s->width + (size_t)pixel) * channels;
                    float *const to = taps + (u * s->kernel_width + v) * channels;
                    for (size_t c = 0; c < channels; c++) to[c] = couplet_fma(from[c], dy[c], to[c]);
                }
        }
        for (size_t i = 0; i < kernel * channels; i++) sums[i] += taps[i];
    }
    size_t offset[COUPLET_MOST_TAPS];
    for (size_t t = 0; t < kernel; t++) offset[t] = t * channels;
    couplet_join_taps(channels, kernel, sums, offset, weight_gradient);
}

#endif
