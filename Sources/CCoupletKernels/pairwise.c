#include "couplet_pairwise.h"
#include "couplet_simd.h"
#include <math.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

COUPLET_KERNEL void couplet_tile_offset(size_t rows, size_t columns, float *tile, size_t stride, const float *row,
                                        const float *column) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) tile[i * stride + j] -= row[i] + column[j];
}

COUPLET_KERNEL float couplet_tile_maximum(size_t rows, size_t columns, const float *tile, size_t stride) {
    couplet_floats a = couplet_broadcast(COUPLET_EXCLUDED), b = a, c = a, d = a;
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        size_t j = 0;
        for (; j + 4 * COUPLET_LANES <= columns; j += 4 * COUPLET_LANES) {
            a = couplet_max(a, couplet_load(x + j));
            b = couplet_max(b, couplet_load(x + j + COUPLET_LANES));
            c = couplet_max(c, couplet_load(x + j + 2 * COUPLET_LANES));
            d = couplet_max(d, couplet_load(x + j + 3 * COUPLET_LANES));
        }
        for (; j + COUPLET_LANES <= columns; j += COUPLET_LANES) a = couplet_max(a, couplet_load(x + j));
        if (j < columns) a = couplet_max(a, couplet_load_part(x + j, columns - j, COUPLET_EXCLUDED));
    }
    a = couplet_max(couplet_max(a, b), couplet_max(c, d));
    float largest = a[0];
    for (int lane = 1; lane < COUPLET_LANES; lane++) largest = a[lane] > largest ? a[lane] : largest;
    return largest;
}

// Replaces 16 scores (or the last `count` of a row) by powers of two, in place.
#define exponentials(x, shift)                                                                                         \
    ({                                                                                                                 \
        couplet_floats e_ = couplet_exp2(couplet_load(x) - (shift));                                                   \
        couplet_store((x), e_);                                                                                        \
        e_;                                                                                                            \
    })
#define exponentials_part(x, count, shift)                                                                             \
    ({                                                                                                                 \
        couplet_floats e_ = couplet_exp2(couplet_load_part((x), (count), COUPLET_EXCLUDED) - (shift));                 \
        couplet_store_part((x), (count), e_);                                                                          \
        e_;                                                                                                            \
    })

// Both flags are constants in every call, so the compiler builds one loop for each combination. An element has the same
// bits in all of them.
COUPLET_INLINE void tile_exponentials(size_t rows, size_t columns, float *tile, size_t stride, float shift_,
                                      float *row_sums, float *column_sums, const int by_row, const int by_column) {
    couplet_floats shift = couplet_broadcast(shift_);
    if (by_column)
        for (size_t j = 0; j < columns; j++) column_sums[j] = 0;
    size_t i = 0, whole = columns / COUPLET_LANES * COUPLET_LANES, rest = columns - whole;
    for (; i + 4 <= rows; i += 4) {
        float *x = tile + i * stride;
        couplet_floats a = {0}, b = {0}, c = {0}, d = {0};
        for (size_t j = 0; j < whole; j += COUPLET_LANES) {
            couplet_floats ea = exponentials(x + j, shift), eb = exponentials(x + stride + j, shift);
            couplet_floats ec = exponentials(x + 2 * stride + j, shift), ed = exponentials(x + 3 * stride + j, shift);
            if (by_row) a += ea, b += eb, c += ec, d += ed;
            if (by_column) couplet_store(column_sums + j, couplet_load(column_sums + j) + ((ea + eb) + (ec + ed)));
        }
        if (rest) {
            couplet_floats ea = exponentials_part(x + whole, rest, shift),
                           eb = exponentials_part(x + stride + whole, rest, shift);
            couplet_floats ec = exponentials_part(x + 2 * stride + whole, rest, shift);
            couplet_floats ed = exponentials_part(x + 3 * stride + whole, rest, shift);
            if (by_row) a += ea, b += eb, c += ec, d += ed;
            if (by_column) {
                couplet_floats old = couplet_load_part(column_sums + whole, rest, 0);
                couplet_store_part(column_sums + whole, rest, old + ((ea + eb) + (ec + ed)));
            }
        }
        if (by_row) {
            row_sums[i] = couplet_lane_sum(a), row_sums[i + 1] = couplet_lane_sum(b);
            row_sums[i + 2] = couplet_lane_sum(c), row_sums[i + 3] = couplet_lane_sum(d);
        }
    }
    for (; i < rows; i++) {
        float *x = tile + i * stride;
        couplet_floats a = {0};
        for (size_t j = 0; j < whole; j += COUPLET_LANES) {
            couplet_floats e = exponentials(x + j, shift);
            if (by_row) a += e;
            if (by_column) couplet_store(column_sums + j, couplet_load(column_sums + j) + e);
        }
        if (rest) {
            couplet_floats e = exponentials_part(x + whole, rest, shift);
            if (by_row) a += e;
            if (by_column)
                couplet_store_part(column_sums + whole, rest, couplet_load_part(column_sums + whole, rest, 0) + e);
        }
        if (by_row) row_sums[i] = couplet_lane_sum(a);
    }
}

