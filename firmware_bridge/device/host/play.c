/* A sensor on a serial port: tells a detection at an interval, obeys commands, takes firmware.
 *
 *   vigia-host play PORT KEY ID FOLDER [--maker KEY] [--model NAME] [--every-ms N] [--block-bits N] [--die-at N] [--refuse]
 */
#define _POSIX_C_SOURCE 200809L

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "aes128.h"

#define CHAINSAW 1
#define AHEAD 64
#define CAPACITY (1u << 20)
#define BATTERY_CENTIVOLTS 398
#define TEMPERATURE 32
#define UPTIME 18
#define RESTARTS 23

typedef struct {
    int port;
    aes128 schedule;
    vigia_device device;
    flash_file flash;
    vigia_counter sent, heard;
    vigia_update update;
    vigia_receiver receiver;
    uint8_t received[VIGIA_RECEIVER_BYTES];
    long every_ms;
    long next_ms;
    long status_every_ms;
    long next_status_ms;
} sensor;

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(sensor *s, const uint8_t *body, size_t length)
{
    uint8_t frame[VIGIA_MAX_FRAME], line[VIGIA_MAX_LINE];
    const size_t sealed = vigia_seal(&s->device, vigia_counter_take(&s->sent), body, length, frame);
    size_t left = sealed == 0 ? 0 : vigia_wired(frame, sealed, line);
    for (const uint8_t *at = line; left > 0;) {
        const ssize_t written = write(s->port, at, left);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            exit(0); /* the line is gone */
        }
        if (written > 0) {
            at += written;
            left -= (size_t)written;
        }
    }
}

static void tell_detection(sensor *s)
{
    uint8_t body[VIGIA_MAX_BODY];
    const vigia_head head = {0, BATTERY_CENTIVOLTS};
    say(s, body, vigia_acoustic(body, head, CHAINSAW, 900, 605, 32));
}

static void tell_status(sensor *s)
{
    uint8_t body[VIGIA_MAX_BODY];
    const vigia_head head = {0, BATTERY_CENTIVOLTS};
    const vigia_value values[] = {{UPTIME, now_ms() / 1000},
                                  {RESTARTS, flash_file_number(&s->flash, "restarts", 0)},
                                  {TEMPERATURE, 2650}};
    say(s, body, vigia_values(body, VIGIA_STATUS, head, values, sizeof values / sizeof values[0]));
}

static void power_up(sensor *s)
{
    flash_file_keep(&s->flash, "restarts", flash_file_number(&s->flash, "restarts", 0) + 1);
    flash_file_power_up(&s->flash, &s->update);
    vigia_counter_start(&s->sent, flash_file_number(&s->flash, "uplink", 0), AHEAD, flash_file_keep_uplink, &s->flash);
    vigia_counter_start(&s->heard, flash_file_number(&s->flash, "downlink", 0), AHEAD, flash_file_keep_downlink, &s->flash);
    vigia_receiver_start(&s->receiver, s->received, sizeof s->received);
    s->next_ms = now_ms() + s->every_ms;
    s->status_every_ms = 0;
}

static void obey(sensor *s, vigia_command *command)
{
    uint8_t body[VIGIA_MAX_BODY];
    if (command->code >= VIGIA_UPDATE_QUERY) {
        say(s, body, vigia_update_handle(&s->update, command, body));
        if (command->code == VIGIA_UPDATE_BOOT && command->result == VIGIA_DONE && flash_file_mark(&s->flash)) {
            power_up(s);
        }
        return;
    }
    if (command->code == VIGIA_SET_INTERVAL && command->result == VIGIA_DONE) {
        if (command->kind == VIGIA_STATUS) {
            s->status_every_ms = 1000L * (long)command->number;
            s->next_status_ms = now_ms() + s->status_every_ms;
        } else {
            command->result = VIGIA_REFUSED; /* it has neither weather nor position */
        }
    }
    say(s, body, vigia_answer(command, NULL, 0, body));
    if (command->result == VIGIA_DONE && command->code == VIGIA_REQUEST_STATUS) {
        tell_status(s);
    }
    if (command->result == VIGIA_DONE && command->code == VIGIA_REBOOT) {
        power_up(s);
    }
}

