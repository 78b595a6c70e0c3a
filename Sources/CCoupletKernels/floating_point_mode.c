#include "couplet_floating_point_mode.h"

#if defined(__x86_64__)
// MXCSR: bit 15 flushes results to zero, bit 6 reads subnormal operands as zero, bits 13 and 14 choose the rounding.
#define FLUSHING 0x8040u
#define ROUNDING 0x6000u

uint64_t couplet_floating_point_mode(void) {
    return __builtin_ia32_stmxcsr();
}

void couplet_set_floating_point_mode(uint64_t mode) {
    __builtin_ia32_ldmxcsr((unsigned)mode);
}

#elif defined(__aarch64__)
// FPCR: bit 24 flushes operands and results to zero, bits 22 and 23 choose the rounding.
#define FLUSHING ((uint64_t)1 << 24)
#define ROUNDING ((uint64_t)3 << 22)

uint64_t couplet_floating_point_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

void couplet_set_floating_point_mode(uint64_t mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
}

#else
#define FLUSHING 0u
#define ROUNDING 0u

uint64_t couplet_floating_point_mode(void) {
    return 0;
}

void couplet_set_floating_point_mode(uint64_t mode) {
    (void)mode;
}
#endif

uint64_t couplet_flushing_floating_point_mode(uint64_t mode) {
    return mode | FLUSHING;
}

uint64_t couplet_floating_point_control(uint64_t mode) {
    return mode & (FLUSHING | ROUNDING);
}

int couplet_rounds_to_nearest(uint64_t mode) {
    return (mode & ROUNDING) == 0;
}
