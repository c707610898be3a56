/* study/run/stream.c -- a job whose images stream through a chip of timesteps, back to back. */
#include "study/run/job.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/chip.h"
#include "core/util.h"
#include "network/precision.h"

static bool counts(const struct job *j, uint32_t piece, uint64_t image)
{
    const struct planes p = { .n = j->n_piece, .counted = j->counted };

    return plane_counts(&p, piece, image);
}

static void take_result(struct job *j, const struct chip_result *r)
{
    uint64_t elapsed = (uint64_t)(r->timestep + 1);

    uint64_t last = plan_steps(j->plan) - 1; // of the first image
    uint64_t seen = min_u64(last, j->stop - j->start - 1);
    if (r->image == j->start + seen)
        j->first_result = elapsed + (last - seen) * j->plan->interval;
    for (uint32_t k = 0; k < j->n_piece; k++) {
        uint64_t image = r->image + k * j->apart;
        if (!counts(j, k, r->image))
            continue;
        if (image + 1 + j->skip.n == j->end)
            j->result.total_timesteps =
                elapsed + (j->start + k * j->apart + j->skip.n) * j->plan->interval;
        if (r->value && j->result.predicted)
            j->result.predicted[image + (j->cfg->n_state > 0 ? k * j->n_image : 0)] =
                largest_value(r->value + k * run_n_classes(j->plan), run_n_classes(j->plan));
        atomic_fetch_add(&j->shared->done, 1);
    }
}

static enum err stands_still(const struct chip *chip, uint64_t image, struct err_msg *m)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (f) {
        chip_describe(chip, f);
        fclose(f);
    }
    for (char *p = text; p && *p; p++)
        *p = *p == '\n' ? ';' : *p;
    err_set(m, ERR_RUN, "nothing can move any more while image %" PRIu64 " is computed; %s", image,
            text ? text : "");
    free(text);
    return ERR_RUN;
}

/* Reads the next image of every piece and hands them to the chip. A piece that has ended repeats
 * its last one. */
static enum err feed(struct job *j, struct chip *chip, struct source *source, uint64_t image,
                     struct err_msg *m)
{
    for (uint32_t k = 0; source->pixels && k < j->n_piece; k++) {
        uint32_t label;
        int8_t *pixels = source->pixels + k * source->image_bytes;
        enum err e = ERR_NONE;
        if (image < j->counted[k].end)
            e = source_next(source, k, pixels, &label, m);
        if (e)
            return e;
        if (counts(j, k, image) && j->result.label)
            j->result.label[image + k * j->apart] = label;
    }
    bool in = chip_inject(chip, source->pixels);
    assert(in); // an interval takes one image off the queue
    (void)in;
    return ERR_NONE;
}

/* The first image that all later ones repeat, each an interval later. Where outputs fire together,
 * an image may share a firing with the one before: then it is one that has another before it. */
static uint64_t repeated_image(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (p->layer[i].replicas.n > 1)
            return p->time.transient_images;
    return p->time.transient_images - 1;
}

/* Once the pipeline is full, an image does what the one before did, an interval later. So one
 * stands for all that follow, and those need not be simulated. */
static void skip_what_repeats(struct job *j)
{
    uint64_t simulated = repeated_image(j->plan) + 1;

    if (!j->timing || j->cfg->probe || simulated >= j->stop)
        return;
    j->skip = (struct stream_skip){ .from = simulated, .n = j->stop - simulated };
    j->stop = simulated;
    atomic_fetch_add(&j->shared->done, j->skip.n);
}

/* Back to back: the next image always waits in the scratchpad while one is being sent. */
static enum err stream_images(struct job *j, struct chip *chip, struct source *source,
                              struct err_msg *m)
{
    uint64_t injected = j->start, returned = injected;
    int64_t until = -1;
    struct chip_result r;

    while (returned < j->stop && !atomic_load(&j->shared->stop)) {
        enum err e = ERR_NONE;
        for (uint32_t n = until < 0 ? 2 : 1; !e && n > 0 && injected < j->stop; n--)
            e = feed(j, chip, source, injected++, m);
        until += (int64_t)j->plan->interval;
        if (!e)
            e = chip_run(chip, until, m);
        if (e)
            return e;
        while (chip_result(chip, &r)) {
            take_result(j, &r);
            returned++;
        }
        if (returned < j->stop && injected == j->stop && chip_stands_still(chip))
            return stands_still(chip, returned, m);
    }
    /* What comes of the last images after their results, such as pixels that no output sees. */
    return returned < j->stop ? ERR_NONE : chip_run(chip, until + UINT32_MAX, m);
}

static void collect(struct job *j, const struct chip *chip)
{
    const struct plan *p = j->plan;

    for (uint32_t i = 0; i < p->n_core; i++)
        counter_add(core_counter_rows, &j->result.core[i], chip_counters(chip, i));
    for (uint32_t i = 0; i < p->n_stream; i++)
        j->result.stream_bits[i] += chip_stream_bits(chip, i);
    for (uint32_t i = 0; i < p->n_layer; i++) {
        struct layer_result *l = &j->result.layer[i];
        *l = (struct layer_result){ UINT64_MAX, 0 };
        for (uint32_t k = 0; k < p->layer[i].n_core; k++) {
            int64_t first, last;
            chip_fired(chip, p->layer[i].first_core + k, &first, &last);
            l->first_timestep = min_u64(l->first_timestep, (uint64_t)first);
            l->last_timestep = max_u64(l->last_timestep, (uint64_t)last);
        }
    }
}

enum err job_stream(struct job *j)
{
    const struct plan *p = j->plan;
    skip_what_repeats(j);
    const struct standing_images standing = { .first = repeated_image(p),
                                              .end = j->skip.n > 0 ? j->end : 0 };
    const bool wide = network_is_wide(p->network);
    const struct chip_cfg cfg = {
        .plan = p,
        .planes = { .n = j->timing ? 0 : wide ? 2 * j->n_piece : j->n_piece,
                    .wide = !j->timing && wide, .counted = j->counted, .standing = standing },
        .first_image = j->start,
        .kernel = j->cfg->kernel,
        .mode = j->cfg->mode,
        .analog = j->cfg->state,
        .array = j->cfg->array,
        .ranges = j->cfg->ranges,
        .simd = j->cfg->simd,
        .probe = j->probe,
    };
    struct source source;
    enum err e = source_open(&source, j, &j->msg);

    if (!e) {
        struct chip *chip = chip_new(&cfg);
        e = chip ? stream_images(j, chip, &source, &j->msg) : no_memory(&j->msg);
        if (!e)
            collect(j, chip);
        chip_free(chip);
    }
    source_close(&source);
    return e;
}
