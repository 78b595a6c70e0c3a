// Convolutions as products of windows and weights (couplet_convolution.h, COUPLET_DIRECT).
//
// The windows of a block of pixels are copied into a matrix that fits the second-level cache. The weights are packed
// once a call.
#include "convolution.h"
#include "couplet_network.h"
#include <string.h>

// Floats of a block of windows, 512 KiB, and the fewest windows of a block. Constants: the blocks are part of the order
// of the weights' gradient.
#define BLOCK_FLOATS 131072
#define LEAST_WINDOWS 112
#define MOST_WINDOWS 1008

// Floats from one window to the next, not a multiple of 2,048 bytes, which would share few sets of the cache.
static size_t window_stride(size_t k) {
    return couplet_padded(k) + 16;
}

// Windows of a block, a multiple of 14 (the rows of a product's block).
static size_t windows_of_block(size_t k) {
    const size_t windows = BLOCK_FLOATS / window_stride(k) / 14 * 14;
    return couplet_smaller(couplet_larger(windows, LEAST_WINDOWS), MOST_WINDOWS);
}

// The windows of x below the pixels of y, for one group.
static couplet_windows input_windows(const couplet_convolution *s) {
    return (couplet_windows){
        .height = s->height,
        .width = s->width,
        .channels = s->channels / s->groups,
        .pixel_stride = s->channels,
        .rows = couplet_output_rows(s),
        .columns = couplet_output_columns(s),
        .window_rows = s->kernel_height,
        .window_columns = s->kernel_width,
        .row_step = s->stride_height,
        .column_step = s->stride_width,
        .first_row = -(ptrdiff_t)s->padding_height,
        .first_column = -(ptrdiff_t)s->padding_width,
    };
}

// Whether the windows are the pixels themselves, so that x is their matrix.
static int windows_are_pixels(const couplet_convolution *s) {
    return s->kernel_height == 1 && s->kernel_width == 1 && s->stride_height == 1 && s->stride_width == 1 &&
           s->padding_height == 0 && s->padding_width == 0;
}

// The pixels of x with row = row (mod stride height) and column = column (mod stride width): the taps that reach them,
// and their windows in the gradient of y.
typedef struct {
    couplet_windows windows;
    size_t row, column, first_tap_row, first_tap_column;
} residue;

static residue residue_of(const couplet_convolution *s, size_t row, size_t column) {
    const size_t tap_row = (row + s->padding_height) % s->stride_height;
    const size_t tap_column = (column + s->padding_width) % s->stride_width;
    const size_t rows = (s->kernel_height + s->stride_height - 1 - tap_row) / s->stride_height;
    const size_t columns = (s->kernel_width + s->stride_width - 1 - tap_column) / s->stride_width;
    return (residue){
        .windows = {.height = couplet_output_rows(s),
                    .width = couplet_output_columns(s),
                    .channels = s->outputs / s->groups,
                    .pixel_stride = s->outputs,
                    .rows = row < s->height ? (s->height - row + s->stride_height - 1) / s->stride_height : 0,
                    .columns = column < s->width ? (s->width - column + s->stride_width - 1) / s->stride_width : 0,
                    .window_rows = rows,
                    .window_columns = columns,
                    .row_step = 1,
                    .column_step = 1,
                    .first_row =
                        (ptrdiff_t)((row + s->padding_height - tap_row) / s->stride_height) - ((ptrdiff_t)rows - 1),
                    .first_column = (ptrdiff_t)((column + s->padding_width - tap_column) / s->stride_width) -
                                    ((ptrdiff_t)columns - 1)},
        .row = row,
        .column = column,
        .first_tap_row = tap_row,
        .first_tap_column = tap_column,
    };
}

// The scratch: a block of windows, the weights in another order, packed weights, and a block of results.
typedef struct {
    float *windows, *weights, *packed, *results;
} direct_memory;

