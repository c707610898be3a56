/* study/run.c -- see run.h. */
#include "study/run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/chip.h"
#include "arch/elastic/elastic.h"
#include "arch/reckon.h"
#include "core/util.h"
#include "dataflow/plan/clocking.h"
#include "network/host.h"
#include "network/precision.h"
#include "study/event.h"
#include "study/host.h"
#include "study/inputs.h"
#include "study/jobs.h"
#include "study/read_counts.h"
#include "study/values.h"

enum { MOST_ABREAST = RUN_MOST_STATES, ABREAST = 8 }; // streams; the second where nothing else
                                                      // is asked for

struct job {
    const struct plan    *plan;
    const struct run_cfg *cfg;
    bool                  timing; // only, without values
    const struct core_probe *probe;
    const struct values_study *values; // NULL: a chip runs the images; else their values by layer
    bool                  events;     // or event cores do
    uint64_t              n_image;    // of the run
    uint64_t              first, end; // its images
    uint64_t              start, stop; // of its chip's stream: the pipeline fills before first
    uint32_t              n_piece;    // of its images, side by side: image i of the chip is
    uint64_t              apart;      // i + k * apart of the run in piece k
    struct counted_images counted[MOST_ABREAST];
    const struct inputs  *inputs;     // the run's, or NULL
    struct jobs          *shared;
    struct stream_skip    skip;       // in a timing run: images that need not be simulated
    struct run_result     result;     // label and predicted belong to the run
    uint64_t              first_result; // elapsed timesteps, of the chip's first image
    enum err              err;
    struct err_msg        msg;
};

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

static uint32_t n_classes(const struct plan *p)
{
    return has_classes(p) ? layer_delivers(network_result(p->network)).channels : UINT32_MAX;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the run");
}

static enum err result_alloc(struct run_result *r, const struct plan *p, struct err_msg *m)
{
    r->layer = calloc(p->n_layer, sizeof *r->layer);
    r->core = calloc(p->n_core, sizeof *r->core);
    r->stream_bits = calloc(p->n_stream, sizeof *r->stream_bits);
    return r->layer && r->core && r->stream_bits ? ERR_NONE : no_memory(m);
}

void run_result_release(struct run_result *r)
{
    free(r->layer);
    free(r->core);
    free(r->range);
    free(r->stream_bits);
    spike_counts_release(&r->spikes);
    free(r->label);
    free(r->predicted);
    if (r->elastic)
        elastic_result_release(r->elastic);
    free(r->elastic);
    if (r->event)
        event_result_release(r->event);
    free(r->event);
    *r = (struct run_result){ 0 };
}

/* ---- one job ---- */

bool run_has_values(const struct run_cfg *cfg)
{
    return cfg->images || cfg->inputs;
}

/* The images of a job, one of each piece after the other; in a timing run there is nothing to
 * read. */
struct source {
    struct images *set[MOST_ABREAST];
    const struct inputs *inputs;          // instead
    uint64_t       next[MOST_ABREAST];    // of them
    struct pixel_map map;  // of the sets, where pixels are normalised
    int8_t        *pixels; // owned; [piece][image_bytes], of those that go through the chip; or
                           // NULL
    size_t         image_bytes, set_bytes; // as the chip has them, as the set
    struct host   *host;   // between them; or NULL
    uint8_t       *hosts;  // owned; [set_bytes]
    bool           flips;  // uint8 is what the set delivers as int8
};

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
    enum err e = images_open_as(set, cfg->images, how, image_shape(p), n_classes(p), m);

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

static enum err source_open(struct source *s, const struct job *j, struct err_msg *m)
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

static void source_close(struct source *s)
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

/* The next image of piece k, to pixels[image_bytes]. */
static enum err source_next(struct source *s, uint32_t k, int8_t *pixels, uint32_t *label,
                            struct err_msg *m)
{
    enum err e = source_image(s, k, s->host ? (int8_t *)s->hosts : pixels, label, m);

