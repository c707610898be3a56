/* dataflow/mapper.c -- see mapper.h: questions about mappings, and the choice of one. */
#include "dataflow/mapper.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapper_search.h"
#include "dataflow/plan_internal.h"

const struct mapper_policy *const mapper_policies[] = { &map_none, &map_stride, &map_greedy,
                                                        &map_article, NULL };

const struct mapper_policy *mapper_policy_find(const char *name)
{
    for (size_t i = 0; mapper_policies[i]; i++)
        if (strcmp(mapper_policies[i]->name, name) == 0)
            return mapper_policies[i];
    return NULL;
}

/* ---- mappings ---- */

uint32_t mapper_cores(const struct mapper *mp, const uint32_t *choice)
{
    uint32_t cores = 0;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        cores += mp->layer[i].option[choice[i]].cores;
    return cores;
}

uint64_t mapper_interval(const struct mapper *mp, const uint32_t *choice)
{
    uint64_t most = 1;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        most = max_u64(most, mp->layer[i].option[choice[i]].firings);
    return most;
}

uint32_t mapper_find(const struct mapper *mp, uint32_t layer, uint32_t replicas, uint32_t copies)
{
    const struct mapper_layer *l = &mp->layer[layer];
    uint32_t i = 0;

    while (i < l->n_option &&
           !(l->option[i].replicas.n == replicas && l->option[i].replicas.width == 1 &&
             l->option[i].copies == copies))
        i++;
    return i;
}

uint32_t mapper_cheapest(const struct mapper *mp, uint32_t layer, uint64_t firings)
{
    const struct mapper_layer *l = &mp->layer[layer];
    uint32_t i = 0;

    while (i < l->n_option && (l->option[i].firings > firings || l->option[i].refused))
        i++;
    return i;
}

bool mapper_all_cheapest(const struct mapper *mp, uint64_t firings, uint32_t *choice)
{
    for (uint32_t i = 0; i < mp->n_layer; i++) {
        choice[i] = mapper_cheapest(mp, i, firings);
        if (choice[i] == mp->layer[i].n_option)
            return false;
    }
    return mapper_cores(mp, choice) <= mp->config->chip_cores;
}

/* ---- interval ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

enum err mapper_intervals(const struct mapper *mp, uint64_t **interval, uint32_t *n,
                          struct err_msg *m)
{
    size_t all = 0, kept = 0;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        all += mp->layer[i].n_option;
    uint64_t *list = calloc(all, sizeof *list);
    if (!list)
        return err_set(m, ERR_MEMORY, "no memory for the mapper");
    all = 0;
    for (uint32_t i = 0; i < mp->n_layer; i++)
        for (uint32_t k = 0; k < mp->layer[i].n_option; k++)
            list[all++] = mp->layer[i].option[k].firings;
    qsort(list, all, sizeof *list, by_value);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || list[i] != list[kept - 1])
            list[kept++] = list[i];
    *interval = list;
    *n = (uint32_t)kept;
    return ERR_NONE;
}

/* The last one fits: mapper_init() saw to it. */
uint32_t mapper_least_interval(const struct mapper *mp, const uint64_t *interval, uint32_t n,
                               uint32_t *choice)
{
    uint32_t low = 0, high = n - 1;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mapper_all_cheapest(mp, interval[middle], choice))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- the configuration ---- */

/* A layer called "16" would give its count to all of that height. */
static bool has_number_as_name(const struct mapper *mp)
{
    for (uint32_t i = 0; i < mp->n_layer; i++) {
        const char *name = plan_layer_name(&mp->plan, i);
        if (name[strspn(name, "0123456789")] == '\0')
            return true;
    }
    return false;
}

static bool add_entry(struct count_map *map, const char *key, uint32_t value)
{
    struct count_entry *e = &map->entry[map->n_entry];

    *e = (struct count_entry){ .key = strdup(key), .where = strdup("mapper"), .value = value };
    map->n_entry++;
    return e->key && e->where;
}

static void free_map(struct count_map *map)
{
    for (uint32_t i = 0; i < map->n_entry; i++) {
        free(map->entry[i].key);
        free(map->entry[i].where);
    }
    free(map->entry);
    *map = (struct count_map){ 0 };
}

