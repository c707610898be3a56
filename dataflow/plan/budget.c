/* dataflow/plan/budget.c -- what each stage of each core does in its worst timestep
 * (docs/accelerator.md, section 4):
 *
 *     memory     one clock per word written or read, read-back included, one port
 *     crossbar   mvm_ns
 *     digital    ceil(outputs / lanes)
 *     links      ceil(bits * clock / rate), every stream on its own
 *
 * Stages are budgets, checked one by one: each must fit a timestep by itself. The timesteps of the
 * memory's accesses are those of the dry run, over as many images as make the pattern repeat. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/passes.h"
#include "memory/registers.h"
#include "noc/fabric.h"

#define NS_PER_S UINT64_C(1000000000)

/* Clocks of one memory, timestep by timestep. When every image repeats the one before it, all of
 * them fold onto the timesteps of as many as make the words repeat too. */
struct port {
    uint32_t *clk;  // [n]
    int64_t   base; // timestep of clk[0]
    size_t    n, room;
    bool      folded;
};

static void port_use(struct port *port, int64_t t, uint32_t words)
{
    size_t at = (size_t)(t - port->base);

    assert(t >= port->base);
    while (port->folded && at >= port->n)
        at -= port->n;
    if (at < port->n)
        port->clk[at] += words;
}

/* Images whose words differ: the slots of an image's pixels repeat after K images, and with words
 * that are never shared they do not matter. */
static uint32_t different_images(const struct plan_core *core)
{
    return core->layout.placing == &place_plip ? 1 : core->layout.shape.columns;
}

/* Unfolded, as many more as overlap with one. */
static uint32_t images_watched(const struct plan *p, const struct plan_core *core)
{
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    uint32_t overlap = (uint32_t)((pl->last_timestep - pl->first_timestep) / p->interval) + 2;

    if (p->transient_images == 1)
        return different_images(core);
    return p->transient_images - 1 + different_images(core) + overlap;
}

/* The words that a stream's slice of pixel (x, c) takes. */
static uint32_t slice_words(const struct plan *p, const struct plan_stream *stream, uint32_t x,
                            uint64_t c)
{
    const struct plan_core *core = &p->core[stream->to];

    return memory_write_words(&core->layout, x, c, stream->to_first - core->in_first, stream->n);
}

/* Whether the stream carries pixel column y of the receiver's map. */
static bool carries(const struct plan *p, const struct plan_stream *stream, uint32_t y)
{
    const struct plan_core *to = &p->core[stream->to];

    if (stream->kind == STREAM_TO_RESAMPLING)
        return plan_owner(p, to->plan_layer, y) == to->copy;
    if (stream->kind == STREAM_IMAGE)
        return true;
    const struct plan_core *from = &p->core[stream->from];
    return plan_network_layer(p, from->plan_layer)->pooled ||
           plan_owner(p, from->plan_layer, y) == from->copy;
}

/* In FORWARD streams of concatenated layers each slice has its own time. */
static int64_t arrives(const struct plan *p, const struct schedule *s,
                       const struct plan_stream *stream, uint32_t image, uint32_t x, uint32_t y)
{
    if (stream->kind != STREAM_FORWARD)
        return schedule_stored(s, p->core[stream->to].plan_layer, image, x, y);
    return schedule_done(s, p->core[stream->from].plan_layer, image, x, y) +
           p->config->fabric.hop_timesteps;
}

static void stored_by(const struct plan *p, const struct schedule *s,
                      const struct plan_stream *stream, uint32_t n_image, struct port *port)
{
    const struct plan_layer *pl = &p->layer[p->core[stream->to].plan_layer];

    for (uint32_t image = 0; image < n_image; image++)
        for (uint32_t y = 0; y < pl->in_width; y++)
            for (uint32_t x = 0; carries(p, stream, y) && x < pl->in_height; x++)
                port_use(port, arrives(p, s, stream, image, x, y),
                         slice_words(p, stream, x, (uint64_t)image * pl->in_width + y));
}

