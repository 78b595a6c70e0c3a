// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011).
#pragma once
#include <stddef.h>
#include <stdint.h>

// out[4 i … 4 i + 3] = Philox(key = seed, counter = (first_block + i, stream, number low, number high)).
void couplet_philox(uint64_t seed, uint32_t stream, uint64_t number, uint32_t first_block, size_t blocks,
                    uint32_t *out);

// Turns random words into standard normal numbers (Box and Muller): each pair of words (a, b) becomes
// (r cos t, r sin t), r = sqrt(-2 ln((⌊a / 2^9⌋ + 1/2) / 2^23)), t = 2π b / 2^32. `count` is even.
void couplet_normals(const uint32_t *words, size_t count, float *out);

// Turns random words into numbers in [0, 1), multiples of 2^-24.
void couplet_uniforms(const uint32_t *words, size_t count, float *out);
