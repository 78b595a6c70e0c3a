#include "convolution.h"

// Fewest channels and outputs for which 16 products and their transforms take less time than the direct sum, and the
// most, for which the packed weights of a product are one piece.
#define LEAST_WINOGRAD_CHANNELS 32
#define MOST_WINOGRAD_CHANNELS 2048

int couplet_convolution_method(const couplet_convolution *s) {
    if (s->groups == s->channels && s->groups == s->outputs && s->groups > 1) return COUPLET_DEPTHWISE;
    const size_t least = couplet_smaller(s->channels, s->outputs), most = couplet_larger(s->channels, s->outputs);
    if (s->groups != 1 || s->kernel_height != 3 || s->kernel_width != 3 || least < LEAST_WINOGRAD_CHANNELS ||
        most > MOST_WINOGRAD_CHANNELS)
        return COUPLET_DIRECT;
    // A row of one pixel would waste half of each tile.
    const int is_image = couplet_output_rows(s) > 1 && couplet_output_columns(s) > 1;
    const int steps = s->stride_height == 1 && s->stride_width == 1;
    const int strides =
        s->stride_height == 2 && s->stride_width == 2 && s->padding_height == 1 && s->padding_width == 1;
    return is_image && (steps || strides) ? COUPLET_WINOGRAD : COUPLET_DIRECT;
}

size_t couplet_convolution_scratch_count(const couplet_convolution *s) {
    switch (couplet_convolution_method(s)) {
    case COUPLET_WINOGRAD:
        return couplet_winograd_scratch_count(s);
    case COUPLET_DEPTHWISE:
        return 2 * s->kernel_height * s->kernel_width * s->channels;
    default:
        return couplet_direct_scratch_count(s);
    }
}

void couplet_convolution_forward(const couplet_convolution *s, size_t images, const float *x, const float *weight,
                                 const couplet_epilogue *epilogue, float *y, float *scratch) {
    switch (couplet_convolution_method(s)) {
    case COUPLET_WINOGRAD:
        couplet_winograd_forward(s, images, x, weight, epilogue, y, scratch);
        break;
    case COUPLET_DEPTHWISE:
        couplet_depthwise_forward(s, images, x, weight, epilogue, y, scratch);
        break;
    default:
        couplet_direct_forward(s, images, x, weight, epilogue, y, scratch);
    }
}

void couplet_convolution_weight_gradient(const couplet_convolution *s, size_t images, const float *x,
                                         const float *y_gradient, float *weight_gradient, float *scratch) {
    switch (couplet_convolution_method(s)) {
    case COUPLET_WINOGRAD:
        couplet_winograd_weight_gradient(s, images, x, y_gradient, weight_gradient, scratch);
        break;
    case COUPLET_DEPTHWISE:
        couplet_depthwise_weight_gradient(s, images, x, y_gradient, weight_gradient, scratch);
        break;
    default:
        couplet_direct_weight_gradient(s, images, x, y_gradient, weight_gradient, scratch);
    }
}

void couplet_convolution_input_gradient(const couplet_convolution *s, size_t images, const float *weight,
                                        const float *y_gradient, float *x_gradient, float *scratch) {
    switch (couplet_convolution_method(s)) {
    case COUPLET_WINOGRAD:
        couplet_winograd_input_gradient(s, images, weight, y_gradient, x_gradient, scratch);
        break;
    case COUPLET_DEPTHWISE:
        couplet_depthwise_input_gradient(s, images, weight, y_gradient, x_gradient, scratch);
        break;
    default:
        couplet_direct_input_gradient(s, images, weight, y_gradient, x_gradient, scratch);
    }
}
