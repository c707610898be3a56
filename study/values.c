/* study/values.c -- see values.h. */
#include "study/values.h"

#include <stdlib.h>

#include "core/pages.h"
#include "core/util.h"
#include "network/precision.h"
#include "network/spiking/counts.h"

struct values_study {
    struct values_cfg   cfg;
    struct values      *values;
    uint32_t            steps;     // presentations of an image, each an image of the timing run,
    uint32_t            train;     // or so many of them one
    struct sliced_layers *sliced;  // owned; NULL: every code is its sum
    uint64_t            n_chip;    // images of the timing run
    uint64_t           *fired_as;  // owned; [n_chip]: the first that was fired as this one
    struct tally_plan **tally;     // owned; [n_chip], of those that stand for others
};

uint32_t largest_value(const int64_t *value, uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        if (value[i] > value[best])
            best = i;
    return best;
}

/* The chip's image that image i of the run is as. */
static uint64_t chip_image(const struct stream_skip *s, uint64_t i)
{
    return i < s->from || s->n == 0 ? i : s->from - 1;
}

/* Images are mostly fired as the one before. */
static void find_alike(struct values_study *s)
{
    for (uint64_t i = 0; i < s->n_chip; i++) {
        uint64_t k = i > 0 ? s->fired_as[i - 1] : 0;
        if (!s->cfg.log || firing_log_same(s->cfg.log, i, k)) {
            s->fired_as[i] = k;
            continue;
        }
        for (k = 0; k < i && (s->fired_as[k] != k || !firing_log_same(s->cfg.log, i, k)); k++)
            ;
        s->fired_as[i] = k;
    }
}

struct values_study *values_study_new(const struct values_cfg *cfg)
{
    struct values_study *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    *s = (struct values_study){ .cfg = *cfg,
                                .steps = (uint32_t)plan_steps(cfg->plan),
                                .train = presentation_train(&cfg->plan->network->present) };
    s->n_chip = cfg->n_image * s->steps - cfg->skip.n;
    bool exact = plan_is_exact(cfg->plan);
    if (!exact)
        s->sliced = sliced_layers_new(cfg->plan, cfg->ranges, cfg->kernel_name);
    if (exact || s->sliced)
        s->values = values_new_on(cfg->plan->network, cfg->kernel_name,
                                  exact ? NULL : sliced_layers_cores(s->sliced));
    s->fired_as = calloc(s->n_chip, sizeof *s->fired_as);
    s->tally = calloc(s->n_chip, sizeof(struct tally_plan *));
    bool done = s->values && s->fired_as && s->tally;
    if (done)
        find_alike(s);
    for (uint64_t i = 0; done && i < s->n_chip; i++)
        if (s->fired_as[i] == i) {
            s->tally[i] = tally_plan_new(cfg->plan, cfg->log, i);
            done = s->tally[i];
        }
    if (done)
        return s;
    values_study_free(s);
    return NULL;
}

void values_study_free(struct values_study *s)
{
    if (!s)
        return;
    for (uint64_t i = 0; s->tally && i < s->n_chip; i++)
        tally_plan_free(s->tally[i]);
    values_free(s->values);
    sliced_layers_free(s->sliced);
    free(s->fired_as);
    free(s->tally);
    free(s);
}

struct batch { // images that go through together
    struct value_lanes *lanes;
    uint8_t            *image;  // owned; [VALUE_LANES]
    int64_t            *result; // owned; [VALUE_LANES][classes]
    size_t              image_bytes;
    uint32_t            classes;
};

static bool batch_init(struct batch *b, const struct values_study *s)
{
    *b = (struct batch){
        .lanes = value_lanes_new(s->values),
        .image_bytes = values_image_bytes(s->values),
        .classes = layer_delivers(network_result(s->cfg.plan->network)).channels,
    };
    b->image = pages_new(VALUE_LANES * b->image_bytes);
    b->result = calloc((size_t)VALUE_LANES * b->classes, sizeof *b->result);
    return b->lanes && b->image && b->result;
}

static void batch_release(struct batch *b)
{
    value_lanes_free(b->lanes);
    free(b->image);
    free(b->result);
}

/* The image behind those from `first` on that are fired alike. */
static uint64_t alike_end(const struct values_study *s, uint64_t first, uint64_t end)
{
    uint64_t as = s->fired_as[chip_image(&s->cfg.skip, first)], i = first;

    while (i < end && s->fired_as[chip_image(&s->cfg.skip, i)] == as)
        i++;
    return i;
}

