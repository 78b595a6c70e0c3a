// Winograd's transforms of tiles of images and of kernels (convolution.h). Each sum has its order in
// convolution_sums.h: over rows, then over columns.
#ifndef COUPLET_SET
#include "convolution.h"
#include "convolution_sums.h"
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define activate NAME(activate)
#define tile_cursor NAME(tile_cursor)
#define cursor_at NAME(cursor_at)
#define advance NAME(advance)
#define pixels_to_values NAME(pixels_to_values)
#define values_to_pixels NAME(values_to_pixels)
#define pack_values NAME(pack_values)
#define taps_to_values NAME(taps_to_values)
#define sum_taps NAME(sum_taps)
#define COUPLET_KERNELS "convolution_tiles.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_tiles_to_values)
COUPLET_DISPATCH(couplet_values_to_tiles)
COUPLET_DISPATCH(couplet_gradient_to_values)
COUPLET_DISPATCH(couplet_taps_to_values)
COUPLET_DISPATCH(couplet_values_to_taps)

#else
#include "product_transposition.h"

// z + bias, then the activation.
COUPLET_INLINE couplet_floats activate(couplet_floats z, couplet_floats bias, const couplet_epilogue *epilogue) {
    if (!epilogue) return z;
    if (epilogue->bias) z += bias;
    if (epilogue->activation == COUPLET_RELU) z = couplet_select(z < 0.0f, (couplet_floats){0}, z);
    if (epilogue->activation == COUPLET_LEAKY_RELU) z = couplet_select(z < 0.0f, epilogue->slope * z, z);
    return z;
}

// A tile: its number in the image, and the image's first float.
typedef struct {
    size_t row, column, image;
} tile_cursor;

COUPLET_INLINE tile_cursor cursor_at(const couplet_tiles *t, size_t tile) {
    return (tile_cursor){tile / t->columns % t->rows, tile % t->columns,
                         tile / t->columns / t->rows * t->height * t->width * t->channels};
}
COUPLET_INLINE tile_cursor advance(const couplet_tiles *t, tile_cursor at) {
    if (++at.column < t->columns) return at;
    at.column = 0;
    if (++at.row < t->rows) return at;
    at.row = 0;
    at.image += t->height * t->width * t->channels;
    return at;
}

// Sums of tiles of side × side pixels.
COUPLET_INLINE void pixels_to_values(const int side, const int n, couplet_row_sums sums, const couplet_tiles *tiles,
                                     size_t first, size_t count, const float *x, couplet_tile_values values) {
    const couplet_tiles t = *tiles;
    const ptrdiff_t pixel_stride = (ptrdiff_t)t.channels, row_stride = (ptrdiff_t)t.width * pixel_stride;
    tile_cursor at = cursor_at(&t, first);
    for (size_t tile = 0; tile < count; tile++, at = advance(&t, at)) {
        const ptrdiff_t top = t.first_row + (ptrdiff_t)(at.row * t.step);
        const ptrdiff_t left = t.first_column + (ptrdiff_t)(at.column * t.step);
        const float *const corner = x + (ptrdiff_t)at.image + top * row_stride + left * pixel_stride;
        float *const target = values.start + tile * values.stride;
        // Rows and columns of the tile that lie in the image.
        const ptrdiff_t row_start = top < 0 ? -top : 0, row_end = (ptrdiff_t)t.height - top;
        const ptrdiff_t column_start = left < 0 ? -left : 0, column_end = (ptrdiff_t)t.width - left;
        const int inside = row_start == 0 && column_start == 0 && row_end >= side && column_end >= side;
#define TRANSFORM(...)                                                                                                 \
    COUPLET_EACH_VECTOR(t.channels, {                                                                                  \
        couplet_floats d[25], sum[25];                                                                                 \
        COUPLET_UNROLL for (int i = 0; i < side; i++) {                                                                \
            COUPLET_UNROLL for (int j = 0; j < side; j++) d[side * i + j] = __VA_ARGS__;                               \
        }                                                                                                              \
        couplet_square_sums(side, n, sums, d, sum);                                                                    \
        COUPLET_UNROLL for (int v = 0; v < n * n; v++)                                                                 \
            couplet_store_up_to(target + (size_t)v * values.value_stride + c, lanes, sum[v]);                          \
    })
#define PIXEL couplet_load_up_to(corner + i * row_stride + j * pixel_stride + (ptrdiff_t)c, lanes)
        if (inside)
            TRANSFORM(PIXEL)
        else
            TRANSFORM(i >= row_start && i < row_end && j >= column_start && j < column_end ? PIXEL
                                                                                           : (couplet_floats){0})
#undef PIXEL
#undef TRANSFORM
    }
}

