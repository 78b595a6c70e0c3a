// Attention of one sequence, tile by tile. A tile has up to 64 queries and 256 keys, so that its scores and what the
// products pack stay in the second-level cache.
#ifndef COUPLET_SET
#include "couplet_attention.h"
#include "couplet_product.h"
#include "couplet_simd.h"

#define COUPLET_LOG2_E 1.44269504088896341f

static size_t couplet_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

// Whole vectors: rows of a tile begin at multiples of 16 floats.
static size_t couplet_whole_lanes(size_t count) {
    return (count + COUPLET_LANES - 1) / COUPLET_LANES * COUPLET_LANES;
}

// The parts of the scratch memory: scores and their gradients of one tile, the packed keys and values of its columns,
// and one number for each query.
typedef struct {
    float *scores, *gradients, *keys, *values, *rows;
} couplet_attention_memory;

static size_t couplet_tile_floats(size_t positions) {
    return couplet_smaller(positions, COUPLET_ATTENTION_QUERIES) *
           couplet_whole_lanes(couplet_smaller(positions, COUPLET_ATTENTION_KEYS));
}

// Packed columns take whole panels of at most 32.
static size_t couplet_packed_floats(size_t positions, size_t head_width) {
    return (couplet_smaller(positions, COUPLET_ATTENTION_KEYS) + 31) / 32 * 32 * couplet_whole_lanes(head_width);
}

size_t couplet_attention_scratch_count(size_t positions, size_t head_width) {
    return 2 * couplet_tile_floats(positions) + 2 * couplet_packed_floats(positions, head_width) +
           couplet_whole_lanes(positions);
}

static couplet_attention_memory couplet_divide_scratch(const couplet_attention_shape *shape, float *scratch) {
    const size_t tile = couplet_tile_floats(shape->positions);
    const size_t packed = couplet_packed_floats(shape->positions, shape->head_width);
    return (couplet_attention_memory){.scores = scratch,
                                      .gradients = scratch + tile,
                                      .keys = scratch + 2 * tile,
                                      .values = scratch + 2 * tile + packed,
                                      .rows = scratch + 2 * tile + 2 * packed};
}

#define row_maximum NAME(row_maximum)
#define weigh_row NAME(weigh_row)
#define weigh_tile NAME(weigh_tile)
#define scale_row NAME(scale_row)
#define forward_head NAME(forward_head)
#define row_dot NAME(row_dot)
#define weigh_backward NAME(weigh_backward)
#define backward_head NAME(backward_head)
#define COUPLET_KERNELS "network_attention.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_attention)
COUPLET_DISPATCH(couplet_attention_backward)

#else

// Maxima of 16 lanes, then of the lanes. Scores are above -3e38 unless they are NaN, which no maximum keeps.
COUPLET_INLINE float row_maximum(const float *scores, size_t count) {
    couplet_floats most = couplet_broadcast(-3e38f);
    const size_t whole = count / COUPLET_LANES * COUPLET_LANES;
    for (size_t j = 0; j < whole; j += COUPLET_LANES) most = couplet_max(couplet_load(scores + j), most);
    if (whole < count) most = couplet_max(couplet_load_part(scores + whole, count - whole, -3e38f), most);
    float lanes[COUPLET_LANES];
    couplet_store(lanes, most);
    for (int half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++)
            lanes[lane] = lanes[lane] > lanes[lane + half] ? lanes[lane] : lanes[lane + half];
    return lanes[0];
}

// scores[j] = 2^(factor scores[j] - offset), and returns their sum: in 16 lanes, j ascending, then the lanes as a tree.
COUPLET_INLINE float weigh_row(float *scores, size_t count, float factor, float offset) {
    couplet_floats sum = {0}, scale = couplet_broadcast(factor), shift = couplet_broadcast(-offset);
    const size_t whole = count / COUPLET_LANES * COUPLET_LANES;
    for (size_t j = 0; j < whole; j += COUPLET_LANES) {
        couplet_floats weight = couplet_exp2(couplet_fma(couplet_load(scores + j), scale, shift));
        couplet_store(scores + j, weight);
        sum += weight;
    }
    if (whole < count) {
        couplet_floats score = couplet_load_part(scores + whole, count - whole, -3e38f);
        couplet_floats weight = couplet_exp2(couplet_fma(score, scale, shift));
        couplet_store(scores + whole, weight);
        sum += weight;
    }
    return couplet_lane_sum(sum);
}

