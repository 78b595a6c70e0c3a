#ifndef COUPLET_SET
#include "couplet_resizing.h"
#include <string.h>

// LANES: rows of the result that are computed at a time.
enum { WEIGHT_BITS = 18, FRACTION_BITS = 6, LANES = 16 };

// The weights of an axis: result pixel i takes `count[i]` source pixels from `first[i]` on.
typedef struct {
    uint32_t *first, *count, *weights;
    size_t longest;
} resizing_axis;

static size_t longest_window(size_t source, size_t target) {
    return source > target ? 2 * source / target + 2 : 3;
}

static size_t axis_words(size_t source, size_t target) {
    return target * (2 + longest_window(source, target));
}

// Lays out an axis in memory and computes its weights. Returns the end of the used memory.
static uint32_t *make_axis(size_t source, size_t target, uint32_t *memory, resizing_axis *axis) {
    axis->longest = longest_window(source, target);
    axis->first = memory;
    axis->count = memory + target;
    axis->weights = memory + 2 * target;
    const int64_t n = (int64_t)source, m = (int64_t)target, radius = 2 * (n > m ? n : m);
    for (int64_t i = 0; i < m; i++) {
        const int64_t center = (2 * i + 1) * n, from = center - radius, to = center + radius;
        // The first source pixel right of `from`: (2 j + 1) m > from.
        int64_t j = from < m ? 0 : (from / m - 1) / 2;
        while ((2 * j + 1) * m <= from) j++;
        uint32_t *weights = axis->weights + (size_t)i * axis->longest;
        axis->first[i] = (uint32_t)j;
        int64_t sum = 0;
        size_t count = 0;
        for (int64_t k = j; k < n && (2 * k + 1) * m < to; k++, count++) {
            const int64_t distance = (2 * k + 1) * m - center;
            sum += radius - (distance < 0 ? -distance : distance);
        }
        axis->count[i] = (uint32_t)count;
        // Differences of rounded cumulative sums, so that they add up to 1.
        int64_t cumulative = 0, before = 0;
        for (size_t k = 0; k < count; k++) {
            const int64_t distance = (2 * (j + (int64_t)k) + 1) * m - center;
            cumulative += radius - (distance < 0 ? -distance : distance);
            // 2^63 is beyond all products for extents up to 2^21.
            const int64_t rounded = sum >> 44 ? (int64_t)((((__int128)cumulative << WEIGHT_BITS) + sum / 2) / sum)
                                              : ((cumulative << WEIGHT_BITS) + sum / 2) / sum;
            weights[k] = (uint32_t)(rounded - before);
            before = rounded;
        }
    }
    return memory + axis_words(source, target);
}

size_t couplet_resizing_memory(const couplet_resizing *s) {
    const size_t row = s->width * s->channels;
    return 4 * (axis_words(s->height, s->target_height) + axis_words(s->width, s->target_width) + LANES * row);
}

typedef uint32_t words16 __attribute__((vector_size(64), aligned(4)));
typedef uint8_t bytes16 __attribute__((vector_size(16), aligned(1)));

#define transpose_16 NAME(transpose_16)
#define mean_of_rows NAME(mean_of_rows)
#define resize_rows NAME(resize_rows)
#define COUPLET_KERNELS "image_resizing.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_resize)

#else

// Exchanges rows and columns of 16 × 16 numbers. Each of the four rounds interleaves row i with row i + 8.
COUPLET_INLINE void transpose_16(words16 rows[LANES]) {
    for (int round = 0; round < 4; round++) {
        words16 next[LANES];
        for (int i = 0; i < 8; i++) {
            next[2 * i] =
                __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                                      29, 14, 30, 15, 31);
        }
        for (int i = 0; i < LANES; i++) rows[i] = next[i];
    }
}

