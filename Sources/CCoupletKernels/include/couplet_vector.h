// Flat vectors of floats.
#pragma once
#include <stddef.h>

// y[i] += x[i]
void couplet_add(size_t count, const float *x, float *y);
// y[i] += factor x[i]
void couplet_add_scaled(size_t count, float factor, const float *x, float *y);
// x[i] *= factor
void couplet_scale(size_t count, float factor, float *x);
// Σ x[i]², in Double, in 16 lanes that are then added as a binary tree.
double couplet_squared_norm(size_t count, const float *x);
// Σ x[i] y[i], in Double, in 16 lanes that are then added as a binary tree.
double couplet_dot(size_t count, const float *x, const float *y);