static void listen(sensor *s, uint8_t byte)
{
    uint8_t *frame;
    vigia_command command;
    const size_t content = vigia_receive(&s->receiver, byte);
    const size_t length = content == 0 ? 0 : vigia_unwrap(s->received, content, &frame);
    if (length > 0 && vigia_hear(&s->device, &s->heard, frame, length, &command)) {
        obey(s, &command);
    }
}

static int open_port(const char *path)
{
    struct termios settings;
    const int port = open(path, O_RDWR | O_NOCTTY);
    if (port < 0 || tcgetattr(port, &settings) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    settings.c_iflag = settings.c_oflag = settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    cfsetispeed(&settings, B115200);
    cfsetospeed(&settings, B115200);
    tcsetattr(port, TCSANOW, &settings);
    return port;
}

static void read_options(sensor *s, int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(name, "--refuse") == 0) {
            s->flash.refuses = true;
            continue;
        }
        i++;
        if (strcmp(name, "--maker") == 0 && from_hex(value, s->flash.maker, sizeof s->flash.maker) == sizeof s->flash.maker) {
            continue;
        }
        if (strcmp(name, "--model") == 0 && strlen(value) <= sizeof s->flash.model) {
            memset(s->flash.model, 0, sizeof s->flash.model);
            memcpy(s->flash.model, value, strlen(value));
        } else if (strcmp(name, "--every-ms") == 0) {
            s->every_ms = strtol(value, NULL, 10);
        } else if (strcmp(name, "--block-bits") == 0) {
            s->update.block_bits = (uint8_t)strtol(value, NULL, 10);
        } else if (strcmp(name, "--die-at") == 0) {
            s->flash.steps_to_live = strtol(value, NULL, 10);
        } else {
            fprintf(stderr, "%s %s is not an option\n", name, value);
            exit(2);
        }
    }
}

int run_sensor(int count, char **arguments)
{
    static sensor s;
    uint8_t key[VIGIA_KEY_BYTES], id[4];
    if (count < 4 || from_hex(arguments[1], key, sizeof key) != sizeof key || from_hex(arguments[2], id, sizeof id) != sizeof id ||
        strlen(arguments[3]) >= sizeof s.flash.folder) {
        fprintf(stderr, "play PORT KEY ID FOLDER [options]: a key of 32 hex digits, an id of 8\n");
        return 2;
    }
    aes128_expand(&s.schedule, key);
    s.device.id = vigia_get(id, 4);
    s.device.aes = aes128_encrypt;
    s.device.key = &s.schedule;
    memcpy(s.flash.folder, arguments[3], strlen(arguments[3]) + 1);
    memcpy(s.flash.model, "vigia-host", 10);
    s.update.capacity = CAPACITY;
    s.update.block_bits = 8;
    s.every_ms = 60000;
    read_options(&s, count - 4, arguments + 4);
    s.port = open_port(arguments[0]);
    power_up(&s);
    for (;;) {
        const long now = now_ms();
        if (now >= s.next_ms) {
            tell_detection(&s);
            s.next_ms = now + s.every_ms;
        }
        if (s.status_every_ms > 0 && now >= s.next_status_ms) {
            tell_status(&s);
            s.next_status_ms = now + s.status_every_ms;
        }
        const long due_ms = s.status_every_ms > 0 && s.next_status_ms < s.next_ms ? s.next_status_ms : s.next_ms;
        struct pollfd waiting = {s.port, POLLIN, 0};
        if (poll(&waiting, 1, due_ms > now ? (int)(due_ms - now) : 0) > 0) {
            uint8_t chunk[256];
            const ssize_t length = read(s.port, chunk, sizeof chunk);
            if (length <= 0 && errno != EINTR) {
                return 0; /* the line is gone */
            }
            for (ssize_t i = 0; i < length; i++) {
                listen(&s, chunk[i]);
            }
        }
    }
}
