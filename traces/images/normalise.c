/* traces/images/normalise.c -- see normalise.h. */
#include "traces/images/normalise.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FULL_PIXEL 255

static const double most_mean = 1e6, least_std = 1e-6, most_std = 1e6;

static enum err refuse(const char *option, const char *text, double least, double most,
                       struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "--%s %.100s: want a number from %g to %g, or one for each "
                   "channel, as 0.485,0.456,0.406, of at most %d channels", option, text, least,
                   most, NORMALISE_MOST);
}

static enum err read_list(const char *option, const char *text, double least, double most,
                          float *value, uint32_t *n, struct err_msg *m)
{
    const char *at = text;

    for (*n = 0;; at++) {
        char *end;
        double v = strtod(at, &end);
        bool fits = end != at && v >= least && v <= most && *n < NORMALISE_MOST;
        if (!fits || (*end != ',' && *end != '\0'))
            return refuse(option, text, least, most, m);
        value[(*n)++] = (float)v;
        at = end;
        if (*end == '\0')
            return ERR_NONE;
    }
}

/* One number is that of every channel. */
static void spread(float *value, uint32_t n_value, uint32_t n)
{
    for (uint32_t i = n_value; i < n; i++)
        value[i] = value[0];
}

enum err normalise_read(struct normalise *out, const char *mean, const char *std, struct err_msg *m)
{
    uint32_t n_mean, n_std;

    *out = (struct normalise){ 0 };
    enum err e = read_list("mean", mean ? mean : "0", -most_mean, most_mean, out->mean, &n_mean, m);
    if (!e)
        e = read_list("std", std, least_std, most_std, out->std, &n_std, m);
    if (e)
        return e;
    if (n_mean != n_std && n_mean != 1 && n_std != 1)
        return err_set(m, ERR_INPUT, "--mean of %" PRIu32 " numbers, --std of %" PRIu32 ": want as "
                       "many of both, or one", n_mean, n_std);
    out->n = n_mean > n_std ? n_mean : n_std;
    spread(out->mean, n_mean, out->n);
    spread(out->std, n_std, out->n);
    return ERR_NONE;
}

enum err normalise_check(const struct normalise *n, uint32_t channels, struct err_msg *m)
{
    if (n->n <= 1 || n->n == channels)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "--mean and --std of %" PRIu32 " channels: images have %" PRIu32
                   ": want %s", n->n, channels, channels == 1 ? "one number" : "one number or as "
                   "many");
}

float normalise_value(const struct normalise *n, uint32_t channel, uint8_t pixel)
{
    uint32_t i = n->n == 1 ? 0 : channel;

    return ((float)pixel / FULL_PIXEL - n->mean[i]) / n->std[i];
}
