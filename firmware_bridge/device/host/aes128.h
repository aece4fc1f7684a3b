/* AES-128, encryption of single blocks, for the host program only: plain, slow, and not safe against who measures its time. */
#ifndef AES128_H
#define AES128_H

#include <stdint.h>

typedef struct {
    uint8_t round_keys[176];
} aes128;

void aes128_expand(aes128 *schedule, const uint8_t key[16]);
/* A vigia_aes_fn: `schedule` is an aes128. */
void aes128_encrypt(const void *schedule, const uint8_t in[16], uint8_t out[16]);

#endif
