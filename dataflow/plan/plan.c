/* dataflow/plan/plan.c -- see plan.h: the order of the passes, and small questions about a plan. */
#include "dataflow/plan/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/clocking.h"
#include "dataflow/plan/structure.h"

const char *stream_kind_name(enum stream_kind k)
{
    static const char *const names[N_STREAM_KIND] = {
        [STREAM_IMAGE] = "image",
        [STREAM_FORWARD] = "forward",
        [STREAM_VALID] = "valid",
        [STREAM_PARTIAL_SUM] = "partial_sum",
        [STREAM_RESIDUAL] = "residual",
        [STREAM_TO_RESAMPLING] = "to_resampling",
        [STREAM_FROM_RESAMPLING] = "from_resampling",
        [STREAM_RESULT] = "result",
    };

    assert(k < N_STREAM_KIND);
    return names[k];
}

struct firing_shape plan_firing_shape(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];
    const struct shape *out = &plan_network_layer(p, layer)->out;

    return (struct firing_shape){
        .height = out->height,
        .width = out->width,
        .n = pl->replicas.n,
        .block_w = pl->replicas.width,
        .block_h = pl->replicas.height,
        .copies = pl->copies,
    };
}

uint32_t plan_owner(const struct plan *p, uint32_t layer, uint32_t y)
{
    struct firing_shape shape = plan_firing_shape(p, layer);

    return y / p->layer[layer].firing->strip_width(&shape) % shape.copies;
}

uint32_t plan_sum_of(const struct plan *p, uint32_t layer)
{
    uint32_t i = 0;

    while (i < p->n_layer && !(p->layer[i].residual == RESIDUAL_DIRECT &&
                               p->layer[i].residual_from == layer))
        i++;
    return i;
}

/* Whether all copies of a layer together make their outputs in scan order. */
static bool fires_in_scan_order(const struct plan *p, uint32_t layer)
{
    struct firing_shape shape = plan_firing_shape(p, layer);

    return shape.copies == 1 && p->layer[layer].firing->in_scan_order(&shape);
}

bool plan_in_scan_order(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);

    if (p->layer[layer].feed == FEED_READ_BACK) // in the order of its own outputs
        return fires_in_scan_order(p, layer);
    for (uint32_t i = 0; i < l->n_input && p->layer[layer].feed == FEED_PRODUCER; i++)
        if (!fires_in_scan_order(p, l->input[i] - 1))
            return false;
    return true;
}

uint32_t plan_kernel_columns(const struct plan *p, uint32_t layer)
{
    const struct window *w = &p->layer[layer].window;

    return min_u32((w->kernel[1] - 1) * w->dilation[1] + 1, p->layer[layer].in_width);
}

uint32_t plan_last_convolution(const struct plan *p)
{
    uint32_t last = p->n_layer - 1;

    for (uint32_t i = 0; i < p->n_layer; i++)
        if (plan_network_layer(p, i)->kind == LAYER_CONV && p->layer[i].feed != FEED_READ_BACK)
            last = i;
    return last;
}

double plan_stage_share(const struct plan *p, uint32_t core, enum stage s)
{
    return (double)p->time.core[core].used_clk[s] / (double)p->timestep_clk;
}

void plan_slowest_stage(const struct plan *p, uint32_t *core, enum stage *s)
{
    *core = 0;
    *s = STAGE_MEMORY;
    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            if (p->time.core[i].used_clk[k] > p->time.core[*core].used_clk[*s]) {
                *core = i;
                *s = (enum stage)k;
            }
}

enum err plan_blame(const struct plan *p, const char *key, struct err_msg *m)
{
    err_prefix(m, config_where(p->config, key));
    return ERR_INPUT;
}

static enum err check_clocks(struct plan *p, struct err_msg *m)
{
    const struct config *c = p->config;

    if (!config_clocks(c->timestep_ns, c->clock_mhz, &p->timestep_clk))
        return PLAN_REFUSE(p, "clocking.timestep_ns", m,
                       "clocking.timestep_ns = %llu is not a whole number of clocks at "
                       "clock_mhz = %u",
                       (unsigned long long)c->timestep_ns, c->clock_mhz);
    return ERR_NONE;
}

static enum err make_layers(struct plan *p, struct err_msg *m)
{
    struct structure_layers made = { 0 };
    enum err e = structure_layers(p, &made, m);

    p->layer = made.layer;
    p->n_layer = made.n;
    if (!e)
        p->interval = structure_interval(p);
    return e;
}

static enum err make_cores(struct plan *p, struct err_msg *m)
{
    struct structure_cores made = { 0 };
    enum err e = structure_cores(p, &made, m);

    p->core = made.core;
    p->n_core = made.n;
    return e;
}

static enum err make_streams(struct plan *p, struct err_msg *m)
{
    struct structure_streams made = { 0 };
    enum err e = structure_streams(p, &made, m);

    p->stream = made.stream;
    p->n_stream = made.n;
    p->read_back = made.read_back;
    p->n_read_back = made.n_read_back;
    p->image_feed = made.image_feed;
    p->n_image_feed = made.n_image_feed;
    return e;
}

enum err plan_make_layers(struct plan *p, const struct network *network,
                          const struct config *config, struct err_msg *m)
{
    *p = (struct plan){ .network = network, .config = config };
    enum err e = network_check(network, m);
    if (!e)
        e = structure_check_keys(p, m);
    if (!e)
        e = check_clocks(p, m);
    return e ? e : make_layers(p, m);
}

enum err plan_try(struct plan *p, const struct network *network, const struct config *config,
                  struct err_msg *m)
{
    enum err e = plan_make_layers(p, network, config, m);

    if (!e)
        e = make_cores(p, m);
    if (!e)
        e = make_streams(p, m);
    if (!e)
        e = clockings[config->clocking]->timetable(&p->time, p, m);
    return e;
}

enum err plan_make(struct plan *p, const struct network *network, const struct config *config,
                   struct err_msg *m)
{
    enum err e = plan_try(p, network, config, m);

    if (e)
        plan_release(p);
    return e;
}

void plan_release(struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++)
        free(p->core[i].name);
    free(p->layer);
    free(p->core);
    free(p->stream);
    free(p->read_back);
    free(p->image_feed);
    timetable_release(&p->time);
    *p = (struct plan){ 0 };
}
