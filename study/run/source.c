/* study/run/source.c -- the images of a run: opened, counted, and read one after the other. */
#include "study/run/job.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "network/host.h"
#include "network/precision.h"
#include "study/inputs.h"
#include "study/run/host.h"

static struct images_shape image_shape(const struct plan *p)
{
    const struct shape *s = &network_fed(p->network)->layer[0].out;

    return (struct images_shape){ s->height, s->width, s->channels };
}

/* Whether the result is one pixel, whose largest channel is the class. */
static bool has_classes(const struct plan *p)
{
    struct shape s = layer_delivers(network_result(p->network));

    return s.height == 1 && s.width == 1;
}

uint32_t run_n_classes(const struct plan *p)
{
    return has_classes(p) ? layer_delivers(network_result(p->network)).channels : UINT32_MAX;
}

/* *map is the set's own while it is open. */
static enum err open_set(struct images **set, struct pixel_map *map, const struct plan *p,
                         const struct run_cfg *cfg, struct err_msg *m)
{
    const struct network *n = network_fed(p->network);
    struct images_how own = cfg->images_how;
    const struct images_how *how = &own;

    own.crop = n->present.crop;
    if (n->present.coding && n->present.coding->recorded) {
        own.n_bin = presentation_steps(&n->present);
        own.bin_us = n->present.bin_us;
    }
    enum err e = images_open_as(set, cfg->images, how, image_shape(p), run_n_classes(p), m);

    bool whole = !network_is_wide(n) && !inputs_are_cut(n);
    if (e || (!how->mean && !how->std && whole))
        return e;
    e = inputs_pixel_map(map, n, how->mean, how->std, m);
    if (!e)
        e = images_map(*set, map, m);
    if (e)
        images_close(*set);
    if (e)
        *set = NULL;
    return e;
}

enum err source_open(struct source *s, const struct job *j, struct err_msg *m)
{
    const struct network *chip = j->plan->network, *n = network_fed(chip);
    enum err e = ERR_NONE;

    *s = (struct source){ .image_bytes = network_image_bytes(chip),
                          .set_bytes = network_image_bytes(n),
                          .flips = !n->layer[0].out_signed && !network_is_wide(n) };
    if (j->timing)
        return ERR_NONE;
    if (chip->host) {
        s->host = host_new(chip);
        s->hosts = calloc(1, s->set_bytes);
        if (!s->host || !s->hosts)
            return no_memory(m);
    }
    s->pixels = j->values ? NULL : calloc(j->n_piece, s->image_bytes);
    if (!s->pixels && !j->values)
        return no_memory(m);
    s->inputs = j->inputs;
    for (uint32_t k = 0; s->inputs && k < j->n_piece; k++)
        s->next[k] = j->cfg->first + j->start + k * j->apart;
    if (s->inputs)
        return ERR_NONE;
    for (uint32_t k = 0; !e && k < j->n_piece; k++) {
        e = open_set(&s->set[k], &s->map, j->plan, j->cfg, m);
        if (!e)
            e = images_skip(s->set[k], j->cfg->first + j->start + k * j->apart, m);
    }
    return e;
}

void source_close(struct source *s)
{
    for (uint32_t k = 0; k < MOST_ABREAST; k++)
        images_close(s->set[k]);
    free(s->pixels);
    host_free(s->host);
    free(s->hosts);
}

/* int8 = pixel - 128 back to the pixel, which is what a uint8 image holds. */
static void to_unsigned(int8_t *pixels, size_t n)
{
    uint8_t *bytes = (uint8_t *)pixels;

    for (size_t i = 0; i < n; i++)
        bytes[i] ^= 0x80;
}

/* The next image of piece k as the set has it. */
static enum err source_image(struct source *s, uint32_t k, int8_t *pixels, uint32_t *label,
                             struct err_msg *m)
{
    int more;

    *label = 0;
    if (s->inputs) {
        inputs_take(s->inputs, s->next[k]++, (uint8_t *)pixels);
        return ERR_NONE;
    }
    enum err e = images_next(s->set[k], pixels, label, &more, m);

    assert(e || more); // n_image has been checked against the set
    if (!e && s->flips)
        to_unsigned(pixels, s->set_bytes);
    return e;
}

enum err source_next(struct source *s, uint32_t k, int8_t *pixels, uint32_t *label,
                     struct err_msg *m)
{
    enum err e = source_image(s, k, s->host ? (int8_t *)s->hosts : pixels, label, m);