COUPLET_KERNEL void couplet_tile_exponentials(size_t rows, size_t columns, float *tile, size_t stride, float shift,
                                              float *row_sums, float *column_sums) {
    if (row_sums && column_sums)
        tile_exponentials(rows, columns, tile, stride, shift, row_sums, column_sums, 1, 1);
    else if (row_sums)
        tile_exponentials(rows, columns, tile, stride, shift, row_sums, column_sums, 1, 0);
    else if (column_sums)
        tile_exponentials(rows, columns, tile, stride, shift, row_sums, column_sums, 0, 1);
    else
        tile_exponentials(rows, columns, tile, stride, shift, row_sums, column_sums, 0, 0);
}

// 2^n for a whole number n: 0 below -126, at most 2^127.
COUPLET_INLINE float whole_power(float n) {
    float clamped = n > 127.0f ? 127.0f : (n < -127.0f ? -127.0f : n);
    return couplet_from_bits((int32_t)((uint32_t)((int32_t)clamped + 127) << 23));
}

// Writes x · 2^exponent, x >= 0, as (exponent, mantissa).
COUPLET_INLINE void split(float x, float exponent, float *out_exponent, float *out_mantissa) {
    int32_t bits = couplet_to_bits(x);
    int empty = bits < 0x00800000;
    float whole = (float)((bits >> 23) - 127);
    float mantissa = couplet_from_bits((bits & 0x007fffff) | 0x3f800000);
    *out_exponent = empty ? COUPLET_EMPTY : exponent + whole;
    *out_mantissa = empty ? 0.0f : mantissa;
}

COUPLET_INLINE void add_sum(float b_exponent, float b_mantissa, float *exponent, float *mantissa) {
    float a_exponent = *exponent, a_mantissa = *mantissa;
    float larger = a_exponent > b_exponent ? a_exponent : b_exponent;
    // The factors are powers of two, so the products are exact and a fused multiply-add gives the same bits.
    float sum = a_mantissa * whole_power(a_exponent - larger) + b_mantissa * whole_power(b_exponent - larger);
    split(sum, larger, exponent, mantissa);
}

COUPLET_KERNEL void couplet_add_tile_sums(size_t count, float shift, const float *sums, float *exponent,
                                          float *mantissa) {
    for (size_t i = 0; i < count; i++) {
        float e, m;
        split(sums[i], shift, &e, &m);
        add_sum(e, m, exponent + i, mantissa + i);
    }
}

COUPLET_KERNEL void couplet_add_sums(size_t count, const float *b_exponent, const float *b_mantissa, float *exponent,
                                     float *mantissa) {
    for (size_t i = 0; i < count; i++) add_sum(b_exponent[i], b_mantissa[i], exponent + i, mantissa + i);
}

COUPLET_KERNEL void couplet_exp2_sum(size_t count, const float *x, size_t step, float *exponent, float *mantissa) {
    float largest = COUPLET_EXCLUDED;
    for (size_t k = 0; k < count; k++) largest = x[k * step] > largest ? x[k * step] : largest;
    if (largest <= 0.5f * COUPLET_EXCLUDED) {
        *exponent = COUPLET_EMPTY, *mantissa = 0;
        return;
    }
    float shift = ceilf(largest);
    couplet_floats sum = {0};
    for (size_t k = 0; k < count; k += COUPLET_LANES) {
        float lanes[COUPLET_LANES];
        for (size_t lane = 0; lane < COUPLET_LANES; lane++)
            lanes[lane] = k + lane < count ? x[(k + lane) * step] - shift : COUPLET_EXCLUDED;
        sum += couplet_exp2(couplet_load(lanes));
    }
    split(couplet_lane_sum(sum), shift, exponent, mantissa);
}

