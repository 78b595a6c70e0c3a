// The innermost loops of the matrix product, for the instruction set that is being built (product.c).
//
// A microkernel multiplies a few rows of A with a panel of columns of B. All its sums stay in registers while k runs
// over a whole piece, so no sum is ever stored unfinished. Each count of rows has a function of its own.

#include "product_transposition.h"

#undef COUPLET_BLOCK_ROWS
#undef COUPLET_PACKED_ROWS
#undef COUPLET_ROW_COUNTS

// The largest block has 14 × 32 sums, which take 28 of the 32 registers of AVX-512, or 6 × 16: 12 of the 16 registers
// of AVX2, 24 of the 32 of NEON.
#if COUPLET_WIDTH == 16
#define COUPLET_BLOCK_ROWS 14
#define COUPLET_ROW_COUNTS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif COUPLET_HAS_FMA
#define COUPLET_BLOCK_ROWS 6
#define COUPLET_ROW_COUNTS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#else
#define COUPLET_BLOCK_ROWS 4
#define COUPLET_ROW_COUNTS(X) X(1) X(2) X(3) X(4)
#endif
// Floats from one k to the next in packed rows of A.
#define COUPLET_PACKED_ROWS (COUPLET_PANEL / 2)

#ifndef COUPLET_ACTIVATE_RELU

typedef struct {
    size_t depth;
    // The first row and k of A. In the form `rows`, `a_stride` leads to the next row and the next k is the next float;
    // in the form `columns` it leads to the next k, and the next row is the next float.
    const float *a;
    size_t a_stride;
    // The panel's first row of B; `b_stride` leads to the next k.
    const float *b;
    size_t b_stride;
    float *c;
    size_t c_stride;
    // With AVX-512: bit j is set if column j of C exists. In other sets all columns of the microkernel exist.
    uint32_t mask;
    // Whether the sums are added to C.
    int accumulate;
    // The epilogue: the bias of the panel's first column or null, and the activation.
    const float *bias;
    int activation;
    float slope;
} couplet_block;

// z < 0 ? 0 : z and z < 0 ? slope z : z. NaN stays NaN.
#define COUPLET_ACTIVATE_RELU(z)                                                                                       \
    ({                                                                                                                 \
        const __typeof__(z) z_ = (z);                                                                                  \
        (__typeof__(z))(~(z_ < 0.0f) & (__typeof__(z_ < 0.0f))z_);                                                     \
    })
#define COUPLET_ACTIVATE_LEAKY_RELU(z, slope)                                                                          \
    ({                                                                                                                 \
        const __typeof__(z) z_ = (z);                                                                                  \
        const __typeof__(z_ < 0.0f) negative_ = z_ < 0.0f;                                                             \
        (__typeof__(z))((negative_ & (__typeof__(negative_))((slope)*z_)) | (~negative_ & (__typeof__(negative_))z_)); \
    })
#endif

// Loads and stores of a vector of C. With AVX-512 lanes without a bit in the mask are left out.
#if COUPLET_WIDTH == 16
COUPLET_INLINE couplet_floats load_lanes(const float *x, uint32_t mask) {
    return (couplet_floats)_mm512_maskz_loadu_ps((__mmask16)mask, x);
}
COUPLET_INLINE couplet_floats8 load_half(const float *x, uint32_t mask) {
    return (couplet_floats8)_mm256_maskz_loadu_ps((__mmask8)mask, x);
}
COUPLET_INLINE void store_lanes(float *x, uint32_t mask, couplet_floats v) {
    _mm512_mask_storeu_ps(x, (__mmask16)mask, (__m512)v);
}
COUPLET_INLINE void store_half(float *x, uint32_t mask, couplet_floats8 v) {
    _mm256_mask_storeu_ps(x, (__mmask8)mask, (__m256)v);
}
#else
COUPLET_INLINE couplet_floats load_lanes(const float *x, uint32_t mask) {
    (void)mask;
    return couplet_load(x);
}
COUPLET_INLINE couplet_floats8 load_half(const float *x, uint32_t mask) {
    (void)mask;
    couplet_floats8 v;
    memcpy(&v, x, sizeof v);
    return v;
}
COUPLET_INLINE void store_lanes(float *x, uint32_t mask, couplet_floats v) {
    (void)mask;
    couplet_store(x, v);
}
COUPLET_INLINE void store_half(float *x, uint32_t mask, couplet_floats8 v) {
    (void)mask;
    memcpy(x, &v, sizeof v);
}
#endif

