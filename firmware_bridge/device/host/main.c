/* vigia-host: the device library on a desk.
 *
 *   vigia-host lines               requests on standard input: see lines.c
 *   vigia-host play PORT KEY ID FOLDER [options]   a sensor on a serial port: see play.c
 */
#include "host.h"

#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "lines") == 0) {
        return run_lines();
    }
    if (count > 2 && strcmp(arguments[1], "play") == 0) {
        return run_sensor(count - 2, arguments + 2);
    }
    fprintf(stderr, "usage: %s lines | play PORT KEY ID FOLDER [options]\n", arguments[0]);
    return 2;
}
