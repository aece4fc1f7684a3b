/* A folder that stands for a sensor's memory: whole small files (written beside and renamed), and the slot of new firmware.
 *
 *   uplink, downlink      counters
 *   version, program      what runs
 *   manifest, held, slot  an update
 *   marked                the update is to be started
 *
 * A kill of the process is what is played here, not a power cut of the machine it runs on: nothing is synchronised.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ed25519.h"

#define DIED 9

/* Each change of the memory passes here, and may be the last. */
static void step(flash_file *flash)
{
    if (flash->steps_to_live > 0 && --flash->steps_to_live == 0) {
        _Exit(DIED);
    }
}

static const char *path_of(const flash_file *flash, const char *name, char path[320])
{
    snprintf(path, 320, "%s/%s", flash->folder, name);
    return path;
}

static bool write_whole(flash_file *flash, const char *name, const uint8_t *data, size_t length)
{
    char path[320], beside[320];
    FILE *file = fopen(path_of(flash, "new", beside), "wb");
    if (file == NULL) {
        return false;
    }
    const bool written = fwrite(data, 1, length, file) == length;
    if (fclose(file) != 0 || !written) {
        return false;
    }
    step(flash);
    return rename(beside, path_of(flash, name, path)) == 0;
}

static size_t read_whole(const flash_file *flash, const char *name, uint8_t *data, size_t most)
{
    char path[320];
    FILE *file = fopen(path_of(flash, name, path), "rb");
    if (file == NULL) {
        return 0;
    }
    const size_t length = fread(data, 1, most, file);
    fclose(file);
    return length;
}

static void forget(flash_file *flash, const char *name)
{
    char path[320];
    step(flash);
    remove(path_of(flash, name, path));
}

uint32_t flash_file_number(flash_file *flash, const char *name, uint32_t otherwise)
{
    uint8_t bytes[4];
    return read_whole(flash, name, bytes, sizeof bytes) == sizeof bytes ? vigia_get(bytes, 4) : otherwise;
}

bool flash_file_keep(flash_file *flash, const char *name, uint32_t value)
{
    uint8_t bytes[4];
    vigia_put(bytes, value, 4);
    return write_whole(flash, name, bytes, sizeof bytes);
}

bool flash_file_keep_uplink(void *context, uint32_t value)
{
    return flash_file_keep(context, "uplink", value);
}

bool flash_file_keep_downlink(void *context, uint32_t value)
{
    return flash_file_keep(context, "downlink", value);
}

static bool verify(void *context, const uint8_t *message, size_t length, const uint8_t signature[VIGIA_SIGNATURE_BYTES])
{
    return ed25519_verify(((flash_file *)context)->maker, message, length, signature);
}

static bool begin(void *context, const uint8_t *manifest)
{
    flash_file *flash = context;
    forget(flash, "manifest"); /* first: without it, what else is there means nothing */
    forget(flash, "held");
    forget(flash, "slot");
    return manifest == NULL || write_whole(flash, "manifest", manifest, VIGIA_MANIFEST_BYTES);
}

static bool write_block(void *context, uint32_t offset, const uint8_t *data, size_t length, uint16_t held)
{
    flash_file *flash = context;
    char path[320];
    FILE *file = fopen(path_of(flash, "slot", path), offset == 0 ? "wb" : "r+b");
    if (file == NULL || fseek(file, (long)offset, SEEK_SET) != 0) {
        return false;
    }
    const size_t half = length / 2;
    bool written = fwrite(data, 1, half, file) == half && fflush(file) == 0;
    step(flash); /* a torn block */
    written = written && fwrite(data + half, 1, length - half, file) == length - half;
    if (fclose(file) != 0 || !written) {
        return false;
    }
    step(flash); /* a block that nobody knows of */
    return flash_file_keep(flash, "held", held);
}

static bool check(void *context, uint32_t bytes, const uint8_t digest[VIGIA_DIGEST_BYTES])
{
    char path[320];
    uint8_t buffer[512], made[VIGIA_DIGEST_BYTES];
    sha512 hash;
    FILE *file = fopen(path_of(context, "slot", path), "rb");
    if (file == NULL) {
        return false;
    }
    sha512_start(&hash);
    while (bytes > 0) {
        const size_t length = fread(buffer, 1, bytes < sizeof buffer ? bytes : sizeof buffer, file);
        if (length == 0) {
            break;
        }
        sha512_add(&hash, buffer, length);
        bytes -= (uint32_t)length;
    }
    fclose(file);
    sha512_end(&hash, made);
    return bytes == 0 && vigia_same(made, digest, VIGIA_DIGEST_BYTES);
}

const vigia_flash flash_file_hooks = {verify, begin, write_block, check};

bool flash_file_mark(flash_file *flash)
{
    return flash_file_keep(flash, "marked", 1);
}

/* Each step may be the last, and all may be done again: the mark goes at the end. */
static void boot_loader(flash_file *flash, const uint8_t *manifest)
{
    char slot[320], program[320];
    if (flash->refuses) {
        begin(flash, NULL);
        forget(flash, "marked");
        return;
    }
    if (check(flash, vigia_get(manifest + 24, 4), manifest + 28)) {
        step(flash);
        rename(path_of(flash, "slot", slot), path_of(flash, "program", program));
    }
    flash_file_keep(flash, "version", vigia_get(manifest + 20, 4));
    begin(flash, NULL);
    forget(flash, "marked");
}

void flash_file_power_up(flash_file *flash, vigia_update *update)
{
    uint8_t manifest[VIGIA_MANIFEST_BYTES];
    bool pending = read_whole(flash, "manifest", manifest, sizeof manifest) == sizeof manifest;
    if (flash_file_number(flash, "marked", 0) != 0) {
        if (pending) {
            boot_loader(flash, manifest);
            pending = false;
        } else {
            forget(flash, "marked");
        }
    }
    update->flash = &flash_file_hooks;
    update->context = flash;
    update->model = (const uint8_t *)flash->model;
    update->running = flash_file_number(flash, "version", 0x01000000);
    vigia_update_start(update, pending ? manifest : NULL, (uint16_t)flash_file_number(flash, "held", 0));
}