COUPLET_INLINE void scale_row(float *x, size_t count, float factor) {
    for (size_t j = 0; j < count; j++) x[j] *= factor;
}

// Turns a tile of scores into weights relative to the greatest score so far. `offsets` and `sums` hold each query's
// greatest score times `factor` and its sum of weights. From the second tile on, what earlier tiles gave is scaled to
// the new greatest score.
static void weigh_tile(size_t queries, size_t keys, size_t stride, float factor, int is_first, float *scores,
                       float *offsets, float *sums, float *out, size_t out_stride, size_t width) {
    for (size_t i = 0; i < queries; i++) {
        float *row = scores + i * stride;
        const float most = row_maximum(row, keys) * factor;
        const float offset = is_first || most > offsets[i] ? most : offsets[i];
        const float sum = weigh_row(row, keys, factor, offset);
        if (is_first) {
            sums[i] = sum;
        } else {
            float earlier[COUPLET_LANES];
            couplet_store(earlier, couplet_exp2(couplet_broadcast(offsets[i] - offset)));
            sums[i] = couplet_fma(sums[i], earlier[0], sum);
            scale_row(out + i * out_stride, width, earlier[0]);
        }
        offsets[i] = offset;
    }
}

static void forward_head(const couplet_attention_shape *shape, const float *query, const float *key, const float *value,
                         float *out, float *offsets, float *inverses, const couplet_attention_memory *memory) {
    const size_t count = shape->positions, width = shape->head_width, stride = shape->qkv_stride;
    const float factor = COUPLET_LOG2_E / __builtin_sqrtf((float)width);
    for (size_t first = 0; first < count; first += COUPLET_ATTENTION_KEYS) {
        const size_t keys = couplet_smaller(count - first, COUPLET_ATTENTION_KEYS), row = couplet_whole_lanes(keys);
        couplet_product_pack(keys, width, key + first * stride, stride, 1, memory->keys);
        for (size_t i = 0; i < count; i += COUPLET_ATTENTION_QUERIES) {
            const size_t queries = couplet_smaller(count - i, COUPLET_ATTENTION_QUERIES);
            couplet_product_packed(queries, keys, width, query + i * stride, stride, 0, memory->keys, 0, memory->scores,
                                   row, 0);
            weigh_tile(queries, keys, row, factor, first == 0, memory->scores, offsets + i, inverses + i,
                       out + i * shape->out_stride, shape->out_stride, width);
            couplet_product(queries, width, keys, memory->scores, row, 0, value + first * stride, stride, 0, first > 0,
                            out + i * shape->out_stride, shape->out_stride, 0);
        }
    }
    for (size_t i = 0; i < count; i++) {
        inverses[i] = 1.0f / inverses[i];
        scale_row(out + i * shape->out_stride, width, inverses[i]);
    }
}

void NAME(couplet_attention)(const couplet_attention_shape *shape, const float *qkv, float *out, float *softmax,
                             float *scratch) {
    const couplet_attention_memory memory = couplet_divide_scratch(shape, scratch);
    const size_t count = shape->positions, width = shape->heads * shape->head_width;
    for (size_t head = 0; head < shape->heads; head++) {
        const size_t column = head * shape->head_width;
        forward_head(shape, qkv + column, qkv + width + column, qkv + 2 * width + column, out + column,
                     softmax + 2 * head * count, softmax + (2 * head + 1) * count, &memory);
    }
}

// Σ_j x[j] y[j] in 16 lanes, j ascending, then the lanes as a tree.
COUPLET_INLINE float row_dot(const float *x, const float *y, size_t count) {
    couplet_floats sum = {0};
    const size_t whole = count / COUPLET_LANES * COUPLET_LANES;
    for (size_t j = 0; j < whole; j += COUPLET_LANES) sum = couplet_fma(couplet_load(x + j), couplet_load(y + j), sum);
    if (whole < count)
        sum = couplet_fma(couplet_load_part(x + whole, count - whole, 0),
                          couplet_load_part(y + whole, count - whole, 0), sum);
    return couplet_lane_sum(sum);
}

