/* study/calibrate.c -- see calibrate.h. */
#include "study/calibrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/units/gauge.h"
#include "network/precision.h"

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the calibration");
}

struct run_cfg calibrate_images(const struct plan *p, const struct run_cfg *cfg, uint64_t n)
{
    const struct calibration_cfg *c = &p->config->calibration;
    struct run_cfg own = *cfg;

    own.kernel = KERNEL_NATIVE;
    own.images = c->images[0] ? c->images : cfg->images;
    own.images_how.labels = NULL;
    own.inputs = NULL;
    own.first = c->first;
    own.n_image = n;
    own.state = NULL;
    own.n_state = 0;
    own.probe = NULL;
    own.progress = NULL;
    return own;
}

/* ---- no image twice ---- */

struct hashes {
    struct hashed {
        uint64_t hash, image; // the latter counted from the set's first
    } *seen; // owned; sorted by hash once all are there
    uint64_t  n, first;
    size_t    image_bytes;
    const struct run_cfg *run;
};

/* 64-bit FNV-1a. */
static uint64_t hash_of(const uint8_t *image, size_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ image[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static enum err remember(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    struct hashes *h = user;

    (void)m;
    h->seen[i] = (struct hashed){ hash_of(image, h->image_bytes), h->first + i };
    return ERR_NONE;
}

static int by_hash(const void *a, const void *b)
{
    const struct hashed *one = a, *other = b;

    return one->hash < other->hash ? -1 : one->hash > other->hash;
}

static enum err want_other(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    const struct hashes *h = user;
    const struct hashed key = { hash_of(image, h->image_bytes), 0 };
    const struct hashed *same = bsearch(&key, h->seen, h->n, sizeof key, by_hash);

    if (!same)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "its image %" PRIu64 " is image %" PRIu64 " of %.400s too, which "
                   "are run: want calibration.first, or a set, of others",
                   same->image, h->run->first + i,
                   h->run->images ? h->run->images : h->run->inputs);
}

/* Of the run's n images. */
static enum err compare(struct hashes *h, const struct plan *p, const struct run_cfg *own,
                        uint64_t n, struct err_msg *m)
{
    h->seen = calloc(h->n, sizeof *h->seen);
    if (!h->seen)
        return no_memory(m);
    enum err e = run_visit_images(p, own, 0, h->n, remember, h, m);
    qsort(h->seen, h->n, sizeof *h->seen, by_hash);
    if (!e)
        e = run_visit_images(p, h->run, 0, n, want_other, h, m);
    free(h->seen);
    return e;
}

static enum err check_bytes(const struct plan *p, struct err_msg *m)
{
    return network_is_wide(p->network)
               ? err_set(m, ERR_INPUT, "core.readout.range = percentile: network %s has values or "
                         "weights of more than 8 bits: want full, or a number",
                         p->network->name)
               : ERR_NONE;
}

enum err calibrate_check(const struct plan *p, const struct run_cfg *cfg, uint64_t n_calibration,
                         struct err_msg *m)
{
    const struct run_cfg own = calibrate_images(p, cfg, n_calibration);
    struct hashes h = { .n = own.n_image, .first = own.first, .run = cfg,
                        .image_bytes = network_image_bytes(p->network) };
    uint64_t n = 0;
    enum err e = check_bytes(p, m);

    if (!e && run_has_values(cfg))
        e = run_count_images(p, cfg, &n, m);
    if (e)
        return e;
    e = run_count_images(p, &own, &h.n, m);
    if (!e && n > 0)
        e = compare(&h, p, &own, n, m);
    if (e) {
        const char *key = p->config->calibration.images[0] ? "calibration.images"
                                                           : "calibration.first";
        err_prefix(m, key);
        err_prefix(m, config_where(p->config, key));
    }
    return e;
}

/* ---- ranges ---- */

enum { LONG_NS = 1000000000, MANY_WORDS = 1 << 20 }; // that anything has time and room in

/* The chip that measures where values do not travel through that of the plan: the same cores, in
 * long timesteps. */
static enum err plan_in_timesteps(struct plan *own, struct config *c, const struct plan *p,
                                  struct err_msg *m)
{
    *c = *p->config;
    c->clocking = CLOCKING_TIMESTEP;
    c->timestep_ns = LONG_NS;
    c->memory.words = MANY_WORDS;
    c->memory.columns = COLUMNS_AUTO;
    snprintf(c->fabric.kind, sizeof c->fabric.kind, "%s", fabrics[0]->name);
    enum err e = plan_make(own, p->network, c, m);
    if (e)
        return e;
    if (own->n_core == p->n_core)
        return ERR_NONE;
    plan_release(own);
    return err_set(m, ERR_INPUT, "core.readout.range = percentile: the cores of clocking.kind = "
                   "timestep, which calibration images go through, are others: want full, or a "
                   "number");
}

static enum err measure(struct gauge *g, const struct plan *p, const struct run_cfg *cfg,
                        struct err_msg *m)
{
    struct run_cfg own = calibrate_images(p, cfg, p->config->calibration.count);
    enum err e = ERR_NONE;

    own.array = gauge_array(g);
    own.timed_values = true;
    while (!e && gauge_more(g)) {
        struct run_result r;
        e = run(p, &own, &r, m);
        run_result_release(&r);
        gauge_next(g);
    }
    return e;
}

enum err calibrate(struct ranges *r, const struct plan *p, const struct run_cfg *cfg,
                   struct err_msg *m)
{
    enum err e = calibrate_check(p, cfg, p->config->calibration.count, m);

    *r = (struct ranges){ 0 };
    if (e)
        return e;
    const bool own_time = config_clocking(p->config) != CLOCKING_TIMESTEP;
    struct config in_timesteps;
    struct plan slow;
    if (own_time && (e = plan_in_timesteps(&slow, &in_timesteps, p, m)))
        return e;
    const struct plan *measured = own_time ? &slow : p;
    struct gauge *g = gauge_new(measured);
    e = g && ranges_init(r, p) ? measure(g, measured, cfg, m) : no_memory(m);
    if (!e)
        gauge_ranges(g, r);
    else
        ranges_release(r);
    gauge_free(g);
    if (own_time)
        plan_release(&slow);
    return e;
}

bool calibrate_wanted(const struct plan *p)
{
    bool any = false;

    for (uint32_t i = 0; i < p->n_layer; i++)
        any |= p->layer[i].array.calibrated;
    return any;
}

/* Of n columns of a core; 0 to 0 of none. */
static struct codes_reached codes_reached(const int64_t *range, uint32_t n)
{
    struct codes_reached r = { 0 };

    for (uint32_t i = 0; i < n; i++) {
        r.least = i == 0 || range[i] < r.least ? range[i] : r.least;
        r.most = range[i] > r.most ? range[i] : r.most;
    }
    return r;
}

enum err calibrate_keep(struct run_result *r, const struct plan *p, const struct ranges *ranges,
                        struct err_msg *m)
{
    r->range = calloc(ranges->n_core, sizeof *r->range);
    for (uint32_t i = 0; r->range && i < ranges->n_core; i++) {
        const struct core_ranges *c = &ranges->core[i];
        bool ones = p->layer[p->core[i].plan_layer].array.layout.ones != 0;
        // the last is that column's
        r->range[i] = codes_reached(c->range, c->n - (c->n > 0 && !ones));
    }
    if (r->range)
        return ERR_NONE;
    run_result_release(r);
    return no_memory(m);
}

enum err run_calibrated(const struct plan *p, const struct run_cfg *cfg, struct run_result *r,
                        struct err_msg *m)
{
    struct run_cfg own = *cfg;
    struct ranges ranges = { 0 };
    bool first = calibrate_wanted(p) && run_has_values(cfg);
    enum err e = first ? calibrate(&ranges, p, cfg, m) : ERR_NONE;

    *r = (struct run_result){ 0 };
    if (first)
        own.ranges = &ranges;
    if (!e)
        e = run(p, &own, r, m);
    if (!e && first)
        e = calibrate_keep(r, p, &ranges, m);
    ranges_release(&ranges);
    return e;
}