COUPLET_KERNEL float couplet_tile_factors(size_t count, float shift, const float *exponent, const float *weight,
                                          float *out) {
    float largest = COUPLET_EMPTY;
    for (size_t i = 0; i < count; i++) {
        float difference = shift - exponent[i];
        float counted = weight[i] != 0.0f ? difference : COUPLET_EMPTY;
        largest = counted > largest ? counted : largest;
        out[i] = weight[i] * whole_power(difference);
    }
    return largest;
}

COUPLET_KERNEL void couplet_tile_weights(size_t rows, size_t columns, const float *tile, size_t stride,
                                         const float *row, const float *column, float *weights, size_t weights_stride) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        float *w = weights + i * weights_stride, factor = row[i];
        for (size_t j = 0; j < columns; j++) w[j] = x[j] * (factor + column[j]);
    }
}

COUPLET_KERNEL void couplet_tile_weights_direct(size_t rows, size_t columns, float *tile, size_t stride,
                                                const float *row_exponent, const float *row_weight,
                                                const float *column_exponent, const float *column_weight) {
    for (size_t i = 0; i < rows; i++) {
        float *x = tile + i * stride;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_floats t = couplet_load_part(x + j, count, COUPLET_EXCLUDED);
            couplet_floats by_row = couplet_exp2(t - row_exponent[i]);
            couplet_floats by_column = couplet_exp2(t - couplet_load_part(column_exponent + j, count, 0));
            by_row = by_row * row_weight[i], by_column = by_column * couplet_load_part(column_weight + j, count, 0);
            couplet_store_part(x + j, count, by_row + by_column);
        }
    }
}

// Computes the losses of 16 scores `t` of a row (bias included), and their weights `w`.
#define sigmoid_losses(t_, share, w)                                                                                   \
    ({                                                                                                                 \
        couplet_floats t__ = (t_), zero_ = {0}, e_ = couplet_exp2(couplet_select(t__ > zero_, -t__, t__));             \
        couplet_floats small_ = (share)*e_ / (1.0f + e_);                                                              \
        (w) = couplet_select(t__ > zero_, (share)-small_, small_);                                                     \
        couplet_max(t__, zero_) * 0.69314718f + couplet_log1p(e_);                                                     \
    })

COUPLET_KERNEL void couplet_tile_sigmoid(size_t rows, size_t columns, float *tile, size_t stride, float bias,
                                         float share, float *losses, float *sums) {
    for (size_t i = 0; i < rows; i++) {
        float *x = tile + i * stride;
        couplet_floats loss = {0}, sum = {0}, w;
        size_t j = 0;
        for (; j + COUPLET_LANES <= columns; j += COUPLET_LANES) {
            loss += sigmoid_losses(couplet_load(x + j) + bias, share, w);
            couplet_store(x + j, w);
            sum += w;
        }
        if (j < columns) {
            loss += sigmoid_losses(couplet_load_part(x + j, columns - j, COUPLET_EXCLUDED) + bias, share, w);
            couplet_store_part(x + j, columns - j, w);
            sum += w;
        }
        losses[i] = couplet_lane_sum(loss), sums[i] = couplet_lane_sum(sum);
    }
}

COUPLET_KERNEL void couplet_tile_row_softmax(size_t rows, size_t columns, const float *tile, size_t stride,
                                             const float *exponent, const float *weight, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_floats t = couplet_load_part(x + j, count, COUPLET_EXCLUDED);
            couplet_store_part(out + i * stride + j, count, couplet_exp2(t - exponent[i]) * weight[i]);
        }
    }
}

COUPLET_KERNEL void couplet_tile_column_softmax(size_t rows, size_t columns, const float *tile, size_t stride,
                                                const float *exponent, const float *weight, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_floats t =
                couplet_load_part(x + j, count, COUPLET_EXCLUDED) - couplet_load_part(exponent + j, count, 0);
            couplet_store_part(out + i * stride + j, count, couplet_exp2(t) * couplet_load_part(weight + j, count, 0));
        }
    }
}

