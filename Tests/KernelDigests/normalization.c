// couplet_normalization.h, and the elementwise kernels of couplet_network.h that are out of place.
#include "arena.h"

#define FEW ((size_t)2 + k % 5)

void digest_normalization(void) {
    DIGEST(couplet_batch_norm_statistics,
           couplet_batch_norm_statistics(r, c, a.f[0], 1e-5f, a.f[1], a.f[2], a.f[3], a.f[4]))
    DIGEST(couplet_batch_norm_apply,
           couplet_batch_norm_apply(r, c, a.f[0], a.f[1], a.p[0], a.f[2], a.f[3], (int)(k % 3), 0.1f, a.f[5], a.f[6]))
    DIGEST(couplet_batch_norm_backward_sums,
           couplet_batch_norm_backward_sums(r, c, a.f[0], a.f[1], a.p[0], a.f[2], a.f[3], (int)(k % 3), 0.1f, a.f[5],
                                            a.f[6], a.f[7], a.f[8]))
    DIGEST(couplet_batch_norm_backward_input, {
        couplet_batch_norm_backward_input(r, c, a.f[0], a.f[1], a.p[0], a.f[2], a.f[3], (int)(k % 3), 0.1f, a.f[4],
                                          a.f[5], a.f[6], (int)(c % 2), a.f[7], a.f[8]);
    })
    DIGEST(couplet_group_norm, couplet_group_norm(FEW, r, 4 * (1 + k % 9), 1 << k % 3, a.f[0], 1e-5f, a.f[1], a.f[2],
                                                  (int)(c % 3), 0.1f, a.f[3], a.f[4], a.f[5], a.f[6]))
    DIGEST(couplet_group_norm_backward,
           couplet_group_norm_backward(FEW, r, 4 * (1 + k % 9), 1 << k % 3, a.f[0], a.f[1], a.p[0], a.f[2], a.f[3],
                                       (int)(c % 3), 0.1f, a.f[4], a.f[5], a.f[6], a.f[7], a.f[8]))
    DIGEST(couplet_layer_norm, couplet_layer_norm(r, c, a.f[0], 1e-5f, a.f[1], a.f[2], a.f[3], a.f[4], a.f[5]))
    DIGEST(couplet_layer_norm_backward,
           couplet_layer_norm_backward(r, c, a.f[0], a.f[1], a.p[0], a.f[2], a.f[3], a.f[4], a.f[5], a.f[6], a.f[7]))
    DIGEST(couplet_relu, couplet_relu(n, a.f[0], a.f[1]))
    DIGEST(couplet_leaky_relu, couplet_leaky_relu(n, a.f[0], 0.1f, a.f[1]))
    DIGEST(couplet_tanh, couplet_tanh(n, a.f[0], a.f[1]))
    DIGEST(couplet_gelu, couplet_gelu(n, a.f[0], a.f[1]))
    DIGEST(couplet_relu_gradient, couplet_relu_gradient(n, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_leaky_relu_gradient, couplet_leaky_relu_gradient(n, a.f[0], 0.1f, a.f[1], a.f[2]))
    DIGEST(couplet_tanh_gradient, couplet_tanh_gradient(n, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_gelu_gradient, couplet_gelu_gradient(n, a.f[0], a.f[1], a.f[2]))
    DIGEST(couplet_gelu_and_gradient, couplet_gelu_and_gradient(r, c, a.f[0], a.f[1], a.f[2], a.f[3]))
    DIGEST(couplet_dropout, couplet_dropout(r, c, n, 14, k, 1 << 22, 1.25f, a.f[0], a.f[1]))
}
