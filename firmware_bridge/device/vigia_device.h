/* vigia_device.h - the sensor's end of Vigía's frames, version 1, for firmware: C99, no allocation, no dependency.
 *
 * What it needs from you: one function that encrypts one block with AES-128, and (for counters and firmware update) places
 * in non-volatile memory. What it gives: frames byte for byte as the gateway's own codec makes them, the commands that the
 * gateway sends, the answers to them, and the device's side of a firmware update.
 *
 *   vigia_ccm.c      sealing and opening of frames: AES-128-CCM
 *   vigia_body.c     what a frame tells
 *   vigia_line.c     frames on a serial line: COBS, CRC-16/CCITT-FALSE
 *   vigia_command.c  counters, commands and answers
 *   vigia_update.c   firmware update; leave it out where there is none
 *
 * The formats are in firmware_bridge/README.md. No function keeps a pointer beyond its call, but for what a struct of
 * yours holds. Nothing here is for several threads or interrupts at once: call it from one.
 */
#ifndef VIGIA_DEVICE_H
#define VIGIA_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- sizes, in bytes */
#define VIGIA_KEY_BYTES 16
#define VIGIA_HEADER_BYTES 9
#define VIGIA_TAG_BYTES 6
#define VIGIA_MAX_BODY 100                                              /* of an uplink */
#define VIGIA_MAX_FRAME (VIGIA_HEADER_BYTES + VIGIA_MAX_BODY + VIGIA_TAG_BYTES)
#define VIGIA_MAX_DOWNLINK_BODY 259
#define VIGIA_MAX_DOWNLINK (VIGIA_HEADER_BYTES + VIGIA_MAX_DOWNLINK_BODY + VIGIA_TAG_BYTES)
#define VIGIA_MAX_LINE (3 + VIGIA_MAX_FRAME + 2 + 1 + 1)                /* an uplink, radio envelope, CRC, COBS, end */
#define VIGIA_RECEIVER_BYTES (1 + VIGIA_MAX_DOWNLINK + 2 + 2)           /* buffer for every downlink there is */
#define VIGIA_MAX_VALUES 16

/* ---- the device */

/* Encrypt one block of 16 bytes with AES-128; `in` and `out` never overlap. It cannot fail. */
typedef void (*vigia_aes_fn)(const void *key, const uint8_t in[16], uint8_t out[16]);

typedef struct {
    uint32_t id;      /* as printed on the device, and as the gateway's settings have it */
    vigia_aes_fn aes;
    const void *key;  /* handed to `aes`: the key, or the schedule that your library makes of it */
} vigia_device;

/* ---- bodies: what a frame tells
 * Values are whole steps of the gateway's catalogue (firmware_bridge/readings.py): hundredths of a volt, thousandths of
 * confidence, tenths of a decibel, tenths of a second. What is not known is VIGIA_ABSENT, never 0. Each function writes
 * a body of at most VIGIA_MAX_BODY bytes and returns its length, or 0 for what a frame cannot tell. */
#define VIGIA_ABSENT INT32_MIN

enum { VIGIA_ACOUSTIC = 1, VIGIA_CAMERA = 2, VIGIA_ENVIRONMENT = 3, VIGIA_STATUS = 4, VIGIA_POSITION = 5 };

typedef struct {
    uint16_t age_s;             /* since what is told happened; 65535 is reserved */
    int32_t battery_centivolts; /* to 508; more only in environment and status */
} vigia_head;

typedef struct {
    uint8_t quantity; /* a code of the catalogue from 16 to 47, but not 19 or 20 */
    int64_t steps;    /* from -2^34 to 2^34 - 1 */
} vigia_value;

size_t vigia_acoustic(uint8_t *body, vigia_head head, uint8_t label, int32_t confidence_thousandths,
                      int32_t level_decibel_tenths, int32_t duration_tenths);
size_t vigia_camera(uint8_t *body, vigia_head head, uint8_t label, int32_t confidence_thousandths, int32_t individuals,
                    int32_t picture);
/* 1e-6 degrees, WGS 84; metres. Only the altitude may be absent. */
size_t vigia_position(uint8_t *body, vigia_head head, int32_t latitude, int32_t longitude, int32_t altitude);
/* kind: VIGIA_ENVIRONMENT or VIGIA_STATUS. At most VIGIA_MAX_VALUES values, codes ascending. */
size_t vigia_values(uint8_t *body, uint8_t kind, vigia_head head, const vigia_value *values, size_t count);

