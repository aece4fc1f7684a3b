/* Ed25519 verification: RFC 8032, section 5.1. Numbers modulo p = 2^255 - 19 are kept as 8 little-endian words below 2^256. */
#include "ed25519.h"

#include <string.h>

typedef struct {
    uint32_t word[8];
} number;

typedef struct {
    number x, y, z, t; /* extended coordinates: x/z, y/z, x*y = t*z */
} point;

static const number one = {{1}};

/* 2^256 is 38 modulo p: whatever is carried out at the top comes in again at the bottom, 38 times. */
static number folded(const uint64_t low[8], uint64_t carry)
{
    number out;
    uint64_t at[8];
    memcpy(at, low, sizeof at);
    do {
        carry *= 38;
        for (int i = 0; i < 8; i++) {
            carry += at[i];
            at[i] = carry & 0xFFFFFFFF;
            carry >>= 32;
        }
    } while (carry != 0);
    for (int i = 0; i < 8; i++) {
        out.word[i] = (uint32_t)at[i];
    }
    return out;
}

static number plus(number a, number b)
{
    uint64_t sum[8];
    for (int i = 0; i < 8; i++) {
        sum[i] = (uint64_t)a.word[i] + b.word[i];
    }
    return folded(sum, 0);
}

static number minus(number a, number b)
{
    uint64_t sum[8];
    for (int i = 0; i < 8; i++) {
        sum[i] = (uint64_t)a.word[i] + (uint32_t)~b.word[i];
    }
    const number above = folded(sum, 0); /* a - b - 1 + 2^256, which is a - b + 37 */
    const number correction = {{0xFFFFFFED - 37, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF,
                                0x7FFFFFFF}}; /* p - 37 */
    return plus(above, correction);
}

static number times(number a, number b)
{
    uint64_t wide[16] = {0}, low[8];
    for (int i = 0; i < 8; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 8; j++) {
            carry += wide[i + j] + (uint64_t)a.word[i] * b.word[j];
            wide[i + j] = carry & 0xFFFFFFFF;
            carry >>= 32;
        }
        wide[i + 8] = carry;
    }
    for (int i = 0; i < 8; i++) {
        low[i] = wide[i] + 38 * wide[i + 8];
    }
    return folded(low, 0);
}

/* The exponent is little-endian and below 2^255. */
static number power(number a, const uint8_t exponent[32])
{
    number out = one;
    for (int bit = 254; bit >= 0; bit--) {
        out = times(out, out);
        if (exponent[bit / 8] >> bit % 8 & 1) {
            out = times(out, a);
        }
    }
    return out;
}

static number inverse(number a) /* a^(p - 2) */
{
    uint8_t exponent[32];
    memset(exponent, 0xFF, sizeof exponent);
    exponent[0] = 0xEB;
    exponent[31] = 0x7F;
    return power(a, exponent);
}

static void canonical(uint8_t out[32], number a)
{
    static const number p = {{0xFFFFFFED, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0x7FFFFFFF}};
    for (int round = 0; round < 2; round++) {
        number less;
        int64_t borrow = 0;
        for (int i = 0; i < 8; i++) {
            borrow += (int64_t)a.word[i] - p.word[i];
            less.word[i] = (uint32_t)(borrow & 0xFFFFFFFF);
            borrow = borrow < 0 ? -1 : 0;
        }
        if (borrow == 0) {
            a = less;
        }
    }
    for (int i = 0; i < 32; i++) {
        out[i] = (uint8_t)(a.word[i / 4] >> 8 * (i % 4));
    }
}

static bool equal(number a, number b)
{
    uint8_t left[32], right[32];
    canonical(left, a);
    canonical(right, b);
    return memcmp(left, right, sizeof left) == 0;
}

static number small(uint32_t value)
{
    number out = {{0}};
    out.word[0] = value;
    return out;
}

static number curve_d(void) /* -121665/121666 */
{
    return times(minus(small(0), small(121665)), inverse(small(121666)));
}

