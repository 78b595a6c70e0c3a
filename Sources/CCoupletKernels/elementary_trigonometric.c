// sin x and cos x.
#include "couplet_elementary.h"
#include "elementary_exponential.h"

// x less a multiple of π/2, as the sum of two Doubles, and the number of quarter turns, modulo 4.
typedef struct {
    double high, low;
    unsigned quarters;
} couplet_angle;

// 2/π after 64 zeros: the words of 64 bits before and after the point.
static const uint64_t two_over_pi[21] = {
    0,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
};

// For any finite x with |x| >= 0.5: only those bits of 2/π are multiplied that reach the last two bits of the integer
// part and the 190 bits after it (Payne and Hanek, Radian reduction for trigonometric functions, 1983).
static couplet_angle exactly_reduced(double x) {
    uint64_t bits = couplet_bits64(x), significand = (bits & 0xfffffffffffff) | (uint64_t)1 << 52;
    int exponent = (int)(bits >> 52 & 0x7ff) - 1075, position = exponent + 62;
    const uint64_t *word = two_over_pi + position / 64;
    int shift = position % 64;
    uint64_t window[3];
    for (int i = 0; i < 3; i++) window[i] = shift ? word[i] << shift | word[i + 1] >> (64 - shift) : word[i];
    unsigned __int128 product = (unsigned __int128)significand * window[2];
    uint64_t last = (uint64_t)product;
    product = (unsigned __int128)significand * window[1] + (product >> 64);
    uint64_t middle = (uint64_t)product, first = significand * window[0] + (uint64_t)(product >> 64);
    // Two bits are the integer part. The nearest integer is taken off; the rest has a sign.
    unsigned quarters = (unsigned)((first + ((uint64_t)1 << 61)) >> 62);
    first -= (uint64_t)quarters << 62;
    int is_negative = (int)(first >> 63);
    if (is_negative) {
        last = ~last + 1;
        middle = ~middle + (last == 0);
        first = ~first + (last == 0 && middle == 0);
    }
    // The first 106 bits, as two integers of 53 bits.
    int scale = 2;
    while (first >> 63 == 0 && scale < 192) {
        int zeros = first ? __builtin_clzll(first) : 63;
        first = first << zeros | middle >> (64 - zeros);
        middle = middle << zeros | last >> (64 - zeros);
        last <<= zeros;
        scale += -zeros;
    }
    uint64_t next = first << 53 | middle >> 11;
    double unit = couplet_double((uint64_t)(1023 + scale - 53) << 52);
    double high = (double)(first >> 11) * unit, low = (double)(next >> 11) * (unit * 0x1p-53);
    // Times π/2.
    double high_first = couplet_high_part(high), high_second = high - high_first;
    double large = high_first * 0x1.921fb50000000p+0;
    double small = high_second * 0x1.921fb50000000p+0 + high * 0x1.110b4611a6263p-26 + low * 0x1.921fb54442d18p+0;
    double sum = large + small, lost = (large - sum) + small;
    if (is_negative != (int)(bits >> 63)) {
        sum = -sum;
        lost = -lost;
    }
    return (couplet_angle){sum, lost, bits >> 63 ? (0u - quarters) & 3 : quarters & 3};
}

static inline couplet_angle reduced(double x) {
    if (x > -0.7853 && x < 0.7853) return (couplet_angle){x, 0, 0};
    if (!(x > -0x1p21 && x < 0x1p21)) return exactly_reduced(x);
    // π/2 in three parts of 32, 32 and 53 bits (Cody and Waite): the products with the first two are exact.
    double shifted = x * 0x1.45f306dc9c883p-1 + 0x1.8p52, n = shifted - 0x1.8p52;
    double rest = x - n * 0x1.921fb54400000p+0, second = n * 0x1.0b4611a600000p-34, third = n * 0x1.3198a2e037073p-69;
    double y = rest - second;
    if (y < 0x1p-30 && y > -0x1p-30) return exactly_reduced(x);
    double turned = y - rest, lost = (rest - (y - turned)) - (second + turned);
    double high = y - third;
    return (couplet_angle){high, ((y - high) - third) + lost, (unsigned)couplet_bits64(shifted) & 3};
}

// sin(y + low) for |y| <= π/4.
static inline double sine(double y, double low) {
    double z = y * y;
    double p = 0x1.5e0916b55daefp-33;
    p = -0x1.ae60056a84b16p-26 + z * p;
    p = 0x1.71de379129f2ep-19 + z * p;
    p = -0x1.a01a019e7f846p-13 + z * p;
    p = 0x1.1111111110ba1p-7 + z * p;
    return y + (z * y * -0x1.5555555555555p-3 + (low + z * (z * y * p - 0.5 * low)));
}

// cos(y + low) for |y| <= π/4.
static inline double cosine(double y, double low) {
    double z = y * y;
    double p = -0x1.907b9fa75de90p-37;
    p = 0x1.1eeb661c764f2p-29 + z * p;
    p = -0x1.27e4fa1529574p-22 + z * p;
    p = 0x1.a01a019f4c9c5p-16 + z * p;
    p = -0x1.6c16c16c1695ep-10 + z * p;
    p = 0x1.5555555555555p-5 + z * p;
    double half = 0.5 * z, start = 1 - half;
    return start + (((1 - start) - half) + (z * z * p - y * low));
}

static double turned(couplet_angle angle, unsigned quarters) {
    quarters = (angle.quarters + quarters) & 3;
    double y = quarters & 1 ? cosine(angle.high, angle.low) : sine(angle.high, angle.low);
    return quarters & 2 ? -y : y;
}

double couplet_sin64(double x) {
    if (!(x - x == 0)) return COUPLET_NAN64;
    if (x == 0) return x;
    return turned(reduced(x), 0);
}

double couplet_cos64(double x) {
    if (!(x - x == 0)) return COUPLET_NAN64;
    return turned(reduced(x), 1);
}
