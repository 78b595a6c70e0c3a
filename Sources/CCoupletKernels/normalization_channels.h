// Passes over rows × channels with a few numbers for each channel, for the instruction set that is being built: what
// batch and group normalisation share (couplet_normalization.h).
//
// A pass takes four rows at a time, so that the numbers of a channel are loaded once for them.

#include "normalization_scratch.h"

#undef add_moments
#undef channel_moments
#undef normalize_vector
#undef normalize_rows
#undef normalize_channels
#undef gradient_of_argument
#undef add_gradients
#undef gradient_sums_of_rows
#undef gradient_sums
#undef input_gradient_vector
#undef input_gradient_of_rows
#undef input_gradient
#define add_moments NAME(add_moments)
#define channel_moments NAME(channel_moments)
#define normalize_vector NAME(normalize_vector)
#define normalize_rows NAME(normalize_rows)
#define normalize_channels NAME(normalize_channels)
#define gradient_of_argument NAME(gradient_of_argument)
#define add_gradients NAME(add_gradients)
#define gradient_sums_of_rows NAME(gradient_sums_of_rows)
#define gradient_sums NAME(gradient_sums)
#define input_gradient_vector NAME(input_gradient_vector)
#define input_gradient_of_rows NAME(input_gradient_of_rows)
#define input_gradient NAME(input_gradient)

#ifndef COUPLET_FOR_ROWS
// f((x - mean) factor + bias), with x of rows × channels and one mean, factor and bias a channel.
typedef struct {
    size_t rows, channels;
    const float *x, *mean, *factor, *bias;
    int activation;
    float slope;
} couplet_channel_map;

// Two sums a channel, in double precision.
typedef struct {
    double *first, *second;
} couplet_channel_sums;

// Calls body(rows, channels, first row, first channel, …) for four rows and 16 channels at a time, and for what is left
// over of both. The first two arguments are constants where they are 4, 1 and 16.
#define COUPLET_FOR_CHANNELS(body, row_count, row, channels, ...)                                                      \
    {                                                                                                                  \
        size_t c_ = 0;                                                                                                 \
        for (; c_ + COUPLET_LANES <= (channels); c_ += COUPLET_LANES)                                                  \
            body(row_count, COUPLET_LANES, row, c_, __VA_ARGS__);                                                      \
        if (c_ < (channels)) body(row_count, (channels)-c_, row, c_, __VA_ARGS__);                                     \
    }
#define COUPLET_FOR_ROWS(body, start, end, channels, ...)                                                              \
    {                                                                                                                  \
        size_t row_ = (start);                                                                                         \
        for (; row_ + 4 <= (end); row_ += 4) COUPLET_FOR_CHANNELS(body, 4, row_, channels, __VA_ARGS__)                \
        for (; row_ < (end); row_++) COUPLET_FOR_CHANNELS(body, 1, row_, channels, __VA_ARGS__)                        \
    }
// call(activation) with a constant, so that no loop asks for the activation.
#define COUPLET_BY_ACTIVATION(activation, call)                                                                        \
    switch (activation) {                                                                                              \
    case COUPLET_RELU:                                                                                                 \
        call(COUPLET_RELU);                                                                                            \
        break;                                                                                                         \
    case COUPLET_LEAKY_RELU:                                                                                           \
        call(COUPLET_LEAKY_RELU);                                                                                      \
        break;                                                                                                         \
    default:                                                                                                           \
        call(COUPLET_IDENTITY);                                                                                        \
        break;                                                                                                         \
    }
#endif

// MARK: Moments

// The sums of x - shift and of its square; they begin at zero with the block's first row.
COUPLET_INLINE void add_moments(const int rows, const size_t count, size_t row, size_t c, size_t channels,
                                const float *x, size_t first_row, float *sums) {
    const couplet_floats shift = couplet_load_up_to(x + first_row * channels + c, count);
    couplet_floats sum = {0}, square = {0};
    if (row != first_row)
        sum = couplet_load_up_to(sums + c, count), square = couplet_load_up_to(sums + channels + c, count);
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        const couplet_floats difference = couplet_load_up_to(x + (row + (size_t)i) * channels + c, count) - shift;
        sum += difference;
        square = couplet_fma(difference, difference, square);
    }
    couplet_store_up_to(sums + c, count, sum);
    couplet_store_up_to(sums + channels + c, count, square);
}

