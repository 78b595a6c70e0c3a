#ifndef COUPLET_SET
#include "couplet_pairwise.h"
#define exponential_rows NAME(exponential_rows)
#define exponentials NAME(exponentials)
#define whole_power NAME(whole_power)
#define split NAME(split)
#define add_sum NAME(add_sum)
#define COUPLET_KERNELS "pairwise.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_tile_offset)
COUPLET_DISPATCH(couplet_tile_scores)
COUPLET_DISPATCH(couplet_tile_maximum)
COUPLET_DISPATCH(couplet_tile_exponentials)
COUPLET_DISPATCH(couplet_add_tile_sums)
COUPLET_DISPATCH(couplet_add_sums)
COUPLET_DISPATCH(couplet_exp2_sum)
COUPLET_DISPATCH(couplet_tile_factors)
COUPLET_DISPATCH(couplet_tile_weights)
COUPLET_DISPATCH(couplet_tile_weights_direct)
COUPLET_DISPATCH(couplet_tile_sigmoid)
COUPLET_DISPATCH(couplet_tile_row_softmax)
COUPLET_DISPATCH(couplet_tile_column_softmax)
COUPLET_DISPATCH(couplet_tile_add_row_centred)
COUPLET_DISPATCH(couplet_tile_add_column_centred)
COUPLET_DISPATCH(couplet_tile_sums)
COUPLET_DISPATCH(couplet_normalize_rows)
COUPLET_DISPATCH(couplet_normalize_rows_backward)
COUPLET_DISPATCH(couplet_row_squares)
COUPLET_DISPATCH(couplet_subtract_scaled_rows)
COUPLET_DISPATCH(couplet_underflowed_sums)

#else

void NAME(couplet_tile_offset)(size_t rows, size_t columns, float *tile, size_t stride, const float *row,
                               const float *column) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) tile[i * stride + j] -= row[i] + column[j];
}

void NAME(couplet_tile_scores)(size_t rows, size_t columns, float *tile, size_t stride, float scale, const float *row,
                               const float *column) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            const size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            float *x = tile + i * stride + j;
            couplet_store_up_to(x, count,
                                couplet_fma(couplet_load_up_to(x, count), couplet_broadcast(scale),
                                            -(row[i] + couplet_load_up_to(column + j, count))));
        }
}

