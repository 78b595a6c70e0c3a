#include "CCoupletImages.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// In this order: a header uses the types of those above it.
#include <jpeglib.h>

#include <jerror.h>

#define STRING(x) #x
#define VALUE(x) STRING(x)

typedef struct {
    struct jpeg_error_mgr manager;
    jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
} error_state;

static void fail(j_common_ptr info) {
    error_state *state = (error_state *)info->err;
    info->err->format_message(info, state->message);
    longjmp(state->escape, 1);
}

// Pixels after most warnings are guesses of libjpeg, so that warnings are errors. These ones do not touch the pixels.
static int is_harmless(int code) {
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
}

static void receive(j_common_ptr info, int level) {
    if (level < 0 && !is_harmless(info->err->msg_code)) fail(info);
}

static void print_nothing(j_common_ptr info) {
    (void)info;
}

static uint8_t divided_by_255(unsigned product) {
    product += 128;
    return (uint8_t)((product + (product >> 8)) >> 8);
}

static void convert_cmyk(size_t width, const uint8_t *cmyk, int is_inverted, uint8_t *rgb) {
    const uint8_t flip = is_inverted ? 0 : 255;
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * x + c] = divided_by_255((unsigned)(cmyk[4 * x + c] ^ flip) * (unsigned)(cmyk[4 * x + 3] ^ flip));
}

void couplet_decode_jpeg(const uint8_t *bytes, size_t count, size_t largest, couplet_picture *picture) {
    // Volatile, because they change between setjmp and longjmp.
    uint8_t *volatile pixels = NULL, *volatile row = NULL;
    struct jpeg_decompress_struct info;
    error_state state;
    memset(picture, 0, sizeof *picture);
    memset(&info, 0, sizeof info);
    info.err = jpeg_std_error(&state.manager);
    state.manager.error_exit = fail;
    state.manager.emit_message = receive;
    state.manager.output_message = print_nothing;
    if (setjmp(state.escape)) {
        snprintf(picture->message, sizeof picture->message, "%s", state.message);
        goto failed;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, (unsigned long)count);
    jpeg_read_header(&info, TRUE);
    picture->width = info.image_width;
    picture->height = info.image_height;
    if (picture->width * picture->height > largest) {
        snprintf(picture->message, sizeof picture->message, "has %zu × %zu pixels, more than %zu in all",
                 picture->width, picture->height, largest);
        goto failed;
    }
    const int is_grey = info.num_components == 1;
    const int is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
    if (!is_grey && !is_cmyk && info.num_components != 3) {
        snprintf(picture->message, sizeof picture->message, "has %d color components; 1, 3 and 4 (CMYK) can be read",
                 info.num_components);
        goto failed;
    }
    info.out_color_space = is_grey ? JCS_GRAYSCALE : is_cmyk ? JCS_CMYK : JCS_RGB;
    info.dct_method = JDCT_ISLOW;
    info.do_fancy_upsampling = TRUE;
    // Only scans that a file lacks would be smoothed, and such a file is refused.
    info.do_block_smoothing = FALSE;
    picture->channels = is_grey ? 1 : 3;
    jpeg_start_decompress(&info);
    const size_t row_bytes = picture->width * picture->channels;
    pixels = malloc(picture->height * row_bytes);
    if (is_cmyk) row = malloc(4 * picture->width);
    if (!pixels || (is_cmyk && !row)) {
        snprintf(picture->message, sizeof picture->message, "there is no memory for %zu × %zu pixels", picture->width,
                 picture->height);
        goto failed;
    }
    while (info.output_scanline < info.output_height) {
        uint8_t *target = pixels + info.output_scanline * row_bytes;
        if (is_cmyk) {
            uint8_t *line = row;
            jpeg_read_scanlines(&info, &line, 1);
            convert_cmyk(picture->width, row, info.saw_Adobe_marker, target);
        } else {
            // As many rows as one call can give.
            uint8_t *lines[8];
            const size_t left = info.output_height - info.output_scanline;
            for (size_t k = 0; k < 8; k++) lines[k] = target + (k < left ? k : 0) * row_bytes;
            jpeg_read_scanlines(&info, lines, (JDIMENSION)(left < 8 ? left : 8));
        }
    }
    // Reads to the end marker, so that a file without one is refused.
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    free(row);
    picture->pixels = pixels;
    return;
failed:
    jpeg_destroy_decompress(&info);
    free(pixels);
    free(row);
}

const char *couplet_jpeg_library(void) {
#ifdef LIBJPEG_TURBO_VERSION
    return "libjpeg-turbo " VALUE(LIBJPEG_TURBO_VERSION);
#else
    return "libjpeg " VALUE(JPEG_LIB_VERSION);
#endif
}
