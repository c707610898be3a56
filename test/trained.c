/* test/trained.c -- see trained.h. */
#include "test/trained.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "traces/images/images.h"

struct blob_array trained_array(const struct blob *b, const char *name, uint32_t i)
{
    char text[16];

    snprintf(text, sizeof text, i ? "%s%u" : "%s", name, i);
    return blob_find(b, text);
}

static void make_requant(struct layer *l, const struct dense *d, const struct blob *b, uint32_t i)
{
    uint32_t n = l->out.channels;
    bool last = i == d->n_layer;
    bool alone = d->binary && last && !blob_has(b, "b3"); // its name has no number
    struct blob_array offset = trained_array(b, last || !d->binary ? "b" : "t", alone ? 0 : i);

    l->requant.b = calloc(n, sizeof *l->requant.b);
    for (uint32_t o = 0; o < n; o++) {
        int64_t v = blob_integer(&offset, o);
        l->requant.b[o] = last || !d->binary ? v : 1 - v; // [sum >= t] = [sum + 1 - t >= 1]
    }
    l->raw_output = last;
    if (last)
        return;
    l->requant.m = calloc(n, sizeof *l->requant.m);
    l->requant.shift = calloc(n, sizeof *l->requant.shift);
    l->requant.high = d->binary ? 1 : 255;
    for (uint32_t o = 0; o < n; o++) {
        struct blob_array m = { 0 }, sh = { 0 };
        if (!d->binary) {
            m = blob_find(b, "m");
            sh = blob_find(b, "sh");
        }
        l->requant.m[o] = d->binary ? 1 : (uint16_t)blob_integer(&m, i - 1);
        l->requant.shift[o] = d->binary ? 0 : (uint8_t)blob_integer(&sh, i - 1);
    }
}

void trained_network(struct plan_rig *r, const struct dense *d, const struct blob *b)
{
    rig_image(r, 1, 1, d->size[0]);
    r->network.layer[0].out_signed = false;
    r->network.layer[0].value_bits = d->image_bits;
    r->network.has_values = true;
    for (uint32_t i = 1; i <= d->n_layer; i++) {
        struct layer *l = rig_conv(r, i - 1, d->size[i], 1, 1);
        struct blob_array w = trained_array(b, "w", i);
        size_t n = (size_t)d->size[i] * d->size[i - 1];
        assert_int_equal(w.n, n);
        l->weight = malloc(n);
        memcpy(l->weight, w.data, n);
        l->weight_bits = l->value_bits = d->binary ? 1 : 8;
        make_requant(l, d, b, i);
    }
}

/* ---- images ---- */

void trained_images(const char *path, uint8_t *pixel, uint32_t *label, uint32_t n)
{
    const struct images_shape shape = { TRAINED_SIDE, TRAINED_SIDE, 1 };
    struct images *set;
    struct err_msg m;
    int more;

    if (images_open(&set, path, shape, TRAINED_CLASSES, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < n; i++) {
        int8_t column[TRAINED_IMAGE];
        if (images_next(set, column, &label[i], &more, &m))
            fail_msg("%s", m.text);
        for (uint32_t row = 0; row < TRAINED_SIDE; row++) // which come column by column, 128 below
            for (uint32_t c = 0; c < TRAINED_SIDE; c++)
                pixel[i * TRAINED_IMAGE + row * TRAINED_SIDE + c] =
                    (uint8_t)(column[c * TRAINED_SIDE + row] + 128);
    }
    images_close(set);
}
