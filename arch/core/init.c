/* arch/core/init.c -- makes a core from the plan, connects and releases it; see imc_core.h. */
#include <stdlib.h>
#include <string.h>

#include "arch/analog/chip.h"
#include "arch/core/imc_core.h"
#include "arch/core/read_back.h"
#include "core/util.h"
#include "dataflow/plan/tokens.h"
#include "network/precision.h"

enum { ACC_SLACK = 64 }; // ints behind the sums of outputs that may be read

/* ---- specification ---- */

/* Firings whose sums wait for those of the parts before: one in each timestep that these are on
 * their way, and no more than the images of that time have. */
static uint32_t sums_on_their_way(const struct plan *p, const struct plan_core *pc)
{
    const struct shape *out = &p->network->layer[p->layer[pc->plan_layer].layer].out;
    uint64_t timesteps = (uint64_t)pc->part * p->hops[pc->plan_layer].sums + 1;
    uint64_t images = ceil_div(timesteps, p->interval) + 1;

    return (uint32_t)min_u64(timesteps, images * out->height * out->width);
}

static bool reads_sums(const struct network *n, const struct layer *l)
{
    bool sums = false;

    for (uint32_t i = 0; i < l->n_input; i++)
        sums |= n->layer[l->input[i]].raw_output;
    return sums;
}

/* A sum is one of four bytes in planes of their own, for each stream. */
static uint32_t memory_planes(const struct imc_spec *s)
{
    return s->of_sums ? planes_streams(&s->planes) * SUM_PLANES : s->planes.n;
}

static struct imc_spec *spec_new(const struct plan *p, uint32_t core, const struct core_cfg *cfg)
{
    const struct plan_core *pc = &p->core[core];
    const struct plan_layer *pl = &p->layer[pc->plan_layer];
    const struct layer *l = plan_network_layer(p, pc->plan_layer);
    const bool adds = l->has_residual && pc->part + 1 == pl->parts;
    const struct layer_times *times = &p->time.layer[pc->plan_layer];
    struct imc_spec *s = malloc(sizeof *s);

    if (s)
        *s = (struct imc_spec){
            .plan = p,
            .pc = pc,
            .pl = pl,
            .layer = l,
            .index = core,
            .planes = cfg->planes,
            .first_image = cfg->first_image,
            .timestep_clk = p->timestep_clk,
            .in_n = pc->in_n,
            .out_n = pc->out_n,
            .in_width = pl->in_width,
            .rotation = memory_rotation(&p->time.core[core].layout, pl->in_width),
            .tokens = layer_is_of_tokens(l),
            .folds = plan_folds(p, pc->plan_layer),
            .adds = adds,
            .in_signed = p->network->layer[l->input[0]].out_signed,
            .of_sums = cfg->planes.n > 0 && !cfg->proof && reads_sums(p->network, l),
            .result_bytes = l->raw_output ? 4 * pc->out_n : pc->out_n,
            .sums_room = adds ? times->sums_waiting : sums_on_their_way(p, pc),
            .waiting_room = adds ? times->residual_fifo : 0,
            .proof = cfg->proof,
        };
    return s;
}

/* ---- state ---- */

static bool init_sums(struct imc_core *c)
{
    const struct imc_spec *s = c->spec;
    uint32_t most = s->pl->replicas.n, planes = s->planes.n;

    c->acc_plane = (size_t)most * s->out_n;
    if (!s->proof) // whose marks are written one by one
        c->acc_plane += (c->array ? c->array->n_write : 0) + ACC_SLACK;
    c->sums = calloc(s->sums_room, sizeof *c->sums);
    c->acc = calloc((planes > 0 ? (size_t)s->sums_room * planes : 1) * c->acc_plane,
                    sizeof *c->acc);
    for (uint32_t i = 0; c->sums && c->acc && i < s->sums_room; i++) {
        c->sums[i].place = calloc(most, sizeof *c->sums[i].place);
        c->sums[i].acc = c->acc + (size_t)i * planes * c->acc_plane; // without values all are one
        if (!c->sums[i].place)
            return false;
    }
    return c->sums && c->acc;
}

static bool init_waiting(struct imc_core *c)
{
    const struct imc_spec *s = c->spec;

    if (!s->adds)
        return true;
    c->waiting = calloc(s->waiting_room, sizeof *c->waiting);
    for (uint32_t i = 0; c->waiting && s->planes.n > 0 && i < s->waiting_room; i++) {
        c->waiting[i].value = calloc(s->planes.n, s->out_n);
        if (!c->waiting[i].value)
            return false;
    }
    return c->waiting != NULL;
}

