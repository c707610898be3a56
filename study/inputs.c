/* study/inputs.c -- see inputs.h. */
#include "study/inputs.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "network/precision.h"
#include "traces/npy.h"

struct inputs {
    const struct network *network;
    struct npy            array;
    size_t                n;     // values of an image
    uint64_t              n_cut; // of all
};

/* A real value as QuantizeLinear rounds it, before it is cut. */
static double rounded(const struct network *n, float v)
{
    const struct layer *l = &n->layer[0];

    return (double)rintf(v / (float)l->out_scale) + l->out_zero;
}

static uint8_t cut(const struct network *n, double v)
{
    int32_t low, high;

    layer_range(&n->layer[0], &low, &high);
    return (uint8_t)(int)fmin(fmax(v, low), high);
}

uint8_t inputs_byte(const struct network *n, float v)
{
    return cut(n, rounded(n, v));
}

/* What value i is as a byte, before it is cut. */
static double unbounded(const struct inputs *in, size_t i)
{
    double v = npy_value(&in->array, i);

    return in->network->image_is_bytes ? v : rounded(in->network, (float)v);
}

enum err inputs_pixel_map(struct pixel_map *map, const struct network *n, const char *mean,
                          const char *std, struct err_msg *m)
{
    const uint8_t flip = n->layer[0].out_signed ? 0 : 0x80; // as images are delivered
    struct normalise how;

    if (!std)
        return err_set(m, ERR_INPUT, "--mean %.100s without --std: want both, so that the model "
                       "has (pixel / 255 - mean) / std", mean);
    if (n->image_is_bytes)
        return err_set(m, ERR_INPUT, "--std %.100s: the model's input is bytes, which pixels are: "
                       "want no --mean and no --std", std);
    enum err e = normalise_read(&how, mean, std, m);
    map->n = how.n;
    for (uint32_t ch = 0; !e && ch < how.n; ch++)
        for (unsigned pixel = 0; pixel < 256; pixel++)
            map->byte[ch][pixel] =
                (int8_t)(inputs_byte(n, normalise_value(&how, ch, (uint8_t)pixel)) ^ flip);
    return e;
}

static enum err refuse(const struct inputs *in, const char *path, size_t i, struct err_msg *m)
{
    const struct network *n = in->network;
    int32_t low, high;
    const char *cure = "";

    layer_range(&n->layer[0], &low, &high);
    if (n->image_is_whole)
        cure = n->layer[0].out_signed ? ", or --set network.input_type=uint8"
                                      : ", or --set network.input_type=int8";
    if (n->image_is_bytes)
        return err_set(m, ERR_INPUT, "%s: image %zu, value %zu is %.9g: want whole numbers from "
                       "%" PRId32 " to %" PRId32 ", the model's input%s", path, i / in->n,
                       i % in->n, npy_value(&in->array, i), low, high, cure);
    return err_set(m, ERR_INPUT, "%s: image %zu, value %zu is %g: want numbers", path, i / in->n,
                   i % in->n, npy_value(&in->array, i));
}

static enum err check_values(struct inputs *in, const char *path, struct err_msg *m)
{
    int32_t low, high;

    layer_range(&in->network->layer[0], &low, &high);
    for (size_t i = 0; i < in->array.n; i++) {
        double v = unbounded(in, i);
        bool held = v >= low && v <= high;
        if (isnan(v) || (in->network->image_is_bytes && (!held || v != rint(v))))
            return refuse(in, path, i, m);
        in->n_cut += !held;
    }
    return ERR_NONE;
}

static enum err check(struct inputs *in, const char *path, struct err_msg *m)
{
    const struct layer *image = &in->network->layer[0];
    const struct npy *a = &in->array;

    if (a->n == 0 || a->n % in->n != 0)
        return err_set(m, ERR_INPUT, "%s: %zu values: want a multiple of %zu, those of an image of "
                       "%" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows, columns, channels)", path, a->n,
                       in->n, image->out.height, image->out.width, image->out.channels);
    return check_values(in, path, m);
}

enum err inputs_open(struct inputs **out, const char *path, const struct network *n,
                     struct err_msg *m)
{
    struct inputs *in = calloc(1, sizeof *in);
    const struct shape s = n->layer[0].out;
    enum err e = in ? npy_read(&in->array, path, m)
                    : err_set(m, ERR_MEMORY, "%s: no memory to read it", path);

    *out = in;
    if (!e) {
        in->network = n;
        in->n = (size_t)s.height * s.width * s.channels;
        e = check(in, path, m);
    }
    if (e) {
        inputs_close(in);
        *out = NULL;
    }
    return e;
}

void inputs_close(struct inputs *in)
{
    if (in)
        npy_release(&in->array);
    free(in);
}

uint64_t inputs_count(const struct inputs *in)
{
    return in->array.n / in->n;
}

uint64_t inputs_cut(const struct inputs *in)
{
    return in->n_cut;
}

void inputs_take(const struct inputs *in, uint64_t i, uint8_t *bytes)
{
    const struct network *n = in->network;
    const struct shape s = n->layer[0].out;
    size_t first = (size_t)i * in->n;

    for (size_t row = 0; row < s.height; row++)
        for (size_t column = 0; column < s.width; column++)
            for (size_t c = 0; c < s.channels; c++) {
                size_t from = n->image_channels_last ? (row * s.width + column) * s.channels + c
                                                     : (c * s.height + row) * s.width + column;
                bytes[(column * s.height + row) * s.channels + c] =
                    cut(n, unbounded(in, first + from));
            }
}
