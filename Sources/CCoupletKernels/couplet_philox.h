// 16 blocks of Philox4x32-10 at once, for the instruction set that is being built (couplet_random.h).

#ifndef COUPLET_PHILOX_BLOCKS
// Blocks and random words of a call.
#define COUPLET_PHILOX_BLOCKS 16
#define COUPLET_PHILOX_WORDS 64
typedef uint32_t couplet_words __attribute__((vector_size(4 * COUPLET_LANES)));
typedef uint64_t couplet_pairs __attribute__((vector_size(4 * COUPLET_LANES)));
#endif

#undef multiply_words
#undef philox_words
#define multiply_words NAME(couplet_multiply_words)
#define philox_words NAME(couplet_philox_words)

// The upper and lower halves of the products of 16 words with a constant.
COUPLET_INLINE void multiply_words(couplet_words a, uint64_t factor, couplet_words *high, couplet_words *low) {
    const couplet_pairs even = ((couplet_pairs)a & 0xffffffffu) * factor, odd = ((couplet_pairs)a >> 32) * factor;
    *high = __builtin_shufflevector((couplet_words)even, (couplet_words)odd, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27,
                                    13, 29, 15, 31);
    *low = __builtin_shufflevector((couplet_words)even, (couplet_words)odd, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26,
                                   12, 28, 14, 30);
}

// The words of 16 blocks from first_blocks[i] on for numbers[i], in order: words[i][v] has those of blocks 4 v … 4 v +
// 3. Two sets at once, because the rounds of one wait for each other.
COUPLET_INLINE void philox_words(uint64_t seed, uint32_t stream, const uint64_t numbers[2],
                                 const uint32_t first_blocks[2], couplet_words words[2][4]) {
    const couplet_words lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, zero = {0};
    couplet_words c[2][4];
    COUPLET_UNROLL for (int i = 0; i < 2; i++) {
        c[i][0] = lanes + first_blocks[i], c[i][1] = zero + stream;
        c[i][2] = zero + (uint32_t)numbers[i], c[i][3] = zero + (uint32_t)(numbers[i] >> 32);
    }
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    COUPLET_UNROLL for (int round = 0; round < 10; round++) {
        COUPLET_UNROLL for (int i = 0; i < 2; i++) {
            couplet_words high0, low0, high1, low1;
            multiply_words(c[i][0], 0xD2511F53u, &high0, &low0);
            multiply_words(c[i][2], 0xCD9E8D57u, &high1, &low1);
            c[i][0] = high1 ^ c[i][1] ^ k0, c[i][2] = high0 ^ c[i][3] ^ k1;
            c[i][1] = low1, c[i][3] = low0;
        }
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
#define PAIRS(a, b, i)                                                                                                 \
    (couplet_pairs) __builtin_shufflevector(a, b, i, i + 16, i + 1, i + 17, i + 2, i + 18, i + 3, i + 19, i + 4,       \
                                            i + 20, i + 5, i + 21, i + 6, i + 22, i + 7, i + 23)
#define QUADS(a, b, i)                                                                                                 \
    (couplet_words) __builtin_shufflevector(a, b, i, i + 8, i + 1, i + 9, i + 2, i + 10, i + 3, i + 11)
    COUPLET_UNROLL for (int i = 0; i < 2; i++) {
        const couplet_pairs first = PAIRS(c[i][0], c[i][1], 0), second = PAIRS(c[i][2], c[i][3], 0);
        const couplet_pairs third = PAIRS(c[i][0], c[i][1], 8), fourth = PAIRS(c[i][2], c[i][3], 8);
        words[i][0] = QUADS(first, second, 0), words[i][1] = QUADS(first, second, 4);
        words[i][2] = QUADS(third, fourth, 0), words[i][3] = QUADS(third, fourth, 4);
    }
#undef PAIRS
#undef QUADS
}