/* ---- counters: never used twice with a key, whatever takes the power away
 * One vigia_counter for what the device sends and one for what it hears, each with a place of its own in memory that
 * survives. `keep` writes the value there and returns true once it is durable. It is called once in `ahead` uses: the value
 * is the highest that may be used before the next call, and the one to start from after a restart. */
typedef bool (*vigia_keep_fn)(void *context, uint32_t value);

typedef struct {
    uint32_t now;  /* the last that was used or heard */
    uint32_t kept; /* the last that may be, without keeping another */
    uint32_t ahead;
    vigia_keep_fn keep;
    void *context;
} vigia_counter;

/* kept: what `keep` was last given, 0 for a new key. A value that cannot be read is not 0: the device needs a new key. */
void vigia_counter_start(vigia_counter *counter, uint32_t kept, uint32_t ahead, vigia_keep_fn keep, void *context);
/* The next number to seal with, or 0: it could not be kept, or the key is used up. */
uint32_t vigia_counter_take(vigia_counter *counter);

/* ---- frames */

/* The frame of a body; returns its length, or 0 for a counter of 0 or a body that is empty or too long. */
size_t vigia_seal(const vigia_device *device, uint32_t counter, const uint8_t *body, size_t length,
                  uint8_t frame[VIGIA_MAX_FRAME]);
/* Opens a downlink in place: its body, of the length returned, is then at frame + VIGIA_HEADER_BYTES. 0: it is not for
 * this device, or not authentic; the frame is then wiped or untouched. The counter is not yet checked: see vigia_hear. */
size_t vigia_open(const vigia_device *device, uint8_t *frame, size_t length, uint32_t *counter);

/* ---- the serial line */

/* A frame as it goes onto the line, with the delimiter that ends it; returns the length, 0 for an empty or overlong frame. */
size_t vigia_wired(const uint8_t *frame, size_t length, uint8_t line[VIGIA_MAX_LINE]);
/* The same for what a radio receiver passes on. rssi_dbm: -200 to 0, else told as absent; snr in quarter decibels, -128 absent. */
size_t vigia_radio(const uint8_t *frame, size_t length, int16_t rssi_dbm, int8_t snr, uint8_t line[VIGIA_MAX_LINE]);

typedef struct {
    uint8_t *buffer;
    size_t size;
    size_t held;
    bool overlong;
    uint16_t bad_cobs, bad_crc, too_short; /* frames */
    uint32_t overlong_bytes;               /* noise, another speed */
} vigia_receiver;

/* buffer: VIGIA_RECEIVER_BYTES, or less where blocks of new firmware are smaller. */
void vigia_receiver_start(vigia_receiver *receiver, uint8_t *buffer, size_t size);
/* Feed every byte that comes. Not 0: a whole content of that length is in the buffer, until the next byte is fed. */
size_t vigia_receive(vigia_receiver *receiver, uint8_t byte);
/* The frame in a content of the line: behind the envelope of a wire, of the length returned. 0: none. */
size_t vigia_unwrap(uint8_t *content, size_t length, uint8_t **frame);

/* ---- commands and answers */
enum {
    VIGIA_PING = 1,
    VIGIA_IDENTIFY = 2,       /* blink or beep for `number` seconds */
    VIGIA_SET_INTERVAL = 3,   /* tell `kind` every `number` seconds */
    VIGIA_REQUEST_STATUS = 4, /* send a status frame after the answer */
    VIGIA_REBOOT = 5,         /* `number` seconds after the answer */
    VIGIA_UPDATE_QUERY = 16,
    VIGIA_UPDATE_BEGIN = 17,
    VIGIA_UPDATE_BLOCK = 18,
    VIGIA_UPDATE_FINISH = 19,
    VIGIA_UPDATE_BOOT = 20
};

enum {
    VIGIA_DONE = 0,
    VIGIA_UNKNOWN_COMMAND = 1,
    VIGIA_BAD_LENGTH = 2,
    VIGIA_BAD_VALUE = 3,
    VIGIA_BEHIND = 4,
    VIGIA_BUSY = 5,
    VIGIA_REFUSED = 6,
    VIGIA_NO_UPDATE = 16,
    VIGIA_BAD_SIGNATURE = 17,
    VIGIA_WRONG_MODEL = 18,
    VIGIA_OLDER_VERSION = 19,
    VIGIA_TOO_LARGE = 20,
    VIGIA_OUT_OF_ORDER = 21,
    VIGIA_FLASH_FAILED = 22,
    VIGIA_INCOMPLETE = 23,
    VIGIA_BAD_DIGEST = 24
};