static void read_for_crossbar(const struct plan *p, const struct schedule *s,
                              const struct plan_core *core, uint32_t n_image, struct port *port,
                              struct input_registers *reg)
{
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    struct firing_shape shape = plan_firing_shape(p, core->plan_layer);
    struct pixel at = firing_first(pl->firing, &shape, core->copy, 0);

    registers_reset(reg);
    while (at.image < n_image) {
        struct pixel head = at;
        int64_t t = schedule_fired(s, core->plan_layer, at.image, at.x, at.y);
        registers_begin(reg, &head);
        do {
            registers_need(reg, &at);
            pl->firing->next(&shape, core->copy, &at);
        } while (firing_replica(pl->firing, &shape, &head, &at) < shape.n &&
                 schedule_fired(s, core->plan_layer, at.image, at.x, at.y) == t);
        for (const struct row_read *r = reg->read; r < reg->read + reg->n_read; r++)
            port_use(port, t,
                     memory_read_words(&core->layout, r->x, head.image * pl->in_width + r->y,
                                       r->columns));
    }
}

static void read_back_by(const struct plan *p, const struct plan_core *core,
                         const struct read_back *rb, uint32_t n_image, struct port *port)
{
    uint32_t width = p->layer[core->plan_layer].in_width;

    for (uint32_t image = 0; image < n_image; image++) {
        const struct read_back_send *row =
            rb->send + (size_t)min_u32(image, rb->n_image - 1) * rb->n;
        for (uint32_t i = 0; i < rb->n; i++)
            port_use(port, row[i].timestep + (int64_t)(image * p->interval),
                     memory_read_words(&core->layout, row[i].x * rb->stride[0],
                                       (uint64_t)image * width + row[i].y * rb->stride[1], 1));
    }
}

static enum err memory_use(struct plan *p, const struct schedule *s, uint32_t index,
                           const struct plan_stream *const *into, uint32_t n_into,
                           struct port *port, struct err_msg *m)
{
    struct plan_core *core = &p->core[index];
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    struct firing_shape shape = plan_firing_shape(p, core->plan_layer);
    uint32_t n_image = images_watched(p, core);
    struct input_registers reg;

    if (!registers_init(&reg, &pl->window, pl->in_height, pl->in_width,
                        pl->firing->strip_width(&shape)))
        return err_set(m, ERR_MEMORY, "no memory for the plan's budgets");
    port->folded = p->transient_images == 1;
    port->n = port->folded ? different_images(core) * p->interval : port->room;
    memset(port->clk, 0, port->n * sizeof *port->clk);
    for (uint32_t i = 0; i < n_into; i++)
        stored_by(p, s, into[i], n_image, port);
    read_for_crossbar(p, s, core, n_image, port, &reg);
    registers_release(&reg);
    for (uint32_t i = 0; core->group == 0 && i < p->n_read_back; i++)
        if (p->read_back[i].reader == core->plan_layer && p->read_back[i].reader_copy == core->copy)
            read_back_by(p, core, &p->read_back[i], n_image, port);
    for (size_t i = 0; i < port->n; i++)
        core->used_clk[STAGE_MEMORY] = max_u64(core->used_clk[STAGE_MEMORY], port->clk[i]);
    return ERR_NONE;
}

/* Cores that store the same slices at the same times do the same. */
static bool same_memory_use(const struct plan *p, uint32_t a, uint32_t b,
                            const struct plan_stream *const *into_a, uint32_t n_a,
                            const struct plan_stream *const *into_b, uint32_t n_b)
{
    const struct plan_core *x = &p->core[a], *y = &p->core[b];

    if (x->plan_layer != y->plan_layer || x->copy != y->copy || x->in_n != y->in_n || n_a != n_b ||
        (x->group == 0) != (y->group == 0))
        return false;
    for (uint32_t i = 0; i < n_a; i++)
        if (into_a[i]->n != into_b[i]->n || into_a[i]->kind != into_b[i]->kind ||
            (into_a[i]->kind == STREAM_FORWARD &&
             p->core[into_a[i]->from].plan_layer != p->core[into_b[i]->from].plan_layer) ||
            into_a[i]->to_first - x->in_first != into_b[i]->to_first - y->in_first)
            return false;
    return true;
}