static bool init_read_backs(struct imc_core *c)
{
    const struct imc_spec *s = c->spec;
    const struct plan *p = s->plan;
    bool sends = s->pc->split == 0; // all splits hold the same pixels

    c->read_back = calloc(max_u32(p->n_read_back, 1), sizeof *c->read_back);
    for (uint32_t i = 0; c->read_back && sends && i < p->n_read_back; i++) {
        const struct read_back *rb = &p->read_back[i];
        if (rb->reader != s->pc->plan_layer || rb->reader_copy != s->pc->copy)
            continue;
        struct core_read_back *own = &c->read_back[c->n_read_back++];
        *own = (struct core_read_back){ .who = rb, .times = &p->time.read_back[i],
                                        .image = s->first_image };
        read_back_set_due(s, own);
    }
    return c->read_back != NULL;
}

static bool init_state(struct imc_core *c)
{
    return init_sums(c) && init_waiting(c) && init_read_backs(c);
}

static bool init_scratch(struct imc_core *c)
{
    const struct imc_spec *s = c->spec;
    uint32_t most = s->pl->replicas.n, planes = max_u32(1, s->planes.n);

    c->scratch = (struct imc_scratch){
        .used = calloc(most, sizeof *c->scratch.used),
        .in = calloc(planes, sizeof *c->scratch.in),
        .acc = calloc((size_t)planes * (c->array && !s->proof ? c->array->n_write : s->out_n),
                      sizeof(int32_t)),
        .result = calloc((size_t)most * planes, s->result_bytes),
        .pixel = calloc(planes, s->in_n),
        .sums = s->of_sums ? calloc(memory_planes(s), s->in_n) : NULL,
        .window = calloc(1 + 2 * (size_t)c->matrix.patch_n, sizeof *c->scratch.window),
        .weighed_image = UINT64_MAX,
    };
    return c->scratch.used && c->scratch.in && c->scratch.acc &&
           c->scratch.result && c->scratch.pixel && c->scratch.window &&
           (c->scratch.sums || !s->of_sums);
}

/* Of a layer of tokens with values or in proof. */
static bool init_tokens(struct imc_core *c)
{
    const struct imc_spec *s = c->spec;
    struct imc_tokens *t = &c->tokens;

    if (!s->tokens || s->planes.n == 0)
        return true;
    if (s->proof)
        return memory_keep_known(&c->memory);
    t->most = s->pl->in_height * s->in_width;
    t->byte = calloc((size_t)memory_planes(s) * t->most, s->in_n);
    t->code = calloc((size_t)t->most * s->in_n, sizeof *t->code);
    t->token = calloc(t->most, sizeof *t->token);
    t->number = calloc(t->most, sizeof *t->number);
    t->room = malloc(max_u64(token_room(s->layer, t->most), 1));
    for (uint32_t i = 0; t->code && t->token && i < t->most; i++)
        t->token[i] = t->code + (size_t)i * s->in_n;
    return t->byte && t->code && t->token && t->number && t->room;
}

static void release_tokens(struct imc_tokens *t)
{
    free(t->byte);
    free(t->code);
    free(t->token);
    free(t->number);
    free(t->room);
}

/* ---- array and digital processor ---- */

/* Sum of the weights of each output times the input's zero point, to be taken off its sums. */
static bool init_zero_sum(struct imc_core *c)
{
    const struct layer *l = c->spec->layer;
    const struct plan_core *pc = c->spec->pc;
    size_t positions = c->matrix.patch_n;
    uint32_t in = l->in.channels / l->groups; // channels that an output sees

    if (l->in_zero == 0)
        return true;
    c->zero_sum = calloc(pc->out_n, sizeof *c->zero_sum);
    for (uint32_t o = 0; c->zero_sum && o < pc->out_n; o++) {
        size_t first = (size_t)(pc->out_first + o) * in * positions + pc->row_first;
        for (size_t i = 0; i < pc->row_n; i++)
            c->zero_sum[o] += (int64_t)l->in_zero * layer_weight(l, first + i);
    }
    return c->zero_sum != NULL;
}

