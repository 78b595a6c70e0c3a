// Elementary functions of the instruction set that is being built. couplet_instruction_sets.h includes this header once
// for each set.
//
// The functions are polynomials in plain C. An element of a vector loop therefore has the same bits wherever the loop
// starts and ends, and in every instruction set.

// Loads and stores of the first `count` < 16 numbers; the other lanes that are loaded are `filling`. With AVX-512 each
// is one instruction with a mask, in other sets a copy.
#undef couplet_load_part
#undef couplet_store_part
#if COUPLET_WIDTH == 16
#define COUPLET_LANE_MASK(count) ((uint16_t)((1u << (count)) - 1))
#define couplet_load_part(x, count, filling)                                                                           \
    __builtin_ia32_loadups512_mask((x), couplet_broadcast((float)(filling)), COUPLET_LANE_MASK(count))
#define couplet_store_part(x, count, v) __builtin_ia32_storeups512_mask((x), (v), COUPLET_LANE_MASK(count))
#else
#define couplet_load_part(x, count, filling)                                                                           \
    ({                                                                                                                 \
        float lanes_[COUPLET_LANES];                                                                                   \
        couplet_copy_lanes((x), (count), (filling), lanes_);                                                           \
        couplet_load(lanes_);                                                                                          \
    })
#define couplet_store_part(x, count, v)                                                                                \
    do {                                                                                                               \
        float lanes_[COUPLET_LANES];                                                                                   \
        couplet_store(lanes_, (v));                                                                                    \
        memcpy((x), lanes_, (count) * sizeof(float));                                                                  \
    } while (0)
#endif

// couplet_fma(a, b, c) = a b + c with one rounding, for scalars and for vectors of 16 lanes.
#undef couplet_fma
#if COUPLET_HAS_FMA
#define couplet_fma(a, b, c) __builtin_elementwise_fma((a), (b), (c))
#else
// Without an instruction the product is exact in Double. The sum in Double, rounded to odd, is then rounded once to
// Float (Boldo and Melquiond, Emulation of FMA and Correctly Rounded Sums, 2008). No branches, so that loops vectorise.
#define COUPLET_DEFINE_FMA(inlining, float_type, double_type, integer_type, convert)                                   \
    static inline __attribute__((overloadable, inlining)) float_type NAME(couplet_emulated_fma)(                       \
        float_type a, float_type b, float_type c) {                                                                    \
        double_type product = convert(a, double_type) * convert(b, double_type), term = convert(c, double_type);       \
        double_type sum = product + term, part = sum - product;                                                        \
        double_type error = (product - (sum - part)) + (term - part);                                                  \
        integer_type bits = __builtin_bit_cast(integer_type, sum);                                                     \
        integer_type below = COUPLET_MASK(error < 0), above = COUPLET_MASK(error > 0);                                 \
        integer_type negative = COUPLET_MASK(sum < 0);                                                                 \
        integer_type away = (below | above) & (~bits & 1), opposite = below ^ negative;                                \
        bits += (away ^ opposite) - opposite;                                                                          \
        return convert(__builtin_bit_cast(double_type, bits), float_type);                                             \
    }
#define COUPLET_CAST(value, type) ((type)(value))
#define COUPLET_MASK(condition) (-(int64_t)(condition))
COUPLET_DEFINE_FMA(always_inline, float, double, int64_t, COUPLET_CAST)
#undef COUPLET_MASK
#define COUPLET_MASK(condition) (condition)
// More than a hundred instructions each: inlined into unrolled loops they would take minutes to compile.
COUPLET_DEFINE_FMA(noinline, couplet_floats, couplet_doubles, couplet_longs, __builtin_convertvector)
COUPLET_DEFINE_FMA(noinline, couplet_floats8, couplet_doubles8, couplet_longs8, __builtin_convertvector)
#undef COUPLET_MASK
#undef COUPLET_CAST
#undef COUPLET_DEFINE_FMA
#define couplet_fma(a, b, c) NAME(couplet_emulated_fma)((a), (b), (c))
#endif

#define couplet_exp NAME(couplet_exp)
#define couplet_exp_within NAME(couplet_exp_within)
#define couplet_log NAME(couplet_log)
#define couplet_cos_sin NAME(couplet_cos_sin)
#define couplet_turns NAME(couplet_turns)
#define couplet_exp2 NAME(couplet_exp2)
#define couplet_log1p NAME(couplet_log1p)

// e^x for -87 <= x <= 88, relative error below 2e-7. Cody-Waite reduction, polynomial of degree 6 on [-ln2/2, ln2/2],
// exponent inserted by integer addition.
COUPLET_INLINE float couplet_exp_within(float x) {
    float shifted = couplet_fma(x, 1.44269504088896341f, 12582912.0f);
    float whole = shifted - 12582912.0f;
    float rest = couplet_fma(whole, -0.693359375f, x);
    rest = couplet_fma(whole, 2.12194440e-4f, rest);
    float poly = 1.3888889e-3f;
    poly = couplet_fma(poly, rest, 8.3333477e-3f);
    poly = couplet_fma(poly, rest, 4.1666646e-2f);
    poly = couplet_fma(poly, rest, 1.6666667e-1f);
    poly = couplet_fma(poly, rest, 0.5f);
    poly = couplet_fma(poly, rest, 1.0f);
    poly = couplet_fma(poly, rest, 1.0f);
    int32_t exponent = (int32_t)((uint32_t)couplet_to_bits(shifted) << 23);
    return couplet_from_bits((int32_t)((uint32_t)couplet_to_bits(poly) + (uint32_t)exponent));
}

