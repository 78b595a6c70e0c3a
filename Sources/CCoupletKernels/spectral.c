// Eigenvalues of symmetric matrices and singular values.
#ifndef COUPLET_SET
#include "couplet_linear_algebra.h"

// The distance from 1 to the next Double, and a magnitude that is negligible beside entries near 1.
#define EPSILON 0x1p-52
#define NEGLIGIBLE 0x1p-480
// Largest number of iterations for one value.
#define MOST_ITERATIONS 80
#define magnitude(x) __builtin_fabs(x)

#define rotation NAME(rotation)
#define rotate_rows NAME(rotate_rows)
#define rotate_pair NAME(rotate_pair)
#define least_entry NAME(least_entry)
#define tridiagonalise NAME(tridiagonalise)
#define bidiagonalise NAME(bidiagonalise)
#define COUPLET_KERNELS "spectral.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_symmetric_eigenvalues)
COUPLET_DISPATCH(couplet_singular_values)

#else

#include "couplet_double_rows.h"

// The length of (x, y), with its cosine and sine. If both are negligible, (1, 0) and x.
COUPLET_INLINE double rotation(double x, double y, double *cosine, double *sine) {
    const double square = x * x + y * y;
    if (!(square > NEGLIGIBLE)) {
        *cosine = 1, *sine = 0;
        return x;
    }
    const double length = __builtin_sqrt(square);
    *cosine = x / length, *sine = y / length;
    return length;
}

// For j = 0 … count - 1: (row j, row j + 1) = (c_j row j + s_j row j+1, c_j row j+1 - s_j row j), where row j is `step`
// numbers after row j - 1.
static void rotate_rows(size_t columns, size_t count, double *first, ptrdiff_t step, const double *cosines,
                        const double *sines) {
    enum { strip = 32 };
    size_t start = 0;
    for (; start + strip <= columns; start += strip) {
        double *row = first + start;
        double carried[strip];
        memcpy(carried, row, sizeof carried);
        for (size_t j = 0; j < count; j++) {
            const double c = cosines[j], s = sines[j];
            const double *next = row + step;
            for (size_t i = 0; i < strip; i++) {
                const double x = carried[i], y = next[i];
                row[i] = c * x + s * y;
                carried[i] = c * y - s * x;
            }
            row += step;
        }
        memcpy(row, carried, sizeof carried);
    }
    if (start == columns) return;
    double *row = first;
    for (size_t j = 0; j < count; j++) {
        const double c = cosines[j], s = sines[j];
        double *next = row + step;
        for (size_t i = start; i < columns; i++) {
            const double x = row[i], y = next[i];
            row[i] = c * x + s * y;
            next[i] = c * y - s * x;
        }
        row = next;
    }
}

static void rotate_pair(size_t columns, double *a, double *b, double cosine, double sine) {
    for (size_t i = 0; i < columns; i++) {
        const double x = a[i], y = b[i];
        a[i] = cosine * x + sine * y;
        b[i] = cosine * y - sine * x;
    }
}

// Half the rounding error of a matrix with these diagonals. Smaller entries count as zero.
static double least_entry(size_t count, const double *diagonal, const double *off_diagonal) {
    double least = NEGLIGIBLE;
    for (size_t i = 0; i < count; i++) {
        const double size = EPSILON / 2 * (magnitude(diagonal[i]) + magnitude(off_diagonal[i]));
        least = size > least ? size : least;
    }
    return least;
}

// MARK: Symmetric matrices

// A = Q T Qᵀ. Row k of `a` keeps the vector of reflection k from entry k + 1 on; `other` has `order` numbers.
static void tridiagonalise(size_t order, double *a, double *diagonal, double *off_diagonal, double *factors,
                           double *other) {
    for (size_t k = 0; k + 1 < order; k++) {
        double *v = a + k * order;
        diagonal[k] = v[k];
        const size_t first = k + 1, rest = order - first;
        off_diagonal[k] = reflector(rest, v + first, factors + k);
        const double factor = factors[k];
        if (factor == 0) continue;
        // With w = factor (A v - ½ factor (vᵀ A v) v): H A H = A - v wᵀ - w vᵀ, which stays exactly symmetric.
        for (size_t i = first; i < order; i++) other[i] = factor * row_dot(rest, a + i * order + first, v + first);
        row_add(rest, -0.5 * factor * row_dot(rest, other + first, v + first), v + first, other + first);
        for (size_t i = first; i < order; i++) {
            const double x = v[i], y = other[i];
            double *restrict row = a + i * order;
            const double *restrict vector = v, *restrict product = other;
            for (size_t j = first; j < order; j++) row[j] -= x * product[j] + y * vector[j];
        }
    }
    diagonal[order - 1] = a[order * order - 1];
    off_diagonal[order - 1] = factors[order - 1] = 0;
}

