/* dataflow/mapper/choose.c -- the choice of a mapping: by a rule, or the best of those found.
 *
 * Rules first, then searches, then, for small networks, all. Whatever is found is planned before it
 * is kept. */
#include "dataflow/mapper/choose.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapper/chooser.h"
#include "dataflow/mapper/complete.h"
#include "dataflow/mapper/cores.h"
#include "dataflow/mapper/image_port.h"
#include "dataflow/mapper/search.h"

enum {
    MOST_ROUNDS = 6,  // of searches: again where the best mappings do not fit the memories
    MOST_REPAIRS = 5, // options set aside, one after the other, for a mapping that does
    MOST_REPAIRS_OF_ALL = 40,
    ALONE_OF_EFFORT = 1 // options of a layer that are tried alone, for each interval
};

/* ---- searches ---- */

static void consider_policies(struct chooser *c)
{
    for (size_t i = 0; mapper_policies[i]; i++) {
        chooser_forgive(c->mp);
        if (mapper_policies[i]->choose(c->mp, c->choice))
            chooser_consider(c);
    }
}

enum images { NO_OPTION_FITS, SOME_OPTION_FITS, UNKNOWN };

/* Whether one output of the whole image is made, which sets an interval of its own. */
static bool image_sets_interval(const struct mapper *mp)
{
    for (uint32_t i = 0; i < mp->n_layer; i++) {
        const struct shape *out = &plan_network_layer(&mp->plan, i)->out;
        if (mp->plan.layer[i].feed == FEED_SCRATCHPAD && out->height * out->width == 1)
            return true;
    }
    return false;
}

/* Whether a mapping may have this interval for the sake of another layer than this one, some option
 * of which fires so often. */
static bool others_set(const struct mapper *mp, uint32_t layer, uint64_t interval)
{
    for (uint32_t i = 0; i < mp->n_layer; i++)
        for (uint32_t k = 0; i != layer && k < mp->layer[i].n_option; k++)
            if (mp->layer[i].option[k].firings == interval)
                return true;
    return false;
}

/* Whether an option of a layer that reads the image fits alone, with images so far apart. Sets
 * aside those before it, from the one of fewest cores on, that do not, and all with which no
 * mapping has this interval. */
static enum images try_alone(struct image_port *ip, uint64_t interval)
{
    const struct mapper *mp = ip->mp;
    const bool any = others_set(mp, ip->layer, interval);
    uint64_t left = (uint64_t)mp->config->mapping.effort * ALONE_OF_EFFORT;
    enum images images = NO_OPTION_FITS;

    for (uint32_t i = 0; i < mp->layer[ip->layer].n_option; i++) {
        struct mapper_option *o = &mp->layer[ip->layer].option[i];
        if (o->least_interval > interval || o->doubtful)
            continue;
        o->refused = (!any && o->firings < interval) || !image_port_may_fit(ip, o, interval);
        if (o->refused || images != NO_OPTION_FITS)
            continue;
        if (left-- == 0)
            images = UNKNOWN;
        else if (mapper_alone_fits(mp, ip->layer, o, interval))
            images = SOME_OPTION_FITS;
        else
            o->refused = true;
    }
    return images;
}

/* The same of all that read it. */
static enum images try_images(const struct mapper *mp, uint64_t interval)
{
    enum images all = image_sets_interval(mp) ? UNKNOWN : SOME_OPTION_FITS;
    struct image_port ip;
    struct err_msg m;

    if (all == UNKNOWN)
        return all;
    for (uint32_t i = 0; i < mp->n_layer && all != NO_OPTION_FITS; i++) {
        if (mp->plan.layer[i].feed != FEED_SCRATCHPAD)
            continue;
        enum images one = image_port_init(&ip, mp, i, &m) ? UNKNOWN : try_alone(&ip, interval);
        image_port_release(&ip);
        all = one == SOME_OPTION_FITS ? all : one;
    }
    return all;
}

/* The cheapest mapping of an interval; where it does not fit the memories, without what made it
 * so. */
static enum images consider_cheapest(struct chooser *c, uint64_t interval)
{
    chooser_forgive(c->mp);
    enum images images = try_images(c->mp, interval);

    c->refused = images != NO_OPTION_FITS;
    for (int i = 0; i < MOST_REPAIRS && c->refused && c->repairs < MOST_REPAIRS_OF_ALL; i++) {
        c->refused = false;
        c->repairs += i > 0;
        if (mapper_all_cheapest(c->mp, interval, c->choice))
            chooser_consider(c);
    }
    return images;
}

