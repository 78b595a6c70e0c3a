// Matrix products C = A B in single precision, on the calling thread.
//
// Each element of C is one chain of fused multiply-adds over k in ascending order, which starts at zero. A k above
// COUPLET_LONGEST_CHAIN is cut at multiples of COUPLET_PIECE; each piece is such a chain, and the pieces are added in
// ascending order. So the bits of an element depend on its row of A and its column of B only: not on the instruction
// set, on m and n, on forms, strides and alignment, or on the thread. (Only which NaN a NaN is may differ.)
//
// Matrices are row-major. A stride is the number of floats from one row in memory to the next. A is m × k; if
// `a_transposed`, the memory holds Aᵀ, k × m. B is k × n; if `b_transposed`, the memory holds Bᵀ, n × k. C must not
// overlap A or B.
#pragma once
#include <stddef.h>

#define COUPLET_LONGEST_CHAIN 2048
#define COUPLET_PIECE 1024

// What happens to an element z of C after the sum: z + bias[column], then the activation.
typedef struct {
    // One number a column; null for none.
    const float *bias;
    // COUPLET_IDENTITY, COUPLET_RELU: z < 0 ? 0 : z, or COUPLET_LEAKY_RELU: z < 0 ? slope z : z.
    int activation;
    float slope;
} couplet_epilogue;
#define COUPLET_IDENTITY 0
#define COUPLET_RELU 1
#define COUPLET_LEAKY_RELU 2

// C = A B, or C += A B if `accumulate`: then the pieces are added to C. Without it C is only written. A null `epilogue`
// leaves the sums as they are.
void couplet_product(size_t m, size_t n, size_t k, const float *a, size_t a_stride, int a_transposed, const float *b,
                     size_t b_stride, int b_transposed, int accumulate, float *c, size_t c_stride,
                     const couplet_epilogue *epilogue);

// MARK: A packed B, for many products with the same B

// The number of floats of a packed B. The layout depends on the instruction set.
size_t couplet_product_packed_count(size_t n, size_t k);

// Packs B. `packed` should lie at a multiple of 64 bytes, for speed.
void couplet_product_pack(size_t n, size_t k, const float *b, size_t b_stride, int b_transposed, float *packed);

// couplet_product with a packed B; the same bits.
void couplet_product_packed(size_t m, size_t n, size_t k, const float *a, size_t a_stride, int a_transposed,
                            const float *packed, int accumulate, float *c, size_t c_stride,
                            const couplet_epilogue *epilogue);
