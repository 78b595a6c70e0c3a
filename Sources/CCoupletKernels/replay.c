#include "couplet_lanes.h"
#include "couplet_replay.h"
#include <math.h>

__attribute__((noinline)) void couplet_replayed_step(int64_t step) {
    __asm__ volatile("" : : "r"(step));
}

COUPLET_KERNEL float couplet_score_figures(size_t count, const float *restrict scores, float center,
                                           float *restrict column_largest, double *restrict sums) {
    couplet_floats sum = {0}, squares = {0}, best = couplet_all(-INFINITY);
    size_t j = 0;
    for (; j + COUPLET_LANES <= count; j += COUPLET_LANES) {
        couplet_floats x = couplet_load(scores + j), y = x - center;
        best = couplet_larger(x, best);
        couplet_store(column_largest + j, couplet_larger(x, couplet_load(column_largest + j)));
        sum += y;
        squares += y * y;
    }
    double rest = 0, rest_squares = 0;
    float largest = -INFINITY;
    for (; j < count; j++) {
        double y = (double)scores[j] - center;
        if (scores[j] > largest) largest = scores[j];
        if (scores[j] > column_largest[j]) column_largest[j] = scores[j];
        rest += y;
        rest_squares += y * y;
    }
    for (int lane = 0; lane < COUPLET_LANES; lane++) largest = best[lane] > largest ? best[lane] : largest;
    sums[0] += couplet_tree(sum) + rest;
    sums[1] += couplet_tree(squares) + rest_squares;
    return largest;
}