/* Of intervals from the least that memories have time for, each a half more than the one before. */
static void consider_intervals(struct chooser *c)
{
    uint64_t next = mapper_least_of_memories(c->mp);

    for (uint32_t i = c->least; i < c->n_interval; i++) {
        if (c->interval[i] < next)
            continue;
        consider_cheapest(c, c->interval[i]);
        next = c->interval[i] + c->interval[i] / 2;
    }
}

/* No mapping of at most so many cores as a point of the front has a latency below its bound, and no
 * mapping of more cores than the point before takes less energy than so many cores do. */
static uint64_t edp_bound(const struct chooser *c, const struct mapper_front *f)
{
    const struct mapper *mp = c->mp;
    uint32_t from = mp->least_cores; // cores of a mapping, at least
    uint64_t least = UINT64_MAX;
    double pj = 0;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        pj += mapper_least_option_pj(mp, i);
    for (uint32_t i = 0; i <= f->n_point && from <= mp->config->chip_cores; i++) {
        uint64_t bound = i < f->n_point ? f->point[i].bound : f->bound;
        least = min_u64(least, chooser_value(c, 0, bound, mapper_least_pj(mp, pj, from, bound)));
        from = i < f->n_point ? f->point[i].cores + 1 : from;
    }
    return least;
}

/* One search, whose front is looked at from the lowest latency on. */
static enum err search(struct chooser *c, const struct mapper_search_cfg *cfg, uint64_t *bound,
                       uint64_t *edp, struct err_msg *m)
{
    const struct mapper *mp = c->mp;
    struct mapper_front front;
    enum err e = mapper_search(mp, cfg, &front, m);

    if (e)
        return e;
    *bound = front.bound;
    if (c->r->optimize == OPTIMIZE_EDP)
        *edp = edp_bound(c, &front);
    for (uint32_t i = front.n_point; i-- > 0;) {
        memcpy(c->choice, front.point[i].choice, mp->n_layer * sizeof *c->choice);
        chooser_consider(c);
    }
    c->refused |= front.n_point == 0; // nothing the memories keep up with was kept
    mapper_front_release(&front);
    return ERR_NONE;
}

/* The least latency of mappings within an interval. Where the memories do not keep up with the
 * best, again: with care and a slower first layer, then also with fewer cores, which come to less
 * extreme mappings. Bounds
 * are those of the first search, in which nothing is set aside. */
static enum err latency_within(struct chooser *c, uint64_t interval, uint64_t *bound,
                               uint64_t *edp, struct err_msg *m)
{
    const struct mapper *mp = c->mp;
    uint32_t slack = mp->config->chip_cores - mp->least_cores;
    uint64_t least = mapper_least_of_memories(mp);
    struct mapper_search_cfg cfg = { .interval = interval, .searches = 2 };
    enum err e = ERR_NONE;

    chooser_forgive(mp);
    for (int round = 0; !e && (round == 0 || (c->refused && c->rounds < MOST_ROUNDS)); round++) {
        uint64_t unused;
        cfg.cores = mp->least_cores + (slack >> (round > 0 ? round - 1 : 0));
        cfg.careful = round > 0;
        cfg.least_firings = round > 0 ? min_u64(interval, least * (3 + (uint64_t)round) / 4) : 0;
        if (mapper_fewest_cores(mp, interval, CORES_OF_ANY, NULL) > cfg.cores)
            break;
        c->refused = false;
        c->rounds++;
        e = search(c, &cfg, round == 0 ? bound : &unused, round == 0 ? edp : &unused, m);
    }
    return e;
}

/* With interval I no mapping's latency is below that of any interval, so that from some I on the
 * product cannot be less any more. */
static enum err balance(struct chooser *c, struct err_msg *m)
{
    const uint64_t *interval = c->interval;
    uint64_t any = 0, unused, bound = UINT64_MAX;
    enum err e = latency_within(c, interval[c->n_interval - 1], &any, &unused, m);

    for (uint32_t i = c->least;
         !e && i < c->n_interval && (c->r->cores == 0 || interval[i] * any < c->r->value); i++) {
        uint64_t within = any;
        e = latency_within(c, interval[i], &within, &unused, m);
        if (within < UINT64_MAX)
            bound = min_u64(bound, interval[i] * within);
    }
    c->r->bound = min_u64(bound, c->r->value);
    return e;
}

/* The least interval with a plan: with the cheapest options, or with others that suit links and
 * memories. An interval is out of question when no search has a mapping for it even without
 * memories. */
static enum err fit_interval(struct chooser *c, struct err_msg *m)
{
    struct mapper_result *r = c->r;
    enum err e = ERR_NONE;
    bool possible = false;