    if (!e && s->host)
        host_compute(s->host, s->hosts, (uint8_t *)pixels);
    return e;
}

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
                largest_value(r->value + k * n_classes(j->plan), n_classes(j->plan));
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

/* Images after which a core's memory is in the same rotation again. */
static uint32_t core_rotation(const struct plan *p, uint32_t core)
{
    return memory_rotation(&p->time.core[core].layout, p->layer[p->core[core].plan_layer].in_width);
}

/* Images after which every memory is in the same rotation again, or more than `most`. */
static uint64_t rotation(const struct plan *p, uint64_t most)
{
    uint64_t all = 1;

    for (uint32_t i = 0; i < p->n_core && all <= most; i++) {
        uint64_t one = core_rotation(p, i), n = all;
        while (n % one != 0) // their least common multiple
            n += all;
        all = n;
    }
    return all;
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

static enum err chip_job(struct job *j)
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

struct labelled { // images of a job as their values are computed
    struct job    *job;
    struct source *source;
    uint64_t       at;
};

static enum err next_image(void *user, uint8_t *image, struct err_msg *m)
{
    struct labelled *l = user;
    uint32_t label;
    enum err e = source_next(l->source, 0, (int8_t *)image, &label, m);

    if (l->job->result.label)
        l->job->result.label[l->at++] = label;
    return e;
}

static enum err values_job(struct job *j)
{
    struct source source;
    struct labelled l = { j, &source, j->first };
    const struct values_source next = { next_image, &l, j->result.label };
    struct spike_counts *spikes = network_is_spiking(j->plan->network) ? &j->result.spikes : NULL;
    enum err e = source_open(&source, j, &j->msg);

    if (!e && spikes && !spike_counts_init(spikes, j->plan->network))
        e = no_memory(&j->msg);
    if (!e)
        e = values_run(j->values, j->first, j->end, &next, j->result.predicted, j->result.core,
                       spikes, &j->shared->done, &j->shared->stop, &j->msg);
    source_close(&source);
    return e;
}

/* ---- event cores ---- */

/* The next recording, with its times where it has them, or as a map of each step. */
static enum err next_recording(struct source *s, struct image_events *events, bool *timed,
                               uint32_t *label, struct err_msg *m)
{
    int more;

    *timed = s->set[0] && images_timed(s->set[0]);
    if (!*timed)
        return source_next(s, 0, s->pixels, label, m);
    enum err e = images_next_events(s->set[0], events, label, &more, m);
    assert(e || more);
    return e;
}

static enum err events_of_job(struct job *j, struct source *s, struct event_study *study)
{
    struct image_events events = { 0 };
    enum err e = ERR_NONE;

    for (uint64_t i = j->first; !e && i < j->end && !atomic_load(&j->shared->stop); i++) {
        uint32_t label, class_;
        bool timed;
        e = next_recording(s, &events, &timed, &label, &j->msg);
        if (!e)
            e = event_study_run(study, j->cfg->first + i, timed ? &events : NULL,
                                (const uint8_t *)s->pixels, j->result.event, &class_, &j->msg);
        if (e)
            break;
        if (j->result.label)
            j->result.label[i] = label;
        if (j->result.predicted)
            j->result.predicted[i] = class_;
        atomic_fetch_add(&j->shared->done, 1);
    }
    image_events_release(&events);
    return e;
}

static bool result_make_events(struct run_result *r, const struct plan *p)
{
    r->event = calloc(1, sizeof *r->event);
    return r->event && event_result_init(r->event, p);
}

static enum err event_job(struct job *j)
{
    struct event_study *study = NULL;
    struct source source = { 0 };
    enum err e = result_make_events(&j->result, j->plan) ? ERR_NONE : no_memory(&j->msg);

    if (!e)
        e = event_study_new(&study, j->plan, j->cfg->kernel, j->cfg->mode, &j->msg);
    if (!e) {
        e = source_open(&source, j, &j->msg);
        if (!e)
            e = events_of_job(j, &source, study);
        source_close(&source);
    }
    event_study_free(study);
    return e;
}

static void run_job(void *jobs, uint32_t index)
{
    struct job *j = (struct job *)jobs + index;

    j->err = j->events ? event_job(j) : j->values ? values_job(j) : chip_job(j);
    if (j->err)
        atomic_store(&j->shared->stop, true);
}

/* ---- all jobs ---- */

static void add_counters(struct run_result *r, const struct job *job, uint32_t n,
                         const struct plan *p)
{
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t i = 0; i < p->n_core; i++)
            counter_add(core_counter_rows, &r->core[i], &job[k].result.core[i]);
        for (uint32_t i = 0; i < p->n_stream; i++)
            r->stream_bits[i] += job[k].result.stream_bits[i];
    }
}