// Rows are addressed as three pointers plus 0 to 4 strides, so that addresses take few registers.
#define COUPLET_ROW_GROUP 5

// Multiplies `rows` rows with `eighths` × 8 columns: vectors of 16 and, if the number is odd, one of 8.
COUPLET_INLINE void multiply_block(const int rows, const int eighths, const int by_rows, const couplet_block *block) {
    const int vectors = eighths / 2, half = eighths % 2;
    couplet_floats sums[COUPLET_BLOCK_ROWS][COUPLET_PANEL / 16] = {0};
    couplet_floats8 half_sums[COUPLET_BLOCK_ROWS] = {0};
    const char *groups[(COUPLET_BLOCK_ROWS + COUPLET_ROW_GROUP - 1) / COUPLET_ROW_GROUP] = {0};
    const size_t stride = block->a_stride * sizeof(float), step = by_rows ? sizeof(float) : stride;
    const float *b = block->b;
    COUPLET_UNROLL for (int i = 0; i < rows; i += COUPLET_ROW_GROUP) groups[i / COUPLET_ROW_GROUP] =
        (const char *)block->a + i * (by_rows ? stride : sizeof(float));
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        __builtin_prefetch(block->c + i * block->c_stride, 1, 2);
        if (eighths > 2) __builtin_prefetch(block->c + i * block->c_stride + 16, 1, 2);
        __builtin_prefetch(block->c + i * block->c_stride + eighths * 8 - 1, 1, 2);
    }
    for (size_t p = block->depth; p > 0; p--) {
        couplet_floats columns[COUPLET_PANEL / 16];
        couplet_floats8 half_columns = {0};
        COUPLET_UNROLL for (int v = 0; v < vectors; v++) columns[v] = couplet_load(b + v * 16);
        if (half) memcpy(&half_columns, b + vectors * 16, sizeof half_columns);
        COUPLET_UNROLL for (int i = 0; i < rows; i++) {
            const float value = *(const float *)(groups[i / COUPLET_ROW_GROUP] +
                                                 i % COUPLET_ROW_GROUP * (by_rows ? stride : sizeof(float)));
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) sums[i][v] =
                couplet_fma(couplet_broadcast(value), columns[v], sums[i][v]);
            if (half) half_sums[i] = couplet_fma(value - (couplet_floats8){0}, half_columns, half_sums[i]);
        }
        COUPLET_UNROLL for (int i = 0; i < rows; i += COUPLET_ROW_GROUP) groups[i / COUPLET_ROW_GROUP] += step;
        b += block->b_stride;
    }
    float *const c = block->c;
    const size_t c_stride = block->c_stride;
    const uint32_t mask = block->mask;
    const size_t half_column = 16 * vectors;
    if (block->accumulate) COUPLET_UNROLL for (int i = 0; i < rows; i++) {
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) sums[i][v] +=
                load_lanes(c + i * c_stride + 16 * v, mask >> 16 * v);
            if (half) half_sums[i] += load_half(c + i * c_stride + half_column, mask >> half_column);
        }
    if (block->bias) {
        couplet_floats bias[COUPLET_PANEL / 16];
        couplet_floats8 half_bias = {0};
        COUPLET_UNROLL for (int v = 0; v < vectors; v++) bias[v] = load_lanes(block->bias + 16 * v, mask >> 16 * v);
        if (half) half_bias = load_half(block->bias + half_column, mask >> half_column);
        COUPLET_UNROLL for (int i = 0; i < rows; i++) {
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) sums[i][v] += bias[v];
            if (half) half_sums[i] += half_bias;
        }
    }
    if (block->activation == COUPLET_RELU) COUPLET_UNROLL for (int i = 0; i < rows; i++) {
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) sums[i][v] = COUPLET_ACTIVATE_RELU(sums[i][v]);
            if (half) half_sums[i] = COUPLET_ACTIVATE_RELU(half_sums[i]);
        }
    if (block->activation == COUPLET_LEAKY_RELU) COUPLET_UNROLL for (int i = 0; i < rows; i++) {
            COUPLET_UNROLL for (int v = 0; v < vectors; v++) sums[i][v] =
                COUPLET_ACTIVATE_LEAKY_RELU(sums[i][v], block->slope);
            if (half) half_sums[i] = COUPLET_ACTIVATE_LEAKY_RELU(half_sums[i], block->slope);
        }
    COUPLET_UNROLL for (int i = 0; i < rows; i++) {
        COUPLET_UNROLL for (int v = 0; v < vectors; v++)
            store_lanes(c + i * c_stride + 16 * v, mask >> 16 * v, sums[i][v]);
        if (half) store_half(c + i * c_stride + half_column, mask >> half_column, half_sums[i]);
    }
}