    for (uint32_t i = c->least; !e && i < c->n_interval; i++) {
        uint64_t now = c->interval[i], within = 0, unused;
        if (r->cores > 0 && r->interval <= now)
            break;
        if (consider_cheapest(c, now) == NO_OPTION_FITS)
            continue;
        if ((r->cores == 0 || r->interval > now) && c->rounds < MOST_ROUNDS)
            e = latency_within(c, now, &within, &unused, m);
        if (!possible && within < UINT64_MAX)
            r->bound = now;
        possible |= within < UINT64_MAX;
    }
    if (!possible)
        r->bound = r->interval;
    return e;
}

static enum err search_all(struct chooser *c, struct err_msg *m)
{
    uint64_t any = 0, edp = 0;
    enum err e;

    consider_policies(c);
    consider_intervals(c);
    switch (c->r->optimize) {
    case OPTIMIZE_INTERVAL:
        return fit_interval(c, m);
    case OPTIMIZE_BALANCED:
        return balance(c, m);
    case OPTIMIZE_LATENCY:
    case OPTIMIZE_EDP:
        e = latency_within(c, c->interval[c->n_interval - 1], &any, &edp, m);
        c->r->bound = c->r->optimize == OPTIMIZE_EDP ? edp : any;
        return e;
    case OPTIMIZE_NONE:
        break;
    }
    assert(!"a policy is followed");
    return ERR_INPUT;
}

static enum err optimize(struct chooser *c, struct err_msg *m)
{
    bool all = false;
    enum err e = mapper_intervals(c->mp, &c->interval, &c->n_interval, m);

    if (e)
        return e;
    c->least = mapper_least_interval(c->mp, c->interval, c->n_interval);
    if (c->least < c->n_interval)
        e = search_all(c, m);
    chooser_forgive(c->mp);
    if (!e)
        e = mapper_complete(c, &all, m);
    if (!e && c->error)
        return *m = c->msg, c->error;
    if (all)
        c->r->bound = c->r->value;
    return e;
}

/* ---- rules ---- */

static enum err follow(struct chooser *c, struct err_msg *m)
{
    const struct config *cfg = c->mp->config;

    c->r->policy = mapper_policy_find(cfg->mapping.policy);
    if (!c->r->policy)
        return err_set(m, ERR_INPUT, "%.400s: mapping.policy = %s: want none, stride, greedy or "
                       "article", config_where(cfg, "mapping.policy"), cfg->mapping.policy);
    if (!c->r->policy->choose(c->mp, c->choice))
        return err_set(m, ERR_INPUT, "%.400s: mapping.policy = %s: its mapping takes more than "
                       "chip.cores = %" PRIu32 ": want more, or mapping.optimize",
                       config_where(cfg, "mapping.policy"), cfg->mapping.policy, cfg->chip_cores);
    chooser_consider(c);
    if (c->r->cores == 0)
        return err_set(m, ERR_INPUT, "%.400s: mapping.policy = %s: its mapping does not fit the "
                       "input memories: want more than core.input_memory.words = %" PRIu32 ", or "
                       "mapping.optimize", config_where(cfg, "mapping.policy"), cfg->mapping.policy,
                       cfg->memory.words);
    return ERR_NONE;
}

/* ---- the choice ---- */

enum err chooser_run(const struct mapper *mp, struct mapper_result *r, struct err_msg *m)
{
    struct chooser c = { .mp = mp, .r = r, .choice = calloc(mp->n_layer, sizeof *c.choice) };
    enum err e = ERR_NONE;

    c.tried.choice = calloc((size_t)mp->n_layer * MOST_TRIED, sizeof *c.tried.choice);
    chooser_forgive(mp);
    *r = (struct mapper_result){ .optimize = mp->config->mapping.optimize,
                                 .choice = calloc(mp->n_layer, sizeof *r->choice) };
    if (!c.choice || !c.tried.choice || !r->choice)
        e = err_set(m, ERR_MEMORY, "no memory for the mapper");
    if (!e)
        e = mapper_times_new(&c.times, mp, m);
    if (!e)
        e = r->optimize == OPTIMIZE_NONE ? follow(&c, m) : optimize(&c, m);
    chooser_forgive(mp);
    mapper_times_free(c.times);
    free(c.choice);
    free(c.tried.choice);
    free(c.interval);
    if (e)
        mapper_result_release(r);
    return e;
}

void mapper_result_release(struct mapper_result *r)
{
    free(r->choice);
    *r = (struct mapper_result){ 0 };
}
