// couplet_flat_buffer.h
#include "arena.h"

void digest_flat_buffers(void) {
    DIGEST(couplet_add, couplet_add(n, a.f[0], a.f[1]))
    DIGEST(couplet_add_scaled, couplet_add_scaled(n, 0.3f, a.f[0], a.f[1]))
    DIGEST(couplet_scale, couplet_scale(n, 0.3f, a.f[0]))
    DIGEST_RESULT(couplet_dot, couplet_dot(n, a.f[0], a.f[1]))
    DIGEST_RESULT(couplet_squared_norm, couplet_squared_norm(n, a.f[0]))
    DIGEST(couplet_sgd, {
        couplet_sgd(n, a.f[0], a.f[1], a.f[2], 0.9f, 0.03f, 0.8f, 0.01f);
        couplet_sgd(n, a.f[3], a.f[4], 0, 0.9f, 0.03f, 0.0f, 0.01f);
    })
    DIGEST(couplet_adam, couplet_adam(n, a.f[0], a.f[1], a.f[2], a.p[0], 0.9f, 0.03f, 0.9f, 0.1f, 0.999f, 0.001f, 1.7f,
                                      1e-8f, 0.01f, 0.99f))
    DIGEST(couplet_lars, {
        couplet_lars(n, a.f[0], a.f[1], a.f[2], 0.03f, 0.8f, 0.01f);
        couplet_lars(n, a.f[3], a.f[4], 0, 0.03f, 0.0f, 0.01f);
    })
    DIGEST(couplet_lamb_direction, couplet_lamb_direction(n, a.f[0], a.f[1], a.f[2], a.p[0], 0.9f, 0.9f, 0.1f, 0.999f,
                                                          0.001f, 1.9f, 1.7f, 1e-6f, 0.01f))
    DIGEST(couplet_moving_average, couplet_moving_average(n, 0.1f, a.f[0], a.f[1]))
}