COUPLET_KERNEL void couplet_tile_add_row_centred(size_t rows, size_t columns, const float *softmax,
                                                 const float *products, size_t stride, const float *row,
                                                 float *weights) {
    for (size_t i = 0; i < rows; i++) {
        float centre = row[i];
        for (size_t j = i * stride; j < i * stride + columns; j++) weights[j] += softmax[j] * (products[j] - centre);
    }
}

COUPLET_KERNEL void couplet_tile_add_column_centred(size_t rows, size_t columns, const float *softmax,
                                                    const float *products, size_t stride, const float *column,
                                                    float *weights) {
    for (size_t i = 0; i < rows; i++) {
        const float *w = softmax + i * stride, *p = products + i * stride;
        float *out = weights + i * stride;
        for (size_t j = 0; j < columns; j++) out[j] += w[j] * (p[j] - column[j]);
    }
}

COUPLET_KERNEL void couplet_tile_sums(size_t rows, size_t columns, const float *tile, size_t stride, float *row_sums,
                                      float *column_sums) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        couplet_floats sum = {0};
        size_t j = 0;
        for (; j + COUPLET_LANES <= columns; j += COUPLET_LANES) {
            couplet_floats w = couplet_load(x + j);
            sum += w;
            couplet_store(column_sums + j, couplet_load(column_sums + j) + w);
        }
        if (j < columns) {
            couplet_floats w = couplet_load_part(x + j, columns - j, 0);
            sum += w;
            couplet_store_part(column_sums + j, columns - j, couplet_load_part(column_sums + j, columns - j, 0) + w);
        }
        row_sums[i] += couplet_lane_sum(sum);
    }
}

// Σ x[k] y[k] of one row, in 16 lanes of Double.
COUPLET_INLINE double row_dot(size_t columns, const float *x, const float *y) {
    double lanes[COUPLET_LANES] = {0};
    size_t whole = columns / COUPLET_LANES * COUPLET_LANES;
    for (size_t k = 0; k < whole; k += COUPLET_LANES)
        for (int lane = 0; lane < COUPLET_LANES; lane++) lanes[lane] += (double)x[k + lane] * (double)y[k + lane];
    for (size_t k = whole; k < columns; k++) lanes[k - whole] += (double)x[k] * (double)y[k];
    for (int half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

COUPLET_KERNEL void couplet_normalize_rows(size_t rows, size_t columns, const float *x, float *unit,
                                           float *inverse_norms) {
    for (size_t i = 0; i < rows; i++) {
        double norm = sqrt(row_dot(columns, x + i * columns, x + i * columns));
        float inverse = (float)(1.0 / (norm > 1e-12 ? norm : 1e-12));
        inverse_norms[i] = inverse;
        for (size_t k = 0; k < columns; k++) unit[i * columns + k] = x[i * columns + k] * inverse;
    }
}

COUPLET_KERNEL void couplet_normalize_rows_backward(size_t rows, size_t columns, const float *unit,
                                                    const float *inverse_norms, float *gradient) {
    for (size_t i = 0; i < rows; i++) {
        const float *u = unit + i * columns;
        float *g = gradient + i * columns;
        float along = (float)row_dot(columns, u, g);
        for (size_t k = 0; k < columns; k++) g[k] = (g[k] - u[k] * along) * inverse_norms[i];
    }
}

COUPLET_KERNEL void couplet_row_squares(size_t rows, size_t columns, const float *x, float factor, float *out) {
    for (size_t i = 0; i < rows; i++)
        out[i] = (float)((double)factor * row_dot(columns, x + i * columns, x + i * columns));
}

COUPLET_KERNEL void couplet_subtract_scaled_rows(size_t rows, size_t columns, const float *x, const float *factors,
                                                 float *gradient) {
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++) gradient[i * columns + k] -= factors[i] * x[i * columns + k];
}

COUPLET_KERNEL size_t couplet_underflowed_sums(size_t count, float shift, const float *sums, const float *exponent) {
    size_t lost = 0;
    for (size_t i = 0; i < count; i++)
        lost += (sums[i] < COUPLET_UNDERFLOWED) & (exponent[i] < shift - COUPLET_NEGLIGIBLE);
    return lost;
}

void couplet_flush_subnormals(void) {
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
}