#define VIGIA_LONGEST_INTERVAL_S 604800u
#define VIGIA_MAX_DETAIL 93

typedef struct {
    uint32_t counter;
    uint8_t code;
    uint8_t result;      /* VIGIA_DONE: carry it out. Anything else: do not, and answer so */
    uint8_t kind;        /* of VIGIA_SET_INTERVAL */
    uint32_t number;     /* seconds, number of a block; of VIGIA_BEHIND the highest counter heard */
    const uint8_t *data; /* parameters that are bytes, in the frame's own buffer */
    size_t length;
} vigia_command;

/* The command in a frame from the gateway. false: nothing for this device; say nothing. true: answer it, and if its result
 * is VIGIA_DONE carry it out first; each counter is accepted once. `frame` is opened in place and `command` points into it. */
bool vigia_hear(const vigia_device *device, vigia_counter *heard, uint8_t *frame, size_t length, vigia_command *command);
/* The body of the answer: the command's result and a detail of at most VIGIA_MAX_DETAIL bytes. Returns its length. */
size_t vigia_answer(const vigia_command *command, const uint8_t *detail, size_t length, uint8_t body[VIGIA_MAX_BODY]);

/* ---- firmware update */
#define VIGIA_MODEL_BYTES 16
#define VIGIA_MANIFEST_BYTES 92
#define VIGIA_SIGNATURE_BYTES 64
#define VIGIA_DIGEST_BYTES 64

enum { VIGIA_IDLE = 0, VIGIA_RECEIVING = 1, VIGIA_READY = 2 };

typedef struct {
    /* Is this the maker's Ed25519 signature (RFC 8032) of the message? */
    bool (*verify)(void *context, const uint8_t *message, size_t length, const uint8_t signature[VIGIA_SIGNATURE_BYTES]);
    /* An update begins: make room, and keep the manifest with 0 blocks, durable before it returns true. NULL: forget it. */
    bool (*begin)(void *context, const uint8_t *manifest);
    /* Write a block, and then `held`, the number of blocks there are now; both durable before it returns true. After a
     * power cut the same block may come again: where flash cannot be written twice, compare first. */
    bool (*write)(void *context, uint32_t offset, const uint8_t *data, size_t length, uint16_t held);
    /* Is the SHA-512 of the first `bytes` of what was written this one? Read it from the flash. */
    bool (*check)(void *context, uint32_t bytes, const uint8_t digest[VIGIA_DIGEST_BYTES]);
} vigia_flash;

typedef struct {
    const vigia_flash *flash;
    void *context;
    const uint8_t *model; /* VIGIA_MODEL_BYTES, padded with zeros */
    uint32_t running;     /* version: major << 24 | minor << 16 | patch */
    uint32_t capacity;    /* bytes of room for new firmware */
    uint8_t block_bits;   /* blocks of 1 << block_bits bytes, 4 to 8 */
    uint8_t state;
    uint16_t held; /* blocks */
    uint8_t manifest[VIGIA_MANIFEST_BYTES];
} vigia_update;

/* Fill in the fields above `state`, then call this once after power-up. manifest, held: what `begin` and `write` kept, NULL for none. */
void vigia_update_start(vigia_update *update, const uint8_t *manifest, uint16_t held);
/* Carries out an update command, sets its result and writes the answer's body; returns its length. When the result of
 * VIGIA_UPDATE_BOOT is VIGIA_DONE: send the answer, then start the new firmware. */
size_t vigia_update_handle(vigia_update *update, vigia_command *command, uint8_t body[VIGIA_MAX_BODY]);

/* ---- the parts, for tests and for uses of your own */
uint16_t vigia_crc16(uint16_t crc, const uint8_t *data, size_t length); /* begin with 0xFFFF */
/* AES-128-CCM in place; nonce and associated data are the header. `tag` is made when sealing, and when opening also. */
void vigia_ccm(const vigia_device *device, const uint8_t header[VIGIA_HEADER_BYTES], uint8_t *data, size_t length,
               uint8_t tag[VIGIA_TAG_BYTES], bool opening);
bool vigia_same(const uint8_t *a, const uint8_t *b, size_t length); /* in constant time */
uint8_t *vigia_put(uint8_t *at, uint32_t value, unsigned bytes);    /* big-endian; returns where it ends */
uint32_t vigia_get(const uint8_t *at, unsigned bytes);

#ifdef __cplusplus
}
#endif

#endif
