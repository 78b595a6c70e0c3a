// Copies blocks of operands into the order in which the microkernels read them, for the instruction set that is being
// built (product.c). Lanes beyond the edge of a matrix hold anything; no sum that is stored depends on them.

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
