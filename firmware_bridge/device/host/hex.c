/* Bytes as text. */
#include "host.h"

#include <stdio.h>
#include <string.h>

static int digit(char c)
{
    const char *const digits = "0123456789abcdef";
    const char *const found = c == 0 ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

size_t from_hex(const char *text, uint8_t *out, size_t most)
{
    size_t length = 0;
    for (; text[0] != 0; text += 2) {
        const int high = digit(text[0]), low = digit(text[1]);
        if (high < 0 || low < 0 || length == most) {
            return SIZE_MAX;
        }
        out[length++] = (uint8_t)(high << 4 | low);
    }
    return length;
}

void print_hex(const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        printf("%02x", data[i]);
    }
}
