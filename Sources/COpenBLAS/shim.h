// OpenBLAS: the C interface of BLAS, and the Fortran interface of the LAPACK routines that
// `PositiveDefiniteSystem` calls. (Debian's OpenBLAS has no LAPACKE.)
#pragma once
#include <cblas.h>

_Static_assert(sizeof(blasint) == sizeof(int), "Couplet calls LAPACK with 32-bit integers");

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpstrf_(const char *uplo, const int *n, double *a, const int *lda, int *piv, int *rank, const double *tol,
             double *work, int *info);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b,
             const int *ldb, int *info);
