#include "arena.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct arena a;
size_t r, c, k, stride, n;

static struct arena initial;

// Around the lanes and the register blocks of the kernels.
static const struct {
    size_t rows, columns, inner;
} shapes[] = {{1, 1, 1},   {2, 16, 3},   {3, 15, 8},   {4, 17, 16},   {5, 33, 7},
              {7, 48, 31}, {14, 32, 64}, {15, 65, 40}, {16, 100, 50}, {61, 9, 5}};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static const char *name;
static size_t call;
static int flushes;
static uint64_t hash, first_hash, default_mode;

// FNV-1a over words of 32 bits.
static void add_word(uint32_t word) {
    hash = (hash ^ word) * 0x100000001b3u;
}

// Which NaN a NaN is may differ between CPUs.
static void add_float(float number) {
    uint32_t word;
    memcpy(&word, &number, 4);
    add_word((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word);
}

void add_number(double number) {
    uint64_t word;
    memcpy(&word, &number, 8);
    if ((word & ~(1ull << 63)) > 0x7ffull << 52) word = 0x7ff8ull << 48;
    add_word((uint32_t)word);
    add_word((uint32_t)(word >> 32));
}

void add(void) {
    for (size_t i = 0; i < sizeof a.f / 4; i++) add_float((&a.f[0][0])[i]);
    for (size_t i = 0; i < sizeof a.p / 4; i++) add_float((&a.p[0][0])[i]);
    for (size_t i = 0; i < sizeof a.d / 8; i++) add_number((&a.d[0][0])[i]);
    for (size_t i = 0; i < sizeof a.w / 4; i++) add_word((&a.w[0][0])[i]);
    for (size_t i = 0; i < sizeof a.codes; i++) add_word((&a.codes[0][0])[i]);
    for (size_t i = 0; i < sizeof a.bytes; i++) add_word(a.bytes[i]);
    for (size_t i = 0; i < sizeof a.i / 4; i++) add_word((uint32_t)a.i[i]);
    for (size_t i = 0; i < sizeof a.s / sizeof(size_t); i++) add_word((uint32_t)(&a.s[0][0])[i]);
}

static void fill(void) {
    static uint32_t words[4 * ARENA_COUNT];
    uint64_t number = 0;
    for (int buffer = 0; buffer < 10; buffer++) {
        couplet_philox(15, 1, number++, 0, ARENA_COUNT / 4, words);
        couplet_normals(words, ARENA_COUNT, initial.f[buffer]);
    }
    for (int buffer = 0; buffer < 2; buffer++) {
        couplet_philox(15, 1, number++, 0, ARENA_COUNT / 4, words);
        couplet_uniforms(words, ARENA_COUNT, initial.p[buffer]);
        for (size_t i = 0; i < ARENA_COUNT; i++) initial.p[buffer][i] += 0.03125f;
    }
    for (int buffer = 0; buffer < 8; buffer++) {
        couplet_philox(15, 1, number++, 0, ARENA_COUNT / 8, words);
        // 52 random bits, from -2 to 2.
        for (size_t i = 0; i < ARENA_COUNT / 4; i++) {
            int64_t bits = (int64_t)((uint64_t)words[2 * i] << 20 | words[2 * i + 1] >> 12);
            initial.d[buffer][i] = ldexp((double)(bits - (1ll << 51)), -50);
        }
    }
    for (int buffer = 0; buffer < 2; buffer++) {
        couplet_philox(15, 1, number++, 0, ARENA_COUNT / 4, initial.w[buffer]);
        for (size_t i = 0; i < ARENA_COUNT; i++) initial.codes[buffer][i] = initial.w[buffer][i] % 5;
    }
    for (size_t i = 0; i < ARENA_COUNT; i++) {
        initial.bytes[i] = (uint8_t)(initial.w[0][i] >> 8);
        initial.i[i] = (int32_t)(initial.w[0][i] >> 1);
    }
    for (size_t i = 0; i < 256; i++) initial.s[0][i] = initial.w[0][i] % 97, initial.s[1][i] = 0;
}

// Zeros of both signs, and numbers whose products are subnormal. No product rounds to the smallest normal number: there
// arm64, which looks before it rounds, flushes to zero, and x86-64 does not. The last ones are subnormal themselves;
// arithmetic that flushes makes none, and a maximum of them is zero or not as the compiler chooses.
static void sprinkle(struct arena *arena, int flushes) {
    static const float values[] = {0.0f, -0.0f, 2e-20f, -1.5e-22f, 1.2e-38f, 1e-40f, -3e-42f, 1e-45f};
    for (int buffer = 0; buffer < 10; buffer++)
        for (size_t i = (size_t)buffer; i < ARENA_COUNT; i += 11) arena->f[buffer][i] = values[i % (flushes ? 5 : 8)];
}

void begin(const char *kernel) {
    static int isFilled = 0;
    if (!isFilled) {
        default_mode = couplet_floating_point_mode();
        fill();
        isFilled = 1;
    }
    name = kernel, call = 0, flushes = 0, hash = 0xcbf29ce484222325u;
}

int next(void) {
    if (call == 2 * SHAPES) {
        if (flushes) {
            couplet_set_floating_point_mode(default_mode);
            printf("%-38s %016llx %016llx\n", name, (unsigned long long)first_hash, (unsigned long long)hash);
            return 0;
        }
        first_hash = hash, hash = 0xcbf29ce484222325u, call = 0, flushes = 1;
    }
    couplet_set_floating_point_mode(flushes ? couplet_flushing_floating_point_mode(default_mode) : default_mode);
    memcpy(&a, &initial, sizeof a);
    if (call % 2) sprinkle(&a, flushes);
    r = shapes[call / 2].rows, c = shapes[call / 2].columns, k = shapes[call / 2].inner;
    if (call % 2 && flushes) r = shapes[SHAPES - 1 - call / 2].rows;
    stride = c + 3, n = r * c;
    call++;
    return 1;
}