static bool program_matrix(struct imc_core *c, const struct core_cfg *cfg, void *weight,
                           const struct analog_weights *const *analog)
{
    const struct imc_spec *s = c->spec;
    const struct imc_array_kind *kind = cfg->array ? cfg->array : imc_array_of(&s->pl->array);
    const struct precision bits = network_precision(s->plan->network);
    const struct array_matrix matrix = {
        .kind = kind,
        .spec = &s->pl->array,
        .ranges = cfg->ranges,
        .core = s->index,
        .rows = s->pc->rows,
        .columns = s->pc->columns,
        .outputs = s->out_n,
        .weight = s->planes.wide ? NULL : weight,
        .wide_weight = s->planes.wide ? weight : NULL,
        .in_signed = s->in_signed,
        .value_bits = bits.value_bits,
        .weight_bits = bits.weight_bits,
        .planes = planes_streams(&s->planes),
        .analog = analog,
        .simd = cfg->simd,
    };

    if (weight && s->planes.wide)
        kernel_matrix_wide_weights(&c->matrix, s->plan, s->index, weight);
    else if (weight)
        kernel_matrix_weights(&c->matrix, s->plan, s->index, weight);
    c->array = (analog ? &array_analog : kind)->program(&matrix);
    return c->array && (!weight || init_zero_sum(c));
}

static bool program_array(struct imc_core *c, const struct core_cfg *cfg)
{
    const struct imc_spec *s = c->spec;
    const bool values = s->planes.n > 0 && !s->proof;
    const struct analog_weights **analog = NULL;
    void *weight = NULL;

    if (values)
        weight = calloc((size_t)s->pc->rows * s->pc->columns,
                        s->planes.wide ? sizeof(int16_t) : sizeof(int8_t));
    if (values && cfg->analog)
        analog = calloc(s->planes.n, sizeof *analog);
    for (uint32_t p = 0; analog && p < s->planes.n; p++)
        analog[p] = &cfg->analog[p]->core[s->index];
    bool done = (!values || weight) && (!values || !cfg->analog || analog) &&
                program_matrix(c, cfg, weight, analog);
    free(analog);
    free(weight);
    return done;
}

/* An average's scale and offset, the same for all outputs, spread out for the digital processor. */
static bool init_average(struct imc_core *c)
{
    const struct layer *l = c->spec->layer;
    uint32_t n = c->spec->out_n;

    if (l->kind != LAYER_AVERAGE_POOL)
        return true;
    size_t entries = (size_t)layer_n_scale(l) * n;
    struct requant *q = &c->average;
    *q = (struct requant){ .m = calloc(entries, sizeof *q->m), .b = calloc(entries, sizeof *q->b),
                           .mr = calloc(entries, sizeof *q->mr),
                           .shift = calloc(entries, sizeof *q->shift) };
    if (!q->m || !q->b || !q->mr || !q->shift)
        return false;
    for (size_t i = 0; i < entries; i++) {
        q->m[i] = l->requant.m[i / n];
        q->b[i] = l->requant.b[i / n];
        q->mr[i] = l->requant.mr ? l->requant.mr[i / n] : 0;
        q->shift[i] = l->requant.shift[i / n];
    }
    return true;
}

static bool program_digital(struct imc_core *c, const struct core_cfg *cfg)
{
    const struct layer *l = c->spec->layer;
    uint32_t n = c->spec->out_n;

    if (c->spec->planes.n == 0)
        return true;
    if (c->spec->planes.wide) { // values go through it one by one
        c->wide_pool = calloc((size_t)planes_streams(&c->spec->planes) * n, sizeof *c->wide_pool);
        return c->wide_pool != NULL;
    }
    c->pool = calloc((size_t)c->spec->planes.n * n, sizeof *c->pool);
    if (!c->pool || c->spec->proof || c->spec->tokens)
        return c->pool != NULL;
    if (!init_average(c))
        return false;
    const struct requant *q = c->average.m ? &c->average : &l->requant;
    const uint32_t first = c->average.m ? 0 : c->spec->pc->out_first;
    c->digital = (struct digital){
        .n = c->average.m ? layer_n_scale(l) * n : n,
        .m = q->m ? q->m + first : NULL,
        .b = q->b + first,
        .mr = q->mr ? q->mr + first : NULL,
        .shift = q->shift ? q->shift + first : NULL,
        .r_zero = l->requant.r_zero,
        .r_signed = l->has_residual && c->spec->plan->network->layer[l->residual].out_signed,
        .zero = l->requant.zero,
        .low = l->requant.low,
        .high = l->requant.high,
        .function = l->function,
    };
    bool found = digital_select(&c->digital, cfg->simd); // which takes those of every window
    c->digital.n = n;
    return found;
}

/* ---- the core ---- */