static void mapper_unwrite(struct config *config)
{
    struct mapping_cfg *cfg = &config->mapping;

    free_map(&cfg->replicas);
    free_map(&cfg->copies);
    free_map(&cfg->block_width);
}

enum err mapper_write(const struct mapper *mp, const uint32_t *choice, struct config *config,
                      struct err_msg *m)
{
    struct mapping_cfg *cfg = &config->mapping;
    uint32_t least = has_number_as_name(mp) ? 0 : 1; // counts up to this are not written
    bool done = true;

    assert(cfg->replicas.n_entry + cfg->copies.n_entry + cfg->block_width.n_entry == 0);
    cfg->replicas.entry = calloc(mp->n_layer, sizeof *cfg->replicas.entry);
    cfg->copies.entry = calloc(mp->n_layer, sizeof *cfg->copies.entry);
    cfg->block_width.entry = calloc(mp->n_layer, sizeof *cfg->block_width.entry);
    if (!cfg->replicas.entry || !cfg->copies.entry || !cfg->block_width.entry)
        return err_set(m, ERR_MEMORY, "no memory for the mapping");
    for (uint32_t i = 0; done && i < mp->n_layer; i++) {
        const struct mapper_option *o = &mp->layer[i].option[choice[i]];
        const char *name = plan_layer_name(&mp->plan, i);
        if (o->replicas.n > least)
            done = add_entry(&cfg->replicas, name, o->replicas.n);
        if (done && o->copies > least)
            done = add_entry(&cfg->copies, name, o->copies);
        if (done && o->replicas.width > least)
            done = add_entry(&cfg->block_width, name, o->replicas.width);
    }
    cfg->optimize = OPTIMIZE_NONE;
    strcpy(cfg->policy, "none");
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the mapping");
}

/* ---- the choice ---- */

enum { MOST_ROUNDS = 6 }; // of searches: again where the best mappings do not fit the memories

struct chooser {
    const struct mapper  *mp;
    struct mapper_result *r;
    struct mapper_times  *times;
    uint32_t             *choice; // to be looked at
    int                   rounds;  // of searches so far
    bool                  refused; // a better mapping than the one kept did not fit
};

static uint64_t value_of(enum optimize o, uint64_t interval, uint64_t latency)
{
    switch (o) {
    case OPTIMIZE_INTERVAL:
        return interval;
    case OPTIMIZE_LATENCY:
        return latency;
    case OPTIMIZE_BALANCED:
        return interval * latency;
    case OPTIMIZE_NONE: // a policy: nothing is claimed
    case OPTIMIZE_EDP:  // refused before
        break;
    }
    return 0;
}

static bool better(const struct mapper_result *a, const struct mapper_result *b)
{
    if (a->value != b->value)
        return a->value < b->value;
    if (a->optimize == OPTIMIZE_INTERVAL && a->cores != b->cores)
        return a->cores < b->cores;
    if (a->first_result != b->first_result)
        return a->first_result < b->first_result;
    return a->interval != b->interval ? a->interval < b->interval : a->cores < b->cores;
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels;
}

/* Sets the option aside in all layers of this one's shape. */
static void refuse_shape(const struct mapper *mp, uint32_t layer, const struct mapper_option *o)
{
    const struct layer *l = plan_network_layer(&mp->plan, layer);

    for (uint32_t i = 0; i < mp->n_layer; i++) {
        const struct layer *other = plan_network_layer(&mp->plan, i);
        if (!same_shape(&l->in, &other->in) || !same_shape(&l->out, &other->out))
            continue;
        for (uint32_t k = 0; k < mp->layer[i].n_option; k++) {
            struct mapper_option *same = &mp->layer[i].option[k];
            same->refused |= same->replicas.n == o->replicas.n && same->copies == o->copies &&
                             same->replicas.width == o->replicas.width;
        }
    }
}

static void forgive(const struct mapper *mp)
{
    for (uint32_t i = 0; i < mp->n_layer; i++)
        for (uint32_t k = 0; k < mp->layer[i].n_option; k++)
            mp->layer[i].option[k].refused = false;
}

