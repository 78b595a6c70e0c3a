#ifndef COUPLET_SET
#include "couplet_random.h"
#define COUPLET_KERNELS "random.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_philox)
COUPLET_DISPATCH(couplet_normals)
COUPLET_DISPATCH(couplet_uniforms)

#else

#include "couplet_philox.h"

void NAME(couplet_philox)(uint64_t seed, uint32_t stream, uint64_t number, uint32_t first_block, size_t blocks,
                          uint32_t *out) {
    couplet_words words[2][4];
    for (size_t i = 0; i < blocks; i += 2 * COUPLET_PHILOX_BLOCKS) {
        const uint32_t first = first_block + (uint32_t)i, second = first + COUPLET_PHILOX_BLOCKS;
        philox_words(seed, stream, (uint64_t[]){number, number}, (uint32_t[]){first, second}, words);
        const size_t left = (blocks - i) * 4 * sizeof(uint32_t);
        memcpy(out + 4 * i, words, left < sizeof words ? left : sizeof words);
    }
}

void NAME(couplet_normals)(const uint32_t *words, size_t count, float *out) {
    for (size_t i = 0; i < count / 2; i++) {
        // The 23 highest bits plus a half: exact in a float, so the result is neither 0 nor 1.
        float uniform = ((float)(int32_t)(words[2 * i] >> 9) + 0.5f) * 1.1920928955078125e-7f;
        float radius = __builtin_elementwise_sqrt(-2.0f * couplet_log(uniform));
        float cosine, sine;
        couplet_cos_sin(words[2 * i + 1], &cosine, &sine);
        out[2 * i] = radius * cosine;
        out[2 * i + 1] = radius * sine;
    }
}

void NAME(couplet_uniforms)(const uint32_t *words, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = (float)(int32_t)(words[i] >> 8) * 5.9604644775390625e-8f;
}

#endif
