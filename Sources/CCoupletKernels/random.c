#ifndef COUPLET_SET
#include "couplet_random.h"
#define COUPLET_KERNELS "random.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_philox)
COUPLET_DISPATCH(couplet_normals)
COUPLET_DISPATCH(couplet_uniforms)

#else

void NAME(couplet_philox)(uint64_t seed, uint32_t stream, uint64_t number, uint32_t first_block, size_t blocks,
                          uint32_t *out) {
    for (size_t i = 0; i < blocks; i++) {
        uint32_t c0 = first_block + (uint32_t)i, c1 = stream, c2 = (uint32_t)number, c3 = (uint32_t)(number >> 32);
        uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
        for (int round = 0; round < 10; round++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
            uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
            c1 = (uint32_t)p1, c3 = (uint32_t)p0, c0 = n0, c2 = n2;
            k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
        }
        out[4 * i] = c0, out[4 * i + 1] = c1, out[4 * i + 2] = c2, out[4 * i + 3] = c3;
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
