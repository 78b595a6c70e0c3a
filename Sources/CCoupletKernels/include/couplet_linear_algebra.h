// Linear algebra in Double for closed forms and evaluation: products and factorisations of matrices of up to about a
// thousand rows. Sums, products, quotients and square roots only, in fixed orders and never fused, so results have the
// same bits on every CPU. All matrices are row-major.
#pragma once
#include <stddef.h>

// c[i][j] = Σ_p a[i][p] b[p][j], one chain of additions over p in ascending order. It starts at zero, or at c[i][j] if
// `accumulate` is not 0. A row block of a product has the bits of the whole product.
//
// Strides are numbers of doubles: a_row between the rows of a, a_column between its columns; the same for b. Columns of
// c are adjacent. `work` has couplet_double_product_work(m, n, k) numbers.
void couplet_double_product(size_t m, size_t n, size_t k, const double *a, size_t a_row, size_t a_column,
                            const double *b, size_t b_row, size_t b_column, int accumulate, double *c, size_t c_row,
                            double *work);
size_t couplet_double_product_work(size_t m, size_t n, size_t k);

// The lower triangular L with A = L Lᵀ, in place of the lower triangle of a; the upper one becomes zero. Returns 0, or
// the number of the first leading minor that is not positive.
size_t couplet_cholesky(size_t order, double *a);

// The factors L and U of a with its rows permuted, in place (partial pivoting). Step i swaps row i with row pivots[i].
// Returns 0, or the number of the first pivot that is zero or not finite.
size_t couplet_lu(size_t order, double *a, size_t *pivots);
// Solves A X = B with the factors of A; b, order × columns, receives X.
void couplet_lu_solve(size_t order, const double *factors, const size_t *pivots, size_t columns, double *b);

// A = Q R for rows >= columns, by Householder reflections. q_transposed is columns × rows with orthonormal rows; R,
// with a diagonal that is not negative, replaces the first `columns` rows of a. `work` has (columns + 1) · rows +
// columns numbers.
void couplet_qr(size_t rows, size_t columns, double *a, double *q_transposed, double *work);

// A = Σ_k values[k] v_k v_kᵀ of a symmetric matrix; v_k is row k of `a` afterwards. The values are not sorted.
// Householder reduction to a tridiagonal matrix, then implicit QL iterations with Wilkinson's shift. `work` has
// (order + 5) · order numbers. Returns 0, or 1 if the iteration does not converge.
int couplet_symmetric_eigenvalues(size_t order, double *a, double *values, double *work);

// A = Σ_k values[k] u_k v_kᵀ for rows >= columns; u_k and v_k are the rows of u (columns × rows) and of v (columns ×
// columns). The values are not negative and not sorted. Householder reduction to a bidiagonal matrix, then implicit QR
// iterations (Golub and Reinsch, Singular Value Decomposition and Least Squares Solutions, 1970). `a` is overwritten.
// `work` has columns · (rows + columns + 8) + rows numbers. Returns 0, or 1 if the iteration does not converge.
int couplet_singular_values(size_t rows, size_t columns, double *a, double *u, double *values, double *v, double *work);

// out[i][k] = sign_k · vectors[order[k]][i], `count` vectors of the given length. The sign makes the entry of the
// largest magnitude positive, the first one of equals, and negates `partners[order[k]]` alike unless partners is null.
void couplet_arrange_vectors(size_t length, size_t count, const size_t *order, const double *vectors, double *out,
                             size_t partner_length, const double *partners, double *partners_out);