/* The point whose y and sign of x the bytes are (5.1.3). */
static bool decompress(point *out, const uint8_t bytes[32])
{
    uint8_t check[32], exponent[32];
    number y = {{0}};
    for (int i = 0; i < 32; i++) {
        y.word[i / 4] |= (uint32_t)(i == 31 ? bytes[i] & 0x7F : bytes[i]) << 8 * (i % 4);
    }
    canonical(check, y);
    if (memcmp(check, bytes, 31) != 0 || check[31] != (bytes[31] & 0x7F)) {
        return false; /* y is not below p */
    }
    const number square = times(y, y);
    const number ratio = times(minus(square, one), inverse(plus(times(curve_d(), square), one)));
    memset(exponent, 0xFF, sizeof exponent); /* (p + 3) / 8 = 2^252 - 2 */
    exponent[0] = 0xFE;
    exponent[31] = 0x0F;
    number x = power(ratio, exponent);
    if (!equal(times(x, x), ratio)) {
        memset(exponent, 0xFF, sizeof exponent); /* times the square root of -1: 2^((p - 1) / 4), (p - 1) / 4 = 2^253 - 5 */
        exponent[0] = 0xFB;
        exponent[31] = 0x1F;
        x = times(x, power(small(2), exponent));
        if (!equal(times(x, x), ratio)) {
            return false;
        }
    }
    canonical(check, x);
    const int sign = bytes[31] >> 7;
    if (sign == 1 && equal(x, small(0))) {
        return false;
    }
    if ((check[0] & 1) != sign) {
        x = minus(small(0), x);
    }
    out->x = x;
    out->y = y;
    out->z = one;
    out->t = times(x, y);
    return true;
}

static point sum(const point *p, const point *q, number twice_d) /* 5.1.4; good for doubling too */
{
    const number a = times(minus(p->y, p->x), minus(q->y, q->x)), b = times(plus(p->y, p->x), plus(q->y, q->x));
    const number c = times(times(p->t, q->t), twice_d), zz = times(p->z, q->z), d = plus(zz, zz);
    const number e = minus(b, a), f = minus(d, c), g = plus(d, c), h = plus(b, a);
    const point out = {times(e, f), times(g, h), times(f, g), times(e, h)};
    return out;
}

static point multiple(const point *p, const uint8_t *scalar, size_t bytes, number twice_d)
{
    point out = {{{0}}, {{1}}, {{1}}, {{0}}};
    for (size_t bit = 8 * bytes; bit-- > 0;) {
        out = sum(&out, &out, twice_d);
        if (scalar[bit / 8] >> bit % 8 & 1) {
            out = sum(&out, p, twice_d);
        }
    }
    return out;
}

bool ed25519_verify(const uint8_t public_key[32], const uint8_t *message, size_t length, const uint8_t signature[64])
{
    static const uint8_t order[32] = {0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7,
                                      0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    uint8_t base_bytes[32], digest[64], encoded[32], x[32];
    point base, key;
    sha512 hash;
    int i = 31;
    while (i > 0 && signature[32 + i] == order[i]) {
        i--;
    }
    if (signature[32 + i] >= order[i]) {
        return false; /* S is not below the order: the same signature in another form */
    }
    canonical(base_bytes, times(small(4), inverse(small(5))));
    if (!decompress(&base, base_bytes) || !decompress(&key, public_key)) {
        return false;
    }
    key.x = minus(small(0), key.x);
    key.t = minus(small(0), key.t);
    sha512_start(&hash);
    sha512_add(&hash, signature, 32);
    sha512_add(&hash, public_key, 32);
    sha512_add(&hash, message, length);
    sha512_end(&hash, digest);
    /* The digest is used as it is, not modulo the order: the same for every key of prime order, which a maker's key is. */
    const number twice_d = plus(curve_d(), curve_d());
    const point left = multiple(&base, signature + 32, 32, twice_d), right = multiple(&key, digest, 64, twice_d);
    const point all = sum(&left, &right, twice_d);
    const number inverted = inverse(all.z);
    canonical(encoded, times(all.y, inverted));
    canonical(x, times(all.x, inverted));
    encoded[31] = (uint8_t)(encoded[31] | (x[0] & 1) << 7);
    return memcmp(encoded, signature, 32) == 0;
}
