// Memory for packed operands of matrix products: one buffer a thread, from its first product to its end. So a product
// allocates nothing, and its pages are in place. A caller's workspace would pass through every layer and loss; a buffer
// on the stack would be too large for threads with small stacks.
#pragma once
#include <stddef.h>

// Floats of a packed block of columns of B: 512 KiB, half of the second-level cache of today's CPUs.
#define COUPLET_PACKED_COLUMN_FLOATS 131072
// Floats of packed rows of A: 512 KiB. A block of 14 rows of the longest chain, which takes 16 floats for each k, fits.
#define COUPLET_PACKED_ROW_FLOATS 131072
#define COUPLET_SCRATCH_FLOATS (COUPLET_PACKED_COLUMN_FLOATS + COUPLET_PACKED_ROW_FLOATS)

// The calling thread's buffer of COUPLET_SCRATCH_FLOATS, at a multiple of 4,096 bytes.
float *couplet_product_scratch(void);
