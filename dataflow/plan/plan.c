/* dataflow/plan/plan.c -- see plan.h: the order of the steps, and small questions about a plan. */
#include "dataflow/plan/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/passes.h"

const char *stage_name(enum stage s)
{
    static const char *const names[N_STAGE] = {
        [STAGE_MEMORY] = "memory", [STAGE_CROSSBAR] = "crossbar", [STAGE_DIGITAL] = "digital",
        [STAGE_LINK] = "link",     [STAGE_PARTIAL_SUM] = "partial_sum",
    };

    assert(s < N_STAGE);
    return names[s];
}

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

bool plan_in_scan_order(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);

    if (p->layer[layer].feed == FEED_READ_BACK) // in the order of its own outputs
        return p->layer[layer].copies == 1 && p->layer[layer].firing != &fire_block;
    for (uint32_t i = 0; i < l->n_input && p->layer[layer].feed == FEED_PRODUCER; i++) {
        uint32_t from = l->input[i] - 1;
        struct firing_shape shape = plan_firing_shape(p, from);
        if (shape.copies > 1 || p->layer[from].firing->strip_width(&shape) > 1)
            return false;
    }
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
    return (double)p->core[core].used_clk[s] / (double)p->timestep_clk;
}

void plan_slowest_stage(const struct plan *p, uint32_t *core, enum stage *s)
{
    *core = 0;
    *s = STAGE_MEMORY;
    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            if (p->core[i].used_clk[k] > p->core[*core].used_clk[*s]) {
                *core = i;
                *s = (enum stage)k;
            }
}

/* Memory columns, and the resampling layers that depend on them: one that would have to send a
 * pixel before it is there gets it from a memory with one more column. */
static enum err columns(struct plan *p, struct schedule *s, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        if (p->layer[i].feed != FEED_READ_BACK)
            e = schedule_memory_columns(s, i, &p->layer[i].memory_columns, m);
    for (uint32_t i = 0; !e && i < p->n_layer; i++) {
        bool in_time = p->layer[i].feed != FEED_READ_BACK;
        while (!e && !in_time) {
            struct plan_layer *feeder = &p->layer[p->layer[i].feeder];
            e = schedule_resampling(s, i, &in_time, m);
            if (e || in_time)
                break;
            if (feeder->memory_columns++ > feeder->in_width)
                e = err_set(m, ERR_RUN,
                            "layer %s: its memory cannot keep pixels long enough for %s",
                            plan_layer_name(p, p->layer[i].feeder), plan_layer_name(p, i));
            else // one more may be one too many for copies that race for a slot
                e = schedule_memory_columns(s, p->layer[i].feeder, &feeder->memory_columns, m);
        }
        if (!e && p->layer[i].feed == FEED_READ_BACK)
            e = schedule_memory_columns(s, i, &p->layer[i].memory_columns, m);
    }
    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        p->layer[i].tracked_columns = schedule_tracked_columns(s, i);
    for (uint32_t i = 0; !e && i < p->n_layer; i++)
        if (p->layer[i].residual != RESIDUAL_NONE)
            e = schedule_waiting(s, i, &p->layer[i].residual_fifo, &p->layer[i].sums_waiting, m);
    return e;
}

static void layer_times(struct plan *p, const struct schedule *s, uint32_t layer)
{
    struct plan_layer *pl = &p->layer[layer];
    struct firing_shape shape = plan_firing_shape(p, layer);
    int64_t first = INT64_MAX, last = INT64_MIN;

    pl->firings = 0;
    for (uint32_t copy = 0; copy < pl->copies; copy++) {
        struct pixel at = firing_first(pl->firing, &shape, copy, 0);
        int64_t before = INT64_MIN;
        for (; at.image == 0; pl->firing->next(&shape, copy, &at)) {
            int64_t t = schedule_fired(s, layer, 0, at.x, at.y);
            pl->firings += t != before;
            first = t < first ? t : first;
            last = t > last ? t : last;
            before = t;
        }
    }
    pl->first_timestep = (uint64_t)first;
    pl->last_timestep = (uint64_t)last;
}

static enum err times(struct plan *p, const struct schedule *s, struct err_msg *m)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        layer_times(p, s, i);
    p->first_result = (uint64_t)schedule_done(s, p->n_layer - 1, 0, 0, 0) + 1; // elapsed
    p->last_conv = p->layer[plan_last_convolution(p)].last_timestep + 1;
    p->transient_images = s->n_image;
    p->late = calloc(s->n_image, sizeof *p->late);
    if (!p->late)
        return err_set(m, ERR_MEMORY, "no memory for the times of %u images", s->n_image);
    for (uint32_t i = 0; i < s->n_image; i++)
        p->late[i] = schedule_done(s, p->n_layer - 1, i, 0, 0) + 1 -
                     (int64_t)(p->first_result + i * p->interval);
    return ERR_NONE;
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

static enum err make_steps(struct plan *p, struct err_msg *m)
{
    struct schedule s = { 0 };
    enum err e = check_clocks(p, m);

    if (!e)
        e = plan_layers(p, m);
    if (!e)
        e = plan_cores(p, m);
    if (!e)
        e = schedule_make(&s, p, m);
    if (!e)
        e = columns(p, &s, m);
    if (!e)
        e = plan_memories(p, m);
    if (!e)
        e = times(p, &s, m);
    if (!e)
        e = plan_streams(p, &s, m);
    if (!e)
        e = plan_budget(p, &s, m);
    schedule_release(&s);
    return e;
}

enum err plan_try(struct plan *p, const struct network *network, const struct config *config,
                  struct err_msg *m)
{
    *p = (struct plan){ .network = network, .config = config };
    enum err e = network_check(network, m);
    if (!e)
        e = plan_check_mapping_keys(p, m);
    if (!e)
        e = make_steps(p, m);
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
    for (uint32_t i = 0; i < p->n_read_back; i++)
        free(p->read_back[i].send);
    for (uint32_t i = 0; i < p->n_image_feed; i++)
        free(p->image_feed[i].stored);
    free(p->layer);
    free(p->core);
    free(p->stream);
    free(p->read_back);
    free(p->image_feed);
    free(p->late);
    *p = (struct plan){ 0 };
}
