#ifndef COUPLET_SET
#include "couplet_normalization.h"
#include "couplet_product.h"
#define COUPLET_KERNELS "normalization_batch.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_batch_norm_statistics)
COUPLET_DISPATCH(couplet_batch_norm_apply)
COUPLET_DISPATCH(couplet_batch_norm_backward_sums)
COUPLET_DISPATCH(couplet_batch_norm_backward_input)

#else

#include "normalization_channels.h"

#undef sums_in
#define sums_in NAME(sums_in)
static couplet_channel_sums sums_in(float *scratch, size_t channels) {
    double *const first = couplet_aligned_doubles(scratch);
    return (couplet_channel_sums){first, first + channels};
}

void NAME(couplet_batch_norm_statistics)(size_t rows, size_t channels, const float *x, float epsilon, float *mean,
                                         float *inverse, float *variance, float *scratch) {
    const couplet_channel_sums moments = sums_in(scratch, channels);
    channel_moments(rows, channels, x, moments, (float *)(moments.second + channels));
    const double number = (double)rows, less = rows > 1 ? number - 1 : 1;
    for (size_t c = 0; c < channels; c++) {
        const double distance = moments.first[c] / number;
        double sum = moments.second[c] - distance * moments.first[c];
        sum = sum < 0 ? 0 : sum;
        mean[c] = (float)((double)x[c] + distance);
        inverse[c] = (float)(1 / __builtin_elementwise_sqrt(sum / number + (double)epsilon));
        if (variance) variance[c] = (float)(sum / less);
    }
}

void NAME(couplet_batch_norm_apply)(size_t rows, size_t channels, const float *x, const float *mean,
                                    const float *inverse, const float *weight, const float *bias, int activation,
                                    float slope, float *y, float *scratch) {
    for (size_t c = 0; c < channels; c++) scratch[c] = weight[c] * inverse[c];
    const couplet_channel_map map = {rows, channels, x, mean, scratch, bias, activation, slope};
    normalize_channels(&map, y);
}

void NAME(couplet_batch_norm_backward_sums)(size_t rows, size_t channels, const float *x, const float *mean,
                                            const float *inverse, const float *weight, const float *bias,
                                            int activation, float slope, const float *gradient, float *weight_gradient,
                                            float *bias_gradient, float *scratch) {
    const couplet_channel_sums sums = sums_in(scratch, channels);
    float *factor = (float *)(sums.second + channels);
    for (size_t c = 0; c < channels; c++) factor[c] = weight[c] * inverse[c];
    const couplet_channel_map map = {rows, channels, x, mean, factor, bias, activation, slope};
    gradient_sums(&map, gradient, sums, factor + channels);
    for (size_t c = 0; c < channels; c++) {
        weight_gradient[c] = (float)(sums.second[c] * (double)inverse[c]);
        bias_gradient[c] = (float)sums.first[c];
    }
}

void NAME(couplet_batch_norm_backward_input)(size_t rows, size_t channels, const float *x, const float *mean,
                                             const float *inverse, const float *weight, const float *bias,
                                             int activation, float slope, const float *gradient,
                                             const float *weight_gradient, const float *bias_gradient, int are_fixed,
                                             float *dx, float *scratch) {
    float *factor = scratch, *constant = factor + channels, *linear = constant + channels;
    for (size_t c = 0; c < channels; c++) {
        factor[c] = weight[c] * inverse[c];
        const double per_row = are_fixed ? 0 : -(double)factor[c] / (double)rows;
        constant[c] = (float)(per_row * (double)bias_gradient[c]);
        linear[c] = (float)(per_row * (double)inverse[c] * (double)weight_gradient[c]);
    }
    const couplet_channel_map map = {rows, channels, x, mean, factor, bias, activation, slope};
    input_gradient(&map, gradient, constant, linear, dx);
}

#endif