float NAME(couplet_tile_maximum)(size_t rows, size_t columns, const float *tile, size_t stride) {
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

// Computes 2^(scale · product - shift) of `count` <= 16 products and writes the result.
#define powers(x, count, scale, shift, out, streams)                                                                   \
    ({                                                                                                                 \
        couplet_floats p_ =                                                                                            \
            (count) < COUPLET_LANES ? couplet_load_part((x), (count), COUPLET_EXCLUDED) : couplet_load(x);             \
        couplet_floats e_ = couplet_exp2(couplet_fma((scale), p_, (shift)));                                           \
        if ((count) < COUPLET_LANES)                                                                                   \
            couplet_store_part((out), (count), e_);                                                                    \
        else if (streams)                                                                                              \
            __builtin_nontemporal_store(e_, (couplet_floats *)(out));                                                  \
        else                                                                                                           \
            couplet_store((out), e_);                                                                                  \
        e_;                                                                                                            \
    })

// The flags and `count` are constants in every call, so the compiler builds one loop for each combination. An element
// has the same bits in all of them.
COUPLET_INLINE void exponential_rows(const int count, size_t columns, const float *tile, size_t stride, float scale_,
                                     float shift_, float *out, size_t out_stride, float *row_sums, float *column_sums,
                                     const int by_row, const int by_column, const int streams) {
    const couplet_floats scale = couplet_broadcast(scale_), shift = couplet_broadcast(-shift_);
    couplet_floats sums[4] = {0}, e[4];
    for (size_t j = 0; j < columns; j += COUPLET_LANES) {
        const size_t width = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
        COUPLET_UNROLL for (int r = 0; r < count; r++) {
            e[r] = powers(tile + r * stride + j, width, scale, shift, out + r * out_stride + j, streams);
            if (by_row) sums[r] += e[r];
        }
        if (by_column) {
            couplet_floats added = count == 4 ? (e[0] + e[1]) + (e[2] + e[3]) : e[0];
            if (width < COUPLET_LANES)
                couplet_store_part(column_sums + j, width, couplet_load_part(column_sums + j, width, 0) + added);
            else
                couplet_store(column_sums + j, couplet_load(column_sums + j) + added);
        }
    }
    if (by_row) COUPLET_UNROLL for (int r = 0; r < count; r++) row_sums[r] = couplet_lane_sum(sums[r]);
}

COUPLET_INLINE void exponentials(size_t rows, size_t columns, const float *tile, size_t stride, float scale,
                                 float shift, float *out, size_t out_stride, float *row_sums, float *column_sums,
                                 const int by_row, const int by_column, const int streams) {
    size_t i = 0;
    if (by_column)
        for (size_t j = 0; j < columns; j++) column_sums[j] = 0;
    for (; i + 4 <= rows; i += 4)
        exponential_rows(4, columns, tile + i * stride, stride, scale, shift, out + i * out_stride, out_stride,
                         row_sums + i, column_sums, by_row, by_column, streams);
    for (; i < rows; i++)
        exponential_rows(1, columns, tile + i * stride, stride, scale, shift, out + i * out_stride, out_stride,
                         row_sums + i, column_sums, by_row, by_column, streams);
}

void NAME(couplet_tile_exponentials)(size_t rows, size_t columns, const float *tile, size_t stride, float scale,
                                     float shift, float *out, size_t out_stride, float *row_sums, float *column_sums) {
    // Another tile is next read in pass 2, long after it has left the caches.
    const int streams = out != tile && ((uintptr_t)out | out_stride * sizeof(float)) % sizeof(couplet_floats) == 0;
#define WITH_FLAGS(by_row, by_column)                                                                                  \
    (streams ? exponentials(rows, columns, tile, stride, scale, shift, out, out_stride, row_sums, column_sums, by_row, \
                            by_column, 1)                                                                              \
             : exponentials(rows, columns, tile, stride, scale, shift, out, out_stride, row_sums, column_sums, by_row, \
                            by_column, 0))
    if (row_sums && column_sums)
        WITH_FLAGS(1, 1);
    else if (row_sums)
        WITH_FLAGS(1, 0);
    else if (column_sums)
        WITH_FLAGS(0, 1);
    else
        WITH_FLAGS(0, 0);
#undef WITH_FLAGS
}

// 2^n for a whole number n: 0 below -126, at most 2^127.
COUPLET_INLINE float whole_power(float n) {
    float clamped = n > 127.0f ? 127.0f : (n < -127.0f ? -127.0f : n);
    return couplet_from_bits((int32_t)((uint32_t)((int32_t)clamped + 127) << 23));
}

// Writes x · 2^exponent, x >= 0, as (exponent, mantissa). The mantissa of a NaN is a NaN.
COUPLET_INLINE void split(float x, float exponent, float *out_exponent, float *out_mantissa) {
    int32_t bits = couplet_to_bits(x);
    int empty = x < 0x1p-126f;
    float whole = (float)((bits >> 23) - 127);
    float mantissa = couplet_from_bits((bits & 0x007fffff) | 0x3f800000);
    *out_exponent = empty ? COUPLET_EMPTY : exponent + whole;
    *out_mantissa = empty ? 0.0f : (x == x ? mantissa : x);
}

COUPLET_INLINE void add_sum(float b_exponent, float b_mantissa, float *exponent, float *mantissa) {
    float a_exponent = *exponent, a_mantissa = *mantissa;
    float larger = a_exponent > b_exponent ? a_exponent : b_exponent;
    // The factors are powers of two, so the product that is rounded first is exact.
    float sum =
        couplet_fma(a_mantissa, whole_power(a_exponent - larger), b_mantissa * whole_power(b_exponent - larger));
    split(sum, larger, exponent, mantissa);
}

void NAME(couplet_add_tile_sums)(size_t count, float shift, const float *sums, float *exponent, float *mantissa) {
    for (size_t i = 0; i < count; i++) {
        float e, m;
        split(sums[i], shift, &e, &m);
        add_sum(e, m, exponent + i, mantissa + i);
    }
}

void NAME(couplet_add_sums)(size_t count, const float *b_exponent, const float *b_mantissa, float *exponent,
                            float *mantissa) {
    for (size_t i = 0; i < count; i++) add_sum(b_exponent[i], b_mantissa[i], exponent + i, mantissa + i);
}

void NAME(couplet_exp2_sum)(size_t count, const float *x, size_t step, float scale, float *exponent, float *mantissa) {
    float largest = COUPLET_EXCLUDED;
    for (size_t k = 0; k < count; k++) largest = x[k * step] > largest ? x[k * step] : largest;
    if (largest <= 0.5f * COUPLET_EXCLUDED) {
        *exponent = COUPLET_EMPTY, *mantissa = 0;
        return;
    }
    float shift = __builtin_ceilf(scale * largest);
    couplet_floats sum = {0};
    for (size_t k = 0; k < count; k += COUPLET_LANES) {
        float lanes[COUPLET_LANES];
        for (size_t lane = 0; lane < COUPLET_LANES; lane++)
            lanes[lane] = k + lane < count ? x[(k + lane) * step] : COUPLET_EXCLUDED;
        sum += couplet_exp2(couplet_fma(couplet_broadcast(scale), couplet_load(lanes), couplet_broadcast(-shift)));
    }
    split(couplet_lane_sum(sum), shift, exponent, mantissa);
}

float NAME(couplet_tile_factors)(size_t count, float shift, const float *exponent, const float *weight, float *out) {
    float largest = COUPLET_EMPTY;
    for (size_t i = 0; i < count; i++) {
        float difference = shift - exponent[i];
        float counted = weight[i] != 0.0f ? difference : COUPLET_EMPTY;
        largest = counted > largest ? counted : largest;
        out[i] = weight[i] * whole_power(difference);
    }
    return largest;
}

void NAME(couplet_tile_weights)(size_t rows, size_t columns, const float *tile, size_t stride, const float *row,
                                const float *column, float *weights, size_t weights_stride) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        float *w = weights + i * weights_stride, factor = row[i];
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            const size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_store_up_to(w + j, count,
                                couplet_load_up_to(x + j, count) * (factor + couplet_load_up_to(column + j, count)));
        }
    }
}