static bool into_memory(const struct plan_stream *stream)
{
    return stream->kind == STREAM_IMAGE || stream->kind == STREAM_FORWARD ||
           stream->kind == STREAM_TO_RESAMPLING;
}

/* Streams into each core's memory: those of core i are list[begin[i]] .. list[begin[i + 1] - 1]. */
static bool sort_streams(const struct plan *p, const struct plan_stream ***list, uint32_t **begin)
{
    *list = calloc(p->n_stream, sizeof **list);
    *begin = calloc((size_t)p->n_core + 2, sizeof **begin);
    if (!*list || !*begin)
        return false;
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (into_memory(&p->stream[i]))
            (*begin)[p->stream[i].to + 2]++;
    for (uint32_t i = 0; i < p->n_core; i++)
        (*begin)[i + 2] += (*begin)[i + 1];
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (into_memory(&p->stream[i]))
            (*list)[(*begin)[p->stream[i].to + 1]++] = &p->stream[i];
    return true;
}

static enum err memories_use(struct plan *p, const struct schedule *s, struct err_msg *m)
{
    const struct plan_stream **list = NULL;
    uint32_t *begin = NULL, most = 0;
    struct port port = { .base = -(int64_t)p->lead };
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < p->n_core; i++)
        most = max_u32(most, images_watched(p, &p->core[i]));
    port.room = p->lead + p->first_result + (most + 1) * p->interval;
    port.clk = calloc(port.room, sizeof *port.clk);
    if (!port.clk || !sort_streams(p, &list, &begin))
        e = err_set(m, ERR_MEMORY, "no memory for the plan's budgets");
    for (uint32_t i = 0; !e && i < p->n_core; i++) {
        uint32_t n = begin[i + 1] - begin[i];
        if (i > 0 && same_memory_use(p, i, i - 1, list + begin[i], n, list + begin[i - 1],
                                     begin[i] - begin[i - 1]))
            p->core[i].used_clk[STAGE_MEMORY] = p->core[i - 1].used_clk[STAGE_MEMORY];
        else
            e = memory_use(p, s, i, list + begin[i], n, &port, m);
    }
    free(list);
    free(begin);
    free(port.clk);
    return e;
}

/* Most outputs in one firing of a copy. */
static uint32_t most_outputs(const struct plan *p, const struct schedule *s, uint32_t layer,
                             uint32_t copy)
{
    struct firing_shape shape = plan_firing_shape(p, layer);
    const struct firing_policy *f = p->layer[layer].firing;
    struct pixel at = firing_first(f, &shape, copy, 0);
    int64_t before = INT64_MIN;
    uint32_t run = 0, most = 0;

    for (; at.image <= s->n_image && most < shape.n; f->next(&shape, copy, &at)) {
        int64_t t = schedule_fired(s, layer, at.image, at.x, at.y);
        run = t == before ? run + 1 : 1;
        most = max_u32(most, run);
        before = t;
    }
    return most;
}

static enum err streams_use(struct plan *p, struct err_msg *m)
{
    const struct config *c = p->config;
    struct fabric_rates rates = {
        .clock_hz = (uint64_t)c->clock_mhz * 1000000,
        .link_bps = c->fabric.link_bps,
        .partial_sum_bps = c->fabric.partial_sum_bps,
        .hop_timesteps = c->fabric.hop_timesteps,
        .partial_sum_hops = c->fabric.partial_sum_hops,
    };
    const struct fabric *fabric;
    enum err e = policies_fabric(&fabric, c, m);
    if (e)
        return plan_blame(p, "fabric.kind", m);

