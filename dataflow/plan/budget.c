/* dataflow/plan/budget.c -- what each stage of each core does in its worst timestep, in the clocks
 * of dataflow/plan/rules.h.
 *
 * Stages are budgets, checked one by one: each must fit a timestep by itself. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"
#include "dataflow/plan/timestep.h"
#include "dataflow/plan/tokens.h"

/* A budget in the making. */
struct budget {
    struct timetable    *t;
    const struct plan    *p;
    const struct dry_run *s;
};

/* Most outputs in one firing of a copy. */
static uint32_t most_outputs(const struct dry_run *s, uint32_t layer, uint32_t copy)
{
    const struct strips *strips = &s->layer[layer].strips;
    int64_t before = INT64_MIN;
    uint32_t run = 0, most = 0;

    for (uint64_t image = 0; image <= s->n_image; image++)
        for (uint32_t left = copy * strips->width; left < strips->shape.width;
             left += strips_apart(strips)) {
            const struct strip_form *form = strip_at(strips, left);
            for (uint32_t i = 0; i < form->n_place; i++) {
                if (most == strips->shape.n)
                    return most;
                struct column_times c =
                    dry_run_fired(s, layer, image, left + form->place[i].column);
                int64_t t = column_time(&c, form->place[i].row);
                run = t == before ? run + 1 : 1;
                most = max_u32(most, run);
                before = t;
            }
        }
    return most;
}

static uint64_t stream_bits(const struct budget *b, uint32_t stream)
{
    const struct plan_stream *st = &b->p->stream[stream];

    return (uint64_t)b->t->stream[stream].most_pixels * st->n * st->value_bits;
}

static bool between_cores(const struct plan_stream *st)
{
    return !stream_is_of_image(st->kind) && st->kind != STREAM_RESULT;
}

static void streams_use(const struct budget *b)
{
    const struct plan *p = b->p;

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        uint64_t clk = stage_link_clocks(p->config, p->fabric, &st->route, stream_bits(b, i));
        b->t->stream[i].used_clk = clk;
        if (!between_cores(st))
            continue;
        uint64_t *core = &b->t->core[st->from].used_clk[stream_stage(st->kind)];
        *core = max_u64(*core, clk);
    }
}

/* Operations of a core's digital processor in its worst timestep. */
static uint64_t digital_ops(const struct budget *b, uint32_t core)
{
    const struct plan_core *c = &b->p->core[core];

    if (layer_is_of_tokens(plan_network_layer(b->p, c->plan_layer)))
        return 0;
    return stage_digital_ops(plan_network_layer(b->p, c->plan_layer), b->t->core[core].most_outputs,
                             c->out_n) * b->p->train;
}

static uint32_t most_pixels(const struct budget *b, const struct plan_stream *st)
{
    const struct plan *p = b->p;
    const struct plan_layer *to = &p->layer[p->core[st->to].plan_layer];

    switch (st->kind) {
    case STREAM_IMAGE:
    case STREAM_IMAGE_RESIDUAL:
        return (uint32_t)ceil_div((uint64_t)to->in_height * to->in_width, p->interval);
    case STREAM_RESIDUAL:
    case STREAM_TO_RESAMPLING:
        return b->t->read_back[st->read_back].most_pixels;
    case STREAM_PARTIAL_SUM:
        return b->t->core[st->from].most_outputs;
    default: // results; of a pooled layer the one pixel
        return plan_network_layer(p, p->core[st->from].plan_layer)->pooled
                   ? 1
                   : b->t->core[st->from].most_outputs;
    }
}

/* Clocks of a core of a layer of tokens in one of the timesteps that a token takes. */
static uint64_t token_clocks(const struct plan *p, const struct plan_core *core)
{
    const struct layer *l = plan_network_layer(p, core->plan_layer);
    uint64_t most = 0;

    for (uint32_t column = 0; column < l->out.width; column++) {
        struct token_work work = tokens_work(p, core->plan_layer, core->split, 0, column);
        most = max_u64(most, ceil_div(tokens_clocks(p, core->plan_layer, &work),
                                      plan_lasts(p, core->plan_layer, 0, column)));
    }
    return most;
}

/* Most pixels that each stream carries, and the stages that follow from firings. */
static void firings_use(const struct budget *b)
{
    const struct plan *p = b->p;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *core = &p->core[i];
        struct core_times *use = &b->t->core[i];
        if (core->rows > 0)
            use->used_clk[STAGE_CROSSBAR] =
                stage_array_clocks(p->config, &p->layer[core->plan_layer].array, core->rows,
                                   core->columns);
        use->most_outputs = core->part + core->split == 0
                                ? most_outputs(b->s, core->plan_layer, core->copy)
                                : b->t->core[i - 1].most_outputs;
        if (core->part + 1 == p->layer[core->plan_layer].parts)
            use->used_clk[STAGE_DIGITAL] =
                stage_clocks(p->config, STAGE_DIGITAL, digital_ops(b, i));
        if (layer_is_of_tokens(plan_network_layer(p, core->plan_layer)))
            use->used_clk[STAGE_DIGITAL] =
                core->split > 0 ? use[-1].used_clk[STAGE_DIGITAL] : token_clocks(p, core);
    }
    for (uint32_t i = 0; i < p->n_stream; i++)
        b->t->stream[i].most_pixels = most_pixels(b, &p->stream[i]);
}

