/* Frames on a serial line: COBS(envelope, frame, CRC), 00. The counterpart of firmware_bridge/framing/cobs_frames.py. */
#include "vigia_device.h"

#define WIRED 0x00
#define RADIO 0x01
#define NO_RSSI 255
#define CRC_BYTES 2
#define LONGEST_RUN 254

uint16_t vigia_crc16(uint16_t crc, const uint8_t *data, size_t length)
{
    while (length-- > 0) {
        crc = (uint16_t)(crc ^ *data++ << 8);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
        }
    }
    return crc;
}

/* COBS of one more run of bytes, beside what is there. `code` is where the length of the run at hand will stand. An uplink
 * and its envelope are shorter than the longest run, so that only a zero ends one. */
typedef struct {
    uint8_t *at;
    uint8_t *code;
    uint16_t crc;
} writer;

static void stuff(writer *w, const uint8_t *data, size_t length)
{
    w->crc = vigia_crc16(w->crc, data, length);
    for (size_t i = 0; i < length; i++) {
        if (data[i] != 0) {
            *w->at++ = data[i];
            continue;
        }
        *w->code = (uint8_t)(w->at - w->code);
        w->code = w->at++;
    }
}

static size_t wrap(const uint8_t *envelope, size_t envelope_length, const uint8_t *frame, size_t length, uint8_t *line)
{
    if (length == 0 || length > VIGIA_MAX_FRAME) {
        return 0;
    }
    writer w = {line + 1, line, 0xFFFF};
    uint8_t crc[CRC_BYTES];
    stuff(&w, envelope, envelope_length);
    stuff(&w, frame, length);
    vigia_put(crc, w.crc, CRC_BYTES);
    stuff(&w, crc, CRC_BYTES);
    *w.code = (uint8_t)(w.at - w.code);
    *w.at++ = 0;
    return (size_t)(w.at - line);
}

size_t vigia_wired(const uint8_t *frame, size_t length, uint8_t line[VIGIA_MAX_LINE])
{
    const uint8_t envelope[1] = {WIRED};
    return wrap(envelope, sizeof envelope, frame, length, line);
}

size_t vigia_radio(const uint8_t *frame, size_t length, int16_t rssi_dbm, int8_t snr, uint8_t line[VIGIA_MAX_LINE])
{
    uint8_t envelope[3] = {RADIO, NO_RSSI, (uint8_t)snr};
    if (rssi_dbm >= -200 && rssi_dbm <= 0) {
        envelope[1] = (uint8_t)-rssi_dbm;
    }
    return wrap(envelope, sizeof envelope, frame, length, line);
}

void vigia_receiver_start(vigia_receiver *receiver, uint8_t *buffer, size_t size)
{
    const vigia_receiver fresh = {buffer, size, 0, false, 0, 0, 0, 0};
    *receiver = fresh;
}

/* COBS undone in place; the length of what it held, or 0 with `bad` set. */
static size_t unstuff(uint8_t *data, size_t length, bool *bad)
{
    size_t in = 0, out = 0;
    while (in < length) {
        size_t run = data[in++];
        if (run == 0 || run - 1 > length - in) {
            *bad = true;
            return 0;
        }
        for (size_t i = 1; i < run; i++) {
            data[out++] = data[in++];
        }
        if (run <= LONGEST_RUN && in < length) {
            data[out++] = 0;
        }
    }
    return out;
}

size_t vigia_receive(vigia_receiver *receiver, uint8_t byte)
{
    if (byte != 0) {
        if (receiver->overlong) {
            receiver->overlong_bytes++;
        } else if (receiver->held == receiver->size) {
            receiver->overlong = true;
            receiver->overlong_bytes += (uint32_t)receiver->held + 1;
        } else {
            receiver->buffer[receiver->held++] = byte;
        }
        return 0;
    }
    bool bad = false;
    size_t held = receiver->held, length;
    receiver->held = 0;
    if (receiver->overlong || held == 0) {
        receiver->overlong = false;
        return 0;
    }
    length = unstuff(receiver->buffer, held, &bad);
    if (bad) {
        receiver->bad_cobs++;
    } else if (length <= CRC_BYTES) {
        receiver->too_short++;
    } else if (vigia_crc16(0xFFFF, receiver->buffer, length) != 0) { /* of content and CRC it is 0 */
        receiver->bad_crc++;
    } else {
        return length - CRC_BYTES;
    }
    return 0;
}

size_t vigia_unwrap(uint8_t *content, size_t length, uint8_t **frame)
{
    *frame = content + 1;
    return length > 1 && content[0] == WIRED ? length - 1 : 0;
}
