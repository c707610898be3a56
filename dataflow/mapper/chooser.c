/* dataflow/mapper/chooser.c -- see chooser.h. */
#include "dataflow/mapper/chooser.h"

#include <math.h>
#include <string.h>

#include "core/util.h"

/* ---- what is better ---- */

uint64_t chooser_value(const struct chooser *c, uint64_t interval, uint64_t first_result,
                       double energy_pj)
{
    switch (c->r->optimize) {
    case OPTIMIZE_INTERVAL:
        return interval;
    case OPTIMIZE_LATENCY:
        return first_result;
    case OPTIMIZE_BALANCED:
        return interval * first_result;
    case OPTIMIZE_EDP:
        return (uint64_t)(fmax(floor(energy_pj), 0) * (double)first_result);
    case OPTIMIZE_NONE: // a policy: nothing is claimed
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

/* ---- what does not fit is set aside ---- */

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

void chooser_forgive(const struct mapper *mp)
{
    for (uint32_t i = 0; i < mp->n_layer; i++)
        for (uint32_t k = 0; k < mp->layer[i].n_option; k++)
            mp->layer[i].option[k].refused = false;
}

/* What keeps a mapping from having a plan, if that is known: where the memory of a core is too
 * small or too slow, its layer's option; where a link is, that of the layer before, since a layer's
 * own outputs fit its links, but not always the pixels that its memory sends on, as many at once as
 * came. */
static struct refusal find_refusal(const struct mapper *mp, const struct plan *p)
{
    for (uint32_t i = 0; p->time.core && i < p->n_core; i++) {
        const struct core_times *c = &p->time.core[i];
        uint32_t layer = p->core[i].plan_layer, from = plan_network_layer(p, layer)->input[0];
        if ((c->layout.placing && memory_used_words(&c->layout) > p->core[i].memory.words) ||
            c->used_clk[STAGE_MEMORY] > p->timestep_clk)
            return (struct refusal){ .layer = layer, .shape = true };
        if (c->used_clk[STAGE_LINK] > p->timestep_clk && from > 0)
            return (struct refusal){ .layer = from - 1 };
    }
    return (struct refusal){ .layer = mp->n_layer };
}

/* Sets it aside. */
static bool refuse(const struct mapper *mp, const struct refusal *r, const uint32_t *choice)
{
    if (r->layer == mp->n_layer)
        return false;
    struct mapper_option *o = &mp->layer[r->layer].option[choice[r->layer]];
    if (r->shape)
        refuse_shape(mp, r->layer, o);
    else
        o->refused = true;
    return true;
}

static uint32_t *tried_choice(const struct chooser *c, uint32_t i)
{
    return c->tried.choice + (size_t)i * c->mp->n_layer;
}

/* Searches come to the same mappings again and again. NULL: not to this one, lately. */
static const struct refusal *find_tried(const struct chooser *c)
{
    size_t size = c->mp->n_layer * sizeof *c->choice;

    for (uint32_t i = 0; i < min_u32(c->tried.n, MOST_TRIED); i++)
        if (memcmp(tried_choice(c, i), c->choice, size) == 0)
            return &c->tried.refusal[i];
    return NULL;
}

static const struct refusal *note_tried(struct chooser *c, const struct plan *p)
{
    uint32_t at = c->tried.n++ % MOST_TRIED;

    memcpy(tried_choice(c, at), c->choice, c->mp->n_layer * sizeof *c->choice);
    c->tried.refusal[at] = find_refusal(c->mp, p);
    return &c->tried.refusal[at];
}

/* ---- a mapping is looked at ---- */

static double options_pj(const struct mapper *mp, const uint32_t *choice)
{
    double pj = 0;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        pj += mapper_option_pj(mp, i, &mp->layer[i].option[choice[i]]);
    return pj;
}

/* What c->choice comes to, its energy at the least. */
static struct mapper_result look_at(const struct chooser *c)
{
    struct mapper_result now = *c->r;

    now.cores = mapper_cores(c->mp, c->choice);
    now.interval = mapper_interval(c->mp, c->choice);
    now.first_result = mapper_times_first_result(c->times, c->choice);
    now.value = chooser_value(c, now.interval, now.first_result,
                              mapper_least_pj(c->mp, options_pj(c->mp, c->choice), now.cores,
                                              now.first_result));
    return now;
}

/* What the plan itself says: ways through the fabric may be longer than between neighbours, and the
 * image may take longer to be written than any layer fires. False
 * when it has no price: so it is with all of them. */
static bool look_up(struct chooser *c, const struct plan *p, struct mapper_result *now)
{
    const struct mapper_prices *prices = c->mp->prices;

    now->first_result = p->time.first_result;
    now->interval = p->interval;
    now->value = chooser_value(c, now->interval, now->first_result, 0);
    if (now->optimize != OPTIMIZE_EDP)
        return true;
    c->error = prices->image_pj(prices->user, p, &now->energy_pj, &c->msg);
    now->value = now->energy_pj * now->first_result;
    return !c->error;
}

void chooser_consider(struct chooser *c)
{
    struct mapper_result now = look_at(c), *r = c->r;
    struct mapper_planned planned;
    struct err_msg m;

    if (c->error || (r->cores > 0 && !better(&now, r)))
        return;
    const struct refusal *known = find_tried(c);
    if (known) {
        c->refused |= refuse(c->mp, known, c->choice);
        return;
    }
    if (mapper_plan(c->mp, c->choice, &planned, &m)) {
        c->refused |= refuse(c->mp, note_tried(c, &planned.plan), c->choice);
    } else if (look_up(c, &planned.plan, &now) && (r->cores == 0 || better(&now, r))) {
        *r = now;
        memcpy(r->choice, c->choice, c->mp->n_layer * sizeof *r->choice);
    }
    mapper_planned_release(&planned);
}
