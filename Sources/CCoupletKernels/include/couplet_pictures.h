// Changes of pictures for augmentation. A picture has 1 or 3 planes (RGB), each height × width numbers from 0 to 1, row
// by row. The formulas are those of torchvision's transforms of tensors. They have sums and products only, in a fixed
// order, so the bits do not depend on the instruction set.
#pragma once
#include <stddef.h>
#include <stdint.h>

// y = (x - black) · scale, cut to 0 … 1. Returns the index of the first number beyond -1/512 … 1 + 1/512, which is no
// pixel; `count` if there is none.
size_t couplet_picture_pixels(size_t count, const float *x, float black, float scale, float *y);

// y = x · scale + black.
void couplet_picture_numbers(size_t count, const float *x, float black, float scale, float *y);

// A part of a picture, resized to the size of the picture by linear interpolation between the middles of pixels:
// output i lies at (i + 1/2) · extent / size - 1/2 of the part, cut to the part. The part is not larger than the
// picture, so no output stands for more than one pixel and antialiasing would change nothing. `mirror` swaps left and
// right. `work` has 4 · width numbers.
void couplet_picture_crop(size_t planes, size_t height, size_t width, const float *x, size_t top, size_t left,
                          size_t part_height, size_t part_width, int mirror, float *work, float *y);

// x = x · factor, cut to 0 … 1.
void couplet_picture_brightness(size_t count, float factor, float *x);

// x = x · factor + (1 - factor) · m, cut to 0 … 1; m is the mean of the grey picture, summed in Double.
void couplet_picture_contrast(size_t planes, size_t pixels, float factor, float *x);

// Each pixel of three planes: x = x · factor + (1 - factor) · grey, cut to 0 … 1, grey = 0.2989 R + 0.587 G + 0.114 B.
void couplet_picture_saturation(size_t pixels, float factor, float *x);

// Each pixel of three planes becomes its grey.
void couplet_picture_gray(size_t pixels, float *x);

// Turns the hue of each pixel of three planes by `turn` of the circle, -1/2 … 1/2, at the same saturation and value
// (HSV).
void couplet_picture_hue(size_t pixels, float turn, float *x);

// Convolution of each plane with the weights w[-radius … radius] along rows and along columns. The picture goes on
// beyond its edges as its mirror image, without the edge again. radius < height, radius < width. `work` has
// height · width + width + 2 · radius numbers.
void couplet_picture_blur(size_t planes, size_t height, size_t width, size_t radius, const float *weights, float *work,
                          float *x);