// scores[i][j] = P[i][j] and gradients[i][j] = P[i][j] (gradients[i][j] - dots[i]) / √d, the gradient of Q Kᵀ. Lanes
// beyond the last key receive any numbers.
static void weigh_backward(size_t queries, size_t keys, size_t stride, size_t width, const float *offsets,
                           const float *inverses, const float *dots, float *scores, float *gradients) {
    const float root = 1.0f / __builtin_sqrtf((float)width);
    const couplet_floats factor = couplet_broadcast(COUPLET_LOG2_E / __builtin_sqrtf((float)width));
    for (size_t i = 0; i < queries; i++) {
        float *weights = scores + i * stride, *gradient = gradients + i * stride;
        const couplet_floats offset = couplet_broadcast(-offsets[i]);
        const float inverse = inverses[i], dot = dots[i];
        for (size_t j = 0; j < keys; j += COUPLET_LANES) {
            couplet_floats weight = couplet_exp2(couplet_fma(couplet_load(weights + j), factor, offset)) * inverse;
            couplet_store(weights + j, weight);
            couplet_store(gradient + j, (weight * root) * (couplet_load(gradient + j) - dot));
        }
    }
}

static void backward_head(const couplet_attention_shape *shape, size_t column, size_t head, const float *qkv,
                          const float *out, const float *softmax, const float *out_gradient, float *qkv_gradient,
                          const couplet_attention_memory *memory) {
    const size_t count = shape->positions, width = shape->head_width, stride = shape->qkv_stride;
    const size_t all = shape->heads * width, out_stride = shape->out_stride;
    const float *query = qkv + column, *key = query + all, *value = key + all;
    float *query_gradient = qkv_gradient + column, *key_gradient = query_gradient + all,
          *value_gradient = key_gradient + all;
    const float *offsets = softmax + 2 * head * count, *inverses = offsets + count;
    out += column, out_gradient += column;
    for (size_t i = 0; i < count; i++)
        memory->rows[i] = row_dot(out + i * out_stride, out_gradient + i * out_stride, width);
    for (size_t first = 0; first < count; first += COUPLET_ATTENTION_KEYS) {
        const size_t keys = couplet_smaller(count - first, COUPLET_ATTENTION_KEYS), row = couplet_whole_lanes(keys);
        const float *tile_key = key + first * stride;
        couplet_product_pack(keys, width, tile_key, stride, 1, memory->keys);
        couplet_product_pack(keys, width, value + first * stride, stride, 1, memory->values);
        for (size_t i = 0; i < count; i += COUPLET_ATTENTION_QUERIES) {
            const size_t queries = couplet_smaller(count - i, COUPLET_ATTENTION_QUERIES);
            const float *block_query = query + i * stride, *block_gradient = out_gradient + i * out_stride;
            couplet_product_packed(queries, keys, width, block_query, stride, 0, memory->keys, 0, memory->scores, row,
                                   0);
            couplet_product_packed(queries, keys, width, block_gradient, out_stride, 0, memory->values, 0,
                                   memory->gradients, row, 0);
            weigh_backward(queries, keys, row, width, offsets + i, inverses + i, memory->rows + i, memory->scores,
                           memory->gradients);
            couplet_product(keys, width, queries, memory->scores, row, 1, block_gradient, out_stride, 0, i > 0,
                            value_gradient + first * stride, stride, 0);
            couplet_product(keys, width, queries, memory->gradients, row, 1, block_query, stride, 0, i > 0,
                            key_gradient + first * stride, stride, 0);
            couplet_product(queries, width, keys, memory->gradients, row, 0, tile_key, stride, 0, first > 0,
                            query_gradient + i * stride, stride, 0);
        }
    }
}

void NAME(couplet_attention_backward)(const couplet_attention_shape *shape, const float *qkv, const float *out,
                                      const float *softmax, const float *out_gradient, float *qkv_gradient,
                                      float *scratch) {
    const couplet_attention_memory memory = couplet_divide_scratch(shape, scratch);
    for (size_t head = 0; head < shape->heads; head++)
        backward_head(shape, head * shape->head_width, head, qkv, out, softmax, out_gradient, qkv_gradient, &memory);
}

#endif
