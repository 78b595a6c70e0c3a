// couplet_pictures.h
#include "arena.h"

void digest_pictures(void) {
#define HEIGHT (3 + r % 14)
#define WIDTH (3 + c % 17)
#define PIXELS (HEIGHT * WIDTH)
    DIGEST_RESULT(couplet_picture_pixels, couplet_picture_pixels(n, a.p[0], 0.1f, 0.7f, a.f[0]) +
                                              1000 * couplet_picture_pixels(n, a.f[1], -0.3f, 0.2f, a.f[2]))
    DIGEST(couplet_picture_numbers, couplet_picture_numbers(n, a.f[0], 0.1f, 0.7f, a.f[1]))
    DIGEST(couplet_picture_crop, {
        const size_t part_height = 1 + k % HEIGHT, part_width = 1 + (k + c) % WIDTH;
        couplet_picture_crop(3, HEIGHT, WIDTH, a.f[0], r % (HEIGHT - part_height + 1), c % (WIDTH - part_width + 1),
                             part_height, part_width, k % 2, a.f[1], a.f[2]);
    })
    DIGEST(couplet_picture_brightness, couplet_picture_brightness(n, 0.7f, a.f[0]))
    DIGEST(couplet_picture_contrast, {
        couplet_picture_contrast(3, PIXELS, 1.3f, a.f[0]);
        couplet_picture_contrast(1, n, 0.4f, a.f[1]);
    })
    DIGEST(couplet_picture_saturation, couplet_picture_saturation(PIXELS, 1.3f, a.f[0]))
    DIGEST(couplet_picture_gray, couplet_picture_gray(PIXELS, a.f[0]))
    DIGEST(couplet_picture_hue, {
        couplet_picture_hue(PIXELS, -0.3f, a.f[0]);
        couplet_picture_hue(PIXELS, 0.2f, a.p[0]);
    })
    DIGEST(couplet_picture_blur, couplet_picture_blur(3, HEIGHT, WIDTH, 1 + k % 2, a.f[0], a.f[1], a.f[2]))
}
