// couplet_random.h, couplet_pairs.h, couplet_drifters.h, couplet_peak.h, couplet_floating_point_mode.h,
// couplet_replay.h, couplet_resizing.h and couplet_scene.h
#include "arena.h"

void digest_sources(void) {
    DIGEST(couplet_philox, couplet_philox(17, 3, (uint64_t)n << 31, 9, r, a.w[0]))
    DIGEST(couplet_normals, couplet_normals(a.w[0], 2 * (n / 2), a.f[0]))
    DIGEST(couplet_uniforms, couplet_uniforms(a.w[0], n, a.f[0]))
    DIGEST(couplet_map_rows, couplet_map_rows(r, k, c, a.f[0], k + 1, a.f[1], a.f[2]))
    DIGEST(couplet_scale_bytes, couplet_scale_bytes(n, a.bytes, 0.003f, -0.4f, a.f[0]))
    DIGEST(couplet_scale_shift, couplet_scale_shift(n, a.f[0], 0.003f, -0.4f, a.f[1]))
    DIGEST_RESULT(couplet_first_not_finite, ({
                      a.f[0][n / 2] = __builtin_inff(), a.f[0][n - 1] = -__builtin_nanf("");
                      couplet_first_not_finite(n / 2, a.f[0]) + 1000 * couplet_first_not_finite(n, a.f[0]);
                  }))
    DIGEST(couplet_perturb_style, couplet_perturb_style(r, c, a.f[0], a.p[0], c + 1, 0.4f, stride, a.f[1], a.f[2]))
    DIGEST(couplet_unit_columns, couplet_unit_columns(1 + r % 12, a.p[0], a.f[0]))
    DIGEST(couplet_condition_numbers, {
        const size_t size = 1 + r % 8;
        static double work[COUPLET_CONDITION_LANES * (2 * 64 + 32)];
        if (couplet_condition_work(size) * sizeof(double) <= sizeof work)
            couplet_condition_numbers(size, a.f[0], work, a.d[0]);
    })
    DIGEST(couplet_drifter_positions, {
        int32_t wavenumbers[2 * 40];
        uint32_t flows[64];
        const size_t modes = 1 + r % 40, drifters = 1 + c % 64, times = 1 + k % 5;
        for (size_t m = 0; m < modes; m++)
            wavenumbers[2 * m] = (int32_t)(m % 5), wavenumbers[2 * m + 1] = (int32_t)(m / 5 % 9) - 4;
        for (size_t i = 0; i < drifters; i++) flows[i] = (uint32_t)(i * 7 % 3);
        couplet_drifter_positions(modes, wavenumbers, a.f[0], drifters, flows, a.f[1], times, 2, 0.05f, a.f[2]);
    })
    DIGEST(couplet_drifter_misfits, couplet_drifter_misfits(r, c, a.f[0], a.f[1], a.d[0]))
    DIGEST(couplet_drifter_inputs, couplet_drifter_inputs(1 + r % 64, 1 + c % 9, 1 + k % 3, 1.7f, a.f[0], a.f[1]))
    DIGEST_RESULT(couplet_resizing_memory, ({
                      const couplet_resizing shape = {1 + r, 1 + c, 1, 1 + c, 1 + k % 40, 3, 3, 0};
                      couplet_resizing_memory(&shape);
                  }))
    DIGEST(couplet_resize, {
        const size_t channels = 1 + 2 * (k % 2), height = 1 + r % 40, width = 1 + c % 60;
        const couplet_resizing shape = {height, width, channels, width * channels, 1 + k % 17, 1 + r % 19, 20, 400};
        couplet_resize(&shape, a.bytes, a.f[0], a.codes[0]);
    })
    DIGEST(couplet_render_scene, {
        // A quarter turn and an eighth turn, without rounding.
        const float s = 0.70710678f;
        const couplet_scene scene = {(int32_t)(r % COUPLET_SCENE_SHAPES),
                                     3.0f * (float)(c % 3) - 3,
                                     3.0f * (float)(k % 3) - 3,
                                     {s, 0, s, s, 0, -s, 0, 1, 0},
                                     {1, 0.5f, 0.25f},
                                     {0.5f, 1, 0.75f},
                                     {0.75f, 0.25f, 1},
                                     {4, 3, 7}};
        couplet_render_scene(&scene, 1 + k % 20, 2, a.bytes);
    })
    DIGEST_RESULT(couplet_multiply_add_6, couplet_multiply_add_6((int64_t)r))
    DIGEST_RESULT(couplet_multiply_add_12, couplet_multiply_add_12((int64_t)r))
    DIGEST_RESULT(couplet_rounds_to_nearest, couplet_rounds_to_nearest(couplet_floating_point_mode()))
    DIGEST_RESULT(couplet_floating_point_control, couplet_floating_point_control(couplet_floating_point_mode()) == 0)
    DIGEST(couplet_replayed_step, couplet_replayed_step((int64_t)r))
}
