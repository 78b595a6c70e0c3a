#pragma once
#include <png.h>

// Constants of libpng's simplified interface as functions: they are macros.

static inline png_uint_32 couplet_PNG_IMAGE_VERSION(void) {
    return PNG_IMAGE_VERSION;
}
static inline png_uint_32 couplet_PNG_FORMAT_GRAY(void) {
    return PNG_FORMAT_GRAY;
}
static inline png_uint_32 couplet_PNG_FORMAT_RGB(void) {
    return PNG_FORMAT_RGB;
}

#ifndef PNG_SIMPLIFIED_WRITE_SUPPORTED
#error "libpng 1.6 or later is needed: its simplified interface reports errors without longjmp"
#endif
