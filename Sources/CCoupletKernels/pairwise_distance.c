#ifndef COUPLET_SET
#include "couplet_pairwise.h"
#define difference_sums NAME(difference_sums)
#define distance_of NAME(distance_of)
#define COUPLET_KERNELS "pairwise_distance.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_tile_distances)
COUPLET_DISPATCH(couplet_tile_divide_distances)
COUPLET_DISPATCH(couplet_tile_difference_sums)
COUPLET_DISPATCH(couplet_add_transposed)
COUPLET_DISPATCH(couplet_pair_distances)
COUPLET_DISPATCH(couplet_add_pair_gradients)

#else

#define couplet_absolute(v)                                                                                            \
    ({                                                                                                                 \
        couplet_floats v_ = (v);                                                                                       \
        (couplet_floats)((couplet_ints)v_ & 0x7fffffff);                                                               \
    })

// Σ_k |x[k] - y[k][j]|^p of 16 columns j, p = 1 or 2.
#define distances(dimension, x, y, stride, count, p)                                                                   \
    ({                                                                                                                 \
        couplet_floats sum_ = {0};                                                                                     \
        for (size_t k_ = 0; k_ < (dimension); k_++) {                                                                  \
            couplet_floats difference_ =                                                                               \
                couplet_broadcast((x)[k_]) - couplet_load_up_to((y) + k_ * (stride), (count));                         \
            sum_ = (p) == 1 ? sum_ + couplet_absolute(difference_) : couplet_fma(difference_, difference_, sum_);      \
        }                                                                                                              \
        sum_;                                                                                                          \
    })

void NAME(couplet_tile_distances)(size_t rows, size_t columns, size_t dimension, const float *x, const float *y, int p,
                                  float factor, float *tile, size_t stride) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_floats distance =
                p == 1 ? distances(dimension, x + i * dimension, y + j, stride, count, 1)
                       : __builtin_elementwise_sqrt(distances(dimension, x + i * dimension, y + j, stride, count, 2));
            couplet_store_up_to(tile + i * stride + j, count, distance * factor);
        }
}

void NAME(couplet_tile_divide_distances)(size_t rows, size_t columns, size_t dimension, const float *x, const float *y,
                                         float *weights, size_t stride) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            float *weight_address = weights + i * stride + j;
            couplet_floats distance =
                __builtin_elementwise_sqrt(distances(dimension, x + i * dimension, y + j, stride, count, 2));
            couplet_floats weight =
                couplet_load_up_to(weight_address, count) / couplet_max(distance, couplet_broadcast(1e-30f));
            couplet_store_up_to(weight_address, count, (couplet_floats)((distance > 0.0f) & (couplet_ints)weight));
        }
}

// Both flags are constants in every call, so the compiler builds one loop for each combination.
COUPLET_INLINE void difference_sums(size_t rows, size_t columns, size_t dimension, const float *x, const float *y,
                                    const float *weights, size_t stride, float *row_sums, float *column_sums,
                                    const int of_signs, const int by_column) {
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < dimension; k++) {
            couplet_floats value = couplet_broadcast(x[i * dimension + k]), sum = {0};
            for (size_t j = 0; j < columns; j += COUPLET_LANES) {
                size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
                couplet_floats weight = couplet_load_up_to(weights + i * stride + j, count),
                               difference = value - couplet_load_up_to(y + k * stride + j, count);
                couplet_floats slope = difference;
                if (of_signs)
                    slope = (couplet_floats)((difference > 0.0f) & (couplet_ints)couplet_broadcast(1.0f)) -
                            (couplet_floats)((difference < 0.0f) & (couplet_ints)couplet_broadcast(1.0f));
                sum = couplet_fma(weight, slope, sum);
                if (by_column) {
                    float *column_sum = column_sums + k * stride + j;
                    couplet_store_up_to(column_sum, count,
                                        couplet_fma(weight, slope, couplet_load_up_to(column_sum, count)));
                }
            }
            row_sums[i * dimension + k] -= couplet_lane_sum(sum);
        }
}

void NAME(couplet_tile_difference_sums)(size_t rows, size_t columns, size_t dimension, const float *x, const float *y,
                                        const float *weights, size_t stride, int of_signs, float *row_sums,
                                        float *column_sums) {
    if (of_signs && column_sums)
        difference_sums(rows, columns, dimension, x, y, weights, stride, row_sums, column_sums, 1, 1);
    else if (of_signs)
        difference_sums(rows, columns, dimension, x, y, weights, stride, row_sums, column_sums, 1, 0);
    else if (column_sums)
        difference_sums(rows, columns, dimension, x, y, weights, stride, row_sums, column_sums, 0, 1);
    else
        difference_sums(rows, columns, dimension, x, y, weights, stride, row_sums, column_sums, 0, 0);
}

void NAME(couplet_add_transposed)(size_t rows, size_t columns, const float *x, size_t stride, float *y) {
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++) y[i * columns + k] += x[k * stride + i];
}

// Σ_k |x[k] - y[k]|^p in Double, p = 1 or 2.
COUPLET_INLINE double distance_of(size_t columns, const float *x, const float *y, int p) {
    double sum = 0;
    for (size_t k = 0; k < columns; k++) {
        double difference = (double)x[k] - (double)y[k];
        sum += p == 1 ? __builtin_fabs(difference) : difference * difference;
    }
    return sum;
}

void NAME(couplet_pair_distances)(size_t rows, size_t columns, const float *x, const float *y, int p, int root,
                                  double factor, float *out) {
    for (size_t i = 0; i < rows; i++) {
        double distance = distance_of(columns, x + i * columns, y + i * columns, p);
        out[i] = (float)(factor * (root ? __builtin_sqrt(distance) : distance));
    }
}

void NAME(couplet_add_pair_gradients)(size_t rows, size_t columns, const float *x, const float *y, int p, int root,
                                      const float *factors, float *x_gradient, float *y_gradient) {
    for (size_t i = 0; i < rows; i++) {
        const float *a = x + i * columns, *b = y + i * columns;
        double norm = root ? __builtin_sqrt(distance_of(columns, a, b, p)) : 0.5;
        for (size_t k = 0; k < columns; k++) {
            double difference = (double)a[k] - (double)b[k];
            double slope = p == 1 ? (difference > 0) - (difference < 0) : norm > 0 ? difference / norm : 0;
            float term = (float)(factors[i] * slope);
            x_gradient[i * columns + k] += term;
            y_gradient[i * columns + k] -= term;
        }
    }
}

#endif
