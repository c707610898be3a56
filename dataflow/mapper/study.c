/* dataflow/mapper/study.c -- what a user gets of the mapper: a configuration with its mapping, what
 * bounds it next, and the front of cores against interval and latency. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapper/choose.h"
#include "dataflow/mapper/cores.h"
#include "dataflow/mapper/explain.h"
#include "dataflow/mapper/mapper.h"
#include "dataflow/mapper/search.h"

const char *resource_name(enum resource r)
{
    static const char *const names[N_RESOURCE] = {
        [RESOURCE_CORES] = "cores",     [RESOURCE_ROWS] = "rows",     [RESOURCE_LINKS] = "links",
        [RESOURCE_DIGITAL] = "digital", [RESOURCE_MEMORY] = "memory",
    };

    return names[r];
}

bool mapping_is_chosen(const struct config *config)
{
    return config->mapping.optimize != OPTIMIZE_NONE || strcmp(config->mapping.policy, "none") != 0;
}

static enum err check_objective(const struct mapper *mp, struct err_msg *m)
{
    if (mp->config->mapping.optimize != OPTIMIZE_EDP || mp->prices)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%.400s: mapping.optimize = edp: energy has no price: want "
                   "energy.chip, such as dazzi2021_14nm",
                   config_where(mp->config, "mapping.optimize"));
}

enum err mapper_choose(const struct mapper *mp, struct mapper_result *r, struct err_msg *m)
{
    enum err e = check_objective(mp, m);

    *r = (struct mapper_result){ 0 };
    if (!e)
        e = chooser_run(mp, r, m);
    if (!e && r->cores == 0) {
        mapper_result_release(r);
        e = mapper_explain(mp, m);
    }
    return e;
}

static struct config with_twice(const struct config *config, enum resource r)
{
    struct config c = *config;

    switch (r) {
    case RESOURCE_CORES:
        c.chip_cores *= 2;
        break;
    case RESOURCE_ROWS:
        c.crossbar.rows *= 2;
        break;
    case RESOURCE_LINKS:
        c.fabric.link_bps *= 2;
        c.fabric.partial_sum_bps *= 2;
        break;
    case RESOURCE_DIGITAL:
        c.digital.lanes *= 2;
        break;
    case RESOURCE_MEMORY: // its ports and columns are not looked at
        c.memory.words *= 2;
        break;
    case N_RESOURCE:
        break;
    }
    return c;
}

/* The least interval that the options allow, the worst timesteps of memories aside, or `otherwise`
 * where that is less: a core may leave what it has more unused. */
static uint64_t best_interval(const struct mapper *mp, uint64_t otherwise)
{
    struct err_msg m;
    uint64_t *interval = NULL;
    uint32_t n = 0, least = 0;

    if (!mapper_intervals(mp, &interval, &n, &m))
        least = mapper_least_interval(mp, interval, n);
    if (least < n)
        otherwise = min_u64(otherwise, interval[least]);
    free(interval);
    return otherwise;
}

/* The same of a machine with twice of a resource. */
static uint64_t relieved_interval(const struct config *config, const struct network *network,
                                  enum resource r, uint64_t otherwise)
{
    const struct config more = with_twice(config, r);
    struct mapper mp;
    struct err_msg m;

    if (mapper_init(&mp, network, &more, &m))
        return otherwise;
    otherwise = best_interval(&mp, otherwise);
    mapper_release(&mp);
    return otherwise;
}

enum err mapping_resolve(struct config *config, const struct network *network,
                         const struct mapper_prices *prices, struct mapping_report *r,
                         struct err_msg *m)
{
    struct mapper mp;
    struct mapper_result result = { 0 };
    enum err e = mapper_init(&mp, network, config, m);

    *r = (struct mapping_report){ .optimize = config->mapping.optimize };
    snprintf(r->policy, sizeof r->policy, "%s", config->mapping.policy);
    mp.prices = prices;
    if (!e)
        e = mapper_choose(&mp, &result, m);
    if (!e)
        r->least_interval = best_interval(&mp, result.interval);
    for (int i = 0; !e && i < N_RESOURCE; i++)
        r->relief[i] = relieved_interval(config, network, (enum resource)i, r->least_interval);
    if (!e) {
        r->value = result.value;
        r->bound = result.bound;
        r->energy_pj = result.energy_pj;
        r->interval = result.interval;
        e = mapper_write(&mp, result.choice, config, m);
    }
    mapper_result_release(&result);
    mapper_release(&mp);
    return e;
}

enum resource mapping_bounded_by(const struct mapping_report *r)
{
    enum resource most = N_RESOURCE;
    uint64_t least = r->least_interval;

    if (r->optimize == OPTIMIZE_INTERVAL && r->interval > least)
        return RESOURCE_MEMORY;
    for (int i = 0; i < N_RESOURCE; i++)
        if (r->relief[i] < least) {
            least = r->relief[i];
            most = (enum resource)i;
        }
    return most;
}

/* ---- the front ---- */

struct candidate {
    uint32_t cores;
    uint64_t interval, first_result, energy_pj;
};

struct collector {
    const struct mapper *mp;
    struct mapper_times *times;
    struct candidate    *list; // owned
    uint32_t             n;
    uint32_t            *choice; // owned; room to work
};