static size_t taps_of(const couplet_convolution *s) {
    return s->kernel_height * s->kernel_width;
}
static size_t weight_count(const couplet_convolution *s) {
    return couplet_padded(s->outputs / s->groups * (s->channels / s->groups) * taps_of(s));
}
static size_t packed_count(const couplet_convolution *s) {
    const size_t channels = s->channels / s->groups, outputs = s->outputs / s->groups;
    return couplet_padded(couplet_larger(couplet_product_packed_count(outputs, channels * taps_of(s)),
                                         couplet_product_packed_count(channels, outputs * taps_of(s))));
}
static size_t windows_count(const couplet_convolution *s) {
    const size_t forward = taps_of(s) * (s->channels / s->groups), backward = taps_of(s) * (s->outputs / s->groups);
    return couplet_larger(BLOCK_FLOATS, LEAST_WINDOWS * window_stride(couplet_larger(forward, backward)));
}
static size_t results_count(const couplet_convolution *s) {
    return couplet_padded(windows_of_block(s->outputs / s->groups) * (s->channels / s->groups));
}

size_t couplet_direct_scratch_count(const couplet_convolution *s) {
    return windows_count(s) + weight_count(s) + packed_count(s) + results_count(s);
}

static direct_memory divide(const couplet_convolution *s, float *scratch) {
    direct_memory memory = {.windows = scratch};
    memory.weights = memory.windows + windows_count(s);
    memory.packed = memory.weights + weight_count(s);
    memory.results = memory.packed + packed_count(s);
    return memory;
}

void couplet_direct_forward(const couplet_convolution *s, size_t images, const float *x, const float *weight,
                            const couplet_epilogue *epilogue, float *y, float *scratch) {
    const couplet_windows windows = input_windows(s);
    const direct_memory memory = divide(s, scratch);
    const size_t channels = s->channels / s->groups, outputs = s->outputs / s->groups, taps = taps_of(s);
    const size_t k = channels * taps, stride = window_stride(k), most = windows_of_block(k);
    const size_t count = images * windows.rows * windows.columns;
    for (size_t group = 0; group < s->groups; group++) {
        const float *const own = weight + group * outputs * k;
        size_t offset[COUPLET_MOST_TAPS];
        for (size_t t = 0; t < taps; t++) offset[t] = t * channels;
        for (size_t o = 0; o < outputs; o++)
            couplet_split_taps(channels, taps, own + o * k, offset, memory.weights + o * k);
        couplet_product_pack(outputs, k, memory.weights, k, 1, memory.packed);
        couplet_epilogue own_epilogue = epilogue ? *epilogue : (couplet_epilogue){0};
        if (own_epilogue.bias) own_epilogue.bias += group * outputs;
        for (size_t first = 0; first < count; first += most) {
            const size_t block = couplet_smaller(count - first, most);
            const float *a = x + group * channels + first * s->channels;
            size_t a_stride = s->channels;
            if (!windows_are_pixels(s)) {
                couplet_copy_windows(&windows, first, block, x + group * channels, memory.windows, stride);
                a = memory.windows, a_stride = stride;
            }
            couplet_product_packed(block, outputs, k, a, a_stride, 0, memory.packed, 0,
                                   y + first * s->outputs + group * outputs, s->outputs, epilogue ? &own_epilogue : 0);
        }
    }
}

void couplet_direct_weight_gradient(const couplet_convolution *s, size_t images, const float *x,
                                    const float *y_gradient, float *weight_gradient, float *scratch) {
    const couplet_windows windows = input_windows(s);
    const direct_memory memory = divide(s, scratch);
    const size_t channels = s->channels / s->groups, outputs = s->outputs / s->groups, taps = taps_of(s);
    const size_t k = channels * taps, stride = window_stride(k), most = windows_of_block(k);
    const size_t count = images * windows.rows * windows.columns;
    for (size_t group = 0; group < s->groups; group++) {
        for (size_t first = 0; first < count; first += most) {
            const size_t block = couplet_smaller(count - first, most);
            const float *b = x + group * channels + first * s->channels;
            size_t b_stride = s->channels;
            if (!windows_are_pixels(s)) {
                couplet_copy_windows(&windows, first, block, x + group * channels, memory.windows, stride);
                b = memory.windows, b_stride = stride;
            }
            couplet_product(outputs, k, block, y_gradient + first * s->outputs + group * outputs, s->outputs, 1, b,
                            b_stride, 0, first > 0, memory.weights, k, 0);
        }
        size_t offset[COUPLET_MOST_TAPS];
        for (size_t t = 0; t < taps; t++) offset[t] = t * channels;
        for (size_t o = 0; o < outputs; o++)
            couplet_join_taps(channels, taps, memory.weights + o * k, offset,
                              weight_gradient + (group * outputs + o) * k);
    }
}

