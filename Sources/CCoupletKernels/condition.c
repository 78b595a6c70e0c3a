#include "couplet_dispatch.h"
#include "couplet_pairs.h"

// A number of each of the matrices: the lanes never meet.
typedef double lanes __attribute__((vector_size(8 * COUPLET_CONDITION_LANES), aligned(8)));
typedef int64_t masks __attribute__((vector_size(8 * COUPLET_CONDITION_LANES), aligned(8)));

#define ALL(x) ((lanes){0} + (x))
#define SELECT(mask, a, b) ((lanes)(((mask) & (masks)(a)) | (~(mask) & (masks)(b))))

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

COUPLET_KERNEL void couplet_condition_numbers(size_t size, const float *matrices, double *work, double *conditions) {
    lanes *a = (lanes *)work, *g = a + size * size, *v = g + size * size, *w = v + size, *diagonal = w + size,
          *beside = diagonal + size;
    // Aᵀ, whose rows are the columns that meet below.
    for (size_t k = 0; k < size; k++)
        for (size_t i = 0; i < size; i++)
            for (size_t lane = 0; lane < COUPLET_CONDITION_LANES; lane++)
                a[i * size + k][lane] = matrices[(lane * size + k) * size + i];

    // The lower half of G = AᵀA.
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j <= i; j++) {
            lanes sum = {0};
            for (size_t k = 0; k < size; k++) sum += a[i * size + k] * a[j * size + k];
            g[i * size + j] = sum;
        }

    // Householder: G becomes tridiagonal, column by column; of the numbers beside the diagonal only the squares are wanted.
    for (size_t k = 0; k + 1 < size; k++) {
        lanes top = g[(k + 1) * size + k], rest = {0};
        for (size_t i = k + 2; i < size; i++) rest += g[i * size + k] * g[i * size + k];
        diagonal[k] = g[k * size + k];
        beside[k] = top * top + rest;
        lanes length = __builtin_elementwise_sqrt(beside[k]);
        v[k + 1] = SELECT(top > 0.0, top + length, top - length);
        lanes square = v[k + 1] * v[k + 1] + rest, factor = SELECT(square > 0.0, ALL(2.0) / square, ALL(0.0)),
              along = {0};
        for (size_t i = k + 2; i < size; i++) v[i] = g[i * size + k];
        // w = G v, each number of the lower half used for both its places.
        for (size_t i = k + 1; i < size; i++) {
            lanes sum = g[i * size + i] * v[i];
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

    // Pivots of T - x below zero are as many as its eigenvalues below x. The trace bounds them all.
    lanes trace = {0};
    for (size_t i = 0; i < size; i++) trace += diagonal[i];
    lanes smallest = {0}, smallest_end = trace, largest = {0}, largest_end = trace;
    for (int halving = 0; halving < 56; halving++) {
        lanes x = 0.5 * (smallest + smallest_end), y = 0.5 * (largest + largest_end);
        lanes p = diagonal[0] - x, q = diagonal[0] - y;
        masks any = p < 0.0, all = q < 0.0;
        for (size_t i = 1; i < size; i++) {
            p = diagonal[i] - x - beside[i - 1] / SELECT(p == 0.0, ALL(1e-300), p);
            q = diagonal[i] - y - beside[i - 1] / SELECT(q == 0.0, ALL(1e-300), q);
            any |= p < 0.0;
            all &= q < 0.0;
        }
        smallest = SELECT(any, smallest, x), smallest_end = SELECT(any, x, smallest_end);
        largest = SELECT(all, largest, y), largest_end = SELECT(all, y, largest_end);
    }
    lanes ratio = __builtin_elementwise_sqrt((largest + largest_end) / (smallest + smallest_end));
    for (size_t lane = 0; lane < COUPLET_CONDITION_LANES; lane++) conditions[lane] = ratio[lane];
}
