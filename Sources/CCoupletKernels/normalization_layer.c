#ifndef COUPLET_SET
#include "couplet_normalization.h"
#define COUPLET_KERNELS "normalization_layer.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_layer_norm)
COUPLET_DISPATCH(couplet_layer_norm_backward)

#else

#include "normalization_scratch.h"

// Four rows at a time, and what is left over one at a time: the lanes of four sums are added at once, and the numbers
// of a channel are loaded once for four rows.

#undef lane_sums
#undef normalize_whole_rows
#undef whole_row_gradients
#define lane_sums NAME(lane_sums)
#define normalize_whole_rows NAME(normalize_whole_rows)
#define whole_row_gradients NAME(whole_row_gradients)

// The sums of the lanes of four vectors, each as couplet_lane_sum adds them: 16, 8, 4, 2, 1.
COUPLET_INLINE couplet_floats4 lane_sums(const couplet_floats *v) {
    couplet_floats4 quarters[4];
    COUPLET_UNROLL for (int i = 0; i < 4; i++) {
        const couplet_floats8 eight = __builtin_shufflevector(v[i], v[i], 0, 1, 2, 3, 4, 5, 6, 7) +
                                      __builtin_shufflevector(v[i], v[i], 8, 9, 10, 11, 12, 13, 14, 15);
        quarters[i] =
            __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
    }
    const couplet_floats4 pairs = __builtin_shufflevector(quarters[0], quarters[1], 0, 1, 4, 5) +
                                  __builtin_shufflevector(quarters[0], quarters[1], 2, 3, 6, 7);
    const couplet_floats4 others = __builtin_shufflevector(quarters[2], quarters[3], 0, 1, 4, 5) +
                                   __builtin_shufflevector(quarters[2], quarters[3], 2, 3, 6, 7);
    return __builtin_shufflevector(pairs, others, 0, 2, 4, 6) + __builtin_shufflevector(pairs, others, 1, 3, 5, 7);
}

// The mean is the first sum divided by the number, and then moved by the mean of the differences, so that neither it
// nor the variance suffers from a mean that is large beside the deviation.
COUPLET_INLINE void normalize_whole_rows(const int rows, size_t channels, const float *x, float epsilon,
                                         const float *weight, const float *bias, float *y, float *mean,
                                         float *inverse) {
    const float part = 1.0f / (float)channels;
    couplet_floats sums[4] = {0}, squares[4] = {0};
#define ADD(count)                                                                                                     \
    COUPLET_UNROLL for (int i = 0; i < rows; i++) sums[i] += couplet_load_up_to(x + (size_t)i * channels + c, count);
    size_t c = 0;
    for (; c + COUPLET_LANES <= channels; c += COUPLET_LANES) ADD(COUPLET_LANES)
    if (c < channels) ADD(channels - c)
#undef ADD
    couplet_floats4 center = lane_sums(sums) * part;
    COUPLET_UNROLL for (int i = 0; i < rows; i++) sums[i] = (couplet_floats){0};
#define ADD(count)                                                                                                     \
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {                                                                    \
        const couplet_floats difference =                                                                              \
            (count < COUPLET_LANES ? couplet_load_part(x + (size_t)i * channels + c, count, center[i])                 \
                                   : couplet_load(x + (size_t)i * channels + c)) -                                     \
            center[i];                                                                                                 \
        sums[i] += difference;                                                                                         \
        squares[i] = couplet_fma(difference, difference, squares[i]);                                                  \
    }
    for (c = 0; c + COUPLET_LANES <= channels; c += COUPLET_LANES) ADD(COUPLET_LANES)
    if (c < channels) ADD(channels - c)
#undef ADD
    const couplet_floats4 distance = lane_sums(sums) * part;
    couplet_floats4 variance = lane_sums(squares) * part - distance * distance;
    variance = (couplet_floats4)(~(variance < 0.0f) & (__typeof__(variance < 0.0f))variance);
    center += distance;
    const couplet_floats4 scale = 1.0f / __builtin_elementwise_sqrt(variance + epsilon);
    memcpy(mean, &center, (size_t)rows * sizeof(float));
    memcpy(inverse, &scale, (size_t)rows * sizeof(float));
#define WRITE(count)                                                                                                   \
    const couplet_floats w = couplet_load_up_to(weight + c, count), b = couplet_load_up_to(bias + c, count);           \
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {                                                                    \
        const couplet_floats difference = couplet_load_up_to(x + (size_t)i * channels + c, count) - center[i];         \
        couplet_store_up_to(y + (size_t)i * channels + c, count, couplet_fma(difference * scale[i], w, b));            \
        __builtin_prefetch(x + (size_t)(i + rows) * channels + c);                                                     \
    }
    for (c = 0; c + COUPLET_LANES <= channels; c += COUPLET_LANES) {
        WRITE(COUPLET_LANES)
    }
    if (c < channels) {
        WRITE(channels - c)
    }
#undef WRITE
}

