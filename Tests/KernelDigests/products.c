// couplet_product.h
#include "arena.h"

// A packed B, whose layout depends on the instruction set, so that it is not hashed.
static _Alignas(64) float packed[1 << 17];

// All forms of a product of m × k and k × n numbers, with every epilogue.
static void products(size_t m, size_t n, size_t k) {
    const couplet_epilogue epilogues[] = {{a.f[6], COUPLET_IDENTITY, 0},
                                          {a.f[6], COUPLET_RELU, 0},
                                          {a.f[6], COUPLET_LEAKY_RELU, 0.1f},
                                          {0, COUPLET_RELU, 0}};
    for (int form = 0; form < 4; form++) {
        const int a_transposed = form & 1, b_transposed = form >> 1;
        const size_t a_stride = a_transposed ? m : k, b_stride = b_transposed ? k : n;
        couplet_product(m, n, k, a.f[0], a_stride, a_transposed, a.f[1], b_stride, b_transposed, form % 2,
                        a.f[2 + form], n + 2, form % 2 ? 0 : &epilogues[form]);
        couplet_product_pack(n, k, a.f[1], b_stride, b_transposed, packed);
        couplet_product_packed(m, n, k, a.f[0], a_stride, a_transposed, packed, 0, a.f[7], n, &epilogues[form]);
        couplet_product_packed(m, n, k, a.f[0], a_stride, a_transposed, packed, 1, a.f[8], n, 0);
    }
}

void digest_products(void) {
    DIGEST(couplet_product, products(r, c, k))
    // Beyond the blocks of rows, columns and k, and beyond COUPLET_LONGEST_CHAIN.
    DIGEST(couplet_product_packed,
           products(r == 61 ? 600 : 3, r == 14 ? 1500 : 3, r == 61 || r == 14 ? 4 : 2000 + 7 * r))
    DIGEST_RESULT(couplet_product_pack, couplet_product_packed_count(c, k) >= c * k)
}
