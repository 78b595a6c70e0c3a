// couplet_network.h
#include "arena.h"

// Images of 2 r × 2 k pixels, cut so that they fit into the arena.
static size_t rows(void) {
    return 1 + r % 4;
}
static size_t columns(void) {
    return 1 + k % 5;
}
static size_t channels(void) {
    return 16 * (1 + c % 2);
}

void digest_layers(void) {
    DIGEST(couplet_bias_identity, couplet_bias_identity(r, c, a.f[0], a.f[1]))
    DIGEST(couplet_bias_relu, couplet_bias_relu(r, c, a.f[0], a.f[1]))
    DIGEST(couplet_bias_leaky_relu, couplet_bias_leaky_relu(r, c, a.f[0], 0.1f, a.f[1]))
    DIGEST(couplet_bias_tanh, couplet_bias_tanh(r, c, a.f[0], a.f[1]))
    DIGEST(couplet_bias_gelu, couplet_bias_gelu(r, c, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_sum, couplet_sum(r * c, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_sum_relu, couplet_sum_relu(r * c, a.f[0], a.f[1], a.f[0]))
    DIGEST(couplet_sum_leaky_relu, couplet_sum_leaky_relu(r * c, a.f[0], a.f[1], 0.1f, a.f[2]))
    DIGEST(couplet_backward_identity, couplet_backward_identity(r, c, a.f[0], a.f[1]))
    DIGEST(couplet_backward_relu, couplet_backward_relu(r, c, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_backward_leaky_relu, couplet_backward_leaky_relu(r, c, a.f[0], 0.1f, a.f[1], a.f[2]))
    DIGEST(couplet_backward_tanh, couplet_backward_tanh(r, c, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_backward_gelu, couplet_backward_gelu(r, c, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_convolve, {
        const size_t in = 1 + k % 4;
        couplet_convolve(2 * rows(), 2 * columns(), in, channels(), a.f[0], (2 * columns() + 2) * in, a.f[1], a.f[2]);
    })
    DIGEST(couplet_bias_relu_max_pool,
           couplet_bias_relu_max_pool(columns(), channels(), a.f[0], a.f[1], a.f[2], a.codes[0]))
    DIGEST(couplet_relu_backward_from_code,
           couplet_relu_backward_from_code(1 + r % 9, channels(), a.codes[0], a.f[0], a.f[1]))
    DIGEST(couplet_max_unpool, couplet_max_unpool(columns(), channels(), a.codes[0], a.f[0], a.f[1]))
    DIGEST(couplet_convolve_weights, {
        const size_t in = 1 + k % 4;
        couplet_convolve_weights(2 * rows(), 2 * columns(), in, channels(), a.f[0], (2 * columns() + 2) * in, a.f[1],
                                 a.f[2]);
    })
    DIGEST(couplet_convolve_weights_pooled,
           couplet_convolve_weights_pooled(rows(), columns(), 16, 7, 16, a.f[0], (2 * columns() + 2) * 16, a.codes[0],
                                           a.f[1], a.f[2]))
    DIGEST(couplet_convolve_input_pooled,
           couplet_convolve_input_pooled(rows(), columns(), 7, a.codes[0], a.f[0], a.f[1], 2 * rows() + 2,
                                         2 * columns() + 2, a.f[2]))
    DIGEST(couplet_copy_rows, couplet_copy_rows(r, c, a.f[0], stride, a.f[1], c + 1))
    DIGEST(couplet_transpose, couplet_transpose(r, c, a.f[0], stride, a.f[1], r + 1))
}
