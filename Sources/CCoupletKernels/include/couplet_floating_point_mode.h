// The floating-point mode of a thread: how results are rounded, and what happens to subnormal numbers.
#pragma once
#include <stdint.h>

// The mode of the calling thread: MXCSR on x86-64, FPCR on arm64. 0 elsewhere, where couplet_set_floating_point_mode
// does nothing.
uint64_t couplet_floating_point_mode(void);

// Sets the mode of the calling thread.
void couplet_set_floating_point_mode(uint64_t mode);

// `mode` with subnormal operands read as zero and subnormal results flushed to zero.
uint64_t couplet_flushing_floating_point_mode(uint64_t mode);

// Whether `mode` rounds to the nearest number, ties to even.
int couplet_rounds_to_nearest(uint64_t mode);

// What a mode says of subnormal numbers and of rounding. The register of x86-64 also holds the exceptions that have
// occurred since they were cleared.
uint64_t couplet_floating_point_control(uint64_t mode);