static enum err collect(struct collector *c, const uint32_t *choice, struct err_msg *m)
{
    const struct mapper *mp = c->mp;
    struct candidate now = { .cores = mapper_cores(mp, choice),
                             .interval = mapper_interval(mp, choice),
                             .first_result = mapper_times_first_result(c->times, choice) };
    struct mapper_planned planned;
    struct err_msg unused;
    enum err e = ERR_NONE;

    if (mapper_plan(mp, choice, &planned, &unused) == ERR_NONE) {
        if (mp->prices)
            e = mp->prices->image_pj(mp->prices->user, &planned.plan, &now.energy_pj, m);
        c->list[c->n++] = now;
    }
    mapper_planned_release(&planned);
    return e;
}

static int by_cores(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return (x->cores > y->cores) - (x->cores < y->cores);
}

/* The bound of mappings with at most so many cores: that of the next point of the front, or the
 * chip's. */
static uint64_t bound_within(const struct mapper_front *f, uint32_t cores)
{
    for (uint32_t i = 0; i < f->n_point; i++)
        if (f->point[i].cores >= cores)
            return f->point[i].bound;
    return f->bound;
}

static enum err read_pareto(struct collector *c, const struct mapper_front *f, struct pareto *p,
                            struct err_msg *m)
{
    struct pareto_point best = { .interval = UINT64_MAX, .first_result = UINT64_MAX,
                                 .energy_pj = UINT64_MAX };

    p->point = calloc(c->n + 1, sizeof *p->point);
    if (!p->point)
        return err_set(m, ERR_MEMORY, "no memory for the mapper");
    qsort(c->list, c->n, sizeof *c->list, by_cores);
    for (uint32_t i = 0; i < c->n; i++) {
        const struct candidate *now = &c->list[i];
        if (now->interval >= best.interval && now->first_result >= best.first_result &&
            now->energy_pj >= best.energy_pj)
            continue;
        best.interval = min_u64(best.interval, now->interval);
        best.first_result = min_u64(best.first_result, now->first_result);
        best.energy_pj = min_u64(best.energy_pj, now->energy_pj);
        best.bound = bound_within(f, now->cores);
        if (p->n_point == 0 || best.cores != now->cores)
            p->n_point++;
        best.cores = now->cores;
        p->point[p->n_point - 1] = best;
    }
    return ERR_NONE;
}

/* The mappings of the search, the cheapest of every interval, and those of the rules. */
static enum err collect_all(struct collector *c, const struct mapper_front *f, struct err_msg *m)
{
    const struct mapper *mp = c->mp;
    uint32_t n = 0, n_policy = 0;
    uint64_t *interval = NULL;
    enum err e = mapper_intervals(mp, &interval, &n, m);

    while (mapper_policies[n_policy])
        n_policy++;
    c->list = e ? NULL : calloc((size_t)n + f->n_point + n_policy, sizeof *c->list);
    if (!e && !c->list)
        e = err_set(m, ERR_MEMORY, "no memory for the mapper");
    for (uint32_t i = 0; !e && i < f->n_point; i++)
        e = collect(c, f->point[i].choice, m);
    for (uint32_t i = 0; !e && i < n; i++)
        if (mapper_all_cheapest(mp, interval[i], c->choice))
            e = collect(c, c->choice, m);
    for (uint32_t i = 0; !e && i < n_policy; i++)
        if (mapper_policies[i]->choose(mp, c->choice))
            e = collect(c, c->choice, m);
    free(interval);
    return e;
}

static enum err make_pareto(struct collector *c, struct pareto *p, struct err_msg *m)
{
    const struct mapper *mp = c->mp;
    struct mapper_search_cfg cfg = { .interval = UINT64_MAX, .cores = mp->config->chip_cores,
                                     .searches = 1 };
    struct mapper_front front;

    if (mapper_fewest_cores(mp, UINT64_MAX, CORES_OF_ANY, NULL) > cfg.cores)
        return ERR_NONE; // no point
    enum err e = mapper_search(mp, &cfg, &front, m);
    if (e)
        return e;
    e = collect_all(c, &front, m);
    if (!e)
        e = read_pareto(c, &front, p, m);
    mapper_front_release(&front);
    return e;
}

enum err mapping_pareto(const struct config *config, const struct network *network,
                        const struct mapper_prices *prices, struct pareto *p, struct err_msg *m)
{
    struct mapper mp;
    struct collector c = { .mp = &mp };
    enum err e = mapper_init(&mp, network, config, m);

    *p = (struct pareto){ 0 };
    if (e)
        return e;
    mp.prices = prices;
    c.choice = calloc(mp.n_layer, sizeof *c.choice);
    e = c.choice ? mapper_times_new(&c.times, &mp, m)
                 : err_set(m, ERR_MEMORY, "no memory for the mapper");
    if (!e)
        e = make_pareto(&c, p, m);
    if (!e && p->n_point == 0)
        e = mapper_explain(&mp, m);
    mapper_times_free(c.times);
    free(c.list);
    free(c.choice);
    mapper_release(&mp);
    if (e)
        pareto_release(p);
    return e;
}

void pareto_release(struct pareto *p)
{
    free(p->point);
    *p = (struct pareto){ 0 };
}
