// Convolutions by Winograd's minimal filtering (couplet_convolution.h, COUPLET_WINOGRAD): transforms of a block of
// tiles, which stays in the second-level cache, and n² products of it.
#include "convolution.h"

// Tiles of a block: eight blocks of a product's rows, whose values fit the second-level cache for 64 channels; more
// channels read more weights for each block. A constant: the blocks are part of the order of the weights' gradient.
#define TILES 112

// The algorithm of y and of the weights' gradient, and that of the gradient of x.
static couplet_tile_scheme scheme_of(const couplet_convolution *s) {
    if (s->stride_height == 2) return COUPLET_STRIDE_2;
    const int small = s->height == 2 && s->width == 2 && s->padding_height == 1 && s->padding_width == 1;
    return small ? COUPLET_ROW_OF_2 : COUPLET_TILE_OF_2;
}
static couplet_tile_scheme scheme_back(const couplet_convolution *s) {
    const couplet_tile_scheme scheme = scheme_of(s);
    return scheme == COUPLET_STRIDE_2 ? COUPLET_STRIDE_2_BACK : scheme;
}
static size_t values_of(const couplet_convolution *s) {
    const size_t n = couplet_scheme_values(scheme_of(s));
    return n * n;
}
static size_t weights_of(const couplet_convolution *s) {
    const size_t count = couplet_scheme_weights(scheme_of(s));
    return count * count;
}

// Strides of the values of a block of tiles: not powers of two, whose addresses would share few sets of the cache.
static size_t tile_stride(size_t channels) {
    return couplet_padded(channels) + 16;
}
static couplet_tile_values tile_values(float *start, size_t channels) {
    return (couplet_tile_values){start, tile_stride(channels), TILES * tile_stride(channels) + 16};
}
static size_t values_count(const couplet_convolution *s, size_t channels) {
    return values_of(s) * (TILES * tile_stride(channels) + 16);
}

static size_t divided(size_t extent, size_t step) {
    return (extent + step - 1) / step;
}

// Tiles of y, of `step` pixels, and the pixels of x below them. Backward x and y change places.
typedef struct {
    couplet_tiles x, y;
} tile_pair;

static tile_pair tiles_forward(const couplet_convolution *s) {
    const size_t rows = couplet_output_rows(s), columns = couplet_output_columns(s);
    const int small = scheme_of(s) == COUPLET_ROW_OF_2;
    const size_t tile_rows = divided(rows, 2), tile_columns = divided(columns, 2);
    return (tile_pair){
        .x = {s->height, s->width, s->channels, tile_rows, tile_columns, 2 * s->stride_height,
              small ? 0 : -(ptrdiff_t)s->padding_height, small ? 0 : -(ptrdiff_t)s->padding_width},
        .y = {rows, columns, s->outputs, tile_rows, tile_columns, 2, 0, 0},
    };
}
static tile_pair tiles_back(const couplet_convolution *s) {
    const couplet_tile_scheme scheme = scheme_back(s);
    const size_t step = scheme == COUPLET_STRIDE_2_BACK ? 4 : 2;
    const size_t tile_rows = divided(s->height, step), tile_columns = divided(s->width, step);
    const int full = scheme == COUPLET_TILE_OF_2;
    return (tile_pair){
        .x = {couplet_output_rows(s), couplet_output_columns(s), s->outputs, tile_rows, tile_columns, 2,
              full ? (ptrdiff_t)s->padding_height - 2 : 0, full ? (ptrdiff_t)s->padding_width - 2 : 0},
        .y = {s->height, s->width, s->channels, tile_rows, tile_columns, step, 0, 0},
    };
}

// The scratch: the weights of all products, or their gradients; a strip of kernels; values of x, and of y.
typedef struct {
    float *weights, *strip, *x, *y;
} winograd_memory;

// Floats of the weights of one of the products.
static size_t weights_stride(const couplet_convolution *s) {
    const size_t forward = couplet_product_packed_count(s->outputs, s->channels);
    const size_t backward = couplet_product_packed_count(s->channels, s->outputs);
    return couplet_padded(couplet_larger(forward, backward)) + 16;
}
static size_t strip_count(const couplet_convolution *s) {
    return COUPLET_STRIP_FLOATS * couplet_padded(couplet_larger(s->channels, s->outputs));
}

size_t couplet_winograd_scratch_count(const couplet_convolution *s) {
    return weights_of(s) * weights_stride(s) + strip_count(s) + values_count(s, s->channels) +
           values_count(s, s->outputs);
}

