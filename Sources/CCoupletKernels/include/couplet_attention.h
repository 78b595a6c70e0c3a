// Kernels of attention: one sequence, all its heads.
//
// Legend: L = positions, H = heads, d = width of a head, W = H d. Row i of `qkv` has 3 W numbers: the queries of all
// heads at position i, then their keys, then their values. Each head has the scores S = Q Kᵀ / √d. Its weights P are
// the softmax of each row of S, and its outputs are O = P V (Vaswani et al., Attention Is All You Need, NeurIPS 2017,
// equation 1).
//
// Keys are met in tiles of COUPLET_ATTENTION_KEYS and queries in blocks of COUPLET_ATTENTION_QUERIES: no more scores
// than one tile of a block are stored (Dao et al., FlashAttention, NeurIPS 2022). Products are those of
// couplet_product.h. So the bits of a row of O depend on its query and the keys and values of its sequence only.
#pragma once
#include <stddef.h>

#define COUPLET_ATTENTION_QUERIES 64
#define COUPLET_ATTENTION_KEYS 256

typedef struct {
    // L, H and d.
    size_t positions;
    size_t heads;
    size_t head_width;
    // Floats from one row of qkv and its gradient, and of out and its gradient, to the next.
    size_t qkv_stride;
    size_t out_stride;
} couplet_attention_shape;

// The floats of `scratch` that forward and backward need for at most `positions` positions.
size_t couplet_attention_scratch_count(size_t positions, size_t head_width);

// out = O, L × W. `softmax` receives two numbers for each head and position: softmax[h][0][i] = log2(e) max_j S[i][j],
// and softmax[h][1][i] = 1 / Σ_j e^(S[i][j] - max_j S[i][j]). Without positions nothing is written.
void couplet_attention(const couplet_attention_shape *shape, const float *qkv, float *out, float *softmax,
                       float *scratch);

// qkv_gradient = the gradient of qkv for the gradient of out. Weights are computed once more from qkv and softmax.
void couplet_attention_backward(const couplet_attention_shape *shape, const float *qkv, const float *out,
                                const float *softmax, const float *out_gradient, float *qkv_gradient, float *scratch);
