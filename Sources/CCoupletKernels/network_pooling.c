#ifndef COUPLET_SET
#include "couplet_network.h"
#define COUPLET_KERNELS "network_pooling.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_bias_relu_max_pool)
COUPLET_DISPATCH(couplet_relu_backward_from_code)
COUPLET_DISPATCH(couplet_max_unpool)
COUPLET_DISPATCH(couplet_transpose)
COUPLET_DISPATCH(couplet_copy_rows)

#else

// Takes a value that is larger than the best so far. A NaN counts as the largest, so it is found in the layer where it
// arises.
#define TAKE(value, index)                                                                                             \
    if (value > best || value != value) {                                                                              \
        best = value;                                                                                                  \
        which = index;                                                                                                 \
    }

void NAME(couplet_bias_relu_max_pool)(size_t columns, size_t channels, const float *restrict y,
                                      const float *restrict bias, float *restrict out, uint8_t *restrict code) {
    const float *below = y + 2 * columns * channels;
    for (size_t j = 0; j < columns; j++) {
        const float *a = y + 2 * j * channels, *b = a + channels, *c = below + 2 * j * channels, *d = c + channels;
        for (size_t o = 0; o < channels; o++) {
            float best = a[o];
            int32_t which = 0;
            TAKE(b[o], 1) TAKE(c[o], 2) TAKE(d[o], 3) best += bias[o];
            out[j * channels + o] = best < 0.0f ? 0.0f : best;
            code[j * channels + o] = (uint8_t)(best > 0.0f ? which : 4);
        }
    }
}

void NAME(couplet_relu_backward_from_code)(size_t pixels, size_t channels, const uint8_t *restrict code,
                                           float *restrict gradient, float *restrict sums) {
    for (size_t o = 0; o < channels; o += COUPLET_LANES) {
        float lanes[COUPLET_LANES] = {0};
        for (size_t j = 0; j < pixels; j++)
            for (size_t lane = 0; lane < COUPLET_LANES; lane++) {
                size_t i = j * channels + o + lane;
                float g = code[i] == 4 ? 0.0f : gradient[i];
                gradient[i] = g;
                lanes[lane] += g;
            }
        for (size_t lane = 0; lane < COUPLET_LANES; lane++) sums[o + lane] += lanes[lane];
    }
}

void NAME(couplet_max_unpool)(size_t columns, size_t channels, const uint8_t *restrict code,
                              const float *restrict gradient, float *restrict y) {
    float *below = y + 2 * columns * channels;
    for (size_t j = 0; j < columns; j++) {
        float *a = y + 2 * j * channels, *b = a + channels, *c = below + 2 * j * channels, *d = c + channels;
        for (size_t o = 0; o < channels; o++) {
            float g = gradient[j * channels + o];
            uint8_t which = code[j * channels + o];
            a[o] = which == 0 ? g : 0.0f;
            b[o] = which == 1 ? g : 0.0f;
            c[o] = which == 2 ? g : 0.0f;
            d[o] = which == 3 ? g : 0.0f;
        }
    }
}

void NAME(couplet_transpose)(size_t rows, size_t columns, const float *restrict in, size_t in_stride,
                             float *restrict out, size_t out_stride) {
    for (size_t r = 0; r < rows; r += 16)
        for (size_t c = 0; c < columns; c++)
            for (size_t i = r; i < rows && i < r + 16; i++) out[c * out_stride + i] = in[i * in_stride + c];
}

void NAME(couplet_copy_rows)(size_t rows, size_t columns, const float *restrict in, size_t in_stride,
                             float *restrict out, size_t out_stride) {
    if (columns == 16)
        for (size_t r = 0; r < rows; r++) memcpy(out + r * out_stride, in + r * in_stride, 16 * sizeof(float));
    else
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++) out[r * out_stride + c] = in[r * in_stride + c];
}

#endif