void NAME(couplet_layer_norm)(size_t rows, size_t channels, const float *x, float epsilon, const float *weight,
                              const float *bias, float *y, float *mean, float *inverse) {
    size_t r = 0;
    for (; r + 4 <= rows; r += 4)
        normalize_whole_rows(4, channels, x + r * channels, epsilon, weight, bias, y + r * channels, mean + r,
                             inverse + r);
    for (; r < rows; r++)
        normalize_whole_rows(1, channels, x + r * channels, epsilon, weight, bias, y + r * channels, mean + r,
                             inverse + r);
}

// x̂ = (x - mean) inverse
// g = gradient weight
// dx = inverse (g - mean of g - x̂ mean of g x̂)
// The sums of the parameters' gradients begin at zero if `is_first`.
COUPLET_INLINE void whole_row_gradients(const int rows, size_t channels, const float *x, const float *mean,
                                        const float *inverse, const float *weight, const float *gradient, int is_first,
                                        float *sums, float *dx) {
    couplet_floats plain[4] = {0}, products[4] = {0};
#define ADD(count)                                                                                                     \
    const couplet_floats w = couplet_load_up_to(weight + c, count);                                                    \
    couplet_floats sum = {0}, product = {0};                                                                           \
    if (!is_first)                                                                                                     \
        sum = couplet_load_up_to(sums + c, count), product = couplet_load_up_to(sums + channels + c, count);           \
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {                                                                    \
        const couplet_floats dy = couplet_load_up_to(gradient + (size_t)i * channels + c, count);                      \
        const couplet_floats unit = (couplet_load_up_to(x + (size_t)i * channels + c, count) - mean[i]) * inverse[i];  \
        const couplet_floats g = dy * w;                                                                               \
        sum += dy;                                                                                                     \
        product = couplet_fma(dy, unit, product);                                                                      \
        plain[i] += g;                                                                                                 \
        products[i] = couplet_fma(g, unit, products[i]);                                                               \
    }                                                                                                                  \
    couplet_store_up_to(sums + c, count, sum);                                                                         \
    couplet_store_up_to(sums + channels + c, count, product);
    size_t c = 0;
    for (; c + COUPLET_LANES <= channels; c += COUPLET_LANES) {
        ADD(COUPLET_LANES)
    }
    if (c < channels) {
        ADD(channels - c)
    }
#undef ADD
    if (!dx) return;
    const float part = 1.0f / (float)channels;
    const couplet_floats4 first = lane_sums(plain) * part, second = lane_sums(products) * -part;
#define WRITE(count)                                                                                                   \
    const couplet_floats w = couplet_load_up_to(weight + c, count);                                                    \
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {                                                                    \
        const couplet_floats g = couplet_load_up_to(gradient + (size_t)i * channels + c, count) * w;                   \
        const couplet_floats unit = (couplet_load_up_to(x + (size_t)i * channels + c, count) - mean[i]) * inverse[i];  \
        const couplet_floats rest = couplet_fma(unit, couplet_broadcast(second[i]), g - first[i]);                     \
        couplet_store_up_to(dx + (size_t)i * channels + c, count, rest * inverse[i]);                                  \
        __builtin_prefetch(x + (size_t)(i + rows) * channels + c);                                                     \
        __builtin_prefetch(gradient + (size_t)(i + rows) * channels + c);                                              \
    }
    for (c = 0; c + COUPLET_LANES <= channels; c += COUPLET_LANES) {
        WRITE(COUPLET_LANES)
    }
    if (c < channels) {
        WRITE(channels - c)
    }
#undef WRITE
}

void NAME(couplet_layer_norm_backward)(size_t rows, size_t channels, const float *x, const float *mean,
                                       const float *inverse, const float *weight, const float *gradient,
                                       float *weight_gradient, float *bias_gradient, float *dx, float *scratch) {
    double *const bias_sums = couplet_aligned_doubles(scratch), *const weight_sums = bias_sums + channels;
    float *const sums = (float *)(weight_sums + channels);
    for (size_t c = 0; c < channels; c++) bias_sums[c] = weight_sums[c] = 0;
    for (size_t start = 0; start < rows; start += COUPLET_BLOCK_OF_ROWS) {
        const size_t end = rows - start < COUPLET_BLOCK_OF_ROWS ? rows : start + COUPLET_BLOCK_OF_ROWS;
        size_t r = start;
        for (; r + 4 <= end; r += 4)
            whole_row_gradients(4, channels, x + r * channels, mean + r, inverse + r, weight, gradient + r * channels,
                                r == start, sums, dx ? dx + r * channels : 0);
        for (; r < end; r++)
            whole_row_gradients(1, channels, x + r * channels, mean + r, inverse + r, weight, gradient + r * channels,
                                r == start, sums, dx ? dx + r * channels : 0);
        for (size_t c = 0; c < channels; c++) bias_sums[c] += sums[c], weight_sums[c] += sums[channels + c];
    }
    for (size_t c = 0; c < channels; c++) {
        weight_gradient[c] = (float)weight_sums[c];
        bias_gradient[c] = (float)bias_sums[c];
    }
}

#endif
