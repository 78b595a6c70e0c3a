// Matrix products by blocks. A piece of k (at most 2,048) and a block of columns of B that fits the second-level cache
// are packed; then each block of rows of A runs through the panels of the block. The sums of a block stay in registers
// from the first k of a piece to its last.
#ifndef COUPLET_SET
#include "couplet_product.h"
#include "product_scratch.h"
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// A matrix operand in memory.
typedef struct {
    const float *start;
    size_t stride;
    int transposed;
} couplet_operand;

// Where a product goes.
typedef struct {
    float *c;
    size_t stride;
    // Whether the memory of C is n × m.
    int transposed;
    int accumulate;
    // Null, or what to do after the last piece.
    const couplet_epilogue *epilogue;
} couplet_destination;

// The part of a matrix from (row, column) on.
static couplet_operand couplet_part(couplet_operand x, size_t row, size_t column) {
    x.start += x.transposed ? column * x.stride + row : row * x.stride + column;
    return x;
}

static couplet_operand couplet_transposed(couplet_operand x) {
    x.transposed = !x.transposed;
    return x;
}

// The length of the piece of k that starts at `first`.
static size_t couplet_piece(size_t k, size_t first) {
    if (k <= COUPLET_LONGEST_CHAIN) return k;
    return k - first < COUPLET_PIECE ? k - first : COUPLET_PIECE;
}

static size_t couplet_least(size_t a, size_t b) {
    return a < b ? a : b;
}

// Names of one instruction set.
#define load_lanes NAME(load_lanes)
#define load_half NAME(load_half)
#define store_lanes NAME(store_lanes)
#define store_half NAME(store_half)
#define multiply_block NAME(multiply_block)
#define microkernel NAME(microkernel)
#define microkernels NAME(microkernels)
#define copy_row NAME(copy_row)
#define reads_in_place NAME(reads_in_place)
#define pack_rows NAME(pack_rows)
#define pack_blocks NAME(pack_blocks)
#define finish_rows NAME(finish_rows)
#define column_block NAME(column_block)
#define multiply_rows NAME(multiply_rows)
#define panels_at NAME(panels_at)
#define most_columns NAME(most_columns)
#define multiply_columns NAME(multiply_columns)
#define pack_panels NAME(pack_panels)
#define finish_empty NAME(finish_empty)
#define destination_of NAME(destination_of)
#define multiply NAME(multiply)

// The most blocks of rows that are packed together.
#define MOST_PACKED_BLOCKS 32

#define COUPLET_KERNELS "product.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_product)
COUPLET_DISPATCH(couplet_product_packed_count)
COUPLET_DISPATCH(couplet_product_pack)
COUPLET_DISPATCH(couplet_product_packed)

#else
#include "product_microkernels.h"
#include "product_packing.h"

// Finishes sums that the microkernel could not store in C: adds them to C or not, adds the bias, applies the activation
// and stores them. Null sums are those in C.
static void finish_rows(size_t rows, size_t columns, const float *sums, size_t stride, size_t row, size_t column,
                        const couplet_destination *to) {
    const float *bias = to->epilogue && to->epilogue->bias ? to->epilogue->bias + column : 0;
    const int activation = to->epilogue ? to->epilogue->activation : COUPLET_IDENTITY;
    const float slope = to->epilogue ? to->epilogue->slope : 0;
    for (size_t i = 0; i < rows; i++) {
        float *c = to->c + (row + i) * to->stride + column;
        const float *from = sums ? sums + i * stride : c;
        const int accumulate = sums && to->accumulate;
#if COUPLET_WIDTH == 16
        for (size_t j = 0; j < columns; j += 16) {
            const uint32_t mask = columns - j < 16 ? (1u << (columns - j)) - 1 : 0xffff;
            couplet_floats z = load_lanes(from + j, mask);
            if (accumulate) z += load_lanes(c + j, mask);
            if (bias) z += load_lanes(bias + j, mask);
            if (activation == COUPLET_RELU) z = COUPLET_ACTIVATE_RELU(z);
            if (activation == COUPLET_LEAKY_RELU) z = COUPLET_ACTIVATE_LEAKY_RELU(z, slope);
            store_lanes(c + j, mask, z);
        }
#else
        for (size_t j = 0; j < columns; j++) {
            float z = accumulate ? c[j] + from[j] : from[j];
            if (bias) z += bias[j];
            if (activation != COUPLET_IDENTITY && z < 0.0f) z = activation == COUPLET_RELU ? 0.0f : slope * z;
            c[j] = z;
        }
#endif
    }
}

