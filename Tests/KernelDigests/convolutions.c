// couplet_convolution.h and couplet_pooling.h
#include "arena.h"

// Scratch, whose contents depend on the instruction set, so that it is not hashed.
static _Alignas(64) float scratch[1 << 19];

// Shapes of each method, for images that fit into the arena. The weights of 32 × 32 kernels take two buffers.
static couplet_convolution shapes[4];
static size_t shape_count(void) {
    const size_t height = 2 + r % 5, width = 2 + k % 4, odd = 1 + r % 3;
    shapes[0] = (couplet_convolution){height, width, odd, 1 + c % 9, 1 + r % 3, 2, 1 + k % 2, odd, 1, k % 2, 1};
    shapes[1] = (couplet_convolution){height, width, 32, 32, 3, 3, 1, 1, 1, r % 2, 1};
    shapes[2] = (couplet_convolution){height, width, 32, 32, 3, 3, 2, 2, 1, 1, 1};
    shapes[3] = (couplet_convolution){height, width, 2 + c, 2 + c, 3, 2, odd, 1, 1, 1, 2 + c};
    return 4;
}

static void convolutions(int forward, int weights, int back) {
    const couplet_epilogue epilogue = {a.f[9], COUPLET_LEAKY_RELU, 0.1f};
    for (size_t i = 0; i < shape_count(); i++) {
        // One with a width of 2 and no padding of rows has a single column or row: not the tiles of larger images.
        if (shapes[i].height + 2 * shapes[i].padding_height < shapes[i].kernel_height ||
            shapes[i].width + 2 * shapes[i].padding_width < shapes[i].kernel_width)
            continue;
        if (forward) couplet_convolution_forward(&shapes[i], 2, a.f[0], a.f[1], &epilogue, a.f[3], scratch);
        if (weights) couplet_convolution_weight_gradient(&shapes[i], 2, a.f[0], a.f[4], a.f[5], scratch);
        if (back) couplet_convolution_input_gradient(&shapes[i], 2, a.f[1], a.f[4], a.f[7], scratch);
    }
}

static couplet_pooling pooling(void) {
    return (couplet_pooling){3 + r % 6, 3 + k % 5, 1 + c % 40, 2 + r % 2, 3, 1 + k % 2, 2, 1, r % 2};
}

void digest_convolutions(void) {
    DIGEST(couplet_convolution_forward, convolutions(1, 0, 0))
    DIGEST(couplet_convolution_weight_gradient, convolutions(0, 1, 0))
    DIGEST(couplet_convolution_input_gradient, convolutions(0, 0, 1))
    DIGEST_RESULT(couplet_convolution_method, shape_count() + (size_t)couplet_convolution_method(&shapes[r % 4]))
    DIGEST_RESULT(couplet_convolution_scratch_count,
                  shape_count() + (couplet_convolution_scratch_count(&shapes[r % 4]) < 1 << 19))
    DIGEST(couplet_max_pool, {
        const couplet_pooling shape = pooling();
        couplet_max_pool(&shape, 1, a.f[0], a.f[1], a.codes[0]);
    })
    DIGEST(couplet_max_pool_backward, {
        const couplet_pooling shape = pooling();
        couplet_max_pool_backward(&shape, 1, a.f[0], a.codes[0], a.f[1]);
    })
    DIGEST(couplet_average_pool, {
        const couplet_pooling shape = pooling();
        couplet_average_pool(&shape, 1, 0.25f, a.f[0], a.f[1]);
    })
    DIGEST(couplet_average_pool_backward, {
        const couplet_pooling shape = pooling();
        couplet_average_pool_backward(&shape, 1, 0.25f, a.f[0], a.f[1]);
    })
    DIGEST(couplet_max_of_positions, couplet_max_of_positions(r, c, a.f[0], a.f[1], a.i))
}
