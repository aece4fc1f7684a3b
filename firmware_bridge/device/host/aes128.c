/* AES-128: FIPS 197. The S-box is worked out from its definition (section 5.1.1) instead of being listed. */
#include "aes128.h"

#include <string.h>

static uint8_t sbox[256];

static uint8_t times_x(uint8_t a)
{
    return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1B : 0));
}

static uint8_t rotated(uint8_t a, int bits)
{
    return (uint8_t)(a << bits | a >> (8 - bits));
}

static void make_sbox(void)
{
    uint8_t power[255], logarithm[256], a = 1;
    for (int i = 0; i < 255; i++) { /* 3 generates the field */
        power[i] = a;
        logarithm[a] = (uint8_t)i;
        a = (uint8_t)(a ^ times_x(a));
    }
    for (int i = 0; i < 256; i++) {
        uint8_t b = i == 0 ? 0 : power[(255 - logarithm[i]) % 255];
        sbox[i] = (uint8_t)(b ^ rotated(b, 1) ^ rotated(b, 2) ^ rotated(b, 3) ^ rotated(b, 4) ^ 0x63);
    }
}

void aes128_expand(aes128 *schedule, const uint8_t key[16])
{
    uint8_t constant = 1, *w = schedule->round_keys;
    if (sbox[0] == 0) {
        make_sbox();
    }
    memcpy(w, key, 16);
    for (int i = 16; i < 176; i += 4) {
        uint8_t word[4];
        memcpy(word, w + i - 4, 4);
        if (i % 16 == 0) {
            const uint8_t first = word[0];
            word[0] = (uint8_t)(sbox[word[1]] ^ constant);
            word[1] = sbox[word[2]];
            word[2] = sbox[word[3]];
            word[3] = sbox[first];
            constant = times_x(constant);
        }
        for (int j = 0; j < 4; j++) {
            w[i + j] = (uint8_t)(w[i + j - 16] ^ word[j]);
        }
    }
}

void aes128_encrypt(const void *schedule, const uint8_t in[16], uint8_t out[16])
{
    const uint8_t *w = ((const aes128 *)schedule)->round_keys;
    uint8_t state[16], shifted[16];
    for (int i = 0; i < 16; i++) {
        state[i] = (uint8_t)(in[i] ^ w[i]);
    }
    for (int round = 1; round <= 10; round++) {
        for (int i = 0; i < 16; i++) { /* SubBytes and ShiftRows */
            shifted[i] = sbox[state[(i + 4 * (i % 4)) % 16]];
        }
        for (int column = 0; column < 16; column += 4) {
            const uint8_t *s = shifted + column;
            const uint8_t all = (uint8_t)(s[0] ^ s[1] ^ s[2] ^ s[3]);
            for (int i = 0; i < 4; i++) { /* MixColumns, but not in the last round */
                const uint8_t mixed = (uint8_t)(s[i] ^ all ^ times_x((uint8_t)(s[i] ^ s[(i + 1) % 4])));
                state[column + i] = (uint8_t)((round < 10 ? mixed : s[i]) ^ w[16 * round + column + i]);
            }
        }
    }
    memcpy(out, state, 16);
}