/* What would make the stage fit in every core: the configuration's key and the least value. */
static void cure(const struct budget *b, enum stage stage, char *text, size_t size)
{
    const struct plan *p = b->p;
    uint64_t ops = 0, bits = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        ops = max_u64(ops, digital_ops(b, i));
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (between_cores(&p->stream[i]) && stream_stage(p->stream[i].kind) == stage)
            bits = max_u64(bits, stream_bits(b, i));
    uint64_t bps = stage_least_bps(p->config, bits, p->timestep_clk);
    switch (stage) {
    case STAGE_CROSSBAR:
        if (p->config->crossbar.mvm_ns != MVM_AUTO)
            snprintf(text, size, ", or core.crossbar.mvm_ns = %" PRIu64, p->config->timestep_ns);
        break;
    case STAGE_DIGITAL:
        snprintf(text, size, ", or core.digital.lanes = %" PRIu64, ceil_div(ops, p->timestep_clk));
        break;
    case STAGE_LINK:
        snprintf(text, size, ", or fabric.link_gbps = %s", param_rate_text(bps).text);
        break;
    case STAGE_PARTIAL_SUM:
        snprintf(text, size, ", or fabric.partial_sum_gbps = %s", param_rate_text(bps).text);
        break;
    case STAGE_MEMORY: // plan_make() looks for words that do
    case N_STAGE:
        break;
    }
}

/* Timestep in which every stage of every core fits, and every chain without hops. */
static uint64_t least_timestep_ns(const struct budget *b)
{
    const struct plan *p = b->p;
    uint64_t clk = p->timestep_clk + 1;

    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            clk = max_u64(clk, b->t->core[i].used_clk[k]);
    for (uint32_t i = 0; i < p->n_layer; i++)
        clk = max_u64(clk, p->hops[i].sums == 0 ? p->layer[i].parts : 0);
    return stage_least_ns(p->config, clk);
}

/* Whether stages of no other kind do not fit. */
static bool is_alone(const struct budget *b, enum stage stage)
{
    for (uint32_t i = 0; i < b->p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            if (k != stage && b->t->core[i].used_clk[k] > b->p->timestep_clk)
                return false;
    return true;
}

static enum err refuse_stage(const struct budget *b, uint32_t core, enum stage stage,
                             struct err_msg *m)
{
    const struct plan *p = b->p;
    char other[128] = "";

    if (is_alone(b, stage))
        cure(b, stage, other, sizeof other);
    return PLAN_REFUSE(p, "clocking.timestep_ns", m,
                       "core %s: %s needs %" PRIu64 " clocks in its worst timestep, "
                       "clocking.timestep_ns = %" PRIu64 " has %" PRIu64
                       ": want clocking.timestep_ns = %" PRIu64 "%s",
                       p->core[core].name, stage_name(stage), b->t->core[core].used_clk[stage],
                       p->config->timestep_ns, p->timestep_clk, least_timestep_ns(b), other);
}

static enum err check(const struct budget *b, struct err_msg *m)
{
    const struct plan *p = b->p;

    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            if (b->t->core[i].used_clk[k] > p->timestep_clk)
                return refuse_stage(b, i, (enum stage)k, m);
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (p->hops[i].sums == 0 && p->layer[i].parts > p->timestep_clk)
            return PLAN_REFUSE(p, "fabric.partial_sum_hops", m,
                           "layer %s: a chain of %u partial sums without hops takes a clock each, "
                           "a timestep has %" PRIu64 ": want fabric.partial_sum_hops = 1",
                           plan_layer_name(p, i), p->layer[i].parts, p->timestep_clk);
    return ERR_NONE;
}

/* Timesteps that one core's stages would take one after the other, beyond the one they have. */
static uint64_t extra_timesteps(const struct budget *b, uint32_t core)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < N_STAGE; k++)
        sum += b->t->core[core].used_clk[k];
    return ceil_div(max_u64(sum, 1), b->p->timestep_clk) - 1;
}

/* Timestep in which the layer delivers the last pixel of the first image. */
static int64_t last_done(const struct dry_run *s, uint32_t layer)
{
    const struct shape map = layer_delivers(plan_network_layer(s->plan, layer));
    struct column_times c = dry_run_done(s, layer, 0, map.width - 1);

    return column_time(&c, map.height - 1);
}

/* The layers that set the latency, back from the result: of several inputs the latest. */
static uint64_t pipeline(const struct budget *b)
{
    const struct plan *p = b->p;
    const struct dry_run *s = b->s;
    uint32_t layer = p->n_layer - 1;
    uint64_t timesteps = 0;

    for (;;) {
        const struct plan_layer *pl = &p->layer[layer];
        const struct layer *l = plan_network_layer(p, layer);
        uint64_t worst = 0, chain = 0;
        for (uint32_t k = 0; k < pl->n_core; k++) {
            uint32_t core = pl->first_core + k;
            chain = (p->core[core].part == 0 ? 0 : chain) + extra_timesteps(b, core);
            worst = max_u64(worst, chain);
        }
        timesteps += worst;
        if (pl->feed == FEED_SCRATCHPAD)
            return timesteps;
        uint32_t latest = l->input[0];
        for (uint32_t i = 1; i < l->n_input; i++)
            if (last_done(s, l->input[i] - 1) > last_done(s, latest - 1))
                latest = l->input[i];
        layer = latest - 1;
    }
}

enum err timestep_budget(struct timetable *t, const struct plan *p, const struct dry_run *s,
                         enum thorough thorough, struct err_msg *m)
{
    struct budget b = { t, p, s };

    firings_use(&b);
    streams_use(&b);
    enum err e = timestep_memory_ports(t, p, s, thorough, m);
    if (!e)
        e = check(&b, m);
    if (!e)
        t->pipeline_timesteps = pipeline(&b);
    return e;
}