void NAME(couplet_tile_weights_direct)(size_t rows, size_t columns, float *tile, size_t stride, float scale_,
                                       const float *row_exponent, const float *row_weight, const float *column_exponent,
                                       const float *column_weight) {
    const couplet_floats scale = couplet_broadcast(scale_);
    for (size_t i = 0; i < rows; i++) {
        float *x = tile + i * stride;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_floats p = couplet_load_part(x + j, count, COUPLET_EXCLUDED);
            couplet_floats by_row = couplet_exp2(couplet_fma(scale, p, couplet_broadcast(-row_exponent[i])));
            couplet_floats by_column =
                couplet_exp2(couplet_fma(scale, p, -couplet_load_part(column_exponent + j, count, 0)));
            by_column = by_column * couplet_load_part(column_weight + j, count, 0);
            couplet_store_part(x + j, count, couplet_fma(by_row, couplet_broadcast(row_weight[i]), by_column));
        }
    }
}

// Computes the losses of 16 scores `t` of a row (bias included), and their weights `w`.
#define sigmoid_losses(t_, share, w)                                                                                   \
    ({                                                                                                                 \
        couplet_floats t__ = (t_), zero_ = {0}, e_ = couplet_exp2(couplet_select(t__ > zero_, -t__, t__));             \
        couplet_floats small_ = (share)*e_ / (1.0f + e_);                                                              \
        (w) = couplet_select(t__ > zero_, (share)-small_, small_);                                                     \
        couplet_fma(couplet_max(t__, zero_), couplet_broadcast(0.69314718f), couplet_log1p(e_));                       \
    })

void NAME(couplet_tile_sigmoid)(size_t rows, size_t columns, float *tile, size_t stride, float scale_, float bias_,
                                float share, float *losses, float *sums) {
    const couplet_floats scale = couplet_broadcast(scale_), bias = couplet_broadcast(bias_);
    for (size_t i = 0; i < rows; i++) {
        float *x = tile + i * stride;
        couplet_floats loss = {0}, sum = {0}, w;
        size_t j = 0;
        for (; j + COUPLET_LANES <= columns; j += COUPLET_LANES) {
            loss += sigmoid_losses(couplet_fma(scale, couplet_load(x + j), bias), share, w);
            couplet_store(x + j, w);
            sum += w;
        }
        if (j < columns) {
            couplet_floats products = couplet_load_part(x + j, columns - j, COUPLET_EXCLUDED);
            loss += sigmoid_losses(couplet_fma(scale, products, bias), share, w);
            couplet_store_part(x + j, columns - j, w);
            sum += w;
        }
        losses[i] = couplet_lane_sum(loss), sums[i] = couplet_lane_sum(sum);
    }
}

