/* report/plan_figures.c -- see plan_figures.h. */
#include "report/plan_figures.h"

#include <assert.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/tokens/tokens.h"

double batch_throughput(const struct plan *p, uint64_t first_result, uint64_t n)
{
    assert(n > 0);
    uint64_t steps = plan_steps(p);
    int64_t late = timetable_late(&p->time, n * steps - 1) - timetable_late(&p->time, steps - 1);
    uint64_t timesteps = first_result + (n - 1) * plan_image_interval(p) + (uint64_t)late;

    return 1e9 * (double)n / ((double)timesteps * plan_timestep_ns(p));
}

double timesteps_us(const struct plan *p, uint64_t timesteps)
{
    return (double)timesteps * plan_timestep_ns(p) / 1000;
}

static uint64_t core_devices(const struct plan *p, uint32_t core)
{
    const struct plan_core *c = &p->core[core];
    const struct layer *l = plan_network_layer(p, c->plan_layer);

    if (layer_is_digital(l))
        return 0;
    return (uint64_t)p->layer[c->plan_layer].replicas.n * c->row_n * c->out_n *
           p->layer[c->plan_layer].array.layout.columns;
}

static uint64_t array_devices(const struct plan *p, uint32_t core)
{
    if (layer_is_of_tokens(plan_network_layer(p, p->core[core].plan_layer)))
        return 0;
    return (uint64_t)p->core[core].arrays * p->core[core].crossbar.rows *
           p->core[core].crossbar.columns;
}

double core_utilization(const struct plan *p, uint32_t core)
{
    const uint64_t devices = array_devices(p, core);

    return devices > 0 ? (double)core_devices(p, core) / (double)devices : 0;
}

double chip_utilization(const struct plan *p)
{
    uint64_t used = 0, all = 0;

    for (uint32_t i = 0; i < p->n_core; i++) {
        used += core_devices(p, i);
        all += array_devices(p, i);
    }
    return (double)used / (double)all;
}

bool worst_core(const struct plan *p, enum stage s, uint32_t *core)
{
    *core = 0;
    for (uint32_t i = 1; i < p->n_core; i++)
        if (p->time.core[i].used_clk[s] > p->time.core[*core].used_clk[s])
            *core = i;
    return p->time.core[*core].used_clk[s] > 0;
}

uint32_t busiest_core(const struct plan *p, uint64_t *clocks)
{
    uint32_t busiest = 0;

    *clocks = 0;
    for (uint32_t i = 0; i < p->n_core; i++) {
        uint64_t sum = 0;
        for (int s = 0; s < N_STAGE; s++)
            sum += p->time.core[i].used_clk[s];
        if (sum > *clocks) {
            *clocks = sum;
            busiest = i;
        }
    }
    return busiest;
}

const char *stage_title(enum stage s)
{
    switch (s) {
    case STAGE_MEMORY:
        return "input memory";
    case STAGE_DIGITAL:
        return "digital processor";
    case STAGE_PARTIAL_SUM:
        return "partial sums";
    default:
        return stage_name(s);
    }
}

const char *stream_title(enum stream_kind k)
{
    static const char *const titles[N_STREAM_KIND] = {
        [STREAM_PARTIAL_SUM] = "partial sums",
        [STREAM_TO_RESAMPLING] = "to resampling",
        [STREAM_FROM_RESAMPLING] = "direct residual",
        [STREAM_IMAGE_RESIDUAL] = "image as residual",
    };

    return titles[k] ? titles[k] : stream_kind_name(k);
}

const char *plan_pass_word(const struct plan *p)
{
    return plan_steps(p) > 1 ? "presentation" : "image";
}

const char *stream_from(const struct plan *p, const struct plan_stream *s)
{
    return stream_is_of_image(s->kind) ? "scratchpad" : p->core[s->from].name;
}

const char *stream_to(const struct plan *p, const struct plan_stream *s)
{
    return s->kind == STREAM_RESULT ? "result" : p->core[s->to].name;
}

uint64_t residual_fifo_bytes(const struct plan *p, uint32_t layer)
{
    const uint64_t values = (uint64_t)p->time.layer[layer].residual_fifo *
                            plan_network_layer(p, layer)->out.channels;

    return ceil_div(values * network_precision(p->network).value_bits, 8);
}

/* Residual pixels wait at the last part, where the sum is complete. */
uint32_t core_fifo(const struct plan *p, uint32_t core)
{
    uint32_t layer = p->core[core].plan_layer;

    return p->core[core].part == p->layer[layer].parts - 1 ? p->time.layer[layer].residual_fifo : 0;
}

double share_of_timestep(const struct plan *p, uint64_t clocks)
{
    return (double)clocks / (double)p->timestep_clk;
}

double attention_share(const struct network *n)
{
    const double attention = (double)network_attention_macs(n);

    return attention / (attention + (double)network_macs(n));
}

uint32_t first_attention(const struct plan *p)
{
    uint32_t i = 0;

    while (i < p->n_layer && plan_network_layer(p, i)->kind != LAYER_ATTENTION)
        i++;
    return i;
}
