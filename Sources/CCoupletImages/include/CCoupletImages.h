// Decodes JPEG and PNG files by libjpeg and libpng.
//
// Both libraries report errors by longjmp, which must not cross frames of Swift. Here it stays within one function, and
// an error becomes a text.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    // height × width × channels, from malloc; the first row is the uppermost. NULL if the file could not be decoded.
    uint8_t *pixels;
    size_t height, width;
    // 1 for grey, 3 for RGB.
    size_t channels;
    // Why the file could not be decoded.
    char message[256];
} couplet_picture;

// Decodes a JPEG file with the slow integer transform and smooth upsampling, the most exact ones. CMYK and YCCK become
// RGB: R = (255 - C)(255 - K)/255, rounded; files with an Adobe marker store 255 - C for C. A file that is cut short or
// damaged gives no pixels. A picture of more than `largest` pixels is refused.
void couplet_decode_jpeg(const uint8_t *bytes, size_t count, size_t largest, couplet_picture *picture);

// Decodes a PNG file. Palettes become RGB, and 1, 2, 4 and 16 bits become 8, to the nearest. Transparent pixels are
// blended on white: (a c + (255 - a) 255)/255, rounded. Color profiles and gamma are left out. A file that is cut short
// or damaged gives no pixels.
void couplet_decode_png(const uint8_t *bytes, size_t count, size_t largest, couplet_picture *picture);

// The versions of the libraries, such as "libjpeg-turbo 2.1.5" and "libpng 1.6.39".
const char *couplet_jpeg_library(void);
const char *couplet_png_library(void);
