// The sums of Winograd's algorithms for one row or column of a tile (couplet_tile_scheme), with vectors over channels.
// `from` and `to` are arrays of vectors; a row takes every vector (step 1), a column every step-th.
//
// d are pixels, g taps, m the values or their products; y the pixels of y.
#pragma once
#include "couplet_simd.h"

typedef void (*couplet_row_sums)(const couplet_floats *from, size_t from_step, couplet_floats *to, size_t to_step);

#define COUPLET_SUMS(name)                                                                                             \
    COUPLET_INLINE void name(const couplet_floats *from, size_t from_step, couplet_floats *to, size_t to_step)
#define FROM(i) from[(i)*from_step]
#define TO(i) to[(i)*to_step]

// MARK: y0 = d0 g0 + d1 g1 + d2 g2, y1 = d1 g0 + d2 g1 + d3 g2

COUPLET_SUMS(tile_of_2_pixels) {
    TO(0) = FROM(0) - FROM(2);
    TO(1) = FROM(1) + FROM(2);
    TO(2) = FROM(2) - FROM(1);
    TO(3) = FROM(1) - FROM(3);
}
COUPLET_SUMS(tile_of_2_taps) {
    const couplet_floats outer = FROM(0) + FROM(2);
    TO(0) = FROM(0);
    TO(1) = 0.5f * (outer + FROM(1));
    TO(2) = 0.5f * (outer - FROM(1));
    TO(3) = FROM(2);
}
COUPLET_SUMS(tile_of_2_results) {
    TO(0) = FROM(0) + FROM(1) + FROM(2);
    TO(1) = FROM(1) - FROM(2) - FROM(3);
}
COUPLET_SUMS(tile_of_2_results_back) {
    TO(0) = FROM(0);
    TO(1) = FROM(0) + FROM(1);
    TO(2) = FROM(0) - FROM(1);
    TO(3) = -FROM(1);
}
COUPLET_SUMS(tile_of_2_taps_back) {
    const couplet_floats half = 0.5f * (FROM(1) + FROM(2));
    TO(0) = FROM(0) + half;
    TO(1) = 0.5f * (FROM(1) - FROM(2));
    TO(2) = half + FROM(3);
}

// MARK: y0 = d0 g1 + d1 g2, y1 = d0 g0 + d1 g1

COUPLET_SUMS(row_of_2_pixels) {
    TO(0) = FROM(0) + FROM(1);
    TO(1) = FROM(1);
    TO(2) = FROM(0);
}
COUPLET_SUMS(row_of_2_taps) {
    TO(0) = FROM(1);
    TO(1) = FROM(2) - FROM(1);
    TO(2) = FROM(0) - FROM(1);
}
COUPLET_SUMS(row_of_2_results) {
    TO(0) = FROM(0) + FROM(1);
    TO(1) = FROM(0) + FROM(2);
}
COUPLET_SUMS(row_of_2_results_back) {
    TO(0) = FROM(0) + FROM(1);
    TO(1) = FROM(0);
    TO(2) = FROM(1);
}
COUPLET_SUMS(row_of_2_taps_back) {
    TO(0) = FROM(2);
    TO(1) = FROM(0) - FROM(1) - FROM(2);
    TO(2) = FROM(1);
}

// MARK: y0 = d0 g0 + d1 g1 + d2 g2, y1 = d2 g0 + d3 g1 + d4 g2

COUPLET_SUMS(stride_2_pixels) {
    TO(0) = FROM(0) - FROM(2);
    TO(1) = FROM(2);
    TO(2) = FROM(2) - FROM(4);
    TO(3) = FROM(1);
    TO(4) = FROM(3);
}
COUPLET_SUMS(stride_2_taps) {
    TO(0) = FROM(0);
    TO(1) = FROM(0) + FROM(2);
    TO(2) = FROM(2);
    TO(3) = FROM(1);
}
COUPLET_SUMS(stride_2_results) {
    TO(0) = FROM(0) + FROM(1) + FROM(3);
    TO(1) = FROM(1) - FROM(2) + FROM(4);
}
COUPLET_SUMS(stride_2_results_back) {
    TO(0) = FROM(0);
    TO(1) = FROM(0) + FROM(1);
    TO(2) = -FROM(1);
    TO(3) = FROM(0);
    TO(4) = FROM(1);
}
COUPLET_SUMS(stride_2_taps_back) {
    TO(0) = FROM(0) + FROM(1);
    TO(1) = FROM(3);
    TO(2) = FROM(1) + FROM(2);
}

// MARK: With turned taps: y0 = d0 g1, y1 = d0 g0 + d1 g2, y2 = d1 g1, y3 = d1 g0 + d2 g2

COUPLET_SUMS(stride_2_back_pixels) {
    TO(0) = FROM(0) - FROM(1);
    TO(1) = FROM(1);
    TO(2) = FROM(1) - FROM(2);
    TO(3) = FROM(0);
    TO(4) = FROM(1);
}
COUPLET_SUMS(stride_2_back_results) {
    TO(0) = FROM(3);
    TO(1) = FROM(0) + FROM(1);
    TO(2) = FROM(4);
    TO(3) = FROM(1) - FROM(2);
}

#undef FROM
#undef TO

// A row of a tile: how many vectors each kind of sums takes and gives, and the sums of rows, then of columns.
COUPLET_INLINE void couplet_square_sums(const int from, const int to, couplet_row_sums sums, const couplet_floats *d,
                                        couplet_floats *result) {
    couplet_floats between[25];
    COUPLET_UNROLL for (int j = 0; j < from; j++) sums(d + j, (size_t)from, between + j, (size_t)from);
    COUPLET_UNROLL for (int i = 0; i < to; i++) sums(between + i * from, 1, result + i * to, 1);
}