static void add_up(struct run_result *r, const struct job *job, uint32_t n, const struct plan *p)
{
    add_counters(r, job, n, p);
    memcpy(r->layer, job[0].result.layer, p->n_layer * sizeof *r->layer);
    r->first_result = job[0].first_result;
    r->last_conv = r->layer[plan_last_convolution(p)].last_timestep + 1 +
                   plan_image_interval(p) - p->interval;
    r->total_timesteps = job[n - 1].result.total_timesteps;
}

static bool is_elastic(const struct plan *p)
{
    return config_clocking(p->config) == CLOCKING_ELASTIC;
}

static enum err take_count(const struct run_cfg *cfg, uint64_t there, uint64_t *n,
                           struct err_msg *m)
{
    if (there <= cfg->first || cfg->n_image > there - cfg->first)
        return err_set(m, ERR_INPUT, "images %s: has %" PRIu64 " images, %" PRIu64 " are wanted",
                       cfg->images ? cfg->images : cfg->inputs, there, cfg->first + *n);
    *n = cfg->n_image ? cfg->n_image : there - cfg->first;
    return ERR_NONE;
}

/* Images to run: asked for, or all of the set; and whether they have labels. */
static enum err count_images(const struct plan *p, const struct run_cfg *cfg,
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

/* Cuts a job's images into pieces that its chip carries side by side. The first begins where the
 * chip does, the others once the pipeline is full. */
static void cut(struct job *j, uint32_t most)
{
    uint64_t full = j->start + j->plan->time.transient_images;
    uint64_t n = j->end > full ? j->end - full : 0;
    uint64_t apart = n > 1 && most > 1 ? round_up(ceil_div(n, most), rotation(j->plan, n)) : n;

    j->n_piece = max_u32(j->cfg->n_state, 1); // all of them see all images
    j->stop = j->end;
    for (uint32_t k = 0; k < j->n_piece; k++)
        j->counted[k] = (struct counted_images){ j->first, j->end };
    if (apart >= n)
        return;
    j->apart = apart;
    j->n_piece = (uint32_t)ceil_div(n, apart);
    j->stop = j->counted[0].end = full + apart;
    for (uint32_t k = 1; k < j->n_piece; k++)
        j->counted[k] = (struct counted_images){ full, min_u64(full + apart, j->end - k * apart) };
}

static void jobs_free(struct job *job, uint32_t n)
{
    for (uint32_t i = 0; i < n && job; i++) {
        job[i].result.label = job[i].result.predicted = NULL;
        run_result_release(&job[i].result);
    }
    free(job);
}

/* What a chip is given of n images. */
static uint64_t presented(const struct job *all, uint64_t n)
{
    return all->timing ? n * plan_steps(all->plan) : n;
}

/* n jobs like *all, each with its share of the images, run; the caller frees them, also after an
 * error. NULL without memory. */
static struct job *share_out(const struct job *all, uint32_t n, const struct run_result *r,
                             enum err *e, struct err_msg *m)
{
    const struct plan *p = all->plan;
    struct job *job = calloc(n, sizeof *job);
    const uint64_t images = presented(all, r->n_image);

    *e = job ? ERR_NONE : no_memory(m);
    for (uint32_t i = 0; !*e && i < n; i++) {
        uint64_t first = images / n * i + min_u64(i, images % n);
        job[i] = *all;
        job[i].n_image = images;
        job[i].first = first;
        job[i].end = images / n * (i + 1) + min_u64(i + 1, images % n);
        job[i].start = all->values || all->events
                           ? first
                           : first - min_u64(first, p->time.transient_images);
        job[i].n_piece = 1;
        if (!all->events)
            cut(&job[i], all->probe || all->timing || all->values || all->cfg->n_state ? 1
                         : all->cfg->abreast ? all->cfg->abreast : ABREAST);
        *e = result_alloc(&job[i].result, p, m);
        job[i].result.label = r->label;
        job[i].result.predicted = r->predicted;
    }
    if (!*e)
        jobs_run(all->shared, &(struct jobs_work){ run_job, job, n, images,
                                                   all->cfg->progress, all->cfg->user });
    for (uint32_t i = 0; i < n && job; i++) {
        if (!*e && job[i].err) {
            *e = job[i].err;
            *m = job[i].msg;
        }
    }
    return job;
}

/* Chips run the images, or a chip does without. */
static enum err run_chips(const struct job *all, uint32_t n, struct run_result *r,
                          struct stream_skip *skip, struct err_msg *m)
{
    enum err e;
    struct job *job = share_out(all, n, r, &e, m);

    if (!e) {
        add_up(r, job, n, all->plan);
        *skip = job[0].skip;
    }
    jobs_free(job, n);
    return e;
}

bool run_computes_layers(const struct plan *p, const struct ranges *ranges)
{
    return plan_is_exact(p) ||
           (!network_is_wide(p->network) && !network_is_spiking(p->network) &&
            sliced_by_layer(p, ranges));
}

static bool by_layer(const struct plan *p, const struct run_cfg *cfg)
{
    return run_has_values(cfg) && !cfg->timed_values && cfg->n_state == 0 &&
           run_computes_layers(p, cfg->ranges);
}

/* ---- by the plan alone ---- */

static enum err run_by_plan(const struct plan *p, struct run_result *r, struct err_msg *m)
{
    const struct timetable *t = &p->time;
    const uint64_t steps = plan_steps(p), n = r->n_image * steps, more = (steps - 1) * p->interval;

    for (uint32_t i = 0; i < p->n_layer; i++)
        r->layer[i] = (struct layer_result){ t->layer[i].first_timestep,
                                             t->layer[i].last_timestep };
    r->first_result = plan_first_result(p);
    r->last_conv = t->last_conv + more;
    r->total_timesteps = (uint64_t)((int64_t)(t->first_result + (n - 1) * p->interval) +
                                    timetable_late(t, n - 1));
    return reckon_images(p, n, r->core, r->stream_bits) ? ERR_NONE : no_memory(m);
}

/* ---- elastic clocking ---- */

static bool is_one_pass(const struct plan *p)
{
    return clocking_of(p->config)->pass != NULL;
}

/* Where outputs fire one by one or wait for their whole group, a core does for an image what can be
 * reckoned; where only time says which fire together, what is left is what was counted. */
static bool count_elastic(struct run_result *r, const struct plan *p)
{
    if (run_counts_all(p) &&
        !reckon_images(p, r->n_image * plan_steps(p), r->core, r->stream_bits))
        return false;
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct elastic_core *e = &r->elastic->core[i];
        struct core_counters *c = &r->core[i];
        c->firings = e->firings;
        c->outputs = e->outputs;
        c->words_written = e->words_written;
        c->words_read = e->words_read;
        c->words_read_back = e->words_read_back;
        c->pixels_stored = e->pixels_stored;
        c->busy_timesteps = e->busy_clk;
    }
    for (uint32_t i = 0; i < p->n_stream; i++)
        r->stream_bits[i] = r->elastic->stream[i].bits;
    return true;
}

