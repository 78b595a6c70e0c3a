#ifndef COUPLET_SET
#include "couplet_pooling.h"
#include <stdint.h>

// The pixels of a window that lie in the image, or the windows that a pixel lies in: first ..< end in both directions.
typedef struct {
    size_t first_row, end_row, first_column, end_column;
} pixel_range;

static size_t output_extent(size_t extent, size_t kernel, size_t stride, size_t padding) {
    return (extent + 2 * padding - kernel) / stride + 1;
}

// The pixels of the window `i`, with padding: start i stride.
static void window_range(size_t i, size_t extent, size_t kernel, size_t stride, size_t padding, size_t *first,
                         size_t *end) {
    const size_t start = i * stride;
    *first = start < padding ? 0 : start - padding;
    *end = start + kernel < padding ? 0 : start + kernel - padding < extent ? start + kernel - padding : extent;
    if (*end < *first) *end = *first;
}

// The windows that contain the pixel `i`.
static void covering_range(size_t i, size_t outputs, size_t kernel, size_t stride, size_t padding, size_t *first,
                           size_t *end) {
    const size_t place = i + padding;
    *first = place < kernel ? 0 : (place - kernel) / stride + 1;
    *end = place / stride + 1 < outputs ? place / stride + 1 : outputs;
    if (*end < *first) *end = *first;
}

typedef uint8_t bytes16 __attribute__((vector_size(16)));

#define load_codes NAME(load_codes)
#define max_window NAME(max_window)
#define COUPLET_KERNELS "image_pooling.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_max_pool)
COUPLET_DISPATCH(couplet_max_pool_backward)
COUPLET_DISPATCH(couplet_average_pool)
COUPLET_DISPATCH(couplet_average_pool_backward)
COUPLET_DISPATCH(couplet_max_of_positions)

#else

COUPLET_INLINE couplet_ints load_codes(const uint8_t *code, size_t lanes) {
    bytes16 bytes = {0};
    if (lanes == 16)
        memcpy(&bytes, code, 16);
    else
        memcpy(&bytes, code, lanes);
    return __builtin_convertvector(bytes, couplet_ints);
}

// The body for each window, whose pixels of the image are `r`.
#define EACH_WINDOW(...)                                                                                               \
    const size_t rows = output_extent(s->height, s->kernel_height, s->stride_height, s->padding_height);               \
    const size_t columns = output_extent(s->width, s->kernel_width, s->stride_width, s->padding_width);                \
    for (size_t image = 0; image < images; image++)                                                                    \
        for (size_t i = 0; i < rows; i++)                                                                              \
            for (size_t j = 0; j < columns; j++) {                                                                     \
                pixel_range r;                                                                                         \
                window_range(i, s->height, s->kernel_height, s->stride_height, s->padding_height, &r.first_row,        \
                             &r.end_row);                                                                              \
                window_range(j, s->width, s->kernel_width, s->stride_width, s->padding_width, &r.first_column,         \
                             &r.end_column);                                                                           \
                __VA_ARGS__                                                                                            \
            }

// The body for each pixel, whose windows are `r`.
#define EACH_PIXEL(...)                                                                                                \
    const size_t rows = output_extent(s->height, s->kernel_height, s->stride_height, s->padding_height);               \
    const size_t columns = output_extent(s->width, s->kernel_width, s->stride_width, s->padding_width);                \
    for (size_t image = 0; image < images; image++)                                                                    \
        for (size_t i = 0; i < s->height; i++)                                                                         \
            for (size_t j = 0; j < s->width; j++) {                                                                    \
                pixel_range r;                                                                                         \
                covering_range(i, rows, s->kernel_height, s->stride_height, s->padding_height, &r.first_row,           \
                               &r.end_row);                                                                            \
                covering_range(j, columns, s->kernel_width, s->stride_width, s->padding_width, &r.first_column,        \
                               &r.end_column);                                                                         \
                __VA_ARGS__                                                                                            \
            }

// The maximum of `rows` × `columns` pixels of a window, from the number `first` on. Constants become straight code.
COUPLET_INLINE void max_window(size_t rows, size_t columns, size_t row_stride, size_t channels, size_t lanes,
                               size_t first, size_t window_columns, const float *x, float *y, uint8_t *code) {
    couplet_floats best = couplet_load_up_to(x, lanes);
    couplet_ints which = (couplet_ints){0} + (int32_t)first;
    for (size_t p = 0; p < rows; p++)
        for (size_t q = p == 0; q < columns; q++) {
            const couplet_floats value = couplet_load_up_to(x + p * row_stride + q * channels, lanes);
            const couplet_ints taken = (value > best) | (value != value);
            const couplet_ints number = (couplet_ints){0} + (int32_t)(first + p * window_columns + q);
            best = couplet_select(taken, value, best);
            which = (taken & number) | (~taken & which);
        }
    const bytes16 bytes = __builtin_convertvector(which, bytes16);
    couplet_store_up_to(y, lanes, best);
    if (lanes == 16)
        memcpy(code, &bytes, 16);
    else
        memcpy(code, &bytes, lanes);
}

