// Copies blocks of operands into the order in which the microkernels read them, for the instruction set that is being
// built (product.c). Lanes beyond the edge of a matrix hold anything; no sum that is stored depends on them.

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

// Copies `count` <= COUPLET_BLOCK_ROWS floats, at most COUPLET_PACKED_ROWS.
COUPLET_INLINE void copy_row(const float *from, size_t count, float *to) {
#if COUPLET_WIDTH == 16
    copy_part(from, count, to);
#elif COUPLET_WIDTH == 8
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_storeu_ps(to, _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lanes)));
#else
    // A fixed size spares a call.
    if (count == COUPLET_BLOCK_ROWS)
        memcpy(to, from, COUPLET_BLOCK_ROWS * sizeof(float));
    else
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
static void pack_transposed(size_t depth, size_t columns, const float *from, size_t stride, float *to, size_t width) {
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

// Packs panels of a B that lies as it is: to[panel][p][j] = from[p][COUPLET_PANEL panel + j]. All panels are packed
// together, because short pieces of many rows are slow to read.
static void pack_rows(size_t depth, size_t columns, const float *from, size_t stride, float *to) {
    const size_t whole = columns / COUPLET_PANEL * COUPLET_PANEL, panel = depth * COUPLET_PANEL;
    for (size_t p = 0; p < depth; p++, from += stride, to += COUPLET_PANEL) {
        float *target = to;
        for (size_t column = 0; column < whole; column += COUPLET_PANEL, target += panel)
            COUPLET_UNROLL for (size_t j = 0; j < COUPLET_PANEL; j += 16)
                couplet_store(target + j, couplet_load(from + column + j));
        for (size_t column = whole; column < columns; column += 16, target += 16)
            if (columns - column >= 16)
                couplet_store(target, couplet_load(from + column));
            else
                copy_part(from + column, columns - column, target);
    }
}

// Packs blocks of rows of an A that lies transposed in memory: to[block][p][i] = from[p][first[block] + i], with
// COUPLET_PACKED_ROWS floats for each p. Blocks take turns, because a block alone uses only a part of each cache line.
static void pack_blocks(size_t depth, size_t blocks, const size_t *first, const float *from, size_t stride, float *to) {
    const size_t turn = 16;
    for (size_t start = 0; start < depth; start += turn) {
        const size_t end = start + couplet_least(depth - start, turn);
        for (size_t block = 0; block < blocks; block++) {
            const float *source = from + start * stride + first[block];
            float *target = to + (block * depth + start) * COUPLET_PACKED_ROWS;
            const size_t rows = first[block + 1] - first[block];
            for (size_t p = start; p < end; p++, source += stride, target += COUPLET_PACKED_ROWS)
                copy_row(source, rows, target);
        }
    }
}

#undef COUPLET_MIX
#undef COUPLET_MIX_PAIRS
#undef COUPLET_SQUARE_VECTOR
