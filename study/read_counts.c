/* study/read_counts.c -- see read_counts.h. */
#include "study/read_counts.h"

#include <stdlib.h>
#include <string.h>

#include "arch/values/rows_on.h"
#include "arch/values/sliced_layers.h"
#include "core/pages.h"
#include "core/util.h"
#include "network/spiking/coding.h"
#include "network/values/values.h"

struct core_counts {
    uint32_t most;  // outputs of a product; 0: no array
    uint32_t n;     // outputs of an image
    size_t   begin; // of those of an image: [n][most], of 1, 2 .. outputs from one on
    uint64_t image; // of the chip, that it has begun with
};

struct read_counts {
    struct elastic_reads   reads;
    struct read_counts_cfg cfg;
    uint32_t               lanes;        // images at once
    uint64_t               steps, train; // an image is so many of the chip; steps of one of those
    struct sliced_layers  *sliced;       // owned; NULL: every code is its sum
    struct values         *values;       // owned
    struct value_lanes    *lane;         // owned
    struct rows_on        *rows;         // owned
    uint8_t               *image;        // owned; [lanes]
    int64_t               *result;       // owned; [lanes][classes]
    struct core_counts    *core;         // owned; [n_core]
    size_t                 size;         // of an image's counts
    /* Those of the chip's images [first, end): of image i at i % room. */
    uint32_t             **kept;         // owned, and what it points to; [room]
    uint64_t               room, first, end, most;
    uint64_t               seen;         // image of the chip, of the first lane
    int32_t                outside;      // of the step
};

/* ---- what values say ---- */

static uint32_t *kept_of(const struct read_counts *c, uint64_t image)
{
    return c->kept[image % c->room];
}

/* Every product that begins with an output: what time joins is not known. */
static void count_products(struct read_counts *c, uint32_t core, uint32_t lane)
{
    const struct plan *p = c->cfg.plan;
    const struct plan_core *pc = &p->core[core];
    const struct firing_policy *f = p->layer[pc->plan_layer].firing;
    const struct firing_shape shape = plan_firing_shape(p, pc->plan_layer);
    const struct core_counts *of = &c->core[core];
    uint32_t *to = kept_of(c, c->seen + lane) + of->begin;
    struct pixel head = firing_first(f, &shape, pc->copy, 0);

    for (uint32_t i = 0; i < of->n; i++, f->next(&shape, pc->copy, &head), to += of->most) {
        struct pixel at = head;
        for (uint32_t n = 0; n < of->most && firing_replica(f, &shape, &head, &at) < shape.n; n++) {
            to[n] += (uint32_t)rows_on_reads(c->rows, core, lane, &head, n + 1);
            f->next(&shape, pc->copy, &at);
        }
    }
}

static void begin_step(void *user, uint64_t image, uint32_t step)
{
    struct read_counts *c = user;

    c->seen = image * c->steps + step / c->train;
    c->outside = rows_on_outside(c->cfg.plan, image, step);
}

static void see_input(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                      uint32_t n_lane)
{
    struct read_counts *c = user;
    const struct plan_layer *pl = &c->cfg.plan->layer[layer - 1]; // plan layers have no image

    if (!rows_on_see(c->rows, layer - 1, map, column, n_lane, c->outside))
        return;
    for (uint32_t i = pl->first_core; i < pl->first_core + pl->n_core; i++)
        for (uint32_t lane = 0; lane < n_lane; lane++)
            count_products(c, i, lane);
}

/* ---- images of the chip ---- */

/* Room for n images more than there are. */
static bool make_room(struct read_counts *c, uint64_t n)
{
    const uint64_t need = c->end - c->first + n;

    if (need <= c->room)
        return true;
    uint32_t **kept = calloc(need, sizeof *kept);
    if (!kept)
        return false;
    for (uint64_t i = 0; i < c->room; i++)
        kept[(c->first + i) % need] = c->kept[(c->first + i) % c->room];
    free(c->kept);
    c->kept = kept;
    c->room = need;
    for (uint64_t i = 0; i < need; i++)
        if (!kept[i] && !(kept[i] = malloc(max_u64(c->size, 1) * sizeof *kept[i])))
            return false;
    return true;
}

/* Counts are let go that no array will ask for. */
static void let_go(struct read_counts *c)
{
    uint64_t least = c->end;

    for (uint32_t i = 0; i < c->cfg.plan->n_core; i++)
        if (c->core[i].most > 0)
            least = min_u64(least, c->core[i].image);
    c->first = max_u64(c->first, least);
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the reads of images");
}

