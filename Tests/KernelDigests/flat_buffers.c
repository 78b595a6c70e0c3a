// couplet_flat_buffer.h and couplet_table_rows.h
#include "arena.h"
#include <string.h>

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
    DIGEST(couplet_gather_rows, {
        for (size_t i = 0; i < r; i++) a.w[0][i] = 7 + a.w[0][i] % (uint32_t)r;
        couplet_gather_rows(r, c, a.w[0], 7, a.f[0], a.f[1]);
    })
    DIGEST(couplet_scatter_rows, {
        for (size_t i = 0; i < r; i++) a.w[0][i] = 7 + a.w[0][i] % (uint32_t)r;
        couplet_scatter_rows(r, c, a.w[0], 7, a.f[0], a.f[1]);
    })
    DIGEST(couplet_add_marked_rows, {
        uint64_t from[2];
        uint64_t to[2];
        memcpy(from, a.w[0], sizeof from);
        memcpy(to, a.w[1], sizeof to);
        const uint64_t below = r < 64 ? (1ull << r) - 1 : ~0ull;
        from[0] &= below, from[1] = 0;
        couplet_add_marked_rows(2, from, to, c, a.f[0], a.f[1]);
        memcpy(a.w[0], from, sizeof from);
        memcpy(a.w[1], to, sizeof to);
    })
    DIGEST(couplet_table_row_squares, couplet_table_row_squares(r, c, a.f[0], a.d[0]))
}
