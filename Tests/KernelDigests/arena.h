// The memory on which the kernels work, and the macros that call them.
//
// All inputs come from Philox. Before each call all buffers have the same numbers; after it they are hashed whole, so
// that a write beyond the result changes the digest, too. A kernel is called for each of the shapes below, with
// numbers of two kinds (arena.c), and gets one line:
//
//     name  digest with subnormal numbers  digest with subnormal numbers flushed to zero, as in training
#pragma once
#include "CCoupletKernels.h"
#include <stddef.h>
#include <stdint.h>

#define ARENA_COUNT 8192

extern struct arena {
    _Alignas(64) float f[10][ARENA_COUNT];
    // Above zero.
    float p[2][ARENA_COUNT];
    double d[8][ARENA_COUNT / 4];
    uint32_t w[2][ARENA_COUNT];
    // 0 to 4.
    uint8_t codes[2][ARENA_COUNT];
    uint8_t bytes[ARENA_COUNT];
    int32_t i[ARENA_COUNT];
    size_t s[2][256];
} a;

// The shape of the call: r rows, c columns, an inner extent k, a row stride of c + 3, and n = r c numbers.
extern size_t r, c, k, stride, n;

// Prints the line of a kernel, given the statements that call it.
#define DIGEST(kernel, ...)                                                                                            \
    begin(#kernel);                                                                                                    \
    while (next()) {                                                                                                   \
        __VA_ARGS__;                                                                                                   \
        add();                                                                                                         \
    }
// The same for an expression whose value is hashed, too.
#define DIGEST_RESULT(kernel, ...)                                                                                     \
    begin(#kernel);                                                                                                    \
    while (next()) {                                                                                                   \
        add_number((double)(__VA_ARGS__));                                                                             \
        add();                                                                                                         \
    }

void begin(const char *kernel);
// Prepares the arena for the next call; 0 after the last one, when the line is printed.
int next(void);
void add(void);
void add_number(double number);

// Each file has the kernels of the headers that its name says.
void digest_attention(void);
void digest_convolutions(void);
void digest_elementary_functions(void);
void digest_flat_buffers(void);
void digest_layers(void);
void digest_linear_algebra(void);
void digest_normalization(void);
void digest_pairwise(void);
void digest_pictures(void);
void digest_products(void);
void digest_retrieval(void);
void digest_sequences(void);
void digest_sources(void);
