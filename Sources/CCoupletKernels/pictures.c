#ifndef COUPLET_SET
#include "couplet_pictures.h"
#define COUPLET_KERNELS "pictures.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_picture_pixels)
COUPLET_DISPATCH(couplet_picture_numbers)
COUPLET_DISPATCH(couplet_picture_crop)
COUPLET_DISPATCH(couplet_picture_brightness)
COUPLET_DISPATCH(couplet_picture_contrast)
COUPLET_DISPATCH(couplet_picture_saturation)
COUPLET_DISPATCH(couplet_picture_gray)
COUPLET_DISPATCH(couplet_picture_hue)
COUPLET_DISPATCH(couplet_picture_blur)

#else

#undef cut_to_one
#undef grey_of
#undef interpolation
#define cut_to_one NAME(cut_to_one)
#define grey_of NAME(grey_of)
#define interpolation NAME(interpolation)

COUPLET_INLINE float cut_to_one(float x) {
    x = x > 0.0f ? x : 0.0f;
    return x < 1.0f ? x : 1.0f;
}

COUPLET_INLINE float grey_of(float red, float green, float blue) {
    return 0.2989f * red + 0.587f * green + 0.114f * blue;
}

size_t NAME(couplet_picture_pixels)(size_t count, const float *restrict x, float black, float scale,
                                    float *restrict y) {
    const float lowest = -1.0f / 512, highest = 1 + 1.0f / 512;
    int32_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        const float value = (x[i] - black) * scale;
        wrong |= 1 ^ ((value >= lowest) & (value <= highest));
        y[i] = cut_to_one(value);
    }
    if (!wrong) return count;
    size_t i = 0;
    while ((x[i] - black) * scale >= lowest && (x[i] - black) * scale <= highest) i++;
    return i;
}

void NAME(couplet_picture_numbers)(size_t count, const float *restrict x, float black, float scale, float *restrict y) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] * scale + black;
}

// The pixel before output i of an axis, and the weight of the pixel after it; 0 for the last pixel, which has none.
COUPLET_INLINE size_t interpolation(size_t i, size_t extent, size_t size, float *weight) {
    // The place in units of 1 / (2 size), which is exact in integers.
    const size_t twice = (2 * i + 1) * extent, unit = 2 * size;
    *weight = 0;
    if (twice <= size) return 0;
    const size_t place = twice - size, index = place / unit;
    if (index + 1 >= extent) return extent - 1;
    *weight = (float)(place - index * unit) / (float)unit;
    return index;
}

void NAME(couplet_picture_crop)(size_t planes, size_t height, size_t width, const float *restrict x, size_t top,
                                size_t left, size_t part_height, size_t part_width, int mirror, float *restrict work,
                                float *restrict y) {
    // The places are whole numbers.
    float *row = work, *weights = work + 2 * width, *places = work + 3 * width;
    for (size_t i = 0; i < width; i++) {
        const size_t target = mirror ? width - 1 - i : i;
        places[target] = (float)interpolation(i, part_width, width, &weights[target]);
    }
    for (size_t plane = 0; plane < planes; plane++, x += height * width)
        for (size_t i = 0; i < height; i++, y += width) {
            float weight;
            const size_t index = interpolation(i, part_height, height, &weight);
            const float *upper = x + (top + index) * width + left;
            const float *lower = index + 1 < part_height ? upper + width : upper;
            for (size_t j = 0; j < part_width; j++) row[j] = upper[j] + weight * (lower[j] - upper[j]);
            row[part_width] = row[part_width - 1];
            for (size_t j = 0; j < width; j++) {
                const int32_t place = (int32_t)places[j];
                y[j] = row[place] + weights[j] * (row[place + 1] - row[place]);
            }
        }
}

void NAME(couplet_picture_brightness)(size_t count, float factor, float *x) {
    for (size_t i = 0; i < count; i++) x[i] = cut_to_one(x[i] * factor);
}

