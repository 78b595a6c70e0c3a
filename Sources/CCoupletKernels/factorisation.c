// Cholesky, LU and QR factorisation.
#ifndef COUPLET_SET
#include "couplet_linear_algebra.h"
#define swap_rows NAME(swap_rows)
#define COUPLET_KERNELS "factorisation.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_cholesky)
COUPLET_DISPATCH(couplet_lu)
COUPLET_DISPATCH(couplet_lu_solve)
COUPLET_DISPATCH(couplet_qr)
COUPLET_DISPATCH(couplet_arrange_vectors)

#else

#include "couplet_double_rows.h"

static void swap_rows(size_t count, double *restrict x, double *restrict y) {
    for (size_t i = 0; i < count; i++) {
        const double entry = x[i];
        x[i] = y[i], y[i] = entry;
    }
}

size_t NAME(couplet_cholesky)(size_t order, double *a) {
    for (size_t i = 0; i < order; i++) {
        double *row = a + i * order;
        for (size_t j = 0; j < i; j++) row[j] = (row[j] - row_dot(j, row, a + j * order)) / a[j * order + j];
        const double pivot = row[i] - row_dot(i, row, row);
        if (!(pivot > 0)) return i + 1;
        row[i] = __builtin_sqrt(pivot);
        for (size_t j = i + 1; j < order; j++) row[j] = 0;
    }
    return 0;
}

size_t NAME(couplet_lu)(size_t order, double *a, size_t *pivots) {
    for (size_t k = 0; k < order; k++) {
        size_t best = k;
        double largest = -1;
        for (size_t i = k; i < order; i++) {
            const double entry = a[i * order + k], magnitude = entry < 0 ? -entry : entry;
            if (magnitude > largest) largest = magnitude, best = i;
        }
        pivots[k] = best;
        // Also false for a NaN.
        if (!(largest > 0 && largest <= 1.7976931348623157e308)) return k + 1;
        if (best != k) swap_rows(order, a + k * order, a + best * order);
        for (size_t i = k + 1; i < order; i++) {
            const double factor = a[i * order + k] / a[k * order + k];
            a[i * order + k] = factor;
            row_add(order - k - 1, -factor, a + k * order + k + 1, a + i * order + k + 1);
        }
    }
    return 0;
}

void NAME(couplet_lu_solve)(size_t order, const double *factors, const size_t *pivots, size_t columns, double *b) {
    for (size_t k = 0; k < order; k++)
        if (pivots[k] != k) swap_rows(columns, b + k * columns, b + pivots[k] * columns);
    for (size_t i = 1; i < order; i++)
        for (size_t k = 0; k < i; k++) row_add(columns, -factors[i * order + k], b + k * columns, b + i * columns);
    for (size_t i = order; i-- > 0;) {
        for (size_t k = i + 1; k < order; k++)
            row_add(columns, -factors[i * order + k], b + k * columns, b + i * columns);
        for (size_t j = 0; j < columns; j++) b[i * columns + j] /= factors[i * order + i];
    }
}

void NAME(couplet_qr)(size_t rows, size_t columns, double *a, double *q_transposed, double *work) {
    double *vectors = work, *factors = work + columns * rows, *products = factors + columns;
    const double power = scale_entries(rows * columns, a);
    for (size_t k = 0; k < columns; k++) {
        double *v = vectors + k * rows;
        for (size_t i = k; i < rows; i++) v[i] = a[i * columns + k];
        a[k * columns + k] = reflector(rows - k, v + k, factors + k);
        const size_t rest = columns - k - 1;
        if (factors[k] == 0 || rest == 0) continue;
        memset(products, 0, rest * sizeof(double));
        for (size_t i = k; i < rows; i++) row_add(rest, v[i], a + i * columns + k + 1, products);
        for (size_t i = k; i < rows; i++) row_add(rest, -factors[k] * v[i], products, a + i * columns + k + 1);
    }
    apply_reflectors(columns, rows, columns, 0, vectors, factors, q_transposed);
    for (size_t k = 0; k < columns; k++) {
        for (size_t j = 0; j < k; j++) a[k * columns + j] = 0;
        for (size_t j = k; j < columns; j++) a[k * columns + j] *= power;
        if (!(a[k * columns + k] < 0)) continue;
        for (size_t j = k; j < columns; j++) a[k * columns + j] = -a[k * columns + j];
        for (size_t i = 0; i < rows; i++) q_transposed[k * rows + i] = -q_transposed[k * rows + i];
    }
}

void NAME(couplet_arrange_vectors)(size_t length, size_t count, const size_t *order, const double *vectors, double *out,
                                   size_t partner_length, const double *partners, double *partners_out) {
    for (size_t k = 0; k < count; k++) {
        const double *v = vectors + order[k] * length;
        double largest = 0, sign = 1;
        for (size_t i = 0; i < length; i++) {
            const double magnitude = v[i] < 0 ? -v[i] : v[i];
            if (magnitude > largest) largest = magnitude, sign = v[i] < 0 ? -1 : 1;
        }
        for (size_t i = 0; i < length; i++) out[i * count + k] = sign * v[i];
        if (partners)
            for (size_t i = 0; i < partner_length; i++)
                partners_out[i * count + k] = sign * partners[order[k] * partner_length + i];
    }
}

#endif
