/* study/inputs.c -- see inputs.h. */
#include "study/inputs.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "traces/npy.h"

struct inputs {
    const struct network *network;
    struct npy            array;
    size_t                n; // values of an image
};

static enum err check(const struct inputs *in, const char *path, struct err_msg *m)
{
    const struct layer *image = &in->network->layer[0];
    const struct npy *a = &in->array;
    enum npy_type want = image->out_signed ? NPY_INT8 : NPY_UINT8;

    if (in->network->image_is_bytes && a->type != want)
        return err_set(m, ERR_INPUT, "%s: want an array of %s, the model's input", path,
                       image->out_signed ? "int8" : "uint8");
    if (a->n == 0 || a->n % in->n != 0)
        return err_set(m, ERR_INPUT, "%s: %zu values: want a multiple of %zu, those of an image of "
                       "%" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows, columns, channels)", path, a->n,
                       in->n, image->out.height, image->out.width, image->out.channels);
    return ERR_NONE;
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

/* As QuantizeLinear rounds, in single precision. */
static uint8_t byte_of(const struct inputs *in, size_t i)
{
    const struct layer *l = &in->network->layer[0];
    double v = npy_value(&in->array, i), low = l->out_signed ? INT8_MIN : 0;

    if (in->network->image_is_bytes)
        return in->array.data[i];
    float q = rintf((float)v / (float)l->out_scale);
    double z = isnan(q) ? l->out_zero : (double)q + l->out_zero;
    return (uint8_t)(int)fmin(fmax(z, low), low + UINT8_MAX);
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
                bytes[(column * s.height + row) * s.channels + c] = byte_of(in, first + from);
            }
}