/* The next images of the run. */
static enum err count_more(struct read_counts *c, struct err_msg *m)
{
    const struct value_watch watch = { begin_step, see_input, NULL, NULL, c };
    const uint64_t at = c->end / c->steps;
    const size_t bytes = values_image_bytes(c->values);
    const uint32_t n = (uint32_t)min_u64(c->lanes, c->cfg.n_image - at);
    enum err e = ERR_NONE;

    let_go(c);
    if (!make_room(c, n * c->steps))
        return no_memory(m);
    for (uint32_t i = 0; !e && i < n; i++)
        e = c->cfg.next(c->cfg.user, c->image + i * bytes, m);
    if (e)
        return e;
    for (uint64_t i = 0; i < n * c->steps; i++)
        memset(kept_of(c, c->end + i), 0, c->size * sizeof(uint32_t));
    c->seen = c->end;
    c->end += n * c->steps;
    c->most = max_u64(c->most, c->end - c->first);
    value_lanes_number(c->lane, at);
    value_lanes_run(c->lane, c->image, n, c->result, &watch);
    return ERR_NONE;
}

static void begin(void *user)
{
    struct read_counts *c = user;

    for (uint32_t i = 0; i < c->cfg.plan->n_core; i++)
        c->core[i].image = 0;
}

static enum err find_reads(void *user, const struct elastic_product *p, uint64_t *reads,
                           struct err_msg *m)
{
    struct read_counts *c = user;
    struct core_counts *core = &c->core[p->core];
    enum err e = ERR_NONE;

    if (p->image < c->first) { // of another run
        c->first = c->end = 0;
        e = c->cfg.again(c->cfg.user, m);
    }
    core->image = p->image;
    while (!e && p->image >= c->end)
        e = count_more(c, m);
    if (!e)
        *reads = kept_of(c, p->image)[core->begin + (size_t)p->output * core->most + p->n - 1];
    return e;
}

/* ---- made ---- */

static void find_products(struct read_counts *c)
{
    const struct plan *p = c->cfg.plan;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *pc = &p->core[i];
        const struct plan_layer *pl = &p->layer[pc->plan_layer];
        const struct firing_shape shape = plan_firing_shape(p, pc->plan_layer);
        struct core_counts *core = &c->core[i];
        if (layer_is_digital(plan_network_layer(p, pc->plan_layer)))
            continue;
        for (struct pixel at = firing_first(pl->firing, &shape, pc->copy, 0); at.image == 0;
             pl->firing->next(&shape, pc->copy, &at))
            core->n++;
        core->most = shape.n;
        core->begin = c->size;
        c->size += (size_t)core->n * core->most;
    }
}

static bool make_values(struct read_counts *c)
{
    const struct plan *p = c->cfg.plan;
    const bool exact = plan_is_exact(p);
    const uint32_t classes = layer_delivers(network_result(p->network)).channels;

    if (!exact)
        c->sliced = sliced_layers_new(p, c->cfg.ranges, c->cfg.kernel_name);
    if (exact || c->sliced)
        c->values = values_new_on(p->network, c->cfg.kernel_name,
                                  exact ? NULL : sliced_layers_cores(c->sliced));
    if (!c->values)
        return false;
    c->lane = value_lanes_new(c->values);
    c->image = pages_new(c->lanes * values_image_bytes(c->values));
    c->result = calloc((size_t)c->lanes * classes, sizeof *c->result);
    return c->lane && c->image && c->result;
}

struct read_counts *read_counts_new(const struct read_counts_cfg *cfg)
{
    struct read_counts *c = calloc(1, sizeof *c);
    const uint32_t lanes = rows_on_lanes(cfg->plan);

    if (!c)
        return NULL;
    *c = (struct read_counts){ .reads = { begin, find_reads, c }, .cfg = *cfg,
                               .lanes = cfg->at_once ? min_u32(cfg->at_once, lanes) : lanes,
                               .steps = plan_steps(cfg->plan),
                               .train = presentation_train(&cfg->plan->network->present),
                               .rows = rows_on_new(cfg->plan, lanes),
                               .core = calloc(cfg->plan->n_core, sizeof *c->core) };
    if (c->rows && c->core && make_values(c)) {
        find_products(c);
        return c;
    }
    read_counts_free(c);
    return NULL;
}

void read_counts_free(struct read_counts *c)
{
    if (!c)
        return;
    for (uint64_t i = 0; i < c->room; i++)
        free(c->kept[i]);
    free(c->kept);
    value_lanes_free(c->lane);
    values_free(c->values);
    sliced_layers_free(c->sliced);
    rows_on_free(c->rows);
    free(c->image);
    free(c->result);
    free(c->core);
    free(c);
}

const struct elastic_reads *read_counts_reads(const struct read_counts *c)
{
    return &c->reads;
}

uint64_t read_counts_most(const struct read_counts *c)
{
    return c->most;
}