void NAME(couplet_max_pool)(const couplet_pooling *s, size_t images, const float *x, float *y, uint8_t *code) {
    const size_t channels = s->channels, row_stride = s->width * channels;
    EACH_WINDOW({
        // Number in the window of its first pixel.
        const size_t skipped = (r.first_row + s->padding_height - i * s->stride_height) * s->kernel_width +
                               (r.first_column + s->padding_width - j * s->stride_width);
        const float *const corner = x + ((image * s->height + r.first_row) * s->width + r.first_column) * channels;
        const size_t height = r.end_row - r.first_row, width = r.end_column - r.first_column;
        COUPLET_EACH_VECTOR(channels, {
            if (height == 3 && width == 3 && s->kernel_width == 3)
                max_window(3, 3, row_stride, channels, lanes, skipped, 3, corner + c, y + c, code + c);
            else if (height == 2 && width == 2 && s->kernel_width == 2)
                max_window(2, 2, row_stride, channels, lanes, skipped, 2, corner + c, y + c, code + c);
            else
                max_window(height, width, row_stride, channels, lanes, skipped, s->kernel_width, corner + c, y + c,
                           code + c);
        })
        y += channels;
        code += channels;
    })
}

void NAME(couplet_max_pool_backward)(const couplet_pooling *s, size_t images, const float *y_gradient,
                                     const uint8_t *code, float *x_gradient) {
    const size_t channels = s->channels;
    EACH_PIXEL({
        COUPLET_EACH_VECTOR(channels, {
            couplet_floats sum = {0};
            for (size_t u = r.first_row; u < r.end_row; u++)
                for (size_t v = r.first_column; v < r.end_column; v++) {
                    const size_t place = ((image * rows + u) * columns + v) * channels + c;
                    const size_t number = (i + s->padding_height - u * s->stride_height) * s->kernel_width +
                                          (j + s->padding_width - v * s->stride_width);
                    const couplet_ints is_here = load_codes(code + place, lanes) == (couplet_ints){0} + (int32_t)number;
                    sum += couplet_select(is_here, couplet_load_up_to(y_gradient + place, lanes), (couplet_floats){0});
                }
            couplet_store_up_to(x_gradient + c, lanes, sum);
        })
        x_gradient += channels;
    })
}

void NAME(couplet_average_pool)(const couplet_pooling *s, size_t images, float factor, const float *x, float *y) {
    const size_t channels = s->channels;
    EACH_WINDOW({
        COUPLET_EACH_VECTOR(channels, {
            couplet_floats sum = {0};
            for (size_t p = r.first_row; p < r.end_row; p++)
                for (size_t q = r.first_column; q < r.end_column; q++)
                    sum += couplet_load_up_to(x + ((image * s->height + p) * s->width + q) * channels + c, lanes);
            couplet_store_up_to(y + c, lanes, factor * sum);
        })
        y += channels;
    })
}

void NAME(couplet_average_pool_backward)(const couplet_pooling *s, size_t images, float factor, const float *y_gradient,
                                         float *x_gradient) {
    const size_t channels = s->channels;
    EACH_PIXEL({
        COUPLET_EACH_VECTOR(channels, {
            couplet_floats sum = {0};
            for (size_t u = r.first_row; u < r.end_row; u++)
                for (size_t v = r.first_column; v < r.end_column; v++)
                    sum += couplet_load_up_to(y_gradient + ((image * rows + u) * columns + v) * channels + c, lanes);
            couplet_store_up_to(x_gradient + c, lanes, factor * sum);
        })
        x_gradient += channels;
    })
}

void NAME(couplet_max_of_positions)(size_t positions, size_t channels, const float *x, float *y, int32_t *index) {
    COUPLET_EACH_VECTOR(channels, {
        couplet_floats best = {0};
        couplet_ints which = {0};
        if (positions > 0) best = couplet_load_up_to(x + c, lanes);
        for (size_t p = 1; p < positions; p++) {
            const couplet_floats value = couplet_load_up_to(x + p * channels + c, lanes);
            const couplet_ints taken = (value > best) | (value != value);
            best = couplet_select(taken, value, best);
            which = (taken & ((couplet_ints){0} + (int32_t)p)) | (~taken & which);
        }
        couplet_store_up_to(y + c, lanes, best);
        memcpy(index + c, &which, lanes * sizeof(int32_t));
    })
}

#endif