    if (!e && s->host)
        host_compute(s->host, s->hosts, (uint8_t *)pixels);
    return e;
}

/* ---- How many there are ---- */

static enum err take_count(const struct run_cfg *cfg, uint64_t there, uint64_t *n,
                           struct err_msg *m)
{
    if (there <= cfg->first || cfg->n_image > there - cfg->first)
        return err_set(m, ERR_INPUT, "images %s: has %" PRIu64 " images, %" PRIu64 " are wanted: "
                       "want fewer, or others",
                       cfg->images ? cfg->images : cfg->inputs, there, cfg->first + *n);
    *n = cfg->n_image ? cfg->n_image : there - cfg->first;
    return ERR_NONE;
}

enum err source_count(const struct plan *p, const struct run_cfg *cfg,
                      const struct inputs *inputs, uint64_t *n, bool *labelled,
                      struct err_msg *m)
{
    struct images *set;
    uint64_t there = 0;

    *labelled = false;
    *n = cfg->n_image ? cfg->n_image : is_elastic(p) ? RUN_ELASTIC_IMAGES : 1;
    if (!run_has_values(cfg))
        return ERR_NONE;
    if (!p->network->has_values)
        return err_set(m, ERR_INPUT,
                       "images %s: network %s has no weights: want --set network.onnx=MODEL, a "
                       "quantised one, as imcsim import makes it of a float one, or a timing run "
                       "without images",
                       cfg->images ? cfg->images : cfg->inputs, p->network->name);
    if (inputs) {
        there = inputs_count(inputs);
        return take_count(cfg, there, n, m);
    }
    struct pixel_map map;
    enum err e = open_set(&set, &map, p, cfg, m);
    if (e)
        return e;
    e = images_count(set, &there, m);
    *labelled = images_labelled(set);
    images_close(set);
    return e ? e : take_count(cfg, there, n, m);
}

enum err run_count_images(const struct plan *p, const struct run_cfg *cfg, uint64_t *n,
                          struct err_msg *m)
{
    struct inputs *inputs = NULL;
    bool labelled;
    const struct network *fed = network_fed(p->network);
    enum err e = cfg->inputs ? inputs_open(&inputs, cfg->inputs, fed, m) : ERR_NONE;

    if (!e)
        e = source_count(p, cfg, inputs, n, &labelled, m);
    inputs_close(inputs);
    return e;
}

/* ---- For others ---- */

/* Whether n images are there from `first` on. */
static enum err check_there(const struct source *s, const struct run_cfg *cfg, uint64_t first,
                            uint64_t n, struct err_msg *m)
{
    uint64_t there = 0;
    enum err e = ERR_NONE;

    if (s->inputs)
        there = inputs_count(s->inputs);
    else
        e = images_count(s->set[0], &there, m);
    if (e || (first <= there && n <= there - first))
        return e;
    return err_set(m, ERR_INPUT, "images %s: has %" PRIu64 " images, %" PRIu64 " from number %"
                   PRIu64 " on are wanted: want fewer, or others",
                   cfg->images ? cfg->images : cfg->inputs, there, n, first);
}

enum err run_visit_images(const struct plan *p, const struct run_cfg *cfg, uint64_t first,
                          uint64_t n,
                          enum err (*visit)(void *user, uint64_t i, const uint8_t *image,
                                            struct err_msg *m),
                          void *user, struct err_msg *m)
{
    struct inputs *inputs = NULL;
    struct source s = {0};
    const struct network *fed = network_fed(p->network);
    enum err e = cfg->inputs ? inputs_open(&inputs, cfg->inputs, fed, m) : ERR_NONE;
    const struct job j = { .plan = p, .cfg = cfg, .n_piece = 1, .inputs = inputs };

    if (!e)
        e = source_open(&s, &j, m);
    if (!e)
        e = check_there(&s, cfg, first, n, m);
    for (uint64_t i = 0; i < first && !e; i++) {
        uint32_t label;
        e = source_next(&s, 0, s.pixels, &label, m);
    }
    for (uint64_t i = 0; i < n && !e; i++) {
        uint32_t label;
        e = source_next(&s, 0, s.pixels, &label, m);
        if (!e)
            e = visit(user, i, (const uint8_t *)s.pixels, m);
    }
    source_close(&s);
    inputs_close(inputs);
    return e;
}