/* Sets aside what keeps a mapping from having a plan, if that is known: where the memory of a core
 * is too small or too slow, its layer's option; where a link is, that of the layer before, since a
 * layer's own outputs fit its links, but not always the pixels that its memory sends on, as many at
 * once as came. */
static bool refuse(const struct mapper *mp, const struct plan *p, const uint32_t *choice)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        uint32_t layer = c->plan_layer, from = plan_network_layer(p, layer)->input[0];
        if ((c->layout.placing && memory_used_words(&c->layout) > c->memory.words) ||
            c->used_clk[STAGE_MEMORY] > p->timestep_clk) {
            refuse_shape(mp, layer, &mp->layer[layer].option[choice[layer]]);
            return true;
        }
        if (c->used_clk[STAGE_LINK] > p->timestep_clk && from > 0) {
            mp->layer[from - 1].option[choice[from - 1]].refused = true;
            return true;
        }
    }
    return false;
}

bool mapper_fits(const struct mapper *mp, const uint32_t *choice, bool *refused)
{
    struct config config = *mp->config;
    struct plan p = { 0 };
    struct err_msg m;
    enum err e = mapper_write(mp, choice, &config, &m);

    if (!e)
        e = plan_try(&p, mp->network, &config, &m);
    if (e && refused)
        *refused |= refuse(mp, &p, choice);
    plan_release(&p);
    mapper_unwrite(&config);
    return !e;
}

/* Keeps c->choice if it is better than what was kept. */
static void consider(struct chooser *c)
{
    struct mapper_result *r = c->r, now = *r;

    now.cores = mapper_cores(c->mp, c->choice);
    now.interval = mapper_interval(c->mp, c->choice);
    now.first_result = mapper_times_first_result(c->times, c->choice);
    now.value = value_of(r->optimize, now.interval, now.first_result);
    if ((r->cores > 0 && !better(&now, r)) || !mapper_fits(c->mp, c->choice, &c->refused))
        return;
    *r = now;
    memcpy(r->choice, c->choice, c->mp->n_layer * sizeof *r->choice);
}

static void consider_policies(struct chooser *c)
{
    for (size_t i = 0; mapper_policies[i]; i++) {
        forgive(c->mp);
        if (mapper_policies[i]->choose(c->mp, c->choice))
            consider(c);
    }
}

/* The least latency of mappings within an interval. Where the memories do not keep up with the
 * best, again: with care, then also with fewer cores, which come to less extreme mappings. */
static enum err latency_within(struct chooser *c, uint64_t interval, uint64_t *bound,
                               struct err_msg *m)
{
    const struct mapper *mp = c->mp;
    struct mapper_search_cfg cfg = { .interval = interval, .searches = 2 };
    struct mapper_front front;

    forgive(mp);
    for (int round = 0; round == 0 || (c->refused && c->rounds < MOST_ROUNDS); round++) {
        uint32_t slack = mp->config->chip_cores - mp->least_cores;
        cfg.cores = mp->least_cores + (slack >> (round > 0 ? round - 1 : 0));
        cfg.careful = round > 0;
        if (!mapper_all_cheapest(mp, interval, c->choice) ||
            mapper_cores(mp, c->choice) > cfg.cores)
            break;
        c->refused = false;
        c->rounds++;
        enum err e = mapper_search(mp, &cfg, &front, m);
        if (e)
            return e;
        if (round == 0)
            *bound = front.bound;
        for (uint32_t i = front.n_point; i-- > 0;) {
            memcpy(c->choice, front.point[i].choice, mp->n_layer * sizeof *c->choice);
            consider(c);
        }
        c->refused |= front.n_point == 0; // nothing the memories keep up with was kept
        mapper_front_release(&front);
    }
    return ERR_NONE;
}

/* With interval I no mapping's latency is below that of any interval, so that from some I on the
 * product cannot be less any more. */
static enum err balance(struct chooser *c, const uint64_t *interval, uint32_t n, uint32_t first,
                        struct err_msg *m)
{
    uint64_t any, bound = UINT64_MAX;
    enum err e = latency_within(c, interval[n - 1], &any, m);

