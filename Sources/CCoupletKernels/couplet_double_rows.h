// Operations on contiguous rows of Doubles, for the factorisations. A file of kernels includes this header in each pass
// of couplet_instruction_sets.h.
#define scale_entries NAME(scale_entries)
#define row_dot NAME(row_dot)
#define row_add NAME(row_add)
#define reflector NAME(reflector)
#define apply_reflectors NAME(apply_reflectors)

// Divides the entries by a power of two, so that the largest one lies in [1, 2): squares then neither overflow nor lose
// digits. Returns the power, 1 for a matrix of zeros.
static double scale_entries(size_t count, double *a) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) largest = __builtin_fabs(a[i]) > largest ? __builtin_fabs(a[i]) : largest;
    uint64_t bits;
    memcpy(&bits, &largest, 8);
    bits &= 0x7ff0000000000000u;
    if (bits == 0) return 1;
    double power;
    memcpy(&power, &bits, 8);
    for (size_t i = 0; i < count; i++) a[i] /= power;
    return power;
}

// Σ x[i] y[i]. Lane i mod 16 adds in order; then the lanes are added as a binary tree.
COUPLET_INLINE double row_dot(size_t count, const double *x, const double *y) {
    couplet_doubles sum = {0}, a, b;
    size_t i = 0;
    for (; i + COUPLET_LANES <= count; i += COUPLET_LANES) {
        memcpy(&a, x + i, sizeof a);
        memcpy(&b, y + i, sizeof b);
        sum += a * b;
    }
    double lanes[COUPLET_LANES];
    memcpy(lanes, &sum, sizeof lanes);
    for (size_t lane = 0; i + lane < count; lane++) lanes[lane] += x[i + lane] * y[i + lane];
    for (size_t half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

// y += factor x
COUPLET_INLINE void row_add(size_t count, double factor, const double *restrict x, double *restrict y) {
    for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}

// Turns x into the vector v of the reflection H = I - factor v vᵀ with H x = (result, 0, …, 0). A vector that is
// negligible beside 1 is left alone, with the factor 0.
static double reflector(size_t count, double *x, double *factor) {
    const double length = __builtin_sqrt(row_dot(count, x, x));
    *factor = 0;
    if (count < 2 || !(length > 0x1p-480)) return count == 1 ? x[0] : 0;
    const double first = x[0], magnitude = first < 0 ? -first : first;
    x[0] = first < 0 ? first - length : first + length;
    *factor = 1 / (length * (length + magnitude));
    return first < 0 ? length : -length;
}

// x = (the first `rows` rows of the identity of order `columns`) H_last … H_1 H_0. Vector k of the reflections is row k
// of `vectors`; its entries before k + offset count as zero.
static void apply_reflectors(size_t rows, size_t columns, size_t count, size_t offset, const double *vectors,
                             const double *factors, double *x) {
    memset(x, 0, rows * columns * sizeof(double));
    for (size_t i = 0; i < rows; i++) x[i * columns + i] = 1;
    // A block of rows uses each vector while it is in the cache.
    enum { block = 8 };
    for (size_t start = 0; start < rows; start += block) {
        const size_t end = rows - start < block ? rows : start + block;
        for (size_t k = end < offset ? 0 : end - offset; k-- > 0;) {
            if (k >= count || factors[k] == 0) continue;
            const size_t first = k + offset, length = columns - first;
            const double *v = vectors + k * columns + first;
            for (size_t i = start; i < end; i++) {
                // Earlier reflections change only entries from i on, so this one leaves rows before `first` alone.
                if (i < first) continue;
                double *row = x + i * columns + first;
                row_add(length, -factors[k] * row_dot(length, row, v), v, row);
            }
        }
    }
}