void NAME(couplet_picture_contrast)(size_t planes, size_t pixels, float factor, float *x) {
    double lanes[COUPLET_LANES] = {0};
    const float *green = x + (planes == 3 ? pixels : 0), *blue = x + (planes == 3 ? 2 * pixels : 0);
    const float weights[3] = {planes == 3 ? 0.2989f : 1.0f, planes == 3 ? 0.587f : 0.0f, planes == 3 ? 0.114f : 0.0f};
    size_t i = 0;
    for (; i + COUPLET_LANES <= pixels; i += COUPLET_LANES)
        for (size_t lane = 0; lane < COUPLET_LANES; lane++)
            lanes[lane] += weights[0] * x[i + lane] + weights[1] * green[i + lane] + weights[2] * blue[i + lane];
    for (size_t lane = 0; i + lane < pixels; lane++)
        lanes[lane] += weights[0] * x[i + lane] + weights[1] * green[i + lane] + weights[2] * blue[i + lane];
    for (size_t half = COUPLET_LANES / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    const float rest = (1 - factor) * (float)(lanes[0] / (double)pixels);
    for (i = 0; i < planes * pixels; i++) x[i] = cut_to_one(x[i] * factor + rest);
}

void NAME(couplet_picture_saturation)(size_t pixels, float factor, float *x) {
    float *red = x, *green = x + pixels, *blue = x + 2 * pixels;
    const float rest = 1 - factor;
    for (size_t i = 0; i < pixels; i++) {
        const float grey = rest * grey_of(red[i], green[i], blue[i]);
        red[i] = cut_to_one(red[i] * factor + grey);
        green[i] = cut_to_one(green[i] * factor + grey);
        blue[i] = cut_to_one(blue[i] * factor + grey);
    }
}

void NAME(couplet_picture_gray)(size_t pixels, float *x) {
    float *red = x, *green = x + pixels, *blue = x + 2 * pixels;
    for (size_t i = 0; i < pixels; i++) red[i] = green[i] = blue[i] = grey_of(red[i], green[i], blue[i]);
}

void NAME(couplet_picture_hue)(size_t pixels, float turn, float *x) {
    float *red = x, *green = x + pixels, *blue = x + 2 * pixels;
    // Hues are 0 … 6 here: red 0, green 2, blue 4.
    const float sixths = 6 * (turn < 0 ? turn + 1 : turn);
    for (size_t i = 0; i < pixels; i++) {
        const float r = red[i], g = green[i], b = blue[i];
        float high = r > g ? r : g, low = r < g ? r : g;
        high = high > b ? high : b, low = low < b ? low : b;
        const float range = high - low, divisor = range > 0 ? range : 1;
        const float along_red = g - b, along_green = b - r, along_blue = r - g;
        float hue = high == r ? along_red : high == g ? along_green : along_blue;
        hue = hue / divisor + (high == r ? 0.0f : high == g ? 2.0f : 4.0f) + sixths;
        // The sum is -1 … 11.
        hue = hue < 0 ? hue + 6 : hue;
        hue = hue >= 6 ? hue - 6 : hue;
        float values[3];
        for (int channel = 0; channel < 3; channel++) {
            // Red is full from 5 to 1, green from 1 to 3, blue from 3 to 5: value = high - range · (0 … 1).
            float place = hue + (float)(5 - 2 * channel);
            place = place >= 6 ? place - 6 : place;
            const float falling = 4 - place, nearer = place < falling ? place : falling;
            values[channel] = high - range * cut_to_one(nearer);
        }
        red[i] = values[0], green[i] = values[1], blue[i] = values[2];
    }
}

void NAME(couplet_picture_blur)(size_t planes, size_t height, size_t width, size_t radius,
                                const float *restrict weights, float *restrict work, float *restrict x) {
    float *blurred = work, *row = work + height * width;
    for (size_t plane = 0; plane < planes; plane++, x += height * width) {
        for (size_t i = 0; i < height; i++) {
            const float *values = x + i * width;
            memcpy(row + radius, values, width * sizeof(float));
            for (size_t j = 1; j <= radius; j++) {
                row[radius - j] = values[j];
                row[radius + width - 1 + j] = values[width - 1 - j];
            }
            COUPLET_EACH_VECTOR(width, {
                couplet_floats sum = weights[0] * couplet_load_up_to(row + c, lanes);
                for (size_t t = 1; t <= 2 * radius; t++) sum += weights[t] * couplet_load_up_to(row + c + t, lanes);
                couplet_store_up_to(blurred + i * width + c, lanes, sum);
            })
        }
        for (size_t i = 0; i < height; i++)
            COUPLET_EACH_VECTOR(width, {
                couplet_floats sum = {0};
                for (size_t t = 0; t <= 2 * radius; t++) {
                    // Row i + t - radius, or its mirror image.
                    size_t source = i + t < radius ? radius - i - t : i + t - radius;
                    source = source < height ? source : 2 * (height - 1) - source;
                    const couplet_floats term = weights[t] * couplet_load_up_to(blurred + source * width + c, lanes);
                    sum = t == 0 ? term : sum + term;
                }
                couplet_store_up_to(x + i * width + c, lanes, sum);
            })
    }
}

#endif
