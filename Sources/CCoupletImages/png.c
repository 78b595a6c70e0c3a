#include "CCoupletImages.h"
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    jmp_buf escape;
    couplet_picture *picture;
    const uint8_t *bytes;
    size_t left;
} read_state;

static void fail(png_structp png, png_const_charp message) {
    read_state *state = png_get_error_ptr(png);
    snprintf(state->picture->message, sizeof state->picture->message, "%s", message);
    longjmp(state->escape, 1);
}

// Warnings are of chunks that do not touch the pixels.
static void ignore(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    read_state *state = png_get_io_ptr(png);
    if (count > state->left) png_error(png, "the file ends too early");
    memcpy(target, state->bytes, count);
    state->bytes += count;
    state->left -= count;
}

// Removes the last of `channels` channels, by which the others are blended on white.
static void blend_on_white(uint8_t *pixels, size_t count, size_t channels) {
    const size_t colors = channels - 1;
    for (size_t i = 0; i < count; i++) {
        const unsigned alpha = pixels[i * channels + colors];
        for (size_t c = 0; c < colors; c++) {
            const unsigned sum = alpha * pixels[i * channels + c] + (255 - alpha) * 255 + 128;
            pixels[i * colors + c] = (uint8_t)((sum + (sum >> 8)) >> 8);
        }
    }
}

void couplet_decode_png(const uint8_t *bytes, size_t count, size_t largest, couplet_picture *picture) {
    // Volatile, because they change between setjmp and longjmp.
    uint8_t *volatile pixels = NULL;
    png_bytep *volatile rows = NULL;
    png_structp png = NULL;
    png_infop info = NULL;
    read_state state = {.picture = picture, .bytes = bytes, .left = count};
    memset(picture, 0, sizeof *picture);
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, fail, ignore);
    info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        snprintf(picture->message, sizeof picture->message, "libpng cannot start: %s does not fit the headers of %s",
                 png_get_libpng_ver(NULL), PNG_LIBPNG_VER_STRING);
        png_destroy_read_struct(&png, NULL, NULL);
        return;
    }
    if (setjmp(state.escape)) goto failed;
    png_set_read_fn(png, &state, read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(png, info);
    picture->width = png_get_image_width(png, info);
    picture->height = png_get_image_height(png, info);
    if (picture->width > largest / picture->height) {
        snprintf(picture->message, sizeof picture->message, "has %zu × %zu pixels, more than %zu in all",
                 picture->width, picture->height, largest);
        goto failed;
    }
    // To 8 bits of grey or RGB; a transparent color becomes a channel.
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t channels = png_get_channels(png, info), row_bytes = png_get_rowbytes(png, info);
    if (row_bytes != channels * picture->width) png_error(png, "libpng gives rows of another length");
    pixels = malloc(picture->height * row_bytes);
    rows = malloc(picture->height * sizeof *rows);
    if (!pixels || !rows) {
        snprintf(picture->message, sizeof picture->message, "there is no memory for %zu × %zu pixels", picture->width,
                 picture->height);
        goto failed;
    }
    for (size_t y = 0; y < picture->height; y++) rows[y] = pixels + y * row_bytes;
    png_read_image(png, rows);
    // Reads to the end chunk, so that a file without one is refused.
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    const int has_alpha = channels == 2 || channels == 4;
    if (has_alpha) blend_on_white(pixels, picture->width * picture->height, channels);
    picture->channels = has_alpha ? channels - 1 : channels;
    picture->pixels = pixels;
    return;
failed:
    png_destroy_read_struct(&png, &info, NULL);
    free(pixels);
    free(rows);
}

const char *couplet_png_library(void) {
    static char name[32];
    snprintf(name, sizeof name, "libpng %s", png_get_libpng_ver(NULL));
    return name;
}