static winograd_memory divide(const couplet_convolution *s, float *scratch) {
    winograd_memory memory = {.weights = scratch};
    memory.strip = memory.weights + weights_of(s) * weights_stride(s);
    memory.x = memory.strip + strip_count(s);
    memory.y = memory.x + values_count(s, s->channels);
    return memory;
}

// y = x ⋆ weights by tiles, with packed weights: forward, or backward to x.
static void convolve(const couplet_convolution *s, couplet_tile_scheme scheme, const tile_pair *tiles, size_t images,
                     const float *x, const couplet_epilogue *epilogue, float *y, winograd_memory memory) {
    const size_t count = images * tiles->y.rows * tiles->y.columns;
    const couplet_tile_values from = tile_values(memory.x, tiles->x.channels);
    const couplet_tile_values to = tile_values(memory.y, tiles->y.channels);
    for (size_t first = 0; first < count; first += TILES) {
        const size_t block = couplet_smaller(count - first, TILES);
        couplet_tiles_to_values(scheme, &tiles->x, first, block, x, from);
        for (size_t v = 0; v < values_of(s); v++)
            couplet_product_packed(block, tiles->y.channels, tiles->x.channels, from.start + v * from.value_stride,
                                   from.stride, 0,
                                   memory.weights + couplet_weights_of_value(scheme, v) * weights_stride(s), 0,
                                   to.start + v * to.value_stride, to.stride, 0);
        couplet_values_to_tiles(scheme, &tiles->y, first, block, to, epilogue, y);
    }
}

void couplet_winograd_forward(const couplet_convolution *s, size_t images, const float *x, const float *weight,
                              const couplet_epilogue *epilogue, float *y, float *scratch) {
    const winograd_memory memory = divide(s, scratch);
    const tile_pair tiles = tiles_forward(s);
    couplet_taps_to_values(scheme_of(s), s->outputs, s->channels, weight, 0, memory.strip, memory.weights,
                           weights_stride(s));
    convolve(s, scheme_of(s), &tiles, images, x, epilogue, y, memory);
}

void couplet_winograd_input_gradient(const couplet_convolution *s, size_t images, const float *weight,
                                     const float *y_gradient, float *x_gradient, float *scratch) {
    winograd_memory memory = divide(s, scratch);
    const tile_pair tiles = tiles_back(s);
    couplet_taps_to_values(scheme_back(s), s->outputs, s->channels, weight, 1, memory.strip, memory.weights,
                           weights_stride(s));
    // The values of x have room for channels, those of y for outputs.
    const winograd_memory exchanged = {memory.weights, memory.strip, memory.y, memory.x};
    convolve(s, scheme_back(s), &tiles, images, y_gradient, 0, x_gradient, exchanged);
}

// Whether a value before v has the same weights.
static int is_used(couplet_tile_scheme scheme, size_t v, size_t number) {
    for (size_t before = 0; before < v; before++)
        if (couplet_weights_of_value(scheme, before) == number) return 1;
    return 0;
}

void couplet_winograd_weight_gradient(const couplet_convolution *s, size_t images, const float *x,
                                      const float *y_gradient, float *weight_gradient, float *scratch) {
    const winograd_memory memory = divide(s, scratch);
    const tile_pair tiles = tiles_forward(s);
    const couplet_tile_scheme scheme = scheme_of(s);
    const size_t channels = s->channels, outputs = s->outputs, stride = weights_stride(s);
    const size_t count = images * tiles.y.rows * tiles.y.columns;
    const couplet_tile_values left = tile_values(memory.y, outputs);
    const couplet_tile_values right = tile_values(memory.x, channels);
    for (size_t first = 0; first < count; first += TILES) {
        const size_t block = couplet_smaller(count - first, TILES);
        couplet_tiles_to_values(scheme, &tiles.x, first, block, x, right);
        couplet_gradient_to_values(scheme, &tiles.y, first, block, y_gradient, left);
        for (size_t v = 0; v < values_of(s); v++) {
            const size_t number = couplet_weights_of_value(scheme, v);
            // Values that share their weights are added in ascending order.
            const int again = is_used(scheme, v, number);
            couplet_product(outputs, channels, block, left.start + v * left.value_stride, left.stride, 1,
                            right.start + v * right.value_stride, right.stride, 0, first > 0 || again,
                            memory.weights + number * stride, channels, 0);
        }
    }
    for (size_t o = 0; o < outputs; o++)
        couplet_values_to_taps(scheme, channels, memory.weights + o * channels, stride, memory.strip,
                               weight_gradient + o * channels * 9);
}
