// Products of Double matrices. Products and sums are not fused: a fused multiply-add of Doubles without an instruction
// takes a hundred times as long.
#ifndef COUPLET_SET
#include "couplet_linear_algebra.h"

// Blocks of the operands that stay in the second-level cache. No result depends on them.
enum { block_rows = 96, block_columns = 512, block_inner = 256 };
// Tiles of all instruction sets divide these.
enum { padded_rows = 12, padded_columns = 16 };

#define pack NAME(pack)
#define tile NAME(tile)
#define tile_of NAME(tile_of)
#define COUPLET_KERNELS "double_product.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_double_product)

static size_t padded(size_t count, size_t block, size_t multiple) {
    const size_t size = count < block ? count : block;
    return (size + multiple - 1) / multiple * multiple;
}

size_t couplet_double_product_work(size_t m, size_t n, size_t k) {
    // Either operand may take either place.
    const size_t larger = m > n ? m : n, inner = k < block_inner ? k : block_inner;
    return inner * (padded(larger, block_rows, padded_rows) + padded(larger, block_columns, padded_columns));
}

#else

// A tile of TILE_M rows and TILE_V vectors of TILE_LANES columns stays in registers.
#undef TILE_M
#undef TILE_V
#undef TILE_LANES
#if COUPLET_WIDTH == 16
#define TILE_M 12
#define TILE_V 2
#define TILE_LANES 8
#elif COUPLET_WIDTH == 8
#define TILE_M 4
#define TILE_V 2
#define TILE_LANES 4
#else
#define TILE_M 4
#define TILE_V 2
#define TILE_LANES 2
#endif
#undef TILE_N
#define TILE_N (TILE_V * TILE_LANES)
#undef lanes
#define lanes NAME(lanes)
typedef double lanes __attribute__((vector_size(8 * TILE_LANES), aligned(8)));

// Copies a block as panels of `width` rows, which are contiguous for each p; rows beyond the end are zero.
COUPLET_INLINE void pack(const size_t width, size_t rows, size_t inner, const double *x, size_t row, size_t column,
                         double *packed) {
    for (size_t first = 0; first < rows; first += width, packed += width * inner) {
        const size_t present = rows - first < width ? rows - first : width;
        const double *start = x + first * row;
        if (present == width && row == 1) {
            for (size_t p = 0; p < inner; p++)
                for (size_t i = 0; i < width; i++) packed[p * width + i] = start[p * column + i];
            continue;
        }
        for (size_t i = 0; i < present; i++)
            for (size_t p = 0; p < inner; p++) packed[p * width + i] = start[i * row + p * column];
        for (size_t i = present; i < width; i++)
            for (size_t p = 0; p < inner; p++) packed[p * width + i] = 0;
    }
}

// Adds products to a tile of c. Entry (i, p) of a is a[i · a_row + p · a_column]. The rows of b are b_row apart. `rows`
// is a constant in every call.
COUPLET_INLINE void tile(const int rows, size_t inner, const double *a, size_t a_row, size_t a_column, const double *b,
                         size_t b_row, double *c, size_t c_row) {
    lanes sum[TILE_M][TILE_V];
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        COUPLET_UNROLL for (int v = 0; v < TILE_V; v++) sum[i][v] =
            *(const lanes *)(c + (size_t)i * c_row + v * TILE_LANES);
    }
    // Three rows share an address, so that all addresses stay in registers.
    const double *a_rows[(TILE_M + 2) / 3];
    COUPLET_UNROLL for (int i = 0; i < rows; i += 3) a_rows[i / 3] = a + (size_t)i * a_row;
    for (size_t p = 0; p < inner; p++, b += b_row) {
        lanes column[TILE_V];
        COUPLET_UNROLL for (int v = 0; v < TILE_V; v++) column[v] = *(const lanes *)(b + v * TILE_LANES);
        COUPLET_UNROLL for (int i = 0; i < rows; i++) {
            const double entry = a_rows[i / 3][(size_t)(i % 3) * a_row];
            COUPLET_UNROLL for (int v = 0; v < TILE_V; v++) sum[i][v] += entry * column[v];
        }
        COUPLET_UNROLL for (int i = 0; i < rows; i += 3) a_rows[i / 3] += a_column;
    }
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        COUPLET_UNROLL for (int v = 0; v < TILE_V; v++) * (lanes *)(c + (size_t)i * c_row + v * TILE_LANES) = sum[i][v];
    }
}

