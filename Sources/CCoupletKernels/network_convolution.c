// Convolutions without im2col: the accumulators of a tile of pixels and channels stay in registers during the sum. The
// shape of a tile depends on the CPU's registers; the order of each sum does not.
#ifndef COUPLET_SET
#include "couplet_network.h"

// Vectors of 16 and of 8 floats at any address.
typedef float wide __attribute__((vector_size(64), aligned(4), may_alias));
typedef float slim __attribute__((vector_size(32), aligned(4), may_alias));

typedef uint8_t codes16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef _Bool flags16 __attribute__((ext_vector_type(16)));

#define matches NAME(matches)
// clang-format off
#define COUPLET_KERNELS "network_convolution.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_convolve)
COUPLET_DISPATCH(couplet_convolve_weights)
COUPLET_DISPATCH(couplet_convolve_weights_pooled)
COUPLET_DISPATCH(couplet_convolve_input_pooled)

#else

// Formatted by hand: clang-format does not understand macros that expand to functions.
// clang-format off

#define UNROLL COUPLET_UNROLL
#define TILE COUPLET_INLINE void

// Computes P pixels by J vectors of output channels.
#define CONVOLVE_TILE(V, P, J)                                                                                         \
    TILE NAME(convolve_##V##_##P##_##J)(size_t channels, size_t outputs, const float *x, size_t stride,                \
                                        const float *w, float *y) {                                                    \
        V sums[P][J] = {0};                                                                                            \
        for (int p = 0; p < 3; p++) {                                                                                  \
            const float *row = x + (size_t)p * stride;                                                                 \
            for (size_t k = 0; k < 3 * channels; k++, w += outputs) {                                                  \
                V weight[J];                                                                                           \
                UNROLL for (size_t j = 0; j < J; j++) weight[j] = ((const V *)w)[j];                                   \
                UNROLL for (size_t i = 0; i < P; i++) {                                                                \
                    V value = row[i * channels + k] - (V){0};                                                          \
                    UNROLL for (size_t j = 0; j < J; j++)                                                              \
                        sums[i][j] = couplet_fma(value, weight[j], sums[i][j]);                                        \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        UNROLL for (size_t i = 0; i < P; i++)                                                                          \
            UNROLL for (size_t j = 0; j < J; j++) ((V *)(y + i * outputs))[j] = sums[i][j];                            \
    }

CONVOLVE_TILE(wide, 1, 2) CONVOLVE_TILE(wide, 2, 2) CONVOLVE_TILE(wide, 3, 2) CONVOLVE_TILE(wide, 4, 2)
CONVOLVE_TILE(wide, 5, 2) CONVOLVE_TILE(wide, 6, 2) CONVOLVE_TILE(wide, 7, 2) CONVOLVE_TILE(wide, 8, 2)
CONVOLVE_TILE(wide, 9, 2) CONVOLVE_TILE(wide, 10, 2)
CONVOLVE_TILE(slim, 1, 2) CONVOLVE_TILE(slim, 2, 2) CONVOLVE_TILE(slim, 3, 2) CONVOLVE_TILE(slim, 4, 2)
CONVOLVE_TILE(slim, 5, 2) CONVOLVE_TILE(slim, 6, 2)

#define CONVOLVE_CASE(V, P)                                                                                            \
    case P:                                                                                                            \
        NAME(convolve_##V##_##P##_2)(channels, outputs, from, stride, weights + o, to);                                \
        break;

// Divides a row into the fewest tiles of at most `most` pixels, as equal as possible.
#define CONVOLVE_ROW(most, CASES)                                                                                      \
    for (size_t i = 0; i < rows; i++)                                                                                  \
        for (size_t tiles = (columns + most - 1) / most, tile = 0; tile < tiles; tile++) {                             \
            size_t start = tile * columns / tiles, pixels = (tile + 1) * columns / tiles - start;                      \
            const float *from = x + i * stride + start * channels;                                                     \
            float *to = y + (i * columns + start) * outputs + o;                                                       \
            switch (pixels) { CASES }                                                                                  \
        }

void NAME(couplet_convolve)(size_t rows, size_t columns, size_t channels, size_t outputs, const float *x,
                                     size_t stride, const float *restrict weights, float *restrict y) {
    size_t o = 0;
    if (COUPLET_WIDTH == 16)
        for (; o + 32 <= outputs; o += 32)
            CONVOLVE_ROW(10, CONVOLVE_CASE(wide, 1) CONVOLVE_CASE(wide, 2) CONVOLVE_CASE(wide, 3) CONVOLVE_CASE(wide, 4)
                         CONVOLVE_CASE(wide, 5) CONVOLVE_CASE(wide, 6) CONVOLVE_CASE(wide, 7) CONVOLVE_CASE(wide, 8)
                         CONVOLVE_CASE(wide, 9) CONVOLVE_CASE(wide, 10))
    for (; o < outputs; o += 16)
        CONVOLVE_ROW(6, CONVOLVE_CASE(slim, 1) CONVOLVE_CASE(slim, 2) CONVOLVE_CASE(slim, 3) CONVOLVE_CASE(slim, 4)
                     CONVOLVE_CASE(slim, 5) CONVOLVE_CASE(slim, 6))
}

// Computes the nine taps of one input channel by J vectors of output channels.
#define WEIGHTS_TILE(V, J)                                                                                             \
    TILE NAME(weights_##V##_##J)(size_t rows, size_t columns, size_t channels, size_t outputs, const float *x,         \
                           size_t stride, const float *gradient, float *weights) {                                     \
        V sums[9][J] = {0};                                                                                            \
        for (size_t i = 0; i < rows; i++)                                                                              \
            for (size_t j = 0; j < columns; j++, gradient += outputs) {                                                \
                const float *corner = x + i * stride + j * channels;                                                   \
                V g[J];                                                                                                \
                UNROLL for (size_t v = 0; v < J; v++) g[v] = ((const V *)gradient)[v];                                 \
                UNROLL for (size_t tap = 0; tap < 9; tap++) {                                                          \
                    V value = corner[tap / 3 * stride + tap % 3 * channels] - (V){0};                                  \
                    UNROLL for (size_t v = 0; v < J; v++) sums[tap][v] = couplet_fma(value, g[v], sums[tap][v]);       \
                }                                                                                                      \
            }                                                                                                          \
        UNROLL for (size_t tap = 0; tap < 9; tap++)                                                                    \
            UNROLL for (size_t v = 0; v < J; v++) ((V *)(weights + tap * channels * outputs))[v] += sums[tap][v];      \
    }

WEIGHTS_TILE(wide, 2) WEIGHTS_TILE(slim, 1)

void NAME(couplet_convolve_weights)(size_t rows, size_t columns, size_t channels, size_t outputs,
                                             const float *x, size_t stride, const float *restrict gradient,
                                             float *restrict weights) {
    for (size_t c = 0; c < channels; c++) {
        size_t o = 0;
        float *to = weights + c * outputs;
        if (COUPLET_WIDTH == 16)
            for (; o + 32 <= outputs; o += 32)
                NAME(weights_wide_2)(rows, columns, channels, outputs, x + c, stride, gradient + o, to + o);
        for (; o < outputs; o += 8)
            NAME(weights_slim_1)(rows, columns, channels, outputs, x + c, stride, gradient + o, to + o);
    }
}

// The pooled pixels of one output channel whose gradient is not zero: the offset in the image of the 3 × 3 pixels that
// the weights see, and the gradient.
#define POOLED_BLOCK 256
typedef struct {
    size_t offset[POOLED_BLOCK];
    float gradient[POOLED_BLOCK];
} NAME(pooled_pixels);

// Computes the nine taps of one output channel by J vectors of input channels.
#define POOLED_WEIGHTS_TILE(V, J)                                                                                      \
    TILE NAME(pooled_weights_##V##_##J)(size_t count, const NAME(pooled_pixels) *pixels, size_t channels,              \
                                        const float *x, size_t stride, float *weights) {                               \
        V sums[9][J] = {0};                                                                                            \
        for (size_t i = 0; i < count; i++) {                                                                           \
            const float *corner = x + pixels->offset[i];                                                               \
            V g = pixels->gradient[i] - (V){0};                                                                        \
            UNROLL for (size_t tap = 0; tap < 9; tap++)                                                                \
                UNROLL for (size_t v = 0; v < J; v++)                                                                  \
                    sums[tap][v] = couplet_fma(g, ((const V *)(corner + tap / 3 * stride + tap % 3 * channels))[v],    \
                                               sums[tap][v]);                                                          \
        }                                                                                                              \
        UNROLL for (size_t tap = 0; tap < 9; tap++)                                                                    \
            UNROLL for (size_t v = 0; v < J; v++) ((V *)(weights + tap * channels))[v] += sums[tap][v];                \
    }

POOLED_WEIGHTS_TILE(wide, 2) POOLED_WEIGHTS_TILE(slim, 1)

void NAME(couplet_convolve_weights_pooled)(size_t rows, size_t columns, size_t channels, size_t outputs,
                                                    size_t gradient_channels, const float *x, size_t stride,
                                                    const uint8_t *restrict code, const float *restrict gradient,
                                                    float *restrict weights) {
    const size_t steps[5] = {0, channels, stride, stride + channels, 0};
    size_t corners[POOLED_BLOCK];
    NAME(pooled_pixels) pixels;
    for (size_t start = 0; start < rows * columns; start += POOLED_BLOCK) {
        size_t block = rows * columns - start < POOLED_BLOCK ? rows * columns - start : POOLED_BLOCK;
        for (size_t i = 0; i < block; i++)
            corners[i] = (start + i) / columns * 2 * stride + (start + i) % columns * 2 * channels;
        for (size_t o = 0; o < outputs; o++) {
            const uint8_t *from = code + start * gradient_channels + o;
            const float *values = gradient + start * gradient_channels + o;
            size_t count = 0, c = 0;
            // Without branches: the next pixel overwrites one that does not count.
            for (size_t i = 0; i < block; i++, from += gradient_channels, values += gradient_channels) {
                pixels.offset[count] = corners[i] + steps[*from];
                pixels.gradient[count] = *values;
                count += *from != 4;
            }
            float *to = weights + o * 9 * channels;
            if (COUPLET_WIDTH == 16)
                for (; c + 32 <= channels; c += 32)
                    NAME(pooled_weights_wide_2)(count, &pixels, channels, x + c, stride, to + c);
            for (; c < channels; c += 8)
                NAME(pooled_weights_slim_1)(count, &pixels, channels, x + c, stride, to + c);
        }
    }
}

// Bit i is set if code[i] equals `pixel`, for 16 codes.
COUPLET_INLINE uint64_t matches(const uint8_t *code, uint8_t pixel) {
    flags16 flags = __builtin_convertvector(*(const codes16 *)code == pixel, flags16);
    uint16_t bits;
    memcpy(&bits, &flags, 2);
    return bits;
}

// Computes the nine taps of one pooled pixel and one of its four pixels; V holds all 16 channels or 8 of them.
#define POOLED_INPUT_TILE(V)                                                                                           \
    TILE NAME(pooled_input_##V)(size_t outputs, const uint8_t *code, uint8_t pixel, const float *gradient,             \
                          const float *weights, float *x, size_t stride) {                                             \
        V sums[9] = {0};                                                                                               \
        for (size_t o = 0; o < outputs; o += 64) {                                                                     \
            uint64_t bits = 0;                                                                                         \
            for (size_t part = 0; part < 64 && o + part < outputs; part += 16)                                         \
                bits |= matches(code + o + part, pixel) << part;                                                       \
            for (; bits; bits &= bits - 1) {                                                                           \
                size_t index = o + (size_t)__builtin_ctzll(bits);                                                      \
                const float *w = weights + index * 144;                                                                \
                V g = gradient[index] - (V){0};                                                                        \
                UNROLL for (size_t tap = 0; tap < 9; tap++)                                                            \
                    sums[tap] = couplet_fma(g, *(const V *)(w + 16 * tap), sums[tap]);                                 \
            }                                                                                                          \
        }                                                                                                              \
        UNROLL for (size_t tap = 0; tap < 9; tap++) *(V *)(x + tap / 3 * stride + tap % 3 * 16) += sums[tap];          \
    }

POOLED_INPUT_TILE(wide) POOLED_INPUT_TILE(slim)

void NAME(couplet_convolve_input_pooled)(size_t rows, size_t columns, size_t outputs,
                                                  const uint8_t *restrict code, const float *restrict gradient,
                                                  const float *restrict weights, size_t x_rows, size_t x_columns,
                                                  float *restrict x) {
    size_t stride = x_columns * 16;
    int has_wide = COUPLET_WIDTH == 16;
    memset(x, 0, x_rows * stride * sizeof(float));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++, code += outputs, gradient += outputs)
            for (size_t pixel = 0; pixel < 4; pixel++) {
                float *corner = x + (2 * i + pixel / 2) * stride + (2 * j + pixel % 2) * 16;
                if (has_wide) {
                    NAME(pooled_input_wide)(outputs, code, (uint8_t)pixel, gradient, weights, corner, stride);
                } else {
                    NAME(pooled_input_slim)(outputs, code, (uint8_t)pixel, gradient, weights, corner, stride);
                    NAME(pooled_input_slim)(outputs, code, (uint8_t)pixel, gradient, weights + 8, corner + 8, stride);
                }
            }
}

#endif