int NAME(couplet_symmetric_eigenvalues)(size_t order, double *a, double *d, double *work) {
    if (order == 0) return 0;
    const double power = scale_entries(order * order, a);
    double *z = work, *e = z + order * order, *cosines = e + order, *sines = cosines + order;
    double *factors = sines + order, *other = factors + order;
    tridiagonalise(order, a, d, e, factors, other);
    apply_reflectors(order, order, order - 1, 1, a, factors, z);

    const double least = least_entry(order, d, e);
    for (size_t l = 0; l < order; l++) {
        for (int iteration = 0;; iteration++) {
            size_t m = l;
            for (; m + 1 < order; m++)
                if (magnitude(e[m]) <= EPSILON * (magnitude(d[m]) + magnitude(d[m + 1])) || magnitude(e[m]) <= least)
                    break;
            if (m == l) break;
            if (iteration == MOST_ITERATIONS) return 1;
            // The eigenvalue of the leading 2 × 2 block that is nearer to d[l].
            double g = (d[l + 1] - d[l]) / (2 * e[l]), r = __builtin_sqrt(g * g + 1);
            g = d[m] - d[l] + e[l] / (g < 0 ? g - r : g + r);
            double s = 1, c = 1, p = 0;
            size_t count = 0, i = m;
            while (i-- > l) {
                const double f = s * e[i], b = c * e[i];
                r = rotation(g, f, &c, &s);
                e[i + 1] = r;
                g = d[i + 1] - p;
                const double t = (d[i] - g) * s + 2 * c * b;
                p = s * t;
                d[i + 1] = g + p;
                g = c * t - b;
                cosines[count] = c, sines[count] = s, count++;
            }
            d[l] -= p, e[l] = g, e[m] = 0;
            rotate_rows(order, count, z + m * order, -(ptrdiff_t)order, cosines, sines);
        }
    }
    for (size_t i = 0; i < order; i++) d[i] *= power;
    memcpy(a, z, order * order * sizeof(double));
    return 0;
}

// MARK: Singular values

// A = U B Vᵀ with B upper bidiagonal. Row k of `left` and of `right` keeps the vector of reflection k, from entry k and
// k + 1 on. `products` has `columns` numbers.
static void bidiagonalise(size_t rows, size_t columns, double *a, double *left, double *left_factors, double *right,
                          double *right_factors, double *diagonal, double *off_diagonal, double *products) {
    for (size_t k = 0; k < columns; k++) {
        double *v = left + k * rows, *u = right + k * columns;
        const size_t rest = columns - k - 1;
        for (size_t i = k; i < rows; i++) v[i] = a[i * columns + k];
        diagonal[k] = reflector(rows - k, v + k, left_factors + k);
        off_diagonal[k] = right_factors[k] = 0;
        if (rest == 0) continue;
        // The row k of the product comes first, because it decides the reflection from the right.
        double *restrict row = a + k * columns + k + 1, *restrict sums = products;
        const double factor = left_factors[k];
        memset(sums, 0, rest * sizeof(double));
        if (factor != 0) {
            for (size_t i = k; i < rows; i++) row_add(rest, v[i], a + i * columns + k + 1, sums);
            row_add(rest, -factor * v[k], sums, row);
        }
        memcpy(u + k + 1, row, rest * sizeof(double));
        off_diagonal[k] = reflector(rest, u + k + 1, right_factors + k);
        for (size_t i = k + 1; i < rows; i++) {
            row = a + i * columns + k + 1;
            if (factor != 0) row_add(rest, -factor * v[i], sums, row);
            if (right_factors[k] != 0) row_add(rest, -right_factors[k] * row_dot(rest, row, u + k + 1), u + k + 1, row);
        }
    }
}