// Tiles of side × side pixels from their values.
COUPLET_INLINE void values_to_pixels(const int n, const int side, couplet_row_sums sums, const couplet_tiles *tiles,
                                     size_t first, size_t count, couplet_tile_values values,
                                     const couplet_epilogue *epilogue, float *y) {
    const couplet_tiles t = *tiles;
    const size_t row_stride = t.width * t.channels;
    const int has_bias = epilogue && epilogue->bias;
    tile_cursor at = cursor_at(&t, first);
    for (size_t tile = 0; tile < count; tile++, at = advance(&t, at)) {
        const size_t top = at.row * t.step, left = at.column * t.step;
        float *const corner = y + at.image + top * row_stride + left * t.channels;
        const float *const source = values.start + tile * values.stride;
        const size_t rows = t.height - top, columns = t.width - left;
        COUPLET_EACH_VECTOR(t.channels, {
            couplet_floats d[25], pixel[16], bias = {0};
            COUPLET_UNROLL for (int v = 0; v < n * n; v++) d[v] =
                couplet_load_up_to(source + (size_t)v * values.value_stride + c, lanes);
            couplet_square_sums(n, side, sums, d, pixel);
            if (has_bias) bias = couplet_load_up_to(epilogue->bias + c, lanes);
            COUPLET_UNROLL for (int i = 0; i < side; i++) {
                COUPLET_UNROLL for (int j = 0; j < side; j++) if ((size_t)i < rows && (size_t)j < columns)
                    couplet_store_up_to(corner + (size_t)i * row_stride + (size_t)j * t.channels + c, lanes,
                                        activate(pixel[i * side + j], bias, epilogue));
            }
        })
    }
}

void NAME(couplet_tiles_to_values)(couplet_tile_scheme scheme, const couplet_tiles *tiles, size_t first, size_t count,
                                   const float *x, couplet_tile_values values) {
    switch (scheme) {
    case COUPLET_TILE_OF_2:
        pixels_to_values(4, 4, tile_of_2_pixels, tiles, first, count, x, values);
        break;
    case COUPLET_ROW_OF_2:
        pixels_to_values(2, 3, row_of_2_pixels, tiles, first, count, x, values);
        break;
    case COUPLET_STRIDE_2:
        pixels_to_values(5, 5, stride_2_pixels, tiles, first, count, x, values);
        break;
    case COUPLET_STRIDE_2_BACK:
        pixels_to_values(3, 5, stride_2_back_pixels, tiles, first, count, x, values);
        break;
    }
}

void NAME(couplet_gradient_to_values)(couplet_tile_scheme scheme, const couplet_tiles *tiles, size_t first,
                                      size_t count, const float *y, couplet_tile_values values) {
    switch (scheme) {
    case COUPLET_TILE_OF_2:
        pixels_to_values(2, 4, tile_of_2_results_back, tiles, first, count, y, values);
        break;
    case COUPLET_ROW_OF_2:
        pixels_to_values(2, 3, row_of_2_results_back, tiles, first, count, y, values);
        break;
    default:
        pixels_to_values(2, 5, stride_2_results_back, tiles, first, count, y, values);
        break;
    }
}

void NAME(couplet_values_to_tiles)(couplet_tile_scheme scheme, const couplet_tiles *tiles, size_t first, size_t count,
                                   couplet_tile_values values, const couplet_epilogue *epilogue, float *y) {
    switch (scheme) {
    case COUPLET_TILE_OF_2:
        values_to_pixels(4, 2, tile_of_2_results, tiles, first, count, values, epilogue, y);
        break;
    case COUPLET_ROW_OF_2:
        values_to_pixels(3, 2, row_of_2_results, tiles, first, count, values, epilogue, y);
        break;
    case COUPLET_STRIDE_2:
        values_to_pixels(5, 2, stride_2_results, tiles, first, count, values, epilogue, y);
        break;
    case COUPLET_STRIDE_2_BACK:
        values_to_pixels(5, 4, stride_2_back_results, tiles, first, count, values, epilogue, y);
        break;
    }
}