enum err run_of_elastic(struct run_result *r, const struct plan *p, struct elastic_result *e,
                        struct err_msg *m)
{
    *r = (struct run_result){ .n_image = e->n_image, .elastic = malloc(sizeof *r->elastic) };
    if (r->elastic)
        *r->elastic = *e;
    else
        elastic_result_release(e);
    *e = (struct elastic_result){ 0 };
    enum err err = r->elastic ? result_alloc(r, p, m) : no_memory(m);
    if (!err && !count_elastic(r, p))
        err = no_memory(m);
    if (err)
        run_result_release(r);
    return err;
}

bool run_counts_all(const struct plan *p)
{
    for (uint32_t i = 0; is_elastic(p) && i < p->n_layer; i++)
        if (p->layer[i].replicas.n > 1 && p->config->elastic.group == GROUP_ANY)
            return false;
    return true;
}

/* A step is presented as an image is: an image begins with its first, and ends with its last. */
static void join_steps(struct elastic_result *e, uint64_t steps)
{
    e->n_image /= steps;
    e->n_run = ceil_div(e->n_run, steps);
    for (uint64_t i = 0; i < e->n_image; i++) {
        e->start_clk[i] = e->start_clk[i * steps];
        e->result_clk[i] = e->result_clk[i * steps + steps - 1];
    }
}

