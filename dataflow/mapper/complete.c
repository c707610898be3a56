/* dataflow/mapper/complete.c -- see complete.h. */
#include "dataflow/mapper/complete.h"

#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum {
    OUTPUTS_OF_EFFORT = 250000,
    OUTPUTS_OF_PLAN = 64 // a plan takes as long as so many timings of its network
};

struct complete {
    struct chooser *c;
    uint32_t       *choice; // owned
    int64_t       **done;   // owned; [layer]: times under the options chosen, or the least
    uint32_t       *after;  // owned; [layer]: fewest cores of the layers from it on
    double         *after_pj; // owned; [layer]: likewise, least energy of their options
    uint64_t        work, most_work; // outputs timed
    uint64_t        outputs;         // of the network
};

static void complete_release(struct complete *k)
{
    for (uint32_t i = 0; k->done && i < k->c->mp->n_layer; i++)
        free(k->done[i]);
    free(k->done);
    free(k->choice);
    free(k->after);
    free(k->after_pj);
}

static uint32_t fewest_cores(const struct mapper_layer *l)
{
    return l->option[0].cores; // doubtful or not
}

static enum err complete_init(struct complete *k, struct chooser *c, struct err_msg *m)
{
    const struct mapper *mp = c->mp;
    uint32_t n = mp->n_layer;

    *k = (struct complete){ .c = c, .choice = calloc(n, sizeof *k->choice),
                            .done = calloc(n, sizeof *k->done),
                            .after = calloc((size_t)n + 1, sizeof *k->after),
                            .after_pj = calloc((size_t)n + 1, sizeof *k->after_pj),
                            .most_work = (uint64_t)mp->config->mapping.effort *
                                         OUTPUTS_OF_EFFORT };
    bool there = k->choice && k->done && k->after && k->after_pj;
    for (uint32_t i = n; there && i-- > 0;) {
        uint32_t size = mapper_times_size(mp, i);
        k->done[i] = calloc(size, sizeof *k->done[i]);
        there = k->done[i] != NULL;
        k->after[i] = k->after[i + 1] + fewest_cores(&mp->layer[i]);
        k->after_pj[i] = k->after_pj[i + 1] + mapper_least_option_pj(mp, i);
        k->outputs += size;
    }
    if (there)
        return ERR_NONE;
    complete_release(k);
    return err_set(m, ERR_MEMORY, "no memory for the mapper");
}

/* The least time to the first result with the layers before `from` as they are chosen. */
static uint64_t least_first_result(struct complete *k, uint32_t from)
{
    struct mapper_times *t = k->c->times;
    uint32_t n = k->c->mp->n_layer;

    for (uint32_t i = from; i < n; i++) {
        mapper_times_inputs(t, i, (const int64_t *const *)k->done);
        mapper_times_least(t, k->done[i]);
        k->work += mapper_times_size(k->c->mp, i);
    }
    return mapper_times_result(k->c->mp, k->done[n - 1]);
}

static bool hopeless(struct complete *k, uint32_t next, uint32_t cores, uint64_t interval,
                     double options_pj)
{
    const struct mapper_result *r = k->c->r;

    if (r->cores == 0)
        return false;
    uint64_t first_result = least_first_result(k, next);
    double pj = mapper_least_pj(k->c->mp, options_pj + k->after_pj[next], cores + k->after[next],
                                first_result);
    return chooser_value(k->c, interval, first_result, pj) >= r->value;
}

static void consider(struct complete *k)
{
    memcpy(k->c->choice, k->choice, k->c->mp->n_layer * sizeof *k->choice);
    chooser_consider(k->c);
    k->work += OUTPUTS_OF_PLAN * k->outputs;
}

/* Layer `layer` and those behind it, in all ways. */
static void look(struct complete *k, uint32_t layer, uint32_t cores, uint64_t interval,
                 double options_pj)
{
    const struct mapper *mp = k->c->mp;

    for (uint32_t i = 0; i < mp->layer[layer].n_option && k->work < k->most_work; i++) {
        const struct mapper_option *o = &mp->layer[layer].option[i];
        uint64_t firings = max_u64(interval, o->firings);
        uint32_t used = cores + o->cores;
        double pj = options_pj + mapper_option_pj(mp, layer, o);
        if (used + k->after[layer + 1] > mp->config->chip_cores)
            break; // so do all behind it
        k->choice[layer] = i;
        mapper_times_inputs(k->c->times, layer, (const int64_t *const *)k->done);
        mapper_times_layer(k->c->times, o, false, k->done[layer]);
        bool fits = mapper_times_fits(k->c->times, o, false);
        k->work += mapper_times_size(mp, layer);
        if (!fits || hopeless(k, layer + 1, used, firings, pj))
            continue;
        if (layer + 1 == mp->n_layer)
            consider(k);
        else
            look(k, layer + 1, used, firings, pj);
    }
}

enum err mapper_complete(struct chooser *c, bool *all, struct err_msg *m)
{
    struct complete k;

    *all = false;
    if (!c->mp->small)
        return ERR_NONE;
    enum err e = complete_init(&k, c, m);
    if (e)
        return e;
    look(&k, 0, 0, 1, 0);
    *all = k.work < k.most_work;
    complete_release(&k);
    return ERR_NONE;
}
