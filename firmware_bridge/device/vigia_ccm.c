/* Sealing and opening of device frames: AES-128-CCM, NIST SP 800-38C and RFC 3610 with M = 6 and L = 2. */
#include "vigia_device.h"

#define BLOCK 16
#define UPLINK 0x10
#define DOWNLINK 0x11
#define B0_FLAGS 0x51 /* associated data; (M - 2) / 2 = 2; L - 1 = 1 */
#define A_FLAGS 0x01

uint8_t *vigia_put(uint8_t *at, uint32_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0; value >>= 8) {
        at[i] = (uint8_t)value;
    }
    return at + bytes;
}

uint32_t vigia_get(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0) {
        value = value << 8 | *at++;
    }
    return value;
}

bool vigia_same(const uint8_t *a, const uint8_t *b, size_t length)
{
    volatile uint8_t differs = 0; /* volatile: no early end, whatever the optimiser thinks of it */
    for (size_t i = 0; i < length; i++) {
        differs = (uint8_t)(differs | (a[i] ^ b[i]));
    }
    return differs == 0;
}

/* state = E(state ^ data), the data padded with zeros: one step of the CBC-MAC. */
static void chain(const vigia_device *device, uint8_t state[BLOCK], const uint8_t *data, size_t length)
{
    uint8_t in[BLOCK];
    for (size_t i = 0; i < BLOCK; i++) {
        in[i] = (uint8_t)(state[i] ^ (i < length ? data[i] : 0));
    }
    device->aes(device->key, in, state);
}

/* flags, nonce (the header and four zero bytes), a 16-bit number: the form of both B_0 and A_i. */
static void nonce_block(uint8_t out[BLOCK], uint8_t flags, const uint8_t *header, size_t number)
{
    out[0] = flags;
    for (size_t i = 1; i < BLOCK; i++) {
        out[i] = i <= VIGIA_HEADER_BYTES ? header[i - 1] : 0;
    }
    vigia_put(out + 14, (uint32_t)number, 2);
}

static void count(const vigia_device *device, const uint8_t *header, uint8_t *data, size_t length, size_t number)
{
    uint8_t in[BLOCK], stream[BLOCK];
    nonce_block(in, A_FLAGS, header, number);
    device->aes(device->key, in, stream);
    for (size_t i = 0; i < length && i < BLOCK; i++) {
        data[i] ^= stream[i];
    }
}

void vigia_ccm(const vigia_device *device, const uint8_t header[VIGIA_HEADER_BYTES], uint8_t *data, size_t length,
               uint8_t tag[VIGIA_TAG_BYTES], bool opening)
{
    uint8_t first[BLOCK], state[BLOCK] = {0};
    nonce_block(first, B0_FLAGS, header, length);
    chain(device, state, first, BLOCK);
    first[0] = 0; /* the associated data: its length, and it; one block */
    first[1] = VIGIA_HEADER_BYTES;
    for (size_t i = 0; i < VIGIA_HEADER_BYTES; i++) {
        first[2 + i] = header[i];
    }
    chain(device, state, first, 2 + VIGIA_HEADER_BYTES);
    for (size_t at = 0; at < length; at += BLOCK) {
        if (opening) {
            count(device, header, data + at, length - at, at / BLOCK + 1);
        }
        chain(device, state, data + at, length - at);
        if (!opening) {
            count(device, header, data + at, length - at, at / BLOCK + 1);
        }
    }
    count(device, header, state, VIGIA_TAG_BYTES, 0);
    for (size_t i = 0; i < VIGIA_TAG_BYTES; i++) {
        tag[i] = state[i];
    }
}

size_t vigia_seal(const vigia_device *device, uint32_t counter, const uint8_t *body, size_t length,
                  uint8_t frame[VIGIA_MAX_FRAME])
{
    if (counter == 0 || length == 0 || length > VIGIA_MAX_BODY) {
        return 0;
    }
    uint8_t *at = frame;
    *at++ = UPLINK;
    at = vigia_put(at, device->id, 4);
    at = vigia_put(at, counter, 4);
    for (size_t i = 0; i < length; i++) {
        at[i] = body[i];
    }
    vigia_ccm(device, frame, at, length, at + length, false);
    return VIGIA_HEADER_BYTES + length + VIGIA_TAG_BYTES;
}

size_t vigia_open(const vigia_device *device, uint8_t *frame, size_t length, uint32_t *counter)
{
    if (length <= VIGIA_HEADER_BYTES + VIGIA_TAG_BYTES || length > VIGIA_MAX_DOWNLINK || frame[0] != DOWNLINK ||
        vigia_get(frame + 1, 4) != device->id) {
        return 0;
    }
    uint8_t tag[VIGIA_TAG_BYTES];
    uint8_t *body = frame + VIGIA_HEADER_BYTES;
    length -= VIGIA_HEADER_BYTES + VIGIA_TAG_BYTES;
    vigia_ccm(device, frame, body, length, tag, true);
    if (!vigia_same(tag, body + length, VIGIA_TAG_BYTES)) {
        for (size_t i = 0; i < length; i++) {
            body[i] = 0; /* what is not authentic is not to be read */
        }
        return 0;
    }
    *counter = vigia_get(frame + 5, 4);
    return length;
}