    for (uint32_t i = first; !e && i < n && interval[i] * any < c->r->value; i++) {
        uint64_t within = any;
        e = latency_within(c, interval[i], &within, m);
        bound = min_u64(bound, interval[i] * within);
    }
    c->r->bound = min_u64(bound, c->r->value);
    return e;
}

/* The least interval with a plan: with the cheapest options, or with others that leave the memories
 * less to keep. */
static enum err fit_interval(struct chooser *c, const uint64_t *interval, uint32_t n,
                             uint32_t first, struct err_msg *m)
{
    enum err e = ERR_NONE;
    uint64_t bound;

    for (uint32_t i = first; !e && i < min_u32(n, first + MOST_ROUNDS); i++) {
        forgive(c->mp);
        mapper_all_cheapest(c->mp, interval[i], c->choice);
        consider(c);
        if (c->r->cores == 0 || c->r->interval > interval[i])
            e = latency_within(c, interval[i], &bound, m);
        if (c->r->cores > 0 && c->r->interval <= interval[i])
            break;
    }
    return e;
}

static enum err optimize(struct chooser *c, struct err_msg *m)
{
    uint64_t *interval = NULL, any = 0;
    uint32_t n = 0;
    enum err e = mapper_intervals(c->mp, &interval, &n, m);

    if (e)
        return e;
    uint32_t first = mapper_least_interval(c->mp, interval, n, c->choice);
    consider_policies(c);
    if (c->r->optimize == OPTIMIZE_INTERVAL) {
        e = fit_interval(c, interval, n, first, m);
        c->r->bound = interval[first];
    } else if (c->r->optimize == OPTIMIZE_BALANCED) {
        e = balance(c, interval, n, first, m);
    } else {
        e = latency_within(c, interval[n - 1], &any, m);
        c->r->bound = any;
    }
    free(interval);
    if (!e && c->r->cores == 0)
        e = err_set(m, ERR_INPUT, "no mapping found whose input memories fit: core.input_memory: "
                    "words = %" PRIu32 ", word_bits = %" PRIu32 ": want more",
                    c->mp->config->memory.words, c->mp->config->memory.word_bits);
    return e;
}

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
    consider(c);
    if (c->r->cores == 0)
        return err_set(m, ERR_INPUT, "%.400s: mapping.policy = %s: its mapping does not fit the "
                       "input memories: want more than core.input_memory.words = %" PRIu32 ", or "
                       "mapping.optimize", config_where(cfg, "mapping.policy"), cfg->mapping.policy,
                       cfg->memory.words);
    return ERR_NONE;
}

enum err mapper_choose(const struct mapper *mp, struct mapper_result *r, struct err_msg *m)
{
    const struct config *cfg = mp->config;
    struct chooser c = { .mp = mp, .r = r, .choice = calloc(mp->n_layer, sizeof *c.choice) };
    enum err e = ERR_NONE;

    forgive(mp);
    *r = (struct mapper_result){ .optimize = cfg->mapping.optimize,
                                 .choice = calloc(mp->n_layer, sizeof *r->choice) };
    if (!c.choice || !r->choice)
        e = err_set(m, ERR_MEMORY, "no memory for the mapper");
    else if (cfg->mapping.optimize == OPTIMIZE_EDP)
        e = err_set(m, ERR_INPUT, "%.400s: mapping.optimize = edp: energy is priced from a run's "
                    "counters, and no price of a plan is there yet: want latency, interval or "
                    "balanced", config_where(cfg, "mapping.optimize"));
    if (!e)
        e = mapper_times_new(&c.times, mp, m);
    if (!e)
        e = r->optimize == OPTIMIZE_NONE ? follow(&c, m) : optimize(&c, m);
    forgive(mp);
    mapper_times_free(c.times);
    free(c.choice);
    if (e)
        mapper_result_release(r);
    return e;
}

void mapper_result_release(struct mapper_result *r)
{
    free(r->choice);
    *r = (struct mapper_result){ 0 };
}
