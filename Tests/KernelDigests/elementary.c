// couplet_elementary.h
#include "arena.h"

#define DIGEST_FUNCTION(function, ...)                                                                                 \
    DIGEST(function, for (size_t j = 0; j < ARENA_COUNT / 4; j++) a.d[7][j] = function(__VA_ARGS__))

void digest_elementary_functions(void) {
    // The numbers are from -2 to 2. The factors reach results that are 0, subnormal and infinite.
    DIGEST_FUNCTION(couplet_exp64, 380 * a.d[0][j])
    DIGEST_FUNCTION(couplet_exp2_64, 540 * a.d[0][j])
    DIGEST_FUNCTION(couplet_expm1_64, a.d[0][j] * a.d[1][j] * 20)
    DIGEST_FUNCTION(couplet_log64, a.d[0][j] + 1.9)
    DIGEST_FUNCTION(couplet_log2_64, a.d[0][j] * 0x1p-1021)
    DIGEST_FUNCTION(couplet_log1p_64, a.d[0][j] * a.d[1][j])
    DIGEST_FUNCTION(couplet_tanh64, a.d[0][j] * a.d[1][j] * 6)
    DIGEST_FUNCTION(couplet_erf64, a.d[0][j] * a.d[1][j] * 2)
    DIGEST_FUNCTION(couplet_erfc64, a.d[0][j] * a.d[1][j] * 7)
    DIGEST_FUNCTION(couplet_sin64, a.d[0][j] * 3e6)
    DIGEST_FUNCTION(couplet_cos64, a.d[0][j] * 1e200)
    DIGEST_FUNCTION(couplet_pow64, (a.d[0][j] + 2), 170 * a.d[1][j])
}