struct run_reads { // stays where it is
    struct job          job; // whose source it is
    struct inputs      *inputs; // owned; or NULL
    struct source       source;
    struct read_counts *counts; // owned
};

static enum err first_image_again(void *user, struct err_msg *m)
{
    struct run_reads *w = user;

    source_close(&w->source);
    return source_open(&w->source, &w->job, m);
}

static enum err image_of_reads(void *user, uint8_t *image, struct err_msg *m)
{
    struct run_reads *w = user;
    uint32_t label;

    return source_next(&w->source, 0, (int8_t *)image, &label, m);
}

enum err run_reads_open(struct run_reads **to, const struct plan *p, const struct run_cfg *cfg,
                        uint64_t n_image, struct err_msg *m)
{
    const bool asks = is_elastic(p) && plan_skips(p) && run_has_values(cfg);
    struct run_reads *w = asks ? calloc(1, sizeof *w) : NULL;

    *to = NULL;
    if (!w)
        return asks ? no_memory(m) : ERR_NONE;
    const struct read_counts_cfg counts = { .plan = p, .n_image = n_image, .kernel_name = cfg->simd,
                                            .ranges = cfg->ranges, .again = first_image_again,
                                            .next = image_of_reads, .user = w };
    enum err e = cfg->inputs ? inputs_open(&w->inputs, cfg->inputs, network_fed(p->network), m)
                             : ERR_NONE;
    w->job = (struct job){ .plan = p, .cfg = cfg, .n_piece = 1, .inputs = w->inputs };
    if (!e)
        e = source_open(&w->source, &w->job, m);
    w->counts = e ? NULL : read_counts_new(&counts);
    if (!e && !w->counts)
        e = no_memory(m);
    if (e)
        run_reads_close(w);
    else
        *to = w;
    return e;
}

const struct elastic_reads *run_reads_of(const struct run_reads *w)
{
    return w ? read_counts_reads(w->counts) : NULL;
}

void run_reads_close(struct run_reads *w)
{
    if (!w)
        return;
    read_counts_free(w->counts);
    source_close(&w->source);
    inputs_close(w->inputs);
    free(w);
}

