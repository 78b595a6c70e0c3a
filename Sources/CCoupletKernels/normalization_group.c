#ifndef COUPLET_SET
#include "couplet_normalization.h"
#include "couplet_product.h"
#define COUPLET_KERNELS "normalization_group.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_group_norm)
COUPLET_DISPATCH(couplet_group_norm_backward)

#else

#include "normalization_channels.h"

// The numbers of one sample, one a channel, in the scratch memory; `sums` are two.
#undef divide_scratch
#define divide_scratch NAME(divide_scratch)
#ifndef COUPLET_GROUP_SCRATCH
#define COUPLET_GROUP_SCRATCH
typedef struct {
    couplet_channel_sums sums, parameter_sums;
    float *block_sums, *mean, *factor, *constant, *linear;
} couplet_group_scratch;
#endif
static couplet_group_scratch divide_scratch(float *scratch, size_t channels) {
    double *wide = couplet_aligned_doubles(scratch);
    float *narrow = (float *)(wide + 4 * channels);
    return (couplet_group_scratch){{wide, wide + channels},
                                   {wide + 2 * channels, wide + 3 * channels},
                                   narrow,
                                   narrow + 2 * channels,
                                   narrow + 3 * channels,
                                   narrow + 4 * channels,
                                   narrow + 5 * channels};
}

void NAME(couplet_group_norm)(size_t samples, size_t positions, size_t channels, size_t groups, const float *x,
                              float epsilon, const float *weight, const float *bias, int activation, float slope,
                              float *y, float *mean, float *inverse, float *scratch) {
    const couplet_group_scratch s = divide_scratch(scratch, channels);
    const size_t size = channels / groups;
    const double number = (double)positions;
    for (size_t sample = 0; sample < samples; sample++) {
        channel_moments(positions, channels, x, s.sums, s.block_sums);
        for (size_t group = 0; group < groups; group++) {
            const size_t start = group * size, end = start + size;
            double sum = 0, square = 0;
            for (size_t c = start; c < end; c++) sum += (double)x[c] + s.sums.first[c] / number;
            const double middle = sum / (double)size;
            // Of each channel the squares around its own mean, then those of its mean around that of the group.
            for (size_t c = start; c < end; c++) {
                const double own = s.sums.first[c] / number, distance = ((double)x[c] - middle) + own;
                square += (s.sums.second[c] - own * s.sums.first[c]) + number * distance * distance;
            }
            const double variance = (square < 0 ? 0 : square) / (number * (double)size);
            mean[group] = (float)middle;
            inverse[group] = (float)(1 / __builtin_elementwise_sqrt(variance + (double)epsilon));
            for (size_t c = start; c < end; c++) {
                s.mean[c] = mean[group];
                s.factor[c] = weight[c] * inverse[group];
            }
        }
        const couplet_channel_map map = {positions, channels, x, s.mean, s.factor, bias, activation, slope};
        normalize_channels(&map, y);
        x += positions * channels, y += positions * channels, mean += groups, inverse += groups;
    }
}

void NAME(couplet_group_norm_backward)(size_t samples, size_t positions, size_t channels, size_t groups, const float *x,
                                       const float *mean, const float *inverse, const float *weight, const float *bias,
                                       int activation, float slope, const float *gradient, float *weight_gradient,
                                       float *bias_gradient, float *dx, float *scratch) {
    const couplet_group_scratch s = divide_scratch(scratch, channels);
    const size_t size = channels / groups;
    const double number = (double)(positions * size);
    for (size_t c = 0; c < channels; c++) s.parameter_sums.first[c] = s.parameter_sums.second[c] = 0;
    for (size_t sample = 0; sample < samples; sample++) {
        for (size_t c = 0; c < channels; c++) {
            s.mean[c] = mean[c / size];
            s.factor[c] = weight[c] * inverse[c / size];
        }
        const couplet_channel_map map = {positions, channels, x, s.mean, s.factor, bias, activation, slope};
        gradient_sums(&map, gradient, s.sums, s.block_sums);
        for (size_t group = 0; group < groups; group++) {
            const size_t start = group * size, end = start + size;
            const double deviation = (double)inverse[group];
            double sum = 0, product = 0;
            for (size_t c = start; c < end; c++) {
                sum += (double)weight[c] * s.sums.first[c];
                product += (double)weight[c] * s.sums.second[c];
                s.parameter_sums.first[c] += s.sums.first[c];
                s.parameter_sums.second[c] += s.sums.second[c] * deviation;
            }
            const float constant = (float)(-deviation * sum / number);
            const float linear = (float)(-deviation * deviation * deviation * product / number);
            for (size_t c = start; c < end; c++) s.constant[c] = constant, s.linear[c] = linear;
        }
        if (dx) {
            input_gradient(&map, gradient, s.constant, s.linear, dx);
            dx += positions * channels;
        }
        x += positions * channels, gradient += positions * channels, mean += groups, inverse += groups;
    }
    for (size_t c = 0; c < channels; c++) {
        weight_gradient[c] = (float)s.parameter_sums.second[c];
        bias_gradient[c] = (float)s.parameter_sums.first[c];
    }
}

#endif
