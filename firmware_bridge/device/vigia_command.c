/* Counters, commands and answers: the counterpart of firmware_bridge/framing/downlinks.py. */
#include "vigia_device.h"

#define HIGHEST 0xFFFFFFFFu
#define ANSWER 128
#define BEGIN_BYTES (1 + VIGIA_MANIFEST_BYTES + VIGIA_SIGNATURE_BYTES)
#define LONGEST_BLOCK 256

void vigia_counter_start(vigia_counter *counter, uint32_t kept, uint32_t ahead, vigia_keep_fn keep, void *context)
{
    counter->now = counter->kept = kept;
    counter->ahead = ahead == 0 ? 1 : ahead;
    counter->keep = keep;
    counter->context = context;
}

static bool advance(vigia_counter *counter, uint32_t number)
{
    if (number > counter->kept) {
        uint32_t more = counter->ahead - 1;
        uint32_t last = HIGHEST - number < more ? HIGHEST : number + more;
        if (!counter->keep(counter->context, last)) {
            return false;
        }
        counter->kept = last;
    }
    counter->now = number;
    return true;
}

uint32_t vigia_counter_take(vigia_counter *counter)
{
    return counter->now != HIGHEST && advance(counter, counter->now + 1) ? counter->now : 0;
}

/* What the command's parameters are; VIGIA_DONE when they are in order. */
static uint8_t parse(vigia_command *command)
{
    const uint8_t *data = command->data;
    size_t length = command->length;
    switch (command->code) {
    case VIGIA_PING:
    case VIGIA_REQUEST_STATUS:
    case VIGIA_UPDATE_QUERY:
    case VIGIA_UPDATE_FINISH:
    case VIGIA_UPDATE_BOOT:
        return length == 0 ? VIGIA_DONE : VIGIA_BAD_LENGTH;
    case VIGIA_IDENTIFY:
    case VIGIA_REBOOT:
        if (length != 1) {
            return VIGIA_BAD_LENGTH;
        }
        command->number = data[0];
        return VIGIA_DONE;
    case VIGIA_SET_INTERVAL:
        if (length != 5) {
            return VIGIA_BAD_LENGTH;
        }
        command->kind = data[0];
        command->number = vigia_get(data + 1, 4);
        return command->kind < VIGIA_ENVIRONMENT || command->kind > VIGIA_POSITION || command->number == 0 ||
                       command->number > VIGIA_LONGEST_INTERVAL_S
                   ? VIGIA_BAD_VALUE
                   : VIGIA_DONE;
    case VIGIA_UPDATE_BEGIN:
        if (length != BEGIN_BYTES) {
            return VIGIA_BAD_LENGTH;
        }
        return data[0] > 1 ? VIGIA_BAD_VALUE : VIGIA_DONE;
    case VIGIA_UPDATE_BLOCK:
        if (length < 3 || length > 2 + LONGEST_BLOCK) {
            return VIGIA_BAD_LENGTH;
        }
        command->number = vigia_get(data, 2);
        return VIGIA_DONE;
    default:
        return VIGIA_UNKNOWN_COMMAND;
    }
}

bool vigia_hear(const vigia_device *device, vigia_counter *heard, uint8_t *frame, size_t length, vigia_command *command)
{
    const vigia_command fresh = {0};
    *command = fresh;
    size_t body = vigia_open(device, frame, length, &command->counter);
    if (body == 0) {
        return false;
    }
    command->code = frame[VIGIA_HEADER_BYTES];
    command->data = frame + VIGIA_HEADER_BYTES + 1;
    command->length = body - 1;
    if (command->counter <= heard->now) {
        command->result = VIGIA_BEHIND;
        command->number = heard->now;
    } else if (!advance(heard, command->counter)) {
        command->result = VIGIA_FLASH_FAILED;
    } else {
        command->result = parse(command);
    }
    return true;
}

size_t vigia_answer(const vigia_command *command, const uint8_t *detail, size_t length, uint8_t body[VIGIA_MAX_BODY])
{
    uint8_t *at = body;
    if (length > VIGIA_MAX_DETAIL) {
        length = VIGIA_MAX_DETAIL;
    }
    *at++ = ANSWER;
    at = vigia_put(at, command->counter, 4);
    *at++ = command->code;
    *at++ = command->result;
    if (command->result == VIGIA_BEHIND) {
        at = vigia_put(at, command->number, 4);
    } else {
        for (size_t i = 0; i < length; i++) {
            *at++ = detail[i];
        }
    }
    return (size_t)(at - body);
}