// Σ (x - x[0]) and Σ (x - x[0])² of each channel. In a block, x[its first row] is taken off instead. It is one of the
// block's numbers, so its squared distance from their mean is at most the sum of all squared distances: a block of 32
// rows loses at most 5 bits of its variance. `sums` is scratch memory of 2 · channels.
static void channel_moments(size_t rows, size_t channels, const float *x, couplet_channel_sums moments, float *sums) {
    for (size_t c = 0; c < channels; c++) moments.first[c] = moments.second[c] = 0;
    for (size_t start = 0; start < rows; start += COUPLET_BLOCK_OF_ROWS) {
        const size_t end = rows - start < COUPLET_BLOCK_OF_ROWS ? rows : start + COUPLET_BLOCK_OF_ROWS;
        COUPLET_FOR_ROWS(add_moments, start, end, channels, channels, x, start, sums)
        const double number = (double)(end - start);
        for (size_t c = 0; c < channels; c++) {
            const double distance = (double)x[start * channels + c] - (double)x[c], sum = sums[c];
            moments.first[c] += sum + number * distance;
            moments.second[c] += sums[channels + c] + distance * (2 * sum + number * distance);
        }
    }
}

// MARK: Forward

COUPLET_INLINE couplet_floats NAME(activate)(const int activation, float slope, couplet_floats z) {
    const couplet_ints negative = z < 0.0f;
    if (activation == COUPLET_RELU) return (couplet_floats)(~negative & (couplet_ints)z);
    return activation == COUPLET_LEAKY_RELU ? couplet_select(negative, slope * z, z) : z;
}

// gradient · f'(z)
COUPLET_INLINE couplet_floats NAME(activation_gradient)(const int activation, float slope, couplet_floats z,
                                                        couplet_floats gradient) {
    const couplet_ints positive = z > 0.0f;
    if (activation == COUPLET_RELU) return (couplet_floats)(positive & (couplet_ints)gradient);
    return activation == COUPLET_LEAKY_RELU ? couplet_select(positive, gradient, slope * gradient) : gradient;
}

COUPLET_INLINE void normalize_vector(const int rows, const size_t count, size_t row, size_t c,
                                     const couplet_channel_map *map, const int activation, float *y) {
    const couplet_floats mean = couplet_load_up_to(map->mean + c, count),
                         factor = couplet_load_up_to(map->factor + c, count);
    const couplet_floats bias = couplet_load_up_to(map->bias + c, count);
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        const size_t at = (row + (size_t)i) * map->channels + c;
        const couplet_floats z = couplet_fma(couplet_load_up_to(map->x + at, count) - mean, factor, bias);
        couplet_store_up_to(y + at, count, NAME(activate)(activation, map->slope, z));
    }
}

COUPLET_INLINE void normalize_rows(couplet_channel_map map, const int activation, float *y) {
    COUPLET_FOR_ROWS(normalize_vector, 0, map.rows, map.channels, &map, activation, y)
}

// y = f((x - mean) factor + bias)
static void normalize_channels(const couplet_channel_map *map, float *y){
#define CALL(activation) normalize_rows(*map, activation, y)
    COUPLET_BY_ACTIVATION(map->activation, CALL)
#undef CALL
}

// MARK: Backward

// g = gradient f'(z), where z is computed again as in normalize_vector.
COUPLET_INLINE couplet_floats
    gradient_of_argument(const size_t count, size_t at, const couplet_channel_map *map, const int activation,
                         couplet_floats difference, couplet_floats factor, couplet_floats bias, const float *gradient) {
    const couplet_floats z = couplet_fma(difference, factor, bias);
    return NAME(activation_gradient)(activation, map->slope, z, couplet_load_up_to(gradient + at, count));
}