void NAME(couplet_tile_row_softmax)(size_t rows, size_t columns, const float *tile, size_t stride, float scale,
                                    const float *exponent, const float *weight, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_floats p = couplet_load_part(x + j, count, COUPLET_EXCLUDED);
            couplet_floats e = couplet_exp2(couplet_fma(couplet_broadcast(scale), p, couplet_broadcast(-exponent[i])));
            couplet_store_part(out + i * stride + j, count, e * weight[i]);
        }
    }
}

void NAME(couplet_tile_column_softmax)(size_t rows, size_t columns, const float *tile, size_t stride, float scale,
                                       const float *exponent, const float *weight, float *out) {
    for (size_t i = 0; i < rows; i++) {
        const float *x = tile + i * stride;
        for (size_t j = 0; j < columns; j += COUPLET_LANES) {
            size_t count = columns - j < COUPLET_LANES ? columns - j : COUPLET_LANES;
            couplet_floats p = couplet_load_part(x + j, count, COUPLET_EXCLUDED);
            couplet_floats e =
                couplet_exp2(couplet_fma(couplet_broadcast(scale), p, -couplet_load_up_to(exponent + j, count)));
            couplet_store_part(out + i * stride + j, count, e * couplet_load_up_to(weight + j, count));
        }
    }
}

void NAME(couplet_tile_add_row_centred)(size_t rows, size_t columns, const float *softmax, const float *products,
                                        size_t stride, const float *row, float *weights) {
    for (size_t i = 0; i < rows; i++) {
        float centre = row[i];
        for (size_t j = i * stride; j < i * stride + columns; j++)
            weights[j] = couplet_fma(softmax[j], products[j] - centre, weights[j]);
    }
}

void NAME(couplet_tile_add_column_centred)(size_t rows, size_t columns, const float *softmax, const float *products,
                                           size_t stride, const float *column, float *weights) {
    for (size_t i = 0; i < rows; i++) {
        const float *w = softmax + i * stride, *p = products + i * stride;
        float *out = weights + i * stride;
        for (size_t j = 0; j < columns; j++) out[j] = couplet_fma(w[j], p[j] - column[j], out[j]);
    }
}

void NAME(couplet_tile_sums)(size_t rows, size_t columns, const float *tile, size_t stride, float *row_sums,
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

void NAME(couplet_normalize_rows)(size_t rows, size_t columns, const float *x, float *unit, float *inverse_norms) {
    for (size_t i = 0; i < rows; i++) {
        double norm = __builtin_sqrt(couplet_lane_dot(columns, x + i * columns, x + i * columns));
        float inverse = (float)(1.0 / (norm > 1e-12 ? norm : 1e-12));
        inverse_norms[i] = inverse;
        for (size_t k = 0; k < columns; k++) unit[i * columns + k] = x[i * columns + k] * inverse;
    }
}

void NAME(couplet_normalize_rows_backward)(size_t rows, size_t columns, const float *unit, const float *inverse_norms,
                                           float *gradient) {
    for (size_t i = 0; i < rows; i++) {
        const float *u = unit + i * columns;
        float *g = gradient + i * columns;
        float along = (float)couplet_lane_dot(columns, u, g);
        for (size_t k = 0; k < columns; k++) g[k] = couplet_fma(-along, u[k], g[k]) * inverse_norms[i];
    }
}

void NAME(couplet_row_squares)(size_t rows, size_t columns, const float *x, float factor, float *out) {
    for (size_t i = 0; i < rows; i++)
        out[i] = (float)((double)factor * couplet_lane_dot(columns, x + i * columns, x + i * columns));
}

void NAME(couplet_subtract_scaled_rows)(size_t rows, size_t columns, const float *x, const float *factors,
                                        float *gradient) {
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++)
            gradient[i * columns + k] = couplet_fma(-factors[i], x[i * columns + k], gradient[i * columns + k]);
}

size_t NAME(couplet_underflowed_sums)(size_t count, float shift, const float *sums, const float *exponent) {
    size_t lost = 0;
    for (size_t i = 0; i < count; i++)
        lost += (sums[i] < COUPLET_UNDERFLOWED) & (exponent[i] < shift - COUPLET_NEGLIGIBLE);
    return lost;
}

#endif