static enum err run_elastic_chip(const struct job *all, struct run_result *r, struct err_msg *m)
{
    const uint64_t steps = plan_steps(all->plan);
    struct run_reads *reads;
    enum err e = run_reads_open(&reads, all->plan, all->cfg, r->n_image, m);
    const struct elastic_cfg_run cfg = { .n_image = r->n_image * steps,
                                         .kernel = all->cfg->kernel,
                                         .mode = all->cfg->mode, .probe = all->probe,
                                         .places = all->cfg->places,
                                         .reads = run_reads_of(reads),
                                         .waits = all->cfg->waits,
                                         .user = all->cfg->waits_user };

    r->elastic = e ? NULL : calloc(1, sizeof *r->elastic);
    if (!e)
        e = r->elastic ? elastic_run(all->plan, &cfg, r->elastic, m) : no_memory(m);
    run_reads_close(reads);
    if (!e)
        join_steps(r->elastic, steps);
    return e || count_elastic(r, all->plan) ? e : no_memory(m);
}

/* A chip of the plan's clocking runs without values. */
static enum err run_time(const struct job *all, struct run_result *r, struct stream_skip *skip,
                         struct err_msg *m)
{
    *skip = (struct stream_skip){ 0 };
    if (is_one_pass(all->plan))
        return run_by_plan(all->plan, r, m);
    return is_elastic(all->plan) ? run_elastic_chip(all, r, m) : run_chips(all, 1, r, skip, m);
}

/* Where values can only be computed layer by layer: why they are not, and what else would do. */
static enum err check_layers(const struct plan *p, const struct run_cfg *cfg, const char *whose,
                             const char *otherwise, struct err_msg *m)
{
    const struct config *c = p->config;
    const struct {
        bool        differs;
        const char *key, *value, *why, *cure;
    } reasons[] = {
        { cfg->timed_values, "--values", "timed", "", "--values layer" },
        { cfg->n_state > 0, "core.crossbar.device = ", c->crossbar.device,
          ", whose weights drift", "--set core.crossbar.device=ideal" },
        { !run_computes_layers(p, cfg->ranges), "core.readout.kind = ", c->readout.kind,
          ", whose codes can clip", "--set core.readout.kind=exact" },
    };

    for (size_t i = 0; run_has_values(cfg) && i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].differs)
            return err_set(m, ERR_INPUT, "%s%s%.60s%s: values %s are computed layer by layer "
                           "and exactly: want %s%s", reasons[i].key, i == 0 ? " " : "",
                           reasons[i].value, reasons[i].why, whose, reasons[i].cure, otherwise);
    return ERR_NONE;
}

/* Of a machine in one pass no chip is stepped. */
static enum err check_pass(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m)
{
    if (!is_one_pass(p))
        return ERR_NONE;
    enum err e = check_layers(p, cfg, "under clocking.kind = combinational",
                              ", or --set clocking.kind=timestep", m);
    if (e)
        return e;
    if (cfg->stepped || cfg->probe || cfg->kernel != KERNEL_NATIVE)
        return err_set(m, ERR_INPUT, "clocking.kind = combinational: all layers work in one pass, "
                       "and there is nothing to step or to draw: want no --timing chip, no "
                       "--trace, no --timeline and --kernel native, or clocking.kind = timestep");
    return ERR_NONE;
}

static enum err check_elastic(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m)
{
    if (!is_elastic(p))
        return ERR_NONE;
    return check_layers(p, cfg, "under clocking.kind = elastic",
                        ", or --set clocking.kind=timestep", m);
}

/* ---- event cores ---- */

static bool has_event_cores(const struct plan *p)
{
    return p->config->core_kind == CORE_EVENT;
}