typedef void (*microkernel)(const couplet_block *);

#define COUPLET_DEFINE(rows, eighths)                                                                                  \
    static void NAME(rows_##rows##_##eighths)(const couplet_block *block) {                                            \
        multiply_block(rows, eighths, 1, block);                                                                       \
    }                                                                                                                  \
    static void NAME(columns_##rows##_##eighths)(const couplet_block *block) {                                         \
        multiply_block(rows, eighths, 0, block);                                                                       \
    }
#define COUPLET_ROWS(rows, eighths) NAME(rows_##rows##_##eighths),
#define COUPLET_COLUMNS(rows, eighths) NAME(columns_##rows##_##eighths),
#define COUPLET_DEFINE_1(rows) COUPLET_DEFINE(rows, 1)
#define COUPLET_DEFINE_2(rows) COUPLET_DEFINE(rows, 2)
#define COUPLET_DEFINE_3(rows) COUPLET_DEFINE(rows, 3)
#define COUPLET_DEFINE_4(rows) COUPLET_DEFINE(rows, 4)
#define COUPLET_ROWS_1(rows) COUPLET_ROWS(rows, 1)
#define COUPLET_ROWS_2(rows) COUPLET_ROWS(rows, 2)
#define COUPLET_ROWS_3(rows) COUPLET_ROWS(rows, 3)
#define COUPLET_ROWS_4(rows) COUPLET_ROWS(rows, 4)
#define COUPLET_COLUMNS_1(rows) COUPLET_COLUMNS(rows, 1)
#define COUPLET_COLUMNS_2(rows) COUPLET_COLUMNS(rows, 2)
#define COUPLET_COLUMNS_3(rows) COUPLET_COLUMNS(rows, 3)
#define COUPLET_COLUMNS_4(rows) COUPLET_COLUMNS(rows, 4)

COUPLET_ROW_COUNTS(COUPLET_DEFINE_1)
COUPLET_ROW_COUNTS(COUPLET_DEFINE_2)
#if COUPLET_PANEL == 32
COUPLET_ROW_COUNTS(COUPLET_DEFINE_3)
COUPLET_ROW_COUNTS(COUPLET_DEFINE_4)
#endif

// microkernels[form of A: rows or columns][eighths - 1][rows - 1]
static const microkernel microkernels[2][COUPLET_PANEL / 8][COUPLET_BLOCK_ROWS] = {
#if COUPLET_PANEL == 32
    {{COUPLET_ROW_COUNTS(COUPLET_ROWS_1)},
     {COUPLET_ROW_COUNTS(COUPLET_ROWS_2)},
     {COUPLET_ROW_COUNTS(COUPLET_ROWS_3)},
     {COUPLET_ROW_COUNTS(COUPLET_ROWS_4)}},
    {{COUPLET_ROW_COUNTS(COUPLET_COLUMNS_1)},
     {COUPLET_ROW_COUNTS(COUPLET_COLUMNS_2)},
     {COUPLET_ROW_COUNTS(COUPLET_COLUMNS_3)},
     {COUPLET_ROW_COUNTS(COUPLET_COLUMNS_4)}}
#else
    {{COUPLET_ROW_COUNTS(COUPLET_ROWS_1)}, {COUPLET_ROW_COUNTS(COUPLET_ROWS_2)}},
    {{COUPLET_ROW_COUNTS(COUPLET_COLUMNS_1)}, {COUPLET_ROW_COUNTS(COUPLET_COLUMNS_2)}}
#endif
};
