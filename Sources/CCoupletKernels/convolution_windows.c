// Copies windows of images into rows of a matrix.
#ifndef COUPLET_SET
#include "convolution.h"
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define copy_floats NAME(copy_floats)
#define zero_floats NAME(zero_floats)
#define copy_window_row NAME(copy_window_row)
#define COUPLET_KERNELS "convolution_windows.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_copy_windows)

#else

// Copies `count` floats. If `wide`, up to 15 more floats are read and written: whole vectors take less time.
COUPLET_INLINE void copy_floats(float *to, const float *from, size_t count, int wide) {
    size_t k = 0;
    for (; k + 16 <= count; k += 16) couplet_store(to + k, couplet_load(from + k));
    if (k == count) return;
    if (wide) {
        couplet_store(to + k, couplet_load(from + k));
        return;
    }
#if COUPLET_WIDTH == 16
    const __mmask16 mask = (__mmask16)((1u << (count - k)) - 1);
    _mm512_mask_storeu_ps(to + k, mask, _mm512_maskz_loadu_ps(mask, from + k));
#else
    for (; k < count; k++) to[k] = from[k];
#endif
}

COUPLET_INLINE void zero_floats(float *to, size_t count) {
    for (size_t k = 0; k < count; k++) to[k] = 0;
}

// Copies one row of a window; `column` is the image's column of its first pixel. Whether 16 floats beyond the window's
// row are still in the image says `wide`.
COUPLET_INLINE void copy_window_row(const couplet_windows *w, const float *row, ptrdiff_t column, int wide, float *to) {
    const ptrdiff_t width = (ptrdiff_t)w->width, count = (ptrdiff_t)w->window_columns;
    ptrdiff_t start = column < 0 ? -column : 0, end = width - column < count ? width - column : count;
    start = start < count ? start : count;
    end = end > start ? end : start;
    zero_floats(to, (size_t)start * w->channels);
    if (w->channels == w->pixel_stride)
        copy_floats(to + (size_t)start * w->channels, row + (column + start) * (ptrdiff_t)w->pixel_stride,
                    (size_t)(end - start) * w->channels, wide);
    else
        for (ptrdiff_t q = start; q < end; q++)
            copy_floats(to + (size_t)q * w->channels, row + (column + q) * (ptrdiff_t)w->pixel_stride, w->channels, 0);
    zero_floats(to + (size_t)end * w->channels, (size_t)(count - end) * w->channels);
}

void NAME(couplet_copy_windows)(const couplet_windows *windows, size_t first, size_t count, const float *x,
                                float *matrix, size_t stride) {
    const couplet_windows w = *windows;
    const size_t row_floats = w.window_columns * w.channels;
    size_t column = first % w.columns, row = first / w.columns % w.rows, image = first / w.columns / w.rows;
    for (size_t n = 0; n < count; n++, matrix += stride) {
        const float *start = x + image * w.height * w.width * w.pixel_stride;
        const ptrdiff_t left = w.first_column + (ptrdiff_t)(column * w.column_step);
        for (size_t p = 0; p < w.window_rows; p++) {
            const ptrdiff_t top = w.first_row + (ptrdiff_t)(row * w.row_step + p);
            if (top < 0 || top >= (ptrdiff_t)w.height)
                zero_floats(matrix + p * row_floats, row_floats);
            else
                copy_window_row(&w, start + (size_t)top * w.width * w.pixel_stride, left,
                                (w.height - 1 - (size_t)top) * w.width * w.pixel_stride >= 16, matrix + p * row_floats);
        }
        if (++column == w.columns) {
            column = 0;
            if (++row == w.rows) row = 0, image++;
        }
    }
}

#endif