    struct fabric_link *link = calloc(p->n_stream, sizeof *link);
    struct fabric_use *use = calloc(p->n_stream, sizeof *use);
    for (uint32_t i = 0; link && i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        link[i] = (struct fabric_link){
            .from = st->kind == STREAM_IMAGE ? FABRIC_EDGE : st->from,
            .to = st->kind == STREAM_RESULT ? FABRIC_EDGE : st->to,
            .payload = st->kind == STREAM_PARTIAL_SUM ? FABRIC_PARTIAL_SUMS : FABRIC_PIXELS,
            .bits = (uint64_t)st->most_pixels * st->n * st->value_bits,
        };
    }
    e = link && use ? fabric->carry(&rates, link, p->n_stream, use, m)
                    : err_set(m, ERR_MEMORY, "no memory for the plan's links");
    for (uint32_t i = 0; !e && i < p->n_stream; i++) {
        struct plan_stream *st = &p->stream[i];
        st->rate_bps = use[i].rate_bps;
        st->used_clk = use[i].clocks;
        if (st->kind == STREAM_IMAGE || st->kind == STREAM_RESULT)
            continue; // not between two cores
        enum stage stage = st->kind == STREAM_PARTIAL_SUM ? STAGE_PARTIAL_SUM : STAGE_LINK;
        uint64_t *core = &p->core[st->from].used_clk[stage];
        *core = max_u64(*core, st->used_clk);
    }
    free(link);
    free(use);
    return e;
}

/* Operations of a core's digital processor in its worst timestep, each of one lane and one clock:
 * outputs are scaled, or pixels of a window compared or added. */
static uint64_t digital_ops(const struct plan *p, const struct plan_core *core)
{
    const struct layer *l = plan_network_layer(p, core->plan_layer);
    uint64_t pixels =
        layer_is_digital(l) ? (uint64_t)l->window.kernel[0] * l->window.kernel[1] : 1;

    return core->most_outputs * pixels * core->out_n;
}

/* Most pixels that each stream carries, and the stages that follow from it. */
static void firings_use(struct plan *p, const struct schedule *s)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        struct plan_core *core = &p->core[i];
        const struct plan_layer *pl = &p->layer[core->plan_layer];
        if (core->rows > 0)
            config_clocks(core->crossbar.mvm_ns, p->config->clock_mhz,
                          &core->used_clk[STAGE_CROSSBAR]);
        core->most_outputs = core->part + core->group == 0
                                 ? most_outputs(p, s, core->plan_layer, core->copy)
                                 : p->core[i - 1].most_outputs;
        if (core->part + 1 == pl->parts)
            core->used_clk[STAGE_DIGITAL] = ceil_div(digital_ops(p, core), core->digital.lanes);
    }
    for (uint32_t i = 0; i < p->n_stream; i++) {
        struct plan_stream *st = &p->stream[i];
        if (st->kind == STREAM_RESIDUAL || st->kind == STREAM_TO_RESAMPLING)
            st->most_pixels = p->read_back[st->read_back].most_pixels;
        else if (st->kind == STREAM_PARTIAL_SUM ||
                 (st->kind != STREAM_IMAGE &&
                  !plan_network_layer(p, p->core[st->from].plan_layer)->pooled))
            st->most_pixels = p->core[st->from].most_outputs;
        else if (st->kind != STREAM_IMAGE)
            st->most_pixels = 1; // the pooled one
    }
}

/* Least rate at which the core's links of a stage fit the timestep. */
static uint64_t least_rate_bps(const struct plan *p, const struct plan_core *core, enum stage stage)
{
    uint64_t most_bits = 0;

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        bool sums = st->kind == STREAM_PARTIAL_SUM;
        if (st->kind != STREAM_IMAGE && st->kind != STREAM_RESULT && &p->core[st->from] == core &&
            sums == (stage == STAGE_PARTIAL_SUM))
            most_bits = max_u64(most_bits, (uint64_t)st->most_pixels * st->n * st->value_bits);
    }
    return ceil_div(most_bits * NS_PER_S, p->config->timestep_ns);
}