// The sums of g and g (x - mean); they begin at zero with the block's first row.
COUPLET_INLINE void add_gradients(const int rows, const size_t count, size_t row, size_t c,
                                  const couplet_channel_map *map, const int activation, const float *gradient,
                                  size_t first_row, float *sums) {
    const couplet_floats mean = couplet_load_up_to(map->mean + c, count),
                         factor = couplet_load_up_to(map->factor + c, count);
    const couplet_floats bias = couplet_load_up_to(map->bias + c, count);
    couplet_floats sum = {0}, product = {0};
    if (row != first_row)
        sum = couplet_load_up_to(sums + c, count), product = couplet_load_up_to(sums + map->channels + c, count);
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        const size_t at = (row + (size_t)i) * map->channels + c;
        const couplet_floats difference = couplet_load_up_to(map->x + at, count) - mean;
        const couplet_floats g = gradient_of_argument(count, at, map, activation, difference, factor, bias, gradient);
        sum += g;
        product = couplet_fma(g, difference, product);
    }
    couplet_store_up_to(sums + c, count, sum);
    couplet_store_up_to(sums + map->channels + c, count, product);
}

COUPLET_INLINE void gradient_sums_of_rows(couplet_channel_map map, const int activation, const float *gradient,
                                          couplet_channel_sums result, float *sums) {
    for (size_t start = 0; start < map.rows; start += COUPLET_BLOCK_OF_ROWS) {
        const size_t end = map.rows - start < COUPLET_BLOCK_OF_ROWS ? map.rows : start + COUPLET_BLOCK_OF_ROWS;
        COUPLET_FOR_ROWS(add_gradients, start, end, map.channels, &map, activation, gradient, start, sums)
        for (size_t c = 0; c < map.channels; c++) {
            result.first[c] += sums[c];
            result.second[c] += sums[map.channels + c];
        }
    }
}

// Σ g and Σ g (x - mean) of each channel. `sums` is scratch memory of 2 · channels.
static void gradient_sums(const couplet_channel_map *map, const float *gradient, couplet_channel_sums result,
                          float *sums) {
    for (size_t c = 0; c < map->channels; c++) result.first[c] = result.second[c] = 0;
#define CALL(activation) gradient_sums_of_rows(*map, activation, gradient, result, sums)
    COUPLET_BY_ACTIVATION(map->activation, CALL)
#undef CALL
}

COUPLET_INLINE void input_gradient_vector(const int rows, const size_t count, size_t row, size_t c,
                                          const couplet_channel_map *map, const int activation, const float *gradient,
                                          const float *constant, const float *linear, float *dx) {
    const couplet_floats mean = couplet_load_up_to(map->mean + c, count),
                         factor = couplet_load_up_to(map->factor + c, count);
    const couplet_floats bias = couplet_load_up_to(map->bias + c, count);
    const couplet_floats k = couplet_load_up_to(constant + c, count), l = couplet_load_up_to(linear + c, count);
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        const size_t at = (row + (size_t)i) * map->channels + c;
        const couplet_floats difference = couplet_load_up_to(map->x + at, count) - mean;
        const couplet_floats g = gradient_of_argument(count, at, map, activation, difference, factor, bias, gradient);
        couplet_store_up_to(dx + at, count, couplet_fma(g, factor, couplet_fma(difference, l, k)));
    }
}

COUPLET_INLINE void input_gradient_of_rows(couplet_channel_map map, const int activation, const float *gradient,
                                           const float *constant, const float *linear, float *dx) {
    COUPLET_FOR_ROWS(input_gradient_vector, 0, map.rows, map.channels, &map, activation, gradient, constant, linear, dx)
}

// dx = g factor + (x - mean) linear + constant
static void input_gradient(const couplet_channel_map *map, const float *gradient, const float *constant,
                           const float *linear, float *dx) {
#define CALL(activation) input_gradient_of_rows(*map, activation, gradient, constant, linear, dx)
    COUPLET_BY_ACTIVATION(map->activation, CALL)
#undef CALL
}
