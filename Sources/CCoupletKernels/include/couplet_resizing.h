// Resizing of pictures in fixed point, with antialiasing.
//
// A row of the result is a weighted mean of rows of the source, with a triangle as its filter; then each pixel is one
// of pixels of that row. With n source and m result pixels along an axis, source pixel j has in result pixel i the
// weight
//
//     max(0, 2 max(n, m) - |(2 j + 1) m - (2 i + 1) n|),
//
// an integer, divided by the sum of the weights. The filter is as wide as the distance of the result's pixels where the
// picture shrinks, and as that of the source's pixels where it grows. It is that of Pillow's Image.BILINEAR and of
// PyTorch's interpolate(antialias=True).
//
// Quotients are multiples of 2^-18 whose sum is 1, so a picture of one color keeps it. A mean over rows is rounded to a
// multiple of 1/64, and the result to an integer, halves upwards. It is the same integer on every CPU.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    // The source: height × width × channels, with this number of bytes from one row to the next.
    size_t height, width, channels, row_bytes;
    // The result, channels × height × width, with these distances between rows and between channels.
    size_t target_height, target_width, target_row_bytes, target_channel_bytes;
} couplet_resizing;

// The bytes of memory that couplet_resize needs.
size_t couplet_resizing_memory(const couplet_resizing *shape);

// All extents are at least 1 and at most 2^24. `memory` is aligned to 8 bytes.
void couplet_resize(const couplet_resizing *shape, const uint8_t *source, void *memory, uint8_t *target);
