// couplet_linear_algebra.h
#include "arena.h"
#include <string.h>

// Orders and columns of matrices that fit into the arena, with their workspace.
static size_t order(void) {
    return 1 + (r + c) % 29;
}
static size_t columns(void) {
    return 1 + k % 11;
}

static double work[1 << 16];

// a.d[0] becomes symmetric; positive definite if `dominant`.
static void symmetrize(size_t order, int dominant) {
    double *x = a.d[0];
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < i; j++) x[i * order + j] = x[j * order + i];
        if (dominant) x[i * order + i] += 2.0 * (double)order;
    }
}

void digest_linear_algebra(void) {
    DIGEST(couplet_double_product, {
        const size_t m = 1 + r % 31;
        const size_t p = 1 + c % 31;
        couplet_double_product(m, p, k, a.d[0], k, 1, a.d[1], p, 1, 0, a.d[2], p + 1, work);
        couplet_double_product(m, p, k, a.d[0], 1, m, a.d[1], 1, k, 1, a.d[3], p, work);
    })
    DIGEST_RESULT(couplet_double_product_work, couplet_double_product_work(61, 100, 64) <= sizeof work / 8)
    DIGEST_RESULT(couplet_cholesky, ({
                      symmetrize(order(), r % 3 != 0);
                      couplet_cholesky(order(), a.d[0]);
                  }))
    DIGEST_RESULT(couplet_lu, couplet_lu(order(), a.d[0], a.s[1]))
    DIGEST(couplet_lu_solve, {
        couplet_lu(order(), a.d[0], a.s[1]);
        couplet_lu_solve(order(), a.d[0], a.s[1], columns(), a.d[1]);
    })
    DIGEST(couplet_qr, couplet_qr(columns() + r, columns(), a.d[0], a.d[1], work))
    DIGEST_RESULT(couplet_symmetric_eigenvalues, ({
                      symmetrize(order(), 0);
                      couplet_symmetric_eigenvalues(order(), a.d[0], a.d[1], work);
                  }))
    DIGEST_RESULT(couplet_singular_values,
                  couplet_singular_values(columns() + r, columns(), a.d[0], a.d[1], a.d[2], a.d[3], work))
    DIGEST(couplet_arrange_vectors, {
        for (size_t i = 0; i < 16; i++) a.s[1][i] = 15 - i;
        couplet_arrange_vectors(r, 16, a.s[1], a.d[0], a.d[1], 5, a.d[2], a.d[3]);
        couplet_arrange_vectors(r, 9, a.s[1], a.d[0], a.d[4], 0, 0, 0);
    })
}
