/* Firmware update, the device's side: the counterpart of firmware_bridge/update/updater.py.
 *
 * manifest    "VGF1" 4 | model 16 | version 4 | size 4 | SHA-512 of the firmware 64
 */
#include "vigia_device.h"

#define MODEL_AT 4
#define VERSION_AT 20
#define SIZE_AT 24
#define DIGEST_AT 28
#define MOST_BLOCKS 65535u

static uint32_t block_count(const vigia_update *update, uint32_t bytes)
{
    return (bytes >> update->block_bits) + ((bytes & ((1u << update->block_bits) - 1)) != 0 ? 1 : 0);
}

static uint32_t pending_size(const vigia_update *update)
{
    return vigia_get(update->manifest + SIZE_AT, 4);
}

static void keep_manifest(vigia_update *update, const uint8_t *manifest, uint16_t held)
{
    for (size_t i = 0; i < VIGIA_MANIFEST_BYTES; i++) {
        update->manifest[i] = manifest[i];
    }
    update->held = held;
    update->state = VIGIA_RECEIVING;
}

void vigia_update_start(vigia_update *update, const uint8_t *manifest, uint16_t held)
{
    update->state = VIGIA_IDLE;
    update->held = 0;
    if (manifest != NULL) {
        keep_manifest(update, manifest, held);
    }
}

static uint8_t begin(vigia_update *update, const uint8_t *data)
{
    static const uint8_t magic[MODEL_AT] = {'V', 'G', 'F', '1'};
    const uint8_t *manifest = data + 1;
    uint32_t size = vigia_get(manifest + SIZE_AT, 4);
    bool force = data[0] != 0;
    if (update->state != VIGIA_IDLE && vigia_same(manifest, update->manifest, VIGIA_MANIFEST_BYTES)) {
        return VIGIA_DONE; /* go on where it stopped */
    }
    if (!vigia_same(manifest, magic, MODEL_AT) || size == 0) {
        return VIGIA_BAD_VALUE;
    }
    if (!vigia_same(manifest + MODEL_AT, update->model, VIGIA_MODEL_BYTES)) {
        return VIGIA_WRONG_MODEL;
    }
    if (size > update->capacity || block_count(update, size) > MOST_BLOCKS) {
        return VIGIA_TOO_LARGE;
    }
    if (!force && vigia_get(manifest + VERSION_AT, 4) <= update->running) {
        return VIGIA_OLDER_VERSION;
    }
    if (!update->flash->verify(update->context, manifest, VIGIA_MANIFEST_BYTES, manifest + VIGIA_MANIFEST_BYTES)) {
        return VIGIA_BAD_SIGNATURE;
    }
    update->state = VIGIA_IDLE;
    update->held = 0;
    if (!update->flash->begin(update->context, manifest)) {
        return VIGIA_FLASH_FAILED;
    }
    keep_manifest(update, manifest, 0);
    return VIGIA_DONE;
}

static uint8_t take_block(vigia_update *update, const vigia_command *command)
{
    uint32_t size = pending_size(update);
    uint32_t offset = command->number << update->block_bits;
    uint32_t expected = 1u << update->block_bits;
    size_t length = command->length - 2;
    if (update->state == VIGIA_IDLE) {
        return VIGIA_NO_UPDATE;
    }
    if (command->number < update->held) {
        return VIGIA_DONE; /* it has it: the answer was lost */
    }
    if (command->number > update->held) {
        return VIGIA_OUT_OF_ORDER;
    }
    if (offset >= size) {
        return VIGIA_BAD_VALUE;
    }
    if (size - offset < expected) {
        expected = size - offset;
    }
    if (length != expected) {
        return VIGIA_BAD_LENGTH;
    }
    if (!update->flash->write(update->context, offset, command->data + 2, length, (uint16_t)(update->held + 1))) {
        return VIGIA_FLASH_FAILED;
    }
    update->held++;
    return VIGIA_DONE;
}

static uint8_t finish(vigia_update *update)
{
    uint32_t size = pending_size(update);
    if (update->state == VIGIA_IDLE) {
        return VIGIA_NO_UPDATE;
    }
    if (update->held < block_count(update, size)) {
        return VIGIA_INCOMPLETE;
    }
    if (!update->flash->check(update->context, size, update->manifest + DIGEST_AT)) {
        update->state = VIGIA_IDLE;
        update->held = 0;
        return update->flash->begin(update->context, NULL) ? VIGIA_BAD_DIGEST : VIGIA_FLASH_FAILED;
    }
    update->state = VIGIA_READY;
    return VIGIA_DONE;
}

size_t vigia_update_handle(vigia_update *update, vigia_command *command, uint8_t body[VIGIA_MAX_BODY])
{
    uint8_t detail[17 + VIGIA_MODEL_BYTES];
    uint8_t *at = detail;
    if (command->result == VIGIA_DONE) {
        switch (command->code) {
        case VIGIA_UPDATE_QUERY:
            break;
        case VIGIA_UPDATE_BEGIN:
            command->result = begin(update, command->data);
            break;
        case VIGIA_UPDATE_BLOCK:
            command->result = take_block(update, command);
            break;
        case VIGIA_UPDATE_FINISH:
            command->result = finish(update);
            break;
        case VIGIA_UPDATE_BOOT:
            command->result = update->state == VIGIA_READY ? VIGIA_DONE : VIGIA_NO_UPDATE;
            break;
        default:
            command->result = VIGIA_UNKNOWN_COMMAND;
            break;
        }
    }
    *at++ = update->state;
    at = vigia_put(at, update->held, 2);
    if (command->code == VIGIA_UPDATE_QUERY) {
        at = vigia_put(at, 1u << update->block_bits, 2);
        at = vigia_put(at, update->running, 4);
        at = vigia_put(at, update->state == VIGIA_IDLE ? 0 : vigia_get(update->manifest + VERSION_AT, 4), 4);
        at = vigia_put(at, update->capacity, 4);
        for (size_t i = 0; i < VIGIA_MODEL_BYTES; i++) {
            *at++ = update->model[i];
        }
    }
    return vigia_answer(command, detail, (size_t)(at - detail), body);
}