// The sums of the taps of COUPLET_PANEL kernels; tap t begins at t COUPLET_PANEL.
COUPLET_INLINE void taps_to_values(const int n, couplet_row_sums sums, int turned, const float *taps, float *values,
                                   size_t value_stride) {
    for (size_t lane = 0; lane < COUPLET_PANEL; lane += 16) {
        couplet_floats d[9], sum[25];
        COUPLET_UNROLL for (int t = 0; t < 9; t++) d[t] =
            couplet_load(taps + (size_t)(turned ? 8 - t : t) * COUPLET_PANEL + lane);
        couplet_square_sums(3, n, sums, d, sum);
        COUPLET_UNROLL for (int v = 0; v < n * n; v++) couplet_store(values + (size_t)v * value_stride + lane, sum[v]);
    }
}

COUPLET_INLINE void pack_values(const int n, couplet_row_sums sums, size_t outputs, size_t channels,
                                const float *weight, int back, float *taps, float *packed, size_t value_stride) {
    const size_t rows = back ? outputs : channels, columns = back ? channels : outputs;
    for (size_t first = 0; first < columns; first += COUPLET_PANEL, packed += rows * COUPLET_PANEL) {
        const size_t width = couplet_smaller(columns - first, COUPLET_PANEL);
        if (!back)
            pack_transposed(9 * channels, width, weight + first * 9 * channels, 9 * channels, taps, COUPLET_PANEL);
        for (size_t row = 0; row < rows; row++) {
            if (back) pack_transposed(9, width, weight + (row * channels + first) * 9, 9, taps, COUPLET_PANEL);
            taps_to_values(n, sums, back, back ? taps : taps + row * 9 * COUPLET_PANEL, packed + row * COUPLET_PANEL,
                           value_stride);
        }
    }
}

void NAME(couplet_taps_to_values)(couplet_tile_scheme scheme, size_t outputs, size_t channels, const float *weight,
                                  int back, float *taps, float *packed, size_t value_stride) {
    switch (scheme) {
    case COUPLET_TILE_OF_2:
        pack_values(4, tile_of_2_taps, outputs, channels, weight, back, taps, packed, value_stride);
        break;
    case COUPLET_ROW_OF_2:
        pack_values(3, row_of_2_taps, outputs, channels, weight, back, taps, packed, value_stride);
        break;
    default:
        pack_values(4, stride_2_taps, outputs, channels, weight, back, taps, packed, value_stride);
    }
}

COUPLET_INLINE void sum_taps(const int n, couplet_row_sums sums, size_t count, const float *values, size_t value_stride,
                             float *taps) {
    COUPLET_EACH_VECTOR(count, {
        couplet_floats d[25], tap[9];
        COUPLET_UNROLL for (int v = 0; v < n * n; v++) d[v] =
            couplet_load_up_to(values + (size_t)v * value_stride + c, lanes);
        couplet_square_sums(n, 3, sums, d, tap);
        COUPLET_UNROLL for (int t = 0; t < 9; t++) couplet_store_up_to(taps + (size_t)t * count + c, lanes, tap[t]);
    })
}

void NAME(couplet_values_to_taps)(couplet_tile_scheme scheme, size_t count, const float *values, size_t value_stride,
                                  float *taps, float *gradient) {
    switch (scheme) {
    case COUPLET_TILE_OF_2:
        sum_taps(4, tile_of_2_taps_back, count, values, value_stride, taps);
        break;
    case COUPLET_ROW_OF_2:
        sum_taps(3, row_of_2_taps_back, count, values, value_stride, taps);
        break;
    default:
        sum_taps(4, stride_2_taps_back, count, values, value_stride, taps);
    }
    size_t offset[9];
    for (size_t t = 0; t < 9; t++) offset[t] = t * count;
    couplet_join_taps(count, 9, taps, offset, gradient);
}

#endif
