// Transposes blocks of operands into panels, for the instruction set that is being built (product.c).

#ifndef transpose_square
#define copy_part NAME(copy_part)
#define load_quarters NAME(load_quarters)
#define transpose_square NAME(transpose_square)
#define pack_transposed NAME(pack_transposed)
#endif

// The columns of B that a microkernel takes: a panel of a packed B holds them side by side for each k.
#undef COUPLET_PANEL
#if COUPLET_WIDTH == 16
#define COUPLET_PANEL 32
#else
#define COUPLET_PANEL 16
#endif

#undef COUPLET_SQUARE
#if COUPLET_WIDTH == 16
// The side of the squares that are transposed in registers.
#define COUPLET_SQUARE 16
#define COUPLET_SQUARE_VECTOR couplet_floats
// The first halves of a and b in turn, within each quarter of 4 floats.
#define COUPLET_MIX(a, b, k)                                                                                           \
    __builtin_shufflevector(a, b, 0 + k, 16 + k, 1 + k, 17 + k, 4 + k, 20 + k, 5 + k, 21 + k, 8 + k, 24 + k, 9 + k,    \
                            25 + k, 12 + k, 28 + k, 13 + k, 29 + k)
#define COUPLET_MIX_PAIRS(a, b, k)                                                                                     \
    __builtin_shufflevector(a, b, 0 + k, 1 + k, 16 + k, 17 + k, 4 + k, 5 + k, 20 + k, 21 + k, 8 + k, 9 + k, 24 + k,    \
                            25 + k, 12 + k, 13 + k, 28 + k, 29 + k)
#else
#define COUPLET_SQUARE 8
#define COUPLET_SQUARE_VECTOR couplet_floats8
#define COUPLET_MIX(a, b, k) __builtin_shufflevector(a, b, 0 + k, 8 + k, 1 + k, 9 + k, 4 + k, 12 + k, 5 + k, 13 + k)
#define COUPLET_MIX_PAIRS(a, b, k)                                                                                     \
    __builtin_shufflevector(a, b, 0 + k, 1 + k, 8 + k, 9 + k, 4 + k, 5 + k, 12 + k, 13 + k)
#endif

// Copies `count` < 16 floats, at most to the end of the vector.
COUPLET_INLINE void copy_part(const float *from, size_t count, float *to) {
#if COUPLET_WIDTH == 16
    _mm512_storeu_ps(to, _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from));
#else
    memcpy(to, from, count * sizeof(float));
#endif
}

// The vector whose quarter q holds the first four floats of row 4 q of `from`. Quarters are put together in loads,
// which spares half of the shuffles.
COUPLET_INLINE COUPLET_SQUARE_VECTOR load_quarters(const float *from, size_t stride) {
#if COUPLET_WIDTH == 16
    __m512 x = _mm512_castps128_ps512(_mm_loadu_ps(from));
    x = _mm512_mask_broadcast_f32x4(x, 0x00f0, _mm_loadu_ps(from + 4 * stride));
    x = _mm512_mask_broadcast_f32x4(x, 0x0f00, _mm_loadu_ps(from + 8 * stride));
    return (couplet_floats)_mm512_mask_broadcast_f32x4(x, 0xf000, _mm_loadu_ps(from + 12 * stride));
#else
    couplet_floats4 low, high;
    memcpy(&low, from, sizeof low);
    memcpy(&high, from + 4 * stride, sizeof high);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

// to[j][i] = from[i][j] for a square and the first `count` of its columns.
COUPLET_INLINE void transpose_square(const float *from, size_t stride, float *to, size_t width, size_t count) {
    COUPLET_UNROLL for (size_t first = 0; first < COUPLET_SQUARE; first += 4) {
        COUPLET_SQUARE_VECTOR x[4], y[4];
        COUPLET_UNROLL for (int i = 0; i < 4; i++) x[i] = load_quarters(from + i * stride + first, stride);
        y[0] = COUPLET_MIX(x[0], x[1], 0);
        y[1] = COUPLET_MIX(x[0], x[1], 2);
        y[2] = COUPLET_MIX(x[2], x[3], 0);
        y[3] = COUPLET_MIX(x[2], x[3], 2);
        x[0] = COUPLET_MIX_PAIRS(y[0], y[2], 0);
        x[1] = COUPLET_MIX_PAIRS(y[0], y[2], 2);
        x[2] = COUPLET_MIX_PAIRS(y[1], y[3], 0);
        x[3] = COUPLET_MIX_PAIRS(y[1], y[3], 2);
        COUPLET_UNROLL for (size_t i = 0; i < 4; i++) if (first + i < count)
            memcpy(to + (first + i) * width, &x[i], sizeof x[i]);
    }
}

// to[p][j] = from[j][p] for `columns` columns of a panel whose rows have `width` floats, a multiple of the square's
// side.
__attribute__((unused)) static void pack_transposed(size_t depth, size_t columns, const float *from, size_t stride,
                                                    float *to, size_t width) {
    float edge[COUPLET_SQUARE * COUPLET_SQUARE] = {0};
    for (size_t j = 0; j < columns; j += COUPLET_SQUARE) {
        const size_t rows = columns - j < COUPLET_SQUARE ? columns - j : COUPLET_SQUARE;
        for (size_t p = 0; p < depth; p += COUPLET_SQUARE) {
            const size_t count = depth - p < COUPLET_SQUARE ? depth - p : COUPLET_SQUARE;
            const float *source = from + j * stride + p;
            float *target = to + p * width + j;
            if (rows == COUPLET_SQUARE && count == COUPLET_SQUARE) {
                transpose_square(source, stride, target, width, COUPLET_SQUARE);
                continue;
            }
            for (size_t i = 0; i < rows; i++)
                if (count == COUPLET_SQUARE)
                    memcpy(edge + i * COUPLET_SQUARE, source + i * stride, COUPLET_SQUARE * sizeof(float));
                else
                    copy_part(source + i * stride, count, edge + i * COUPLET_SQUARE);
            transpose_square(edge, COUPLET_SQUARE, target, width, count);
        }
    }
}

#undef COUPLET_MIX
#undef COUPLET_MIX_PAIRS
#undef COUPLET_SQUARE_VECTOR