// e^x for x <= 88, as above; 0 below -87 (no subnormals).
COUPLET_INLINE float couplet_exp(float x) {
    float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    float result = couplet_exp_within(clamped);
    return x < -87.0f ? 0.0f : result;
}

// ln x for normal x > 0, relative error below 2e-7 (Cephes' logf, without its special cases).
COUPLET_INLINE float couplet_log(float x) {
    int32_t bits = couplet_to_bits(x);
    int32_t exponent = ((bits >> 23) & 0xff) - 126;
    float mantissa = couplet_from_bits((bits & 0x007fffff) | 0x3f000000);
    int small = mantissa < 0.707106781186547524f;
    float e = (float)(exponent - small);
    float m = small ? mantissa + mantissa - 1.0f : mantissa - 1.0f;
    float z = m * m;
    float poly = 7.0376836292e-2f;
    poly = couplet_fma(poly, m, -1.1514610310e-1f);
    poly = couplet_fma(poly, m, 1.1676998740e-1f);
    poly = couplet_fma(poly, m, -1.2420140846e-1f);
    poly = couplet_fma(poly, m, 1.4249322787e-1f);
    poly = couplet_fma(poly, m, -1.6668057665e-1f);
    poly = couplet_fma(poly, m, 2.0000714765e-1f);
    poly = couplet_fma(poly, m, -2.4999993993e-1f);
    poly = couplet_fma(poly, m, 3.3333331174e-1f);
    float y = couplet_fma(z, -0.5f, couplet_fma(e, -2.12194440e-4f, poly * m * z));
    return couplet_fma(e, 0.693359375f, m + y);
}

// cos and sin of 2π w / 2^32: reduction to the nearest quarter turn, then Cephes' polynomials on [-π/4, π/4].
COUPLET_INLINE void couplet_cos_sin(uint32_t w, float *cosine, float *sine) {
    uint32_t quarter = (w + 0x20000000u) >> 30;
    int32_t rest = (int32_t)(w - (quarter << 30));
    float x = (float)rest * 1.46291807926715968e-9f;
    float z = x * x;
    float s = couplet_fma(couplet_fma(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f);
    s = couplet_fma(s * z, x, x);
    float c = couplet_fma(couplet_fma(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f);
    c = couplet_fma(c * z, z, couplet_fma(z, -0.5f, 1.0f));
    float first = (quarter & 1) ? s : c, second = (quarter & 1) ? c : s;
    *cosine = (quarter == 1 || quarter == 2) ? -first : first;
    *sine = (quarter == 2 || quarter == 3) ? -second : second;
}

// cos and sin of 2π x. The fraction of a turn is in units of 2^-32; 2^32 itself is a whole turn, 0. A NaN, which only
// an infinite or undefined angle gives, counts as 0.
COUPLET_INLINE void couplet_turns(float x, float *cosine, float *sine) {
    float fraction = x - __builtin_floorf(x);
    fraction = fraction >= 0.0f ? fraction : 0.0f;
    couplet_cos_sin((uint32_t)(int64_t)(fraction * 4294967296.0f), cosine, sine);
}

// 2^x for x <= 126, 0 below -126, relative error below 1.3e-7: a polynomial of degree 6 on [-1/2, 1/2], then the
// integer part is added to the exponent.
COUPLET_INLINE couplet_floats couplet_exp2(couplet_floats x) {
    couplet_floats shifted = x + 12582912.0f, rest = x - (shifted - 12582912.0f);
    couplet_floats poly = couplet_fma(couplet_broadcast(1.5353362e-4f), rest, couplet_broadcast(1.3398875e-3f));
    poly = couplet_fma(poly, rest, couplet_broadcast(9.6184370e-3f));
    poly = couplet_fma(poly, rest, couplet_broadcast(5.5503324e-2f));
    poly = couplet_fma(poly, rest, couplet_broadcast(2.4022648e-1f));
    poly = couplet_fma(poly, rest, couplet_broadcast(6.9314718e-1f));
    poly = couplet_fma(poly, rest, couplet_broadcast(1.0f));
    couplet_ints power = (couplet_ints)poly + ((couplet_ints)shifted << 23);
    return (couplet_floats)((x >= -126.0f) & power);
}

// ln(1 + y) for 0 <= y <= 1, relative error below 3e-7: the series of 2 artanh(z), z = y / (2 + y) <= 1/3, which is
// accurate for small y, too.
COUPLET_INLINE couplet_floats couplet_log1p(couplet_floats y) {
    couplet_floats z = y / (2.0f + y), square = z * z;
    couplet_floats series = couplet_fma(square, couplet_broadcast(0.15384615f), couplet_broadcast(0.18181818f));
    series = couplet_fma(series, square, couplet_broadcast(0.22222222f));
    series = couplet_fma(series, square, couplet_broadcast(0.28571429f));
    series = couplet_fma(series, square, couplet_broadcast(0.4f));
    series = couplet_fma(series, square, couplet_broadcast(0.66666667f));
    series = couplet_fma(series, square, couplet_broadcast(2.0f));
    return series * z;
}
