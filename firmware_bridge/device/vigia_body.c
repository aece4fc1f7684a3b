/* What a frame tells, by kind: the counterpart of firmware_bridge/framing/frame_bodies.py. */
#include "vigia_device.h"

#define NO_AGE 0xFFFFu
#define NO_BYTE 0xFF
#define NO_WORD 0xFFFF
#define NO_ALTITUDE (-0x8000)
#define UNTOLD (-1) /* what does not fit */
#define BATTERY 16
#define RSSI 19
#define SNR 20
#define HIGHEST_BATTERY 508

/* Steps of the catalogue to steps of the frame, half to even: -1 when it does not fit, `absent` for VIGIA_ABSENT. */
static int32_t fit(int32_t steps, int32_t per, int32_t highest, int32_t absent)
{
    if (steps == VIGIA_ABSENT) {
        return absent;
    }
    if (steps < -per || steps > per * (highest + 1)) {
        return UNTOLD;
    }
    int32_t whole = steps / per, over = 2 * (steps % per);
    if (over > per || (over == per && whole % 2 != 0)) {
        whole++;
    }
    return over < -per || whole < 0 || whole > highest ? UNTOLD : whole;
}

/* The four bytes that every body begins with; NULL when they cannot be. */
static uint8_t *begin(uint8_t *body, uint8_t kind, vigia_head head)
{
    int32_t battery = fit(head.battery_centivolts, 2, 254, NO_BYTE);
    if (head.age_s == NO_AGE || battery == UNTOLD) {
        return NULL;
    }
    *body++ = kind;
    body = vigia_put(body, head.age_s, 2);
    *body++ = (uint8_t)battery;
    return body;
}

/* Both detections: label and three values. None known: nothing to tell. */
static size_t detection(uint8_t *body, uint8_t kind, vigia_head head, uint8_t label, int32_t confidence_thousandths,
                        int32_t byte, int32_t word)
{
    int32_t confidence = fit(confidence_thousandths, 5, 200, NO_BYTE);
    uint8_t *at = begin(body, kind, head);
    if (at == NULL || confidence == UNTOLD || byte == UNTOLD || word == UNTOLD) {
        return 0;
    }
    if (head.battery_centivolts == VIGIA_ABSENT && confidence == NO_BYTE && byte == NO_BYTE && word == NO_WORD) {
        return 0;
    }
    *at++ = label;
    *at++ = (uint8_t)confidence;
    *at++ = (uint8_t)byte;
    return (size_t)(vigia_put(at, (uint32_t)word, 2) - body);
}

size_t vigia_acoustic(uint8_t *body, vigia_head head, uint8_t label, int32_t confidence_thousandths,
                      int32_t level_decibel_tenths, int32_t duration_tenths)
{
    return detection(body, VIGIA_ACOUSTIC, head, label, confidence_thousandths, fit(level_decibel_tenths, 5, 254, NO_BYTE),
                     fit(duration_tenths, 1, 65534, NO_WORD));
}

size_t vigia_camera(uint8_t *body, vigia_head head, uint8_t label, int32_t confidence_thousandths, int32_t individuals,
                    int32_t picture)
{
    return detection(body, VIGIA_CAMERA, head, label, confidence_thousandths, fit(individuals, 1, 254, NO_BYTE),
                     fit(picture, 1, 65534, NO_WORD));
}

size_t vigia_position(uint8_t *body, vigia_head head, int32_t latitude, int32_t longitude, int32_t altitude)
{
    if (altitude == VIGIA_ABSENT) {
        altitude = NO_ALTITUDE;
    }
    uint8_t *at = begin(body, VIGIA_POSITION, head);
    if (at == NULL || latitude == VIGIA_ABSENT || longitude == VIGIA_ABSENT || altitude < NO_ALTITUDE || altitude > 0x7FFF) {
        return 0;
    }
    at = vigia_put(at, (uint32_t)latitude, 4);
    at = vigia_put(at, (uint32_t)longitude, 4);
    return (size_t)(vigia_put(at, (uint32_t)altitude, 2) - body);
}

/* A quantity and its steps, zigzag LEB128 of at most 5 bytes; NULL when it does not fit. */
static uint8_t *put_value(uint8_t *at, uint8_t quantity, int64_t steps)
{
    uint64_t coded = (uint64_t)steps << 1;
    if (steps < 0) {
        coded = ~coded;
    }
    *at++ = quantity;
    if (coded >> 35 != 0) {
        return NULL;
    }
    for (; coded > 0x7F; coded >>= 7) {
        *at++ = (uint8_t)(coded | 0x80);
    }
    *at++ = (uint8_t)coded;
    return at;
}

size_t vigia_values(uint8_t *body, uint8_t kind, vigia_head head, const vigia_value *values, size_t count)
{
    uint8_t told = 0;
    int32_t battery = head.battery_centivolts;
    bool large = battery > HIGHEST_BATTERY; /* does not fit its byte: told as a value */
    if (large) {
        head.battery_centivolts = VIGIA_ABSENT;
    }
    uint8_t *at = begin(body, kind, head);
    if (at == NULL || (kind != VIGIA_ENVIRONMENT && kind != VIGIA_STATUS) || count + (large ? 1 : 0) > VIGIA_MAX_VALUES ||
        (count == 0 && battery == VIGIA_ABSENT)) {
        return 0;
    }
    if (large) {
        told = BATTERY;
        at = put_value(at, BATTERY, battery);
    } else if (battery != VIGIA_ABSENT) {
        told = BATTERY; /* not to be told twice */
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t quantity = values[i].quantity;
        if (quantity < BATTERY || quantity > 47 || quantity == RSSI || quantity == SNR || quantity <= told) {
            return 0;
        }
        told = quantity;
        at = put_value(at, quantity, values[i].steps);
        if (at == NULL) {
            return 0;
        }
    }
    return (size_t)(at - body);
}
