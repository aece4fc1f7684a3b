/* Requests on standard input, one a line, for the tests that hold the library to the Python codec.
 *
 * A value that is absent is written `-`; bytes are hex, `.` for none. Each request has one line of answer; `refused` where the
 * library makes nothing of it.
 */
#include "host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aes128.h"
#include "ed25519.h"

#define MOST_WORDS 48
#define MOST_BYTES 8192
#define LONGEST_LINE (2 * MOST_BYTES + 512)

static char *words[MOST_WORDS];
static int word_count;
static uint8_t bytes[MOST_BYTES];

static const char *word(int index)
{
    return index < word_count ? words[index] : "";
}

static int32_t whole(int index)
{
    return strcmp(word(index), "-") == 0 ? VIGIA_ABSENT : (int32_t)strtol(word(index), NULL, 10);
}

static uint32_t natural(int index)
{
    return (uint32_t)strtoul(word(index), NULL, 10);
}

/* The bytes of a word, in `bytes`. */
static size_t octets(int index)
{
    const size_t length = strcmp(word(index), ".") == 0 ? 0 : from_hex(word(index), bytes, sizeof bytes);
    if (length == SIZE_MAX) {
        fprintf(stderr, "not hex: %.80s\n", word(index));
        exit(2);
    }
    return length;
}

static void tell(const uint8_t *data, size_t length)
{
    if (length == 0) {
        printf("refused");
    }
    print_hex(data, length);
}

static vigia_device device_of(int key, int id, aes128 *schedule)
{
    const vigia_device device = {natural(id), aes128_encrypt, schedule};
    octets(key);
    aes128_expand(schedule, bytes);
    return device;
}

static void body(const char *request)
{
    uint8_t made[VIGIA_MAX_BODY];
    const vigia_head head = {(uint16_t)natural(1), whole(2)};
    size_t length;
    if (strcmp(request, "acoustic") == 0) {
        length = vigia_acoustic(made, head, (uint8_t)natural(3), whole(4), whole(5), whole(6));
    } else if (strcmp(request, "camera") == 0) {
        length = vigia_camera(made, head, (uint8_t)natural(3), whole(4), whole(5), whole(6));
    } else if (strcmp(request, "position") == 0) {
        length = vigia_position(made, head, whole(3), whole(4), whole(5));
    } else {
        vigia_value values[MOST_WORDS];
        size_t count = 0;
        for (int i = 4; i + 1 < word_count; i += 2) {
            values[count].quantity = (uint8_t)natural(i);
            values[count++].steps = strtoll(word(i + 1), NULL, 10);
        }
        length = vigia_values(made, (uint8_t)natural(3), head, values, count);
    }
    tell(made, length);
}

static void seal(void)
{
    aes128 schedule;
    uint8_t frame[VIGIA_MAX_FRAME];
    const vigia_device device = device_of(1, 2, &schedule);
    const size_t length = octets(4);
    tell(frame, vigia_seal(&device, natural(3), bytes, length, frame));
}

static bool keep(void *context, uint32_t value)
{
    *(uint32_t *)context = value;
    return true;
}

/* hear KEY ID HIGHEST FRAME: what the device understands, and its answer to what it refuses. */
static void hear(void)
{
    aes128 schedule;
    uint32_t kept = natural(3);
    uint8_t answer[VIGIA_MAX_BODY];
    const vigia_device device = device_of(1, 2, &schedule);
    vigia_counter heard;
    vigia_command command;
    vigia_counter_start(&heard, kept, 1, keep, &kept);
    const size_t length = octets(4);
    uint8_t *frame = malloc(length + 1); /* of the length it has, so that the sanitiser sees a step beyond it */
    if (frame == NULL) {
        exit(2);
    }
    memcpy(frame, bytes, length);
    if (!vigia_hear(&device, &heard, frame, length, &command)) {
        printf("nothing");
    } else {
        printf("%" PRIu32 " %u %u %u %" PRIu32 " ", command.counter, command.code, command.result, command.kind, command.number);
        print_hex(command.data, command.length);
        printf(". ");
        print_hex(answer, vigia_answer(&command, NULL, 0, answer));
    }
    free(frame);
}

/* answer COUNTER CODE RESULT DETAIL */
static void answer(void)
{
    uint8_t made[VIGIA_MAX_BODY];
    vigia_command command = {0};
    command.counter = natural(1);
    command.code = (uint8_t)natural(2);
    command.result = (uint8_t)natural(3);
    const size_t length = octets(4);
    tell(made, vigia_answer(&command, bytes, length, made));
}

/* feed SIZE BYTES: the contents of the frames, then what was rejected. */
static void feed(void)
{
    const size_t size = natural(1), length = octets(2);
    uint8_t *buffer = malloc(size + 1);
    vigia_receiver receiver;
    if (buffer == NULL) {
        exit(2);
    }
    vigia_receiver_start(&receiver, buffer, size);
    for (size_t i = 0; i < length; i++) {
        const size_t found = vigia_receive(&receiver, bytes[i]);
        if (found > 0) {
            print_hex(buffer, found);
            printf(" ");
        }
    }
    printf("| %u %u %u %" PRIu32, receiver.bad_cobs, receiver.bad_crc, receiver.too_short, receiver.overlong_bytes);
    free(buffer);
}

static void line(bool radio)
{
    uint8_t made[VIGIA_MAX_LINE];
    const size_t length = octets(radio ? 3 : 1);
    tell(made, radio ? vigia_radio(bytes, length, (int16_t)whole(1), (int8_t)whole(2), made) : vigia_wired(bytes, length, made));
}

static void aes(void)
{
    aes128 schedule;
    uint8_t out[16];
    octets(1);
    aes128_expand(&schedule, bytes);
    octets(2);
    aes128_encrypt(&schedule, bytes, out);
    print_hex(out, sizeof out);
}

static void digest(void)
{
    uint8_t made[64];
    sha512 hash;
    const size_t length = octets(1);
    sha512_start(&hash);
    sha512_add(&hash, bytes, length);
    sha512_end(&hash, made);
    print_hex(made, sizeof made);
}

/* verify KEY SIGNATURE MESSAGE */
static void verify(void)
{
    uint8_t key[32], signature[64];
    octets(1);
    memcpy(key, bytes, sizeof key);
    octets(2);
    memcpy(signature, bytes, sizeof signature);
    const size_t length = octets(3);
    printf(ed25519_verify(key, bytes, length, signature) ? "good" : "bad");
}

int run_lines(void)
{
    static char text[LONGEST_LINE];
    while (fgets(text, sizeof text, stdin) != NULL) {
        word_count = 0;
        for (char *at = strtok(text, " \n"); at != NULL && word_count < MOST_WORDS; at = strtok(NULL, " \n")) {
            words[word_count++] = at;
        }
        const char *request = word(0);
        if (strcmp(request, "seal") == 0) {
            seal();
        } else if (strcmp(request, "hear") == 0) {
            hear();
        } else if (strcmp(request, "answer") == 0) {
            answer();
        } else if (strcmp(request, "feed") == 0) {
            feed();
        } else if (strcmp(request, "wired") == 0 || strcmp(request, "radio") == 0) {
            line(request[0] == 'r');
        } else if (strcmp(request, "aes") == 0) {
            aes();
        } else if (strcmp(request, "sha512") == 0) {
            digest();
        } else if (strcmp(request, "verify") == 0) {
            verify();
        } else if (strcmp(request, "crc") == 0) {
            printf("%04x", vigia_crc16(0xFFFF, bytes, octets(1)));
        } else {
            body(request);
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
