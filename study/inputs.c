/* study/inputs.c -- see inputs.h. */
#include "study/inputs.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "network/output.h"
#include "network/precision.h"
#include "traces/npy.h"

struct inputs {
    const struct network *network;
    struct npy            array;
    size_t                n;     // values of an image
    uint64_t              n_cut; // of all
};

static int32_t cut(const struct network *n, double v)
{
    int32_t low, high;

    network_image_range(n, &low, &high);
    return (int32_t)fmin(fmax(v, low), high);
}

bool inputs_are_cut(const struct network *n)
{
    int32_t low, high;

    network_image_range(n, &low, &high);
    return n->layer[0].out_signed ? low > INT8_MIN || high < INT8_MAX : high < UINT8_MAX;
}

static enum err read_normalise(struct normalise *how, const struct network *n, const char *mean,
                               const char *std, struct err_msg *m)
{
    *how = (struct normalise){ 0 };
    if (!mean && !std)
        return ERR_NONE;
    if (!std)
        return err_set(m, ERR_INPUT, "--mean %.100s without --std: want both, so that the model "
                       "has (pixel / 255 - mean) / std", mean);
    if (n->image_is_bytes)
        return err_set(m, ERR_INPUT, "--std %.100s: the model's input is bytes, which pixels are: "
                       "want no --mean and no --std", std);
    return normalise_read(how, mean, std, m);
}

/* A pixel as a value of the input; how: NULL, it stands for one. */
static int32_t pixel_code(const struct network *n, const struct normalise *how, uint32_t channel,
                          uint8_t pixel)
{
    const struct layer *image = &n->layer[0];
    int32_t low, high, x;

    if (n->present.coding && n->present.coding->once && n->present.coding->code) {
        n->present.coding->code(&n->present, 0, 0, &pixel, 1, &x);
        return x;
    }
    if (how)
        return network_image_code(n, (double)normalise_value(how, channel, pixel), NULL);
    value_limits(layer_value_bits(image), image->out_signed, &low, &high);
    return layer_value_bits(image) <= 8 ? cut(n, image->out_signed ? pixel - 128 : pixel)
                                        : (int32_t)rint(low + pixel * ((double)high - low) / 255);
}

enum err inputs_pixel_map(struct pixel_map *map, const struct network *n, const char *mean,
                          const char *std, struct err_msg *m)
{
    const uint8_t flip = n->layer[0].out_signed ? 0 : 0x80; // as images are delivered
    struct normalise how;
    enum err e = read_normalise(&how, n, mean, std, m);

    *map = (struct pixel_map){ .n = how.n ? how.n : 1, .wide = network_is_wide(n) };
    for (uint32_t ch = 0; !e && ch < map->n; ch++)
        for (unsigned pixel = 0; pixel < 256; pixel++) {
            int32_t code = pixel_code(n, how.n ? &how : NULL, ch, (uint8_t)pixel);
            map->byte[ch][pixel] = (int8_t)(value_low_byte(code) ^ (map->wide ? 0 : flip));
            map->high[ch][pixel] = (int8_t)value_high_byte(code);
        }
    return e;
}

static enum err refuse(const struct inputs *in, const char *path, size_t i, struct err_msg *m)
{
    const struct network *n = in->network;
    int32_t low, high;
    const char *cure = "";

    network_image_range(n, &low, &high);
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

/* Ids are rows of the table. */
static enum err check_ids(const struct inputs *in, const char *path, struct err_msg *m)
{
    const struct network_table *t = in->network->table;

    for (size_t i = 0; i < in->array.n; i++) {
        const double v = npy_value(&in->array, i);
        if (!(v >= 0 && v < t->rows) || v != rint(v))
            return err_set(m, ERR_INPUT, "%s: sequence %zu, token %zu is id %.17g: want whole "
                           "numbers from 0 to %" PRIu32 ", rows of the table of input %.100s", path,
                           i / in->n, i % in->n, v, t->rows - 1, t->name);
    }
    return ERR_NONE;
}

static enum err check_values(struct inputs *in, const char *path, struct err_msg *m)
{
    int32_t low, high;

    network_image_range(in->network, &low, &high);
    for (size_t i = 0; i < in->array.n; i++) {
        double v;
        network_image_code(in->network, npy_value(&in->array, i), &v);
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

    if (in->network->table &&
        (a->n == 0 || a->n % in->n != 0 || (a->n_dim > 1 && a->dim[a->n_dim - 1] != in->n)))
        return err_set(m, ERR_INPUT, "%s: %zu ids, %" PRIu32 " in a row: want rows of %zu, the "
                       "tokens of a sequence", path, a->n, a->n_dim ? a->dim[a->n_dim - 1] : 0,
                       in->n);
    if (in->network->table)
        return check_ids(in, path, m);
    if (a->n == 0 || a->n % in->n != 0)
        return err_set(m, ERR_INPUT, "%s: %zu values: want a multiple of %zu, those of an image of "
                       "%" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows, columns, channels)", path, a->n,
                       in->n, image->out.height, image->out.width, image->out.channels);
    if (!npy_has_items(a, in->n))
        return err_set(m, ERR_INPUT, "%s: no dimensions hold an image: want the last ones to have "
                       "%zu values, %" PRIu32 "x%" PRIu32 "x%" PRIu32 " (rows, columns, channels)",
                       path, in->n, image->out.height, image->out.width, image->out.channels);
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
        in->n = (size_t)s.height * s.width * (n->table ? 1 : s.channels);
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

/* A row for each id. */
static void take_rows(const struct inputs *in, uint64_t i, uint8_t *bytes)
{
    const struct network *n = in->network;
    const uint32_t channels = n->layer[0].out.channels;

    uint8_t *high = network_is_wide(n) ? bytes + network_image_values(n) : NULL;

    for (size_t k = 0; k < in->n; k++, bytes += channels) {
        const size_t id = (size_t)npy_value(&in->array, (size_t)i * in->n + k);
        memcpy(bytes, n->table->code + id * channels, channels);
        for (uint32_t c = 0; high && c < channels; c++)
            *high++ = n->layer[0].out_signed && bytes[c] > INT8_MAX ? UINT8_MAX : 0;
    }
}

void inputs_take(const struct inputs *in, uint64_t i, uint8_t *bytes)
{
    const struct network *n = in->network;
    const struct shape s = n->layer[0].out;
    const bool wide = network_is_wide(n);
    size_t first = (size_t)i * in->n;

    if (n->table) {
        take_rows(in, i, bytes);
        return;
    }
    for (size_t row = 0; row < s.height; row++)
        for (size_t column = 0; column < s.width; column++)
            for (size_t c = 0; c < s.channels; c++) {
                size_t from = n->image_channels_last ? (row * s.width + column) * s.channels + c
                                                     : (c * s.height + row) * s.width + column;
                size_t to = (column * s.height + row) * s.channels + c;
                int32_t code = network_image_code(n, npy_value(&in->array, first + from), NULL);
                bytes[to] = value_low_byte(code);
                if (wide)
                    bytes[in->n + to] = value_high_byte(code);
            }
}