static enum err check_event_run(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m)
{
    if (!run_has_values(cfg))
        return err_set(m, ERR_INPUT, "core.kind = event: event cores work when spikes come: want "
                       "images, event recordings or others (--images random where there are none)");
    if (cfg->timed_values || cfg->n_state > 0 || cfg->probe)
        return err_set(m, ERR_INPUT, "core.kind = event: event cores have neither waveforms nor "
                       "values in timesteps: want core.kind = imc for them");
    if (p->network->present.coding->periodic)
        return err_set(m, ERR_INPUT, "input.coding = %s: its steps weigh differently, and a spike "
                       "is an address: want rate, events or bernoulli",
                       p->network->present.coding->name);
    return ERR_NONE;
}

static enum err run_events(struct job *all, uint32_t n, struct run_result *r, struct err_msg *m)
{
    enum err e = result_make_events(r, all->plan) ? ERR_NONE : no_memory(m);

    if (e)
        return e;
    all->events = true;
    struct job *job = share_out(all, n, r, &e, m);
    for (uint32_t i = 0; !e && i < n; i++)
        event_result_add(r->event, job[i].result.event);
    jobs_free(job, n);
    return e;
}

/* ---- by layers ---- */

struct watchers { // of one chip
    const struct core_probe *one, *other; // NULL: nobody
};

static void tell_both(void *user, uint32_t core, const struct core_event *e)
{
    const struct watchers *w = user;

    w->one->event(w->one->user, core, e);
    if (w->other)
        w->other->event(w->other->user, core, e);
}

static void both_stepped(void *user, uint32_t core, const struct pixel *next, uint64_t cyc)
{
    const struct watchers *w = user;

    if (w->other && w->other->stepped)
        w->other->stepped(w->other->user, core, next, cyc);
}

/* A chip runs without values, whose images are computed layer by layer. */
static enum err run_layers(struct job *all, uint32_t n, struct run_result *r, struct err_msg *m)
{
    const struct plan *p = all->plan;
    struct firing_log *log = firing_log_needed(p) ? firing_log_new(p, 0) : NULL;
    struct values_cfg cfg = { .plan = p, .log = log, .n_image = r->n_image,
                              .kernel_name = all->cfg->simd, .ranges = all->cfg->ranges };
    struct watchers both = { log ? firing_log_probe(log) : NULL, all->cfg->probe };
    const struct core_probe probe = { tell_both, both_stepped, &both };
    enum err e = log || !firing_log_needed(p) ? ERR_NONE : no_memory(m);

    all->timing = true;
    all->probe = log ? &probe : all->cfg->probe;
    if (!e)
        e = run_time(all, r, &cfg.skip, m);
    if (!e && log && !firing_log_complete(log))
        e = no_memory(m);
    struct values_study *values = e ? NULL : values_study_new(&cfg);
    if (!e && !values)
        e = no_memory(m);
    all->timing = false;
    all->values = values;
    atomic_store(&all->shared->done, 0);
    if (!e) {
        struct job *job = share_out(all, n, r, &e, m);
        if (!e)
            add_counters(r, job, n, p);
        if (!e && job[0].result.spikes.steps > 0 && !spike_counts_init(&r->spikes, p->network))
            e = no_memory(m);
        for (uint32_t i = 0; !e && i < n && r->spikes.steps > 0; i++)
            spike_counts_add(&r->spikes, &job[i].result.spikes);
        jobs_free(job, n);
    }
    values_study_free(values);
    firing_log_free(log);
    return e;
}

/* ---- without a chip ---- */

/* A clocking whose cores wait for what no plan knows keeps no firings in its timetable. */
static bool plan_says_all(const struct plan *p, const struct run_cfg *cfg)
{
    return p->time.layer[0].fired.n_image > 0 && !run_has_values(cfg) && !cfg->stepped &&
           !cfg->probe && !cfg->array && cfg->kernel == KERNEL_NATIVE &&
           cfg->mode == KERNEL_SKIP_IDLE;
}

/* A firing drives its rows, and finishes its outputs, once for each step of a train; arrays that
 * are read in parts count those of all steps, and what values count has been seen step by step. */
