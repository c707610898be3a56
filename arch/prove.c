/* arch/prove.c -- see prove.h. */
#include "arch/prove.h"

#include <inttypes.h>
#include <stdlib.h>

#include "arch/chip.h"
#include "arch/core/proof.h"
#include "core/util.h"
#include "memory/trial.h"

static bool alike(const struct memory_layout *a, const struct memory_layout *b)
{
    return a->delta_kernel == b->delta_kernel && a->delta_pix == b->delta_pix &&
           a->shape.pixel_values == b->shape.pixel_values && a->shape.height == b->shape.height &&
           a->shape.columns == b->shape.columns && a->shape.announced == b->shape.announced &&
           a->shape.kernel_columns == b->shape.kernel_columns;
}

static bool is_tried(const struct plan *p, const uint32_t *tried, uint32_t n, uint32_t core)
{
    bool found = false;

    while (n > 0 && !found) // mostly a neighbour's
        found = alike(&p->time.core[core].layout, &p->time.core[tried[--n]].layout);
    return found;
}

/* Each by itself, those that are alike once. */
static enum err try_memories(const struct plan *p, struct err_msg *m)
{
    uint32_t *tried = calloc(p->n_core, sizeof *tried), n = 0;
    enum err e = tried ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory to try those of cores");

    for (uint32_t i = 0; !e && i < p->n_core; i++)
        if (!is_tried(p, tried, n, i)) {
            tried[n++] = i;
            e = memory_trial(&p->time.core[i].layout, p->core[i].name, m);
        }
    free(tried);
    return e;
}

/* Images that a core can hold something of at once: as many as lie in its columns, in what it knows
 * of their progress, in its residual FIFO, in its sums on their way and in its links. */
static uint64_t images_at_once(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];
    const struct layer_times *t = &p->time.layer[layer];
    const struct layer_hops *hops = &p->hops[layer];
    const struct shape *out = &plan_network_layer(p, layer)->out;
    const uint64_t outputs = (uint64_t)out->height * out->width;
    const uint64_t columns = max_u32(t->memory_columns, t->tracked_columns);
    const uint64_t on_links = max_u32(max_u32(hops->pixels, hops->residual),
                                      (pl->parts - 1) * hops->sums);

    const uint64_t sums = (uint64_t)t->sums_waiting * pl->replicas.n;

    return max_u64(max_u64(ceil_div(columns, pl->in_width), ceil_div(t->residual_fifo, outputs)),
                   max_u64(ceil_div(sums, outputs), ceil_div(on_links, p->interval)));
}

/* Images behind the one that repeats. What it leaves somewhere is gone when as much as there is
 * room for has come later, so those that bring so much are enough; nor does an image see more
 * behind it than enters the chip before it leaves. */
static uint64_t images_behind(const struct plan *of_chip, const struct plan *p)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < p->n_layer; i++)
        most = max_u64(most, max_u64(images_at_once(p, i), images_at_once(of_chip, i)));
    return min_u64(most, p->time.first_result / p->interval);
}

/* An image of numbers: plane after plane, rows fastest. */
static void number_image(const struct proof *proof, uint64_t image, uint8_t *to)
{
    const struct shape *s = &proof->plan->network->layer[0].out;

    for (uint32_t p = 0; p < proof->planes; p++)
        for (uint32_t column = 0; column < s->width; column++)
            for (uint32_t row = 0; row < s->height; row++) {
                uint64_t number = proof_number(proof, 0, &(struct pixel){ image, row, column });
                for (uint32_t c = 0; c < s->channels; c++)
                    *to++ = (uint8_t)((number + c) >> (8 * p));
            }
}

/* One pixel of a result in one plane, all its channels. */
static bool pixel_is(const struct proof *proof, const struct pixel *at, uint32_t plane,
                     const int64_t *value)
{
    const struct plan *p = proof->plan;
    uint32_t last = p->n_layer - 1;
    const struct layer *l = network_result(p->network);
    uint64_t number = proof_number(proof, last + 1, at);

    for (uint32_t c = 0; c < l->out.channels; c++) {
        uint8_t byte = (uint8_t)((number + c) >> (8 * plane));
        int32_t want = l->raw_output   ? proof_sum(proof, last, at, c, plane)
                       : l->out_signed ? (int8_t)byte
                                       : byte;
        if (value[c] != want)
            return false;
    }
    return true;
}

static bool result_is(const struct proof *proof, const struct chip_result *r)
{
    const struct shape s = layer_delivers(network_result(proof->plan->network));
    const int64_t *value = r->value;
    struct pixel at = { .image = r->image };

    for (uint32_t plane = 0; plane < proof->planes; plane++)
        for (at.column = 0; at.column < s.width; at.column++)
            for (at.row = 0; at.row < s.height; at.row++, value += s.channels)
                if (!pixel_is(proof, &at, plane, value))
                    return false;
    return true;
}

static enum err run_images(struct chip *chip, const struct proof *proof, uint64_t n_image,
                           uint8_t *image, struct err_msg *m)
{
    const struct plan *p = proof->plan;
    struct chip_result r;
    int64_t until = -(int64_t)p->time.lead;
    enum err e = ERR_NONE;

    for (uint64_t in = 0, numbered = 0, out = 0; !e && out < n_image;) {
        if (in < n_image) {
            if (numbered == in)
                number_image(proof, numbered++, image);
            if (chip_inject(chip, (const int8_t *)image)) {
                in++;
                continue;
            }
        }
        e = chip_run(chip, until, m);
        until += (int64_t)p->interval; // an interval takes one image off the queue
        while (!e && chip_result(chip, &r)) {
            if (r.image != out || !result_is(proof, &r))
                e = err_set(m, ERR_RUN, "chip: the result of image %" PRIu64 " is not that of its "
                            "pixels", out);
            out++;
        }
        if (!e && out < n_image && in == n_image && chip_stands_still(chip))
            e = err_set(m, ERR_RUN, "chip: nothing moves after %" PRIu64 " of %" PRIu64 " images",
                        out, n_image);
    }
    return e;
}

enum err prove_chip(const struct plan *of_chip, const struct plan *p, struct prove_result *r,
                    struct err_msg *m)
{
    struct proof proof;
    uint64_t n_image = p->time.transient_images + 1 + images_behind(of_chip, p);
    enum err e = try_memories(of_chip, m);

    if (e)
        return e;

    if (!proof_init(&proof, p, n_image))
        return err_set(m, ERR_MEMORY, "no memory to number the channels of %s", p->network->name);
    const struct chip_cfg cfg = { .plan = of_chip, .planes = { .n = proof.planes },
                                  .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE,
                                  .proof = &proof };
    const struct shape *s = &p->network->layer[0].out;
    uint8_t *image = malloc((size_t)proof.planes * s->height * s->width * s->channels);
    struct chip *chip = image ? chip_new(&cfg) : NULL;
    e = chip ? run_images(chip, &proof, n_image, image, m)
             : err_set(m, ERR_MEMORY, "no memory for a chip of %" PRIu32 " cores", p->n_core);

    if (r)
        *r = (struct prove_result){ n_image, proof.per_image };
    chip_free(chip);
    free(image);
    proof_release(&proof);
    return e;
}

enum err prove(const struct plan *p, struct prove_result *r, struct err_msg *m)
{
    return prove_chip(p, p, r, m);
}
