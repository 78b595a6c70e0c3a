#ifndef COUPLET_SET
#include "couplet_pairs.h"

// Lane l holds a number of matrix l of COUPLET_CONDITION_LANES matrices. No operation combines lanes.
typedef double doubles __attribute__((vector_size(8 * COUPLET_CONDITION_LANES), aligned(8)));
typedef int64_t masks __attribute__((vector_size(8 * COUPLET_CONDITION_LANES), aligned(8)));

#define store_lanes NAME(store_lanes)
#define COUPLET_KERNELS "pairs.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_map_rows)
COUPLET_DISPATCH(couplet_scale_bytes)
COUPLET_DISPATCH(couplet_scale_shift)
COUPLET_DISPATCH(couplet_first_not_finite)
COUPLET_DISPATCH(couplet_perturb_style)
COUPLET_DISPATCH(couplet_condition_numbers)

void couplet_unit_columns(size_t size, const float *uniforms, float *matrix) {
    for (size_t column = 0; column < size; column++) {
        // The squares are exact, so the sum has the same bits with and without fused multiply-add.
        double sum = 0;
        for (size_t row = 0; row < size; row++) {
            double entry = 2.0 * uniforms[row * size + column] - 1.0;
            sum += entry * entry;
        }
        double scale = 1.0 / __builtin_sqrt(sum);
        for (size_t row = 0; row < size; row++)
            matrix[row * size + column] = (float)((2.0 * uniforms[row * size + column] - 1.0) * scale);
    }
}

#else

// Stores the first `width` of 16 lanes in copies of constant size, because a call of memcpy costs more than the copy.
COUPLET_INLINE void store_lanes(float *y, const float *lanes, size_t width) {
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

void NAME(couplet_map_rows)(size_t rows, size_t inner, size_t columns, const float *x, size_t stride,
                            const float *factor, float *y) {
    for (size_t first = 0; first < columns; first += COUPLET_LANES) {
        const float *block = factor + first * inner;
        size_t width = columns - first < COUPLET_LANES ? columns - first : COUPLET_LANES;
        for (size_t row = 0; row < rows; row++) {
            float lanes[COUPLET_LANES] = {0};
            for (size_t k = 0; k < inner; k++)
                for (int lane = 0; lane < COUPLET_LANES; lane++)
                    lanes[lane] = couplet_fma(x[row * stride + k], block[k * COUPLET_LANES + lane], lanes[lane]);
            store_lanes(y + row * columns + first, lanes, width);
        }
    }
}

void NAME(couplet_scale_bytes)(size_t count, const uint8_t *bytes, float scale, float shift, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = couplet_fma((float)bytes[i], scale, shift);
}

void NAME(couplet_scale_shift)(size_t count, const float *x, float scale, float shift, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = couplet_fma(x[i], scale, shift);
}

size_t NAME(couplet_first_not_finite)(size_t count, const float *x) {
    // Finds the largest exponent of each block without a branch.
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

void NAME(couplet_perturb_style)(size_t rows, size_t columns, const float *mean, const float *uniforms,
                                 size_t uniform_stride, float probability, size_t stride, float *restrict style,
                                 float *restrict perturbed) {
    for (size_t row = 0; row < rows; row++)
        for (size_t k = 0; k < columns; k++) {
            float value = style[row * stride + k] + mean[k], change = perturbed[row * stride + k];
            style[row * stride + k] = value;
            perturbed[row * stride + k] = value + (uniforms[row * uniform_stride + k] < probability ? change : 0.0f);
        }
}

// MARK: Condition numbers

#define ALL(x) ((doubles){0} + (x))
#define SELECT(mask, a, b) ((doubles)(((mask) & (masks)(a)) | (~(mask) & (masks)(b))))

void NAME(couplet_condition_numbers)(size_t size, const float *matrices, double *work, double *conditions) {
    doubles *a = (doubles *)work, *g = a + size * size, *v = g + size * size, *w = v + size, *diagonal = w + size,
            *off_diagonal = diagonal + size;
    // a = Aᵀ, so the loop below multiplies contiguous rows.
    for (size_t k = 0; k < size; k++)
        for (size_t i = 0; i < size; i++)
            for (size_t lane = 0; lane < COUPLET_CONDITION_LANES; lane++)
                a[i * size + k][lane] = matrices[(lane * size + k) * size + i];

    // The lower half of G = AᵀA.
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j <= i; j++) {
            doubles sum = {0};
            for (size_t k = 0; k < size; k++) sum += a[i * size + k] * a[j * size + k];
            g[i * size + j] = sum;
        }

    // Householder reflections make G tridiagonal, column by column. Bisection needs only the squares of the
    // off-diagonal entries.
    for (size_t k = 0; k + 1 < size; k++) {
        doubles top = g[(k + 1) * size + k], rest = {0};
        for (size_t i = k + 2; i < size; i++) rest += g[i * size + k] * g[i * size + k];
        diagonal[k] = g[k * size + k];
        off_diagonal[k] = top * top + rest;
        doubles length = __builtin_elementwise_sqrt(off_diagonal[k]);
        v[k + 1] = SELECT(top > 0.0, top + length, top - length);
        doubles square = v[k + 1] * v[k + 1] + rest, factor = SELECT(square > 0.0, ALL(2.0) / square, ALL(0.0)),
                along = {0};
        for (size_t i = k + 2; i < size; i++) v[i] = g[i * size + k];
        // w = G v; each entry of the lower half is used twice.
        for (size_t i = k + 1; i < size; i++) {
            doubles sum = g[i * size + i] * v[i];
            for (size_t j = k + 1; j < i; j++) {
                sum += g[i * size + j] * v[j];
                w[j] += g[i * size + j] * v[i];
            }
            w[i] = sum;
        }
        for (size_t i = k + 1; i < size; i++) {
            w[i] *= factor;
            along += w[i] * v[i];
        }
        for (size_t i = k + 1; i < size; i++) w[i] -= 0.5 * factor * along * v[i];
        for (size_t i = k + 1; i < size; i++)
            for (size_t j = k + 1; j <= i; j++) g[i * size + j] -= v[i] * w[j] + w[i] * v[j];
    }
    diagonal[size - 1] = g[size * size - 1];

    // The number of negative pivots of T - x is the number of eigenvalues of T below x. The trace bounds all
    // eigenvalues.
    doubles trace = {0};
    for (size_t i = 0; i < size; i++) trace += diagonal[i];
    doubles smallest = {0}, smallest_end = trace, largest = {0}, largest_end = trace;
    for (int halving = 0; halving < 56; halving++) {
        doubles x = 0.5 * (smallest + smallest_end), y = 0.5 * (largest + largest_end);
        doubles p = diagonal[0] - x, q = diagonal[0] - y;
        masks any = p < 0.0, all = q < 0.0;
        for (size_t i = 1; i < size; i++) {
            p = diagonal[i] - x - off_diagonal[i - 1] / SELECT(p == 0.0, ALL(1e-300), p);
            q = diagonal[i] - y - off_diagonal[i - 1] / SELECT(q == 0.0, ALL(1e-300), q);
            any |= p < 0.0;
            all &= q < 0.0;
        }
        smallest = SELECT(any, smallest, x), smallest_end = SELECT(any, x, smallest_end);
        largest = SELECT(all, largest, y), largest_end = SELECT(all, y, largest_end);
    }
    doubles ratio = __builtin_elementwise_sqrt((largest + largest_end) / (smallest + smallest_end));
    for (size_t lane = 0; lane < COUPLET_CONDITION_LANES; lane++) conditions[lane] = ratio[lane];
}

#endif