#undef TILE_CASE
#define TILE_CASE(count)                                                                                               \
    case count:                                                                                                        \
        tile(count, inner, a, a_row, a_column, b, b_row, c, c_row);                                                    \
        break;
static void tile_of(size_t rows, size_t inner, const double *a, size_t a_row, size_t a_column, const double *b,
                    size_t b_row, double *c, size_t c_row) {
    switch (rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
#if TILE_M > 4
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
#endif
        TILE_CASE(TILE_M)
    }
}

void NAME(couplet_double_product)(size_t m, size_t n, size_t k, const double *a, size_t a_row, size_t a_column,
                                  const double *b, size_t b_row, size_t b_column, int accumulate, double *c,
                                  size_t c_row, double *work) {
    size_t c_column = 1;
    if (!accumulate)
        for (size_t i = 0; i < m; i++) memset(c + i * c_row, 0, n * sizeof(double));
    // Vectors run along the longer side of c. The transposed product has the same bits, as products commute.
    if (n < 8 && n < m) {
        const double *operand = a;
        a = b, b = operand;
        size_t swapped = a_row;
        a_row = b_column, b_column = swapped;
        swapped = a_column, a_column = b_row, b_row = swapped;
        swapped = m, m = n, n = swapped;
        c_column = c_row, c_row = 1;
    }
    // A copy pays only if it is read often.
    const int packs_a = n > 64, packs_b = m > 2 * TILE_M || b_column != 1;
    const size_t inner_size = k < block_inner ? k : block_inner;
    double *packed_a = work;
    double *packed_b = work + inner_size * ((m < block_rows ? m + TILE_M - 1 : block_rows) / TILE_M * TILE_M);
    for (size_t p0 = 0; p0 < k; p0 += inner_size) {
        const size_t inner = k - p0 < inner_size ? k - p0 : inner_size;
        for (size_t j0 = 0; j0 < n; j0 += block_columns) {
            const size_t columns = n - j0 < block_columns ? n - j0 : block_columns;
            const double *b_block = b + p0 * b_row + j0 * b_column;
            if (packs_b) pack(TILE_N, columns, inner, b_block, b_column, b_row, packed_b);
            for (size_t i0 = 0; i0 < m; i0 += block_rows) {
                const size_t rows = m - i0 < block_rows ? m - i0 : block_rows;
                const double *a_block = a + i0 * a_row + p0 * a_column;
                if (packs_a) pack(TILE_M, rows, inner, a_block, a_row, a_column, packed_a);
                for (size_t j = 0; j < columns; j += TILE_N) {
                    const size_t width = columns - j < TILE_N ? columns - j : TILE_N;
                    const double *b_panel = packs_b ? packed_b + j * inner : b_block + j;
                    size_t b_panel_row = packs_b ? TILE_N : b_row;
                    if (!packs_b && width < TILE_N) {
                        pack(TILE_N, width, inner, b_panel, b_column, b_row, packed_b);
                        b_panel = packed_b, b_panel_row = TILE_N;
                    }
                    for (size_t i = 0; i < rows; i += TILE_M) {
                        const size_t height = rows - i < TILE_M ? rows - i : TILE_M;
                        const double *a_panel = packs_a ? packed_a + i * inner : a_block + i * a_row;
                        const size_t a_panel_row = packs_a ? 1 : a_row, a_panel_column = packs_a ? TILE_M : a_column;
                        double *corner = c + (i0 + i) * c_row + (j0 + j) * c_column;
                        if (c_column == 1 && width == TILE_N) {
                            tile_of(height, inner, a_panel, a_panel_row, a_panel_column, b_panel, b_panel_row, corner,
                                    c_row);
                            continue;
                        }
                        double part[TILE_M * TILE_N] = {0};
                        for (size_t r = 0; r < height; r++)
                            for (size_t s = 0; s < width; s++) part[r * TILE_N + s] = corner[r * c_row + s * c_column];
                        tile_of(height, inner, a_panel, a_panel_row, a_panel_column, b_panel, b_panel_row, part,
                                TILE_N);
                        for (size_t r = 0; r < height; r++)
                            for (size_t s = 0; s < width; s++) corner[r * c_row + s * c_column] = part[r * TILE_N + s];
                    }
                }
            }
        }
    }
}

#endif
