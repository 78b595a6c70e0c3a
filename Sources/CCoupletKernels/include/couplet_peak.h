// Measures the arithmetic peak of a core.
#pragma once
#include <stdint.h>

// Computes multiply-adds in registers, with the widest vectors of this CPU: `rounds` times 6 (or 12) independent
// vectors of 16 floats. Returns the number of floating-point operations; a multiply-add counts as two. The caller
// measures the time.
double couplet_multiply_add_6(int64_t rounds);
double couplet_multiply_add_12(int64_t rounds);
