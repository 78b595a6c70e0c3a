#include "couplet_dispatch.h"
#include "couplet_pairs.h"

// The first `width` of 16 lanes, in pieces whose sizes the compiler knows: a call of memcpy costs more than the copy.
static inline __attribute__((always_inline)) void couplet_copy_lanes(float *y, const float *lanes, size_t width) {
    if (width == COUPLET_LANES) {
        memcpy(y, lanes, COUPLET_LANES * sizeof(float));
        return;
    }
    size_t done = 0;
    if (width & 8) memcpy(y, lanes, 8 * sizeof(float)), done = 8;
    if (width & 4) memcpy(y + done, lanes + done, 4 * sizeof(float)), done += 4;
    if (width & 2) memcpy(y + done, lanes + done, 2 * sizeof(float)), done += 2;
    if (width & 1) y[done] = lanes[done];
}

COUPLET_KERNEL void couplet_map_rows(size_t rows, size_t inner, size_t columns, const float *x, size_t stride,
                                     const float *factor, float *y) {
    for (size_t first = 0; first < columns; first += COUPLET_LANES) {
        const float *block = factor + first * inner;
        size_t width = columns - first < COUPLET_LANES ? columns - first : COUPLET_LANES;
        for (size_t row = 0; row < rows; row++) {
            float lanes[COUPLET_LANES] = {0};
            for (size_t k = 0; k < inner; k++)
                for (int lane = 0; lane < COUPLET_LANES; lane++)
                    lanes[lane] += x[row * stride + k] * block[k * COUPLET_LANES + lane];
            couplet_copy_lanes(y + row * columns + first, lanes, width);
        }
    }
}

COUPLET_KERNEL void couplet_scale_bytes(size_t count, const uint8_t *bytes, float scale, float shift, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = (float)bytes[i] * scale + shift;
}

COUPLET_KERNEL void couplet_scale_shift(size_t count, const float *x, float scale, float shift, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = x[i] * scale + shift;
}

COUPLET_KERNEL size_t couplet_first_not_finite(size_t count, const float *x) {
    // A block at a time, whose worst exponent is found without a branch.
    enum { block = 1024 };
    for (size_t start = 0; start < count; start += block) {
        size_t end = count - start < block ? count : start + block;
        int32_t worst = 0;
        for (size_t i = start; i < end; i++) {
            int32_t magnitude = couplet_to_bits(x[i]) & 0x7fffffff;
            worst = magnitude > worst ? magnitude : worst;
        }
        if (worst >= 0x7f800000)
            for (size_t i = start; i < end; i++)
                if ((couplet_to_bits(x[i]) & 0x7fffffff) >= 0x7f800000) return i;
    }
    return count;
}

COUPLET_KERNEL void couplet_perturb_style(size_t rows, size_t columns, const float *mean, const float *uniforms,
                                          size_t uniform_stride, float probability, size_t stride,
                                          float *restrict style, float *restrict perturbed) {
    for (size_t row = 0; row < rows; row++)
        for (size_t k = 0; k < columns; k++) {
            float own = style[row * stride + k] + mean[k], change = perturbed[row * stride + k];
            style[row * stride + k] = own;
            perturbed[row * stride + k] = own + (uniforms[row * uniform_stride + k] < probability ? change : 0.0f);
        }
}
