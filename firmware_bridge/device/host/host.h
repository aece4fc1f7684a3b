/* The host program: the library on a desk, to be held against the Python codec and to stand in for a sensor. */
#ifndef VIGIA_HOST_H
#define VIGIA_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../vigia_device.h"

/* lines.c: requests on standard input, one a line, and their answers on standard output. */
int run_lines(void);

/* play.c: a sensor on a serial port. */
int run_sensor(int count, char **arguments);

/* flash_file.c: a folder that stands for a sensor's memory. The program may be killed at any instant. */
typedef struct {
    char folder[256];
    uint8_t maker[32]; /* public key */
    char model[VIGIA_MODEL_BYTES];
    long steps_to_live; /* die after so many changes of the memory; 0: live */
    bool refuses;       /* a boot loader that will not start new firmware */
} flash_file;

extern const vigia_flash flash_file_hooks;
/* A number kept under a name, `otherwise` when there is none. */
uint32_t flash_file_number(flash_file *flash, const char *name, uint32_t otherwise);
bool flash_file_keep(flash_file *flash, const char *name, uint32_t value);
/* A vigia_keep_fn each. */
bool flash_file_keep_uplink(void *context, uint32_t value);
bool flash_file_keep_downlink(void *context, uint32_t value);
/* Mark the update that is there to be started at the next power-up. */
bool flash_file_mark(flash_file *flash);
/* What the boot loader does first: start marked firmware if it is whole. Then fill in `update` and start it. */
void flash_file_power_up(flash_file *flash, vigia_update *update);

/* hex.c */
size_t from_hex(const char *text, uint8_t *out, size_t most); /* SIZE_MAX when it is not hex, or too long */
void print_hex(const uint8_t *data, size_t length);

#endif