// Packs `n` columns of B in panels.
static void pack_panels(size_t n, size_t depth, couplet_operand b, float *packed) {
    if (!b.transposed) {
        pack_rows(depth, n, b.start, b.stride, packed);
        return;
    }
    for (size_t column = 0; column < n; column += COUPLET_PANEL, packed += depth * COUPLET_PANEL)
        pack_transposed(depth, couplet_least(n - column, COUPLET_PANEL), b.start + column * b.stride, b.stride, packed,
                        COUPLET_PANEL);
}

// Panels of B: packed, or in B itself.
typedef struct {
    const float *start;
    // Floats from one k to the next, and from one panel to the next.
    size_t stride, panel_stride;
    // The columns of C.
    size_t first, count;
} column_block;

// At most `count` columns of a block from `column` on, the start of a panel.
static column_block panels_at(column_block block, size_t column, size_t count) {
    block.start += column / COUPLET_PANEL * block.panel_stride;
    block.first += column;
    block.count = couplet_least(block.count - column, count);
    return block;
}

// The largest number of columns of whole panels that the buffer holds.
static size_t most_columns(size_t depth) {
    return COUPLET_PACKED_COLUMN_FLOATS / depth / COUPLET_PANEL * COUPLET_PANEL;
}

// Multiplies a block of rows, from `row` on, with a block of columns.
static void multiply_rows(size_t row, size_t rows, couplet_block block, microkernel const kernels[][COUPLET_BLOCK_ROWS],
                          const column_block *columns, const couplet_destination *to) {
    _Alignas(64) float tile[COUPLET_SQUARE * COUPLET_PANEL], turned[COUPLET_PANEL * COUPLET_SQUARE];
    for (size_t column = 0; column < columns->count; column += COUPLET_PANEL) {
        const size_t width = couplet_least(columns->count - column, COUPLET_PANEL), place = columns->first + column;
        const int direct = !to->transposed && (COUPLET_WIDTH == 16 || width % 8 == 0);
        block.b = columns->start + column / COUPLET_PANEL * columns->panel_stride;
        block.c = direct ? to->c + row * to->stride + place : tile;
        block.c_stride = direct ? to->stride : COUPLET_PANEL;
        block.mask = direct ? (uint32_t)((1ull << width) - 1) : 0xffffffff;
        block.accumulate = direct && to->accumulate;
        const couplet_epilogue epilogue = direct && to->epilogue ? *to->epilogue : (couplet_epilogue){0};
        block.bias = epilogue.bias ? epilogue.bias + place : 0;
        block.activation = epilogue.activation;
        block.slope = epilogue.slope;
        kernels[(width - 1) / 8][rows - 1](&block);
        if (to->transposed) {
            for (size_t j = 0; j < width; j += COUPLET_SQUARE)
                transpose_square(tile + j, COUPLET_PANEL, turned + j * COUPLET_SQUARE, COUPLET_SQUARE, COUPLET_SQUARE);
            finish_rows(width, rows, turned, COUPLET_SQUARE, place, row, to);
        } else if (!direct) {
            finish_rows(rows, width, tile, COUPLET_PANEL, row, place, to);
        }
    }
}

