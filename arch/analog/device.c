/* arch/analog/device.c -- the models of devices; see device.h. */
#include "arch/analog/device.h"

#include <math.h>
#include <string.h>

#include "arch/analog/draw.h"

#define ROW(name) &name,
const struct analog_device *const analog_devices[] = { ANALOG_DEVICES(ROW) NULL };

const struct analog_device analog_ideal = { .name = "ideal", .doc = "keeps what it is told to" };

const struct analog_device *analog_device_find(const char *name)
{
    const struct analog_device *const *d = analog_devices;

    while (*d && strcmp((*d)->name, name) != 0)
        d++;
    return *d;
}

double analog_read_growth(const struct analog_device *d, double t_s)
{
    if (d->t_read_s == 0)
        return 0;
    double log, ratio = (t_s + d->t_read_s) / (2 * d->t_read_s);
    draw_log(1, &ratio, &log);
    return log > 0 ? sqrt(log) : 0;
}
