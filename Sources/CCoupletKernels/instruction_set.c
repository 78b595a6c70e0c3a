#include "couplet_instruction_set.h"
#include "couplet_simd.h"
#include <stdlib.h>

#if defined(__x86_64__)
// The number of a set is its place here; couplet_chosen_set returns it.
static const char *const names[] = {"portable", "avx2", "avx512"};
static int best_set(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) return 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
               ? 2
               : 1;
}
#elif defined(__aarch64__)
static const char *const names[] = {"neon"};
static int best_set(void) {
    return 0;
}
#else
static const char *const names[] = {"portable"};
static int best_set(void) {
    return 0;
}
#endif

// The number of the set that COUPLET_CPU names, -1 if there is no such set here, the best one without the variable.
static int requested_set(void) {
    const char *value = getenv("COUPLET_CPU");
    if (!value || !*value) return best_set();
    for (int set = 0; set <= best_set(); set++)
        if (strcmp(value, names[set]) == 0) return set;
    return -1;
}

int couplet_chosen_set(void) {
    // The first call comes from the program's start, before any thread.
    static int chosen = -1;
    if (chosen < 0) {
        int set = requested_set();
        chosen = set < 0 ? best_set() : set;
    }
    return chosen;
}

const char *couplet_instruction_set(void) {
    return names[couplet_chosen_set()];
}

const char *couplet_refused_instruction_set(void) {
    return requested_set() < 0 ? getenv("COUPLET_CPU") : 0;
}

const char *couplet_available_instruction_set(int number) {
    int set = best_set() - number;
    return set < 0 ? 0 : names[set];
}