// Multiplies all rows of A with up to two blocks of columns. A is read in place or packed:
// - An A that lies transposed, because each of its k is another cache line. Many blocks of rows are packed together, as
//   a block alone uses only a part of each line.
// - Rows whose distance is a multiple of 2,048 bytes, because they share few sets of the first-level cache.
static void multiply_columns(size_t m, size_t depth, couplet_operand a, const column_block *columns, size_t parts,
                             const couplet_destination *to, float *packed) {
    size_t count = 0, first[MOST_PACKED_BLOCKS + 1];
    for (size_t part = 0; part < parts; part++) count += columns[part].count;
    const int packs = depth > 64 && count > 2 * COUPLET_PANEL && (a.transposed || a.stride % 512 == 0);
    // B does not fit the cache: then each panel runs through all packed rows, otherwise each block of rows through B.
    const int by_panels = packs && a.transposed && depth * count > COUPLET_PACKED_COLUMN_FLOATS;
    const size_t blocks = (m + COUPLET_BLOCK_ROWS - 1) / COUPLET_BLOCK_ROWS, block_floats = depth * COUPLET_PACKED_ROWS;
    const size_t most =
        packs && a.transposed ? couplet_least(COUPLET_PACKED_ROW_FLOATS / block_floats, MOST_PACKED_BLOCKS) : 1;
    const size_t groups = (blocks + most - 1) / most;
    for (size_t group = 0; group < groups; group++) {
        const size_t start = blocks * group / groups, members = blocks * (group + 1) / groups - start;
        for (size_t number = 0; number <= members; number++) first[number] = m * (start + number) / blocks;
        couplet_operand rows = couplet_part(a, first[0], 0);
        if (packs) {
            if (a.transposed)
                pack_blocks(depth, members, first, a.start, a.stride, packed);
            else
                pack_transposed(depth, first[1] - first[0], rows.start, rows.stride, packed, COUPLET_PACKED_ROWS);
            rows = (couplet_operand){packed, COUPLET_PACKED_ROWS, 1};
        }
        couplet_block block = {.depth = depth, .a_stride = rows.stride};
        for (size_t part = 0; part < parts; part++) {
            const size_t width = by_panels ? COUPLET_PANEL : columns[part].count;
            block.b_stride = columns[part].stride;
            for (size_t column = 0; column < columns[part].count; column += width) {
                const column_block panels = panels_at(columns[part], column, width);
                for (size_t number = 0; number < members; number++) {
                    block.a = rows.start + number * block_floats;
                    multiply_rows(first[number], first[number + 1] - first[number], block,
                                  microkernels[rows.transposed != 0], &panels, to);
                }
            }
        }
    }
}

// A product with k = 0: an empty sum is zero, and nothing is added to C.
static void finish_empty(size_t m, size_t n, const couplet_destination *to) {
    if (!to->accumulate)
        for (size_t row = 0; row < m; row++) memset(to->c + row * to->stride, 0, n * sizeof(float));
    finish_rows(m, n, 0, 0, 0, 0, to);
}

// The destination of the piece of k from `first` to `end`: later pieces are added, and the epilogue follows the last.
static couplet_destination destination_of(couplet_destination to, size_t k, size_t first, size_t end) {
    to.accumulate = to.accumulate || first > 0;
    if (end < k) to.epilogue = 0;
    return to;
}

// Whether B is read where it lies. Few rows do not repay a copy. The 14 rows of an AVX-512 block take long enough for a
// k that its B arrives even from the next cache; the packed rows of a transposed A would be packed again for each block
// of columns.
static int reads_in_place(size_t m, size_t n, size_t depth, int a_transposed) {
    if (COUPLET_WIDTH < 16) return m <= 24;
    return m <= 128 || a_transposed || depth * n <= COUPLET_PACKED_COLUMN_FLOATS;
}