/* What would make the stage fit: the configuration's key and the least value. */
static void cure(const struct plan *p, const struct plan_core *core, enum stage stage, char *text,
                 size_t size)
{
    const struct config *c = p->config;
    uint64_t used = core->used_clk[stage];
    uint64_t least_ns = ceil_div(used * 1000, c->clock_mhz);

    while (least_ns * c->clock_mhz % 1000 != 0)
        least_ns++;
    int n = snprintf(text, size, "clocking.timestep_ns = %" PRIu64, least_ns);
    text += n;
    size -= (size_t)n;
    switch (stage) {
    case STAGE_MEMORY:
        snprintf(text, size, ", or a larger core.input_memory.word_bits than %u",
                 core->memory.word_bits);
        break;
    case STAGE_CROSSBAR:
        snprintf(text, size, ", or core.crossbar.mvm_ns = %" PRIu64, c->timestep_ns);
        break;
    case STAGE_DIGITAL:
        snprintf(text, size, ", or core.digital.lanes = %" PRIu64,
                 ceil_div(digital_ops(p, core), p->timestep_clk));
        break;
    case STAGE_LINK:
        snprintf(text, size, ", or fabric.link_gbps = %s",
                 param_rate_text(least_rate_bps(p, core, stage)).text);
        break;
    case STAGE_PARTIAL_SUM:
        snprintf(text, size, ", or fabric.partial_sum_gbps = %s",
                 param_rate_text(least_rate_bps(p, core, stage)).text);
        break;
    case N_STAGE:
        break;
    }
}

static enum err check(const struct plan *p, struct err_msg *m)
{
    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++) {
            char text[256];
            if (p->core[i].used_clk[k] <= p->timestep_clk)
                continue;
            cure(p, &p->core[i], (enum stage)k, text, sizeof text);
            return PLAN_REFUSE(p, "clocking.timestep_ns", m,
                           "core %s: %s needs %" PRIu64 " clocks in its worst timestep, "
                           "clocking.timestep_ns = %" PRIu64 " has %" PRIu64 ": want %s",
                           p->core[i].name, stage_name((enum stage)k), p->core[i].used_clk[k],
                           p->config->timestep_ns, p->timestep_clk, text);
        }
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (p->config->fabric.partial_sum_hops == 0 && p->layer[i].parts > p->timestep_clk)
            return PLAN_REFUSE(p, "fabric.partial_sum_hops", m,
                           "layer %s: a chain of %u partial sums without hops takes a clock each, "
                           "a timestep has %" PRIu64 ": want fabric.partial_sum_hops = 1",
                           plan_layer_name(p, i), p->layer[i].parts, p->timestep_clk);
    return ERR_NONE;
}

/* Timesteps that one core's stages would take one after the other, beyond the one they have. */
static uint64_t extra_timesteps(const struct plan *p, const struct plan_core *core)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < N_STAGE; k++)
        sum += core->used_clk[k];
    return ceil_div(max_u64(sum, 1), p->timestep_clk) - 1;
}

/* The layers that set the latency, back from the result: of several inputs the latest. */
static void pipeline(struct plan *p, const struct schedule *s)
{
    uint32_t layer = p->n_layer - 1;

    p->pipeline_timesteps = 0;
    for (;;) {
        const struct plan_layer *pl = &p->layer[layer];
        const struct layer *l = plan_network_layer(p, layer);
        uint64_t worst = 0, chain = 0;
        for (uint32_t k = 0; k < pl->n_core; k++) {
            const struct plan_core *core = &p->core[pl->first_core + k];
            chain = (core->part == 0 ? 0 : chain) + extra_timesteps(p, core);
            worst = max_u64(worst, chain);
        }
        p->pipeline_timesteps += worst;
        if (pl->feed == FEED_SCRATCHPAD)
            return;
        uint32_t latest = l->input[0];
        for (uint32_t i = 1; i < l->n_input; i++)
            if (schedule_done(s, l->input[i] - 1, 0, pl->in_height - 1, pl->in_width - 1) >
                schedule_done(s, latest - 1, 0, pl->in_height - 1, pl->in_width - 1))
                latest = l->input[i];
        layer = latest - 1;
    }
}

enum err plan_budget(struct plan *p, const struct schedule *s, struct err_msg *m)
{
    firings_use(p, s);
    enum err e = streams_use(p, m);
    if (!e)
        e = memories_use(p, s, m);
    if (!e)
        e = check(p, m);
    if (!e)
        pipeline(p, s);
    return e;
}