static void count_trains(const struct plan *p, struct run_result *r)
{
    for (uint32_t i = 0; i < p->n_core && p->train > 1; i++) {
        struct core_counters *c = &r->core[i];
        uint64_t *const each[] = { &c->driven_rows, &c->scale_ops, &c->residual_ops, &c->relu_ops,
                                   &c->round_ops, &c->pool_ops, &c->partial_sum_ops };
        for (size_t k = 0; k < sizeof each / sizeof *each; k++)
            *each[k] *= p->train;
        if (p->layer[p->core[i].plan_layer].array.plain) { // a product is one read
            c->conversions *= p->train;
            c->reads *= p->train;
        }
    }
}

enum err run(const struct plan *p, const struct run_cfg *cfg, struct run_result *r,
             struct err_msg *m)
{
    struct jobs shared = JOBS_INIT;
    struct job all = { .plan = p, .cfg = cfg, .timing = !run_has_values(cfg),
                       .probe = cfg->probe, .shared = &shared };
    struct stream_skip skip;

    *r = (struct run_result){ 0 };
    assert(cfg->abreast <= MOST_ABREAST && cfg->n_state <= MOST_ABREAST);
    assert(cfg->jobs >= 1 && (cfg->jobs == 1 || (cfg->kernel == KERNEL_NATIVE && !cfg->probe)));
    struct inputs *inputs = NULL;
    bool labelled = false;
    const struct network *fed = network_fed(p->network);
    enum err e = cfg->inputs ? inputs_open(&inputs, cfg->inputs, fed, m) : ERR_NONE;
    if (!e)
        e = count_images(p, cfg, inputs, &r->n_image, &labelled, m);
    if (e) {
        inputs_close(inputs);
        return e;
    }
    all.inputs = inputs;
    r->n_cut = inputs ? inputs_cut(inputs) : 0;
    uint32_t n = (uint32_t)min_u64(cfg->jobs, r->n_image);
    e = result_alloc(r, p, m);
    r->values = run_has_values(cfg);
    if (!e && r->values && has_classes(p)) {
        r->label = labelled ? calloc(r->n_image, sizeof *r->label) : NULL;
        r->predicted = calloc(max_u32(cfg->n_state, 1), r->n_image * sizeof *r->predicted);
        e = (r->label || !labelled) && r->predicted ? ERR_NONE : no_memory(m);
    }
    r->stepped = !plan_says_all(p, cfg);
    const bool events = has_event_cores(p);
    if (!e)
        e = events ? check_event_run(p, cfg, m) : check_elastic(p, cfg, m);
    if (!e && !events)
        e = check_pass(p, cfg, m);
    if (!e && !events && network_is_spiking(p->network))
        e = check_layers(p, cfg, "of neurons", "", m);
    if (!e && events)
        e = run_events(&all, n, r, m);
    else if (!e && !r->stepped)
        e = run_by_plan(p, r, m);
    else if (!e)
        e = by_layer(p, cfg)      ? run_layers(&all, n, r, m)
            : run_has_values(cfg) ? run_chips(&all, n, r, &skip, m)
                                  : run_time(&all, r, &skip, m);
    if (!e)
        count_trains(p, r);
    for (uint64_t i = 0; !e && r->label && cfg->n_state == 0 && i < r->n_image; i++)
        r->n_correct += r->label[i] == r->predicted[i];
    inputs_close(inputs);
    if (e)
        run_result_release(r);
    return e;
}

enum err run_count_images(const struct plan *p, const struct run_cfg *cfg, uint64_t *n,
                          struct err_msg *m)
{
    struct inputs *inputs = NULL;
    bool labelled;
    const struct network *fed = network_fed(p->network);
    enum err e = cfg->inputs ? inputs_open(&inputs, cfg->inputs, fed, m) : ERR_NONE;

    if (!e)
        e = count_images(p, cfg, inputs, n, &labelled, m);
    inputs_close(inputs);
    return e;
}

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