/* Images from number `first` on. */
static enum err run_batch(struct batch *b, uint64_t first, uint32_t n,
                          const struct values_source *source, const struct value_watch *watch,
                          uint32_t *predicted, struct err_msg *m)
{
    for (uint32_t i = 0; i < n; i++) {
        enum err e = source->next(source->user, b->image + i * b->image_bytes, m);
        if (e)
            return e;
    }
    value_lanes_number(b->lanes, first);
    value_lanes_run(b->lanes, b->image, n, b->result, watch);
    for (uint32_t i = 0; predicted && i < n; i++)
        predicted[i] = largest_value(b->result + (size_t)i * b->classes, b->classes);
    return ERR_NONE;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the run");
}

/* Images [first, end), all fired alike. */
static enum err run_alike(const struct values_study *s, struct batch *b, uint64_t first,
                          uint64_t end, const struct values_source *source, uint32_t *predicted,
                          struct core_counters *core, atomic_uint_fast64_t *done,
                          atomic_bool *stop, struct err_msg *m)
{
    uint64_t as = s->fired_as[chip_image(&s->cfg.skip, first)];
    struct tally *t = tally_new(s->tally[as], s->values);
    enum err e = t ? ERR_NONE : no_memory(m);

    for (uint64_t i = first, n; !e && i < end && !atomic_load(stop); i += n) {
        n = ceil_div(end - i, ceil_div(end - i, VALUE_LANES));
        e = run_batch(b, i, (uint32_t)n, source, tally_watch(t),
                      predicted ? predicted + i : NULL, m);
        atomic_fetch_add(done, n);
    }
    if (!e && !tally_count(t, core))
        e = no_memory(m);
    tally_free(t);
    return e;
}

/* Images that are presented step by step: each step is counted as it was fired. */
struct stepped {
    const struct values_study *study;
    struct tally             **tally; // owned; [n_chip]
    const struct value_watch  *at;    // of the tally of the step
};

static void begin_step(void *user, uint64_t image, uint32_t step)
{
    struct stepped *p = user;
    const struct values_study *s = p->study;
    const uint64_t at = image * s->steps + step / s->train;

    p->at = tally_watch(p->tally[s->fired_as[chip_image(&s->cfg.skip, at)]]);
    p->at->begin(p->at->user, image, step);
}

static void see_input(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                      uint32_t n_lane)
{
    const struct stepped *p = user;

    p->at->input(p->at->user, layer, map, column, n_lane);
}

static bool stepped_init(struct stepped *p, const struct values_study *s)
{
    bool done;

    *p = (struct stepped){ .study = s, .tally = calloc(s->n_chip, sizeof(struct tally *)) };
    done = p->tally;
    for (uint64_t i = 0; done && i < s->n_chip; i++)
        if (s->tally[i])
            done = (p->tally[i] = tally_new(s->tally[i], s->values));
    return done;
}

static void stepped_release(struct stepped *p)
{
    for (uint64_t i = 0; p->tally && i < p->study->n_chip; i++)
        tally_free(p->tally[i]);
    free(p->tally);
}

static enum err run_stepped(const struct values_study *s, struct batch *b, uint64_t first,
                            uint64_t end, const struct values_source *source, uint32_t *predicted,
                            struct core_counters *core, struct spike_counts *spikes,
                            atomic_uint_fast64_t *done, atomic_bool *stop, struct err_msg *m)
{
    struct stepped p;
    enum err e = stepped_init(&p, s) ? ERR_NONE : no_memory(m);
    const struct value_watch watch = { begin_step, see_input, NULL, NULL, &p };

    value_lanes_count(b->lanes, spikes);
    for (uint64_t i = first; !e && i < end && !atomic_load(stop); i++) {
        e = run_batch(b, i, 1, source, &watch, predicted ? predicted + i : NULL, m);
        if (!e && spikes && source->label)
            spike_counts_judge(spikes, source->label[i]);
        atomic_fetch_add(done, 1);
    }
    for (uint64_t i = 0; !e && i < s->n_chip; i++)
        if (p.tally[i] && !tally_count(p.tally[i], core))
            e = no_memory(m);
    stepped_release(&p);
    return e;
}

enum err values_run(const struct values_study *s, uint64_t first, uint64_t end,
                    const struct values_source *source, uint32_t *predicted,
                    struct core_counters *core, struct spike_counts *spikes,
                    atomic_uint_fast64_t *done, atomic_bool *stop, struct err_msg *m)
{
    struct batch b;
    enum err e = batch_init(&b, s) ? ERR_NONE : no_memory(m);

    if (!e && network_is_spiking(s->cfg.plan->network)) {
        e = run_stepped(s, &b, first, end, source, predicted, core, spikes, done, stop, m);
        first = end;
    }
    for (uint64_t i = first, to; !e && i < end; i = to) {
        to = alike_end(s, i, end);
        e = run_alike(s, &b, i, to, source, predicted, core, done, stop, m);
    }
    if (s->sliced)
        sliced_layers_count(s->sliced, core);
    batch_release(&b);
    return e;
}