static void multiply(size_t m, size_t n, size_t k, couplet_operand a, couplet_operand b,
                     const couplet_destination *to) {
    float *packed = couplet_product_scratch(), *packed_rows = packed + COUPLET_PACKED_COLUMN_FLOATS;
    for (size_t first = 0; first < k; first += couplet_piece(k, first)) {
        const size_t depth = couplet_piece(k, first);
        const couplet_operand a_piece = couplet_part(a, 0, first), b_piece = couplet_part(b, first, 0);
        const couplet_destination destination = destination_of(*to, k, first, first + depth);
        if (!b.transposed && reads_in_place(m, n, depth, a.transposed)) {
            // B in place, except for a last panel with missing lanes.
            const size_t whole = n % 8 == 0 ? n : n / COUPLET_PANEL * COUPLET_PANEL;
            const column_block parts[] = {{b_piece.start, b.stride, COUPLET_PANEL, 0, whole},
                                          {packed, COUPLET_PANEL, 0, whole, n - whole}};
            pack_panels(n - whole, depth, couplet_part(b_piece, 0, whole), packed);
            multiply_columns(m, depth, a_piece, parts, 2, &destination, packed_rows);
            continue;
        }
        const size_t most = most_columns(depth);
        for (size_t column = 0; column < n; column += most) {
            const column_block part = {packed, COUPLET_PANEL, depth * COUPLET_PANEL, column,
                                       couplet_least(n - column, most)};
            pack_panels(part.count, depth, couplet_part(b_piece, 0, column), packed);
            multiply_columns(m, depth, a_piece, &part, 1, &destination, packed_rows);
        }
    }
}

void NAME(couplet_product)(size_t m, size_t n, size_t k, const float *a, size_t a_stride, int a_transposed,
                           const float *b, size_t b_stride, int b_transposed, int accumulate, float *c, size_t c_stride,
                           const couplet_epilogue *epilogue) {
    const couplet_operand left = {a, a_stride, a_transposed}, right = {b, b_stride, b_transposed};
    couplet_destination to = {c, c_stride, 0, accumulate, epilogue};
    if (k == 0) {
        finish_empty(m, n, &to);
    } else if (m > n && n <= (a_transposed ? 14 : 3)) {
        // Few columns: the lanes of the vectors are rows of C, which lie together in a transposed A.
        to.transposed = 1;
        multiply(n, m, k, couplet_transposed(right), couplet_transposed(left), &to);
    } else {
        multiply(m, n, k, left, right, &to);
    }
}

size_t NAME(couplet_product_packed_count)(size_t n, size_t k) {
    return (n + COUPLET_PANEL - 1) / COUPLET_PANEL * COUPLET_PANEL * k;
}

void NAME(couplet_product_pack)(size_t n, size_t k, const float *b, size_t b_stride, int b_transposed, float *packed) {
    const couplet_operand whole = {b, b_stride, b_transposed};
    for (size_t first = 0; first < k; first += couplet_piece(k, first)) {
        const size_t depth = couplet_piece(k, first);
        pack_panels(n, depth, couplet_part(whole, first, 0), packed);
        packed += NAME(couplet_product_packed_count)(n, depth);
    }
}

void NAME(couplet_product_packed)(size_t m, size_t n, size_t k, const float *a, size_t a_stride, int a_transposed,
                                  const float *packed, int accumulate, float *c, size_t c_stride,
                                  const couplet_epilogue *epilogue) {
    const couplet_operand whole = {a, a_stride, a_transposed};
    const couplet_destination to = {c, c_stride, 0, accumulate, epilogue};
    if (k == 0) finish_empty(m, n, &to);
    float *packed_rows = couplet_product_scratch() + COUPLET_PACKED_COLUMN_FLOATS;
    for (size_t first = 0; first < k; first += couplet_piece(k, first)) {
        const size_t depth = couplet_piece(k, first);
        const couplet_destination destination = destination_of(to, k, first, first + depth);
        const column_block all = {packed, COUPLET_PANEL, depth * COUPLET_PANEL, 0, n};
        const size_t most = a_transposed ? n : most_columns(depth);
        for (size_t column = 0; column < n; column += most) {
            const column_block part = panels_at(all, column, most);
            multiply_columns(m, depth, couplet_part(whole, 0, first), &part, 1, &destination, packed_rows);
        }
        packed += NAME(couplet_product_packed_count)(n, depth);
    }
}

#endif