// The weighted means of rows of the source at `columns` <= 64 columns, for up to 16 rows of the result from y on: 14
// bits each. Number x of all rows becomes means[x].
COUPLET_INLINE void mean_of_rows(const resizing_axis *axis, size_t y, size_t rows, const uint8_t *source,
                                 size_t row_bytes, size_t columns, words16 *means) {
    const unsigned shift = WEIGHT_BITS - FRACTION_BITS;
    const words16 half = (words16){0} + (1u << (shift - 1));
    words16 sums[4][LANES];
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *pixels = source + axis->first[y + row] * row_bytes;
        const uint32_t *weights = axis->weights + (y + row) * axis->longest;
        words16 sum[4] = {half, half, half, half};
        if (columns == 4 * LANES)
            for (size_t k = 0; k < axis->count[y + row]; k++)
                for (size_t part = 0; part < 4; part++)
                    sum[part] +=
                        __builtin_convertvector(*(const bytes16 *)(pixels + k * row_bytes + part * LANES), words16) *
                        weights[k];
        else
            for (size_t x = 0; x < columns; x++)
                for (size_t k = 0; k < axis->count[y + row]; k++)
                    sum[x / LANES][x % LANES] += pixels[k * row_bytes + x] * weights[k];
        for (size_t part = 0; part < 4; part++) sums[part][row] = sum[part] >> shift;
    }
    for (size_t row = rows; row < LANES; row++)
        for (size_t part = 0; part < 4; part++) sums[part][row] = half;
    for (size_t part = 0; part * LANES < columns; part++) {
        transpose_16(sums[part]);
        for (size_t x = 0; x < LANES && part * LANES + x < columns; x++) means[part * LANES + x] = sums[part][x];
    }
}

// The pixels of up to 16 rows, of which row i has its numbers at means[...][i].
COUPLET_INLINE void resize_rows(const couplet_resizing *s, const resizing_axis *axis, size_t channels, size_t rows,
                                const words16 *means, uint8_t *target) {
    const unsigned shift = WEIGHT_BITS + FRACTION_BITS;
    for (size_t c = 0; c < channels; c++)
        for (size_t x = 0; x < s->target_width; x += LANES) {
            const size_t columns = s->target_width - x < LANES ? s->target_width - x : LANES;
            words16 sums[LANES];
            for (size_t i = 0; i < LANES; i++) {
                words16 sum = (words16){0} + (1u << (shift - 1));
                if (i < columns) {
                    const words16 *source = means + (size_t)axis->first[x + i] * channels + c;
                    const uint32_t *weights = axis->weights + (x + i) * axis->longest;
                    for (size_t k = 0; k < axis->count[x + i]; k++) sum += source[k * channels] * weights[k];
                }
                sums[i] = sum >> shift;
            }
            transpose_16(sums);
            uint8_t *lines = target + c * s->target_channel_bytes + x;
            for (size_t row = 0; row < rows; row++) {
                const bytes16 pixels = __builtin_convertvector(sums[row], bytes16);
                if (columns == LANES)
                    *(bytes16 *)(lines + row * s->target_row_bytes) = pixels;
                else
                    memcpy(lines + row * s->target_row_bytes, &pixels, columns);
            }
        }
}

void NAME(couplet_resize)(const couplet_resizing *s, const uint8_t *source, void *memory, uint8_t *target) {
    resizing_axis vertical, horizontal;
    uint32_t *rest = make_axis(s->height, s->target_height, memory, &vertical);
    rest = make_axis(s->width, s->target_width, rest, &horizontal);
    const size_t length = s->width * s->channels;
    words16 *means = (words16 *)rest;
    for (size_t y = 0; y < s->target_height; y += LANES) {
        const size_t rows = s->target_height - y < LANES ? s->target_height - y : LANES;
        for (size_t x = 0; x < length; x += 4 * LANES)
            mean_of_rows(&vertical, y, rows, source + x, s->row_bytes, length - x < 4 * LANES ? length - x : 4 * LANES,
                         means + x);
        uint8_t *lines = target + y * s->target_row_bytes;
        if (s->channels == 3)
            resize_rows(s, &horizontal, 3, rows, means, lines);
        else
            resize_rows(s, &horizontal, s->channels, rows, means, lines);
    }
}

#endif