// Where the weights of each tap go: each residue has a matrix of (tap, o) × c, taps from the last to the first.
// `residues` receives the starts of the matrices.
static void place_taps(const couplet_convolution *s, size_t *offset, size_t *residues) {
    const size_t floats = s->outputs / s->groups * (s->channels / s->groups);
    size_t place = 0;
    for (size_t row = 0; row < s->stride_height; row++)
        for (size_t column = 0; column < s->stride_width; column++) {
            const residue class = residue_of(s, row, column);
            residues[row * s->stride_width + column] = place;
            for (size_t p = class.windows.window_rows; p-- > 0;)
                for (size_t q = class.windows.window_columns; q-- > 0; place += floats)
                    offset[(class.first_tap_row + p * s->stride_height) * s->kernel_width + class.first_tap_column +
                           q * s->stride_width] = place;
        }
}

// Copies results to the pixels of a residue, or sets them to zero if `results` is null.
static void scatter(const couplet_convolution *s, const residue *class, size_t first, size_t count,
                    const float *results, float *x_gradient) {
    const size_t channels = s->channels / s->groups;
    const couplet_windows *w = &class->windows;
    size_t column = first % w->columns, row = first / w->columns % w->rows, image = first / w->columns / w->rows;
    for (size_t n = 0; n < count; n++) {
        float *to = x_gradient + ((image * s->height + class->row + row * s->stride_height) * s->width + class->column +
                                  column * s->stride_width) *
                                     s->channels;
        if (results)
            memcpy(to, results + n * channels, channels * sizeof(float));
        else
            memset(to, 0, channels * sizeof(float));
        if (++column == w->columns) {
            column = 0;
            if (++row == w->rows) row = 0, image++;
        }
    }
}

static void add_residue(const couplet_convolution *s, const residue *class, size_t images, size_t group,
                        const float *weights, const float *y_gradient, float *x_gradient, direct_memory memory) {
    const couplet_windows *w = &class->windows;
    const size_t channels = s->channels / s->groups, outputs = s->outputs / s->groups;
    const size_t k = w->window_rows * w->window_columns * outputs, count = images * w->rows * w->columns;
    if (count == 0) return;
    float *const target = x_gradient + group * channels;
    if (k == 0) {
        scatter(s, class, 0, count, 0, target);
        return;
    }
    couplet_product_pack(channels, k, weights, channels, 0, memory.packed);
    const int in_place = s->stride_height == 1 && s->stride_width == 1;
    const size_t stride = window_stride(k), most = windows_of_block(k);
    for (size_t first = 0; first < count; first += most) {
        const size_t block = couplet_smaller(count - first, most);
        const float *a = y_gradient + group * outputs + first * s->outputs;
        size_t a_stride = s->outputs;
        if (!windows_are_pixels(s)) {
            couplet_copy_windows(w, first, block, y_gradient + group * outputs, memory.windows, stride);
            a = memory.windows, a_stride = stride;
        }
        couplet_product_packed(block, channels, k, a, a_stride, 0, memory.packed, 0,
                               in_place ? target + first * s->channels : memory.results,
                               in_place ? s->channels : channels, 0);
        if (!in_place) scatter(s, class, first, block, memory.results, target);
    }
}

void couplet_direct_input_gradient(const couplet_convolution *s, size_t images, const float *weight,
                                   const float *y_gradient, float *x_gradient, float *scratch) {
    const direct_memory memory = divide(s, scratch);
    const size_t floats = s->outputs / s->groups * (s->channels / s->groups), taps = taps_of(s);
    size_t offset[COUPLET_MOST_TAPS], residues[COUPLET_MOST_TAPS];
    place_taps(s, offset, residues);
    for (size_t group = 0; group < s->groups; group++) {
        couplet_split_taps(floats, taps, weight + group * floats * taps, offset, memory.weights);
        for (size_t row = 0; row < s->stride_height; row++)
            for (size_t column = 0; column < s->stride_width; column++) {
                const residue class = residue_of(s, row, column);
                add_residue(s, &class, images, group, memory.weights + residues[row * s->stride_width + column],
                            y_gradient, x_gradient, memory);
            }
    }
}
