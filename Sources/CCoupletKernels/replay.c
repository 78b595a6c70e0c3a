#include "couplet_replay.h"

__attribute__((noinline)) void couplet_replayed_step(int64_t step) {
    __asm__ volatile("" : : "r"(step));
}
