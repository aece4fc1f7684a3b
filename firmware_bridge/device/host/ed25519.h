/* Verification of Ed25519 signatures, and SHA-512, for the host program: plain and slow. Nothing here is secret, so nothing is
 * in constant time; it cannot sign. */
#ifndef ED25519_H
#define ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state[8];
    uint64_t bytes;
    uint8_t block[128];
} sha512;

void sha512_start(sha512 *hash);
void sha512_add(sha512 *hash, const uint8_t *data, size_t length);
void sha512_end(sha512 *hash, uint8_t digest[64]);

bool ed25519_verify(const uint8_t public_key[32], const uint8_t *message, size_t length, const uint8_t signature[64]);

#endif
