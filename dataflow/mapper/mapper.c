/* dataflow/mapper/mapper.c -- see mapper.h: questions about mappings, and writing one down. */
#include "dataflow/mapper/mapper.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"

#define ROW(name) &name,
const struct mapper_policy *const mapper_policies[] = { MAPPER_POLICIES(ROW) NULL };

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
             l->option[i].copies == copies && l->option[i].need_parts == 1 &&
             !l->option[i].unsure && !l->option[i].doubtful))
        i++;
    return i;
}

uint32_t mapper_cheapest(const struct mapper *mp, uint32_t layer, uint64_t firings)
{
    const struct mapper_layer *l = &mp->layer[layer];
    uint32_t i = 0;

    while (i < l->n_option && (l->option[i].least_interval > firings || l->option[i].refused ||
                               l->option[i].need_parts > 1 || l->option[i].unsure ||
                               l->option[i].doubtful))
        i++;
    return i;
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

uint64_t mapper_least_of_memories(const struct mapper *mp)
{
    uint64_t most = 1;

    for (uint32_t i = 0; i < mp->n_layer; i++) {
        uint64_t least = UINT64_MAX;
        for (uint32_t k = 0; k < mp->layer[i].n_option; k++)
            least = min_u64(least, mp->layer[i].option[k].least_interval);
        most = max_u64(most, least);
    }
    return most;
}

/* ---- energy ---- */

/* A layer fires at least once for each full firing's worth of outputs, each of its parts and splits
 * then. */
double mapper_option_pj(const struct mapper *mp, uint32_t layer, const struct mapper_option *o)
{
    const struct mapper_prices *prices = mp->prices;
    const struct layer *l = plan_network_layer(&mp->plan, layer);
    uint64_t outputs = (uint64_t)l->out.height * l->out.width;

    if (!prices || layer_is_digital(l))
        return 0;
    double firings = (double)ceil_div(outputs, o->replicas.n) * o->parts * o->splits;
    double values = (double)outputs * l->out.channels;
    return firings * prices->firing_pj + values * prices->output_pj +
           values * layer_kernel_rows(l) * prices->mac_pj;
}

double mapper_least_option_pj(const struct mapper *mp, uint32_t layer)
{
    const struct mapper_layer *l = &mp->layer[layer];
    double least = mapper_option_pj(mp, layer, &l->option[0]);

    for (uint32_t i = 1; i < l->n_option; i++) {
        double pj = mapper_option_pj(mp, layer, &l->option[i]);
        least = pj < least ? pj : least;
    }
    return least;
}

double mapper_least_pj(const struct mapper *mp, double options_pj, uint32_t cores,
                       uint64_t first_result)
{
    const struct mapper_prices *prices = mp->prices;

    if (!prices)
        return 0;
    return options_pj +
           cores * ((double)first_result * prices->core_timestep_pj - prices->rounding_pj);
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

static void unwrite(struct config *config)
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

enum err mapper_plan(const struct mapper *mp, const uint32_t *choice,
                     struct mapper_planned *planned, struct err_msg *m)
{
    const struct plan_wish wish = { .thorough = TO_THE_FIRST };

    *planned = (struct mapper_planned){ .config = *mp->config };
    enum err e = mapper_write(mp, choice, &planned->config, m);

    return e ? e : plan_try(&planned->plan, mp->network, &planned->config, &wish, m);
}

void mapper_planned_release(struct mapper_planned *planned)
{
    plan_release(&planned->plan);
    unwrite(&planned->config);
}

/* Of one option, as if its layer were the only one. */
static enum err write_alone(const struct layer *l, const struct mapper_option *o,
                            struct config *config, struct err_msg *m)
{
    struct count_map *map[] = { &config->mapping.replicas, &config->mapping.copies,
                                &config->mapping.block_width };
    const uint32_t count[] = { o->replicas.n, o->copies, o->replicas.width };
    bool done = true;

    for (int i = 0; done && i < 3; i++) {
        map[i]->entry = calloc(1, sizeof *map[i]->entry);
        done = map[i]->entry && add_entry(map[i], l->name, count[i]);
    }
    config->mapping.optimize = OPTIMIZE_NONE;
    strcpy(config->mapping.policy, "none");
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the mapping");
}

/* Whether others are sent pixels of the layer's memory, which then keeps them for longer. */
static bool is_read_back(const struct plan *p, uint32_t layer)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        if ((p->layer[i].feed == FEED_READ_BACK && p->layer[i].feeder == layer) ||
            (p->layer[i].residual == RESIDUAL_READ_BACK && p->layer[i].residual_from == layer))
            return true;
    return false;
}

bool mapper_alone_fits(const struct mapper *mp, uint32_t layer, const struct mapper_option *o,
                       uint64_t interval)
{
    const struct plan_wish wish = { interval, TO_THE_FIRST };
    struct layer two[] = { mp->network->layer[0], *plan_network_layer(&mp->plan, layer) };
    struct network network = *mp->network;
    struct mapper_planned alone = { .config = *mp->config };
    struct err_msg m;

    if (mp->plan.layer[layer].feed != FEED_SCRATCHPAD || two[1].has_residual ||
        is_read_back(&mp->plan, layer))
        return true;
    network.layer = two;
    network.n_layer = 2;
    enum err e = write_alone(&two[1], o, &alone.config, &m);
    if (!e)
        e = plan_try(&alone.plan, &network, &alone.config, &wish, &m);
    mapper_planned_release(&alone);
    return e != ERR_INPUT;
}

bool mapper_fits(const struct mapper *mp, const uint32_t *choice)
{
    struct mapper_planned planned;
    struct err_msg m;
    bool fits = mapper_plan(mp, choice, &planned, &m) == ERR_NONE;

    mapper_planned_release(&planned);
    return fits;
}