int NAME(couplet_singular_values)(size_t rows, size_t columns, double *a, double *u, double *d, double *v,
                                  double *work) {
    if (columns == 0) return 0;
    const double power = scale_entries(rows * columns, a);
    double *left = work, *right = left + columns * rows, *e = right + columns * columns;
    double *left_factors = e + columns, *right_factors = left_factors + columns, *products = right_factors + columns;
    double *left_cosines = products + columns, *left_sines = left_cosines + columns;
    double *right_cosines = left_sines + columns, *right_sines = right_cosines + columns;
    bidiagonalise(rows, columns, a, left, left_factors, right, right_factors, d, e, products);
    apply_reflectors(columns, rows, columns, 0, left, left_factors, u);
    apply_reflectors(columns, columns, columns - 1, 1, right, right_factors, v);

    const double least = least_entry(columns, d, e);
    int iteration = 0;
    for (size_t p = columns; p > 0;) {
        // The block k … p - 1 has no negligible entry above its diagonal.
        size_t k = p - 1;
        for (; k > 0; k--)
            if (magnitude(e[k - 1]) <= EPSILON * (magnitude(d[k - 1]) + magnitude(d[k])) ||
                magnitude(e[k - 1]) <= least) {
                e[k - 1] = 0;
                break;
            }
        if (k == p - 1) {
            p--, iteration = 0;
            continue;
        }
        if (iteration++ == MOST_ITERATIONS) return 1;
        // Rotations move the row, or column, of a zero on the diagonal out of the block.
        size_t zero = p;
        for (size_t i = p; i-- > k;) {
            const double near = (i + 1 < p ? magnitude(e[i]) : 0) + (i > k ? magnitude(e[i - 1]) : 0);
            if (magnitude(d[i]) <= EPSILON * near || magnitude(d[i]) <= least) {
                zero = i;
                break;
            }
        }
        double c, s;
        if (zero == p - 1) {
            d[zero] = 0;
            double f = e[p - 2];
            e[p - 2] = 0;
            for (size_t j = p - 1; j-- > k;) {
                d[j] = rotation(d[j], f, &c, &s);
                if (j > k) f = -s * e[j - 1], e[j - 1] *= c;
                rotate_pair(columns, v + j * columns, v + (p - 1) * columns, c, s);
            }
            continue;
        }
        if (zero < p) {
            d[zero] = 0;
            double f = e[zero];
            e[zero] = 0;
            for (size_t j = zero + 1; j < p; j++) {
                d[j] = rotation(d[j], f, &c, &s);
                if (j + 1 < p) f = -s * e[j], e[j] *= c;
                rotate_pair(rows, u + j * rows, u + zero * rows, c, s);
            }
            continue;
        }
        // The shift is the eigenvalue of the last 2 × 2 block of BᵀB that is nearer to its last entry.
        double scale = 0;
        const double entries[] = {d[p - 1], d[p - 2], e[p - 2], d[k], e[k]};
        for (int i = 0; i < 5; i++) scale = magnitude(entries[i]) > scale ? magnitude(entries[i]) : scale;
        const double last = d[p - 1] / scale, before = d[p - 2] / scale, between = e[p - 2] / scale;
        const double first = d[k] / scale, beside = e[k] / scale;
        const double half = ((before + last) * (before - last) + between * between) / 2, cross = last * between;
        double shift = 0;
        if (half != 0 || cross != 0) {
            const double root = __builtin_sqrt(half * half + cross * cross);
            shift = cross * cross / (half < 0 ? half - root : half + root);
        }
        double f = (first + last) * (first - last) + shift, g = first * beside;
        for (size_t j = k; j + 1 < p; j++) {
            double length = rotation(f, g, &c, &s);
            if (j > k) e[j - 1] = length;
            right_cosines[j] = c, right_sines[j] = s;
            f = c * d[j] + s * e[j];
            e[j] = c * e[j] - s * d[j];
            g = s * d[j + 1];
            d[j + 1] = c * d[j + 1];
            d[j] = rotation(f, g, &c, &s);
            left_cosines[j] = c, left_sines[j] = s;
            f = c * e[j] + s * d[j + 1];
            d[j + 1] = c * d[j + 1] - s * e[j];
            g = s * e[j + 1];
            e[j + 1] = c * e[j + 1];
        }
        e[p - 2] = f;
        rotate_rows(columns, p - 1 - k, v + k * columns, (ptrdiff_t)columns, right_cosines + k, right_sines + k);
        rotate_rows(rows, p - 1 - k, u + k * rows, (ptrdiff_t)rows, left_cosines + k, left_sines + k);
    }
    for (size_t i = 0; i < columns; i++) {
        if (d[i] < 0) {
            d[i] = -d[i];
            for (size_t j = 0; j < columns; j++) v[i * columns + j] = -v[i * columns + j];
        }
        d[i] *= power;
    }
    return 0;
}

#endif