bool imc_core_init(struct core *core, const struct core_cfg *cfg, bool multiplies)
{
    struct imc_core *c = (struct imc_core *)core;
    const struct plan *p = core->plan;
    const struct imc_spec *s = spec_new(p, core->site, cfg);

    if (!s)
        return false;
    c->spec = s;
    c->stream_bits = cfg->stream_bits;
    struct firing_shape shape = plan_firing_shape(p, s->pc->plan_layer);
    if (!memory_init(&c->memory, &p->time.core[s->index].layout, memory_planes(s)) ||
        !registers_init(&c->registers, &s->pl->window, s->pl->in_height, s->pl->in_width,
                        s->pl->firing->strip_width(&shape)) ||
        (!s->tokens &&
         !kernel_matrix_init(&c->matrix, p, s->index, s->planes.n, s->planes.wide)) ||
        (multiplies && !program_array(c, cfg)) || !program_digital(c, cfg) || !init_state(c) ||
        !init_scratch(c) || !init_tokens(c))
        return false;
    controller_init(&c->controller, p, s->pc->plan_layer, s->pc->copy, &c->memory, s->first_image);
    return true;
}

static void release_state(struct imc_core *c)
{
    for (uint32_t i = 0; c->sums && i < c->spec->sums_room; i++)
        free(c->sums[i].place);
    for (uint32_t i = 0; c->waiting && i < c->spec->waiting_room; i++)
        free(c->waiting[i].value);
    for (uint32_t i = 0; i < c->n_read_back; i++)
        free(c->read_back[i].out);
    free(c->sums);
    free(c->acc);
    free(c->waiting);
    free(c->read_back);
    free(c->pool);
    free(c->wide_pool);
}

static void release_scratch(struct imc_scratch *s)
{
    free(s->used);
    free(s->in);
    free(s->acc);
    free(s->result);
    free(s->pixel);
    free(s->sums);
    free(s->window);
}

void imc_core_release(struct core *core)
{
    struct imc_core *c = (struct imc_core *)core;

    release_state(c);
    release_scratch(&c->scratch);
    release_tokens(&c->tokens);
    memory_release(&c->memory);
    registers_release(&c->registers);
    kernel_matrix_release(&c->matrix);
    imc_array_release(c->array);
    free(c->zero_sum);
    requant_release(&c->average);
    free(c->ports.pixels);
    free(c->ports.residual);
    free(c->ports.out);
    free((void *)c->spec);
}

/* ---- ports ---- */

static struct port port_at(const struct imc_core *c, uint32_t stream, struct chan *chan,
                           uint32_t first)
{
    return port_of(c->spec->plan, stream, chan, first, c->spec->planes.n, c->stream_bits);
}

bool imc_core_connect_in(struct core *core, uint32_t stream, struct chan *chan)
{
    struct imc_core *c = (struct imc_core *)core;
    const struct plan_stream *st = &c->spec->plan->stream[stream];
    struct imc_ports *ports = &c->ports;
    struct port port;

    switch (st->kind) {
    case STREAM_PARTIAL_SUM:
        ports->partial_in = port_at(c, stream, chan, 0);
        return true;
    case STREAM_RESIDUAL:
    case STREAM_FROM_RESAMPLING:
    case STREAM_IMAGE_RESIDUAL:
        port = port_at(c, stream, chan, st->to_first - c->spec->pc->out_first);
        return port_append(&ports->residual, &ports->n_residual, &port);
    default:
        port = port_at(c, stream, chan, st->to_first - c->spec->pc->in_first);
        return port_append(&ports->pixels, &ports->n_pixels, &port);
    }
}

bool imc_core_connect_out(struct core *core, uint32_t stream, struct chan *chan)
{
    struct imc_core *c = (struct imc_core *)core;
    const struct plan_stream *st = &c->spec->plan->stream[stream];
    struct port port;

    switch (st->kind) {
    case STREAM_PARTIAL_SUM:
        c->ports.partial_out = port_at(c, stream, chan, 0);
        return true;
    case STREAM_RESIDUAL:
    case STREAM_TO_RESAMPLING:
        port = port_at(c, stream, chan, st->first - c->spec->pc->in_first);
        for (uint32_t i = 0; i < c->n_read_back; i++)
            if (c->read_back[i].who == &c->spec->plan->read_back[st->read_back])
                return port_append(&c->read_back[i].out, &c->read_back[i].n_out, &port);
        return false;
    default:
        port = port_at(c, stream, chan, st->first - c->spec->pc->out_first);
        return port_append(&c->ports.out, &c->ports.n_out, &port);
    }
}
