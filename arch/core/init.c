/* arch/core/init.c -- builds a core from the plan; see imc_core.h. */
#include <stdlib.h>
#include <string.h>

#include "arch/core/imc_core.h"
#include "core/util.h"

enum { ACC_SLACK = 64 }; // ints behind the outputs of a multiplication that may be written

uint32_t stream_value_bytes(const struct plan *p, uint32_t stream)
{
    const struct plan_stream *st = &p->stream[stream];

    return st->n * st->value_bits / 8;
}

static bool init_sums(struct imc_core *c, uint32_t most)
{
    bool adds = c->layer->has_residual && c->pc->part + 1 == c->pl->parts;

    c->sums_room = adds ? c->pl->sums_waiting
                        : c->pc->part * c->plan->config->fabric.partial_sum_hops + 1;
    c->acc_plane = (size_t)most * c->pc->out_n + (c->array ? c->array->n_write : 0) + ACC_SLACK;
    c->sums = calloc(c->sums_room, sizeof *c->sums);
    for (uint32_t i = 0; c->sums && i < c->sums_room; i++) {
        c->sums[i].place = calloc(most, sizeof *c->sums[i].place);
        c->sums[i].acc = calloc(max_u32(1, c->planes.n) * c->acc_plane, sizeof *c->sums[i].acc);
        if (!c->sums[i].place || !c->sums[i].acc)
            return false;
    }
    return c->sums != NULL;
}

static bool init_waiting(struct imc_core *c)
{
    bool adds = c->layer->has_residual && c->pc->part + 1 == c->pl->parts;

    if (!adds)
        return true;
    c->waiting_room = c->pl->residual_fifo;
    c->waiting = calloc(c->waiting_room, sizeof *c->waiting);
    for (uint32_t i = 0; c->waiting && c->planes.n > 0 && i < c->waiting_room; i++) {
        c->waiting[i].value = calloc(c->planes.n, c->pc->out_n);
        if (!c->waiting[i].value)
            return false;
    }
    return c->waiting != NULL;
}

/* Sum of the weights of each output times the input's zero point, to be taken off its sums. */
static bool init_zero_sum(struct imc_core *c)
{
    const struct layer *l = c->layer;
    size_t positions = c->matrix.patch_n;
    uint32_t in = l->in.channels / l->groups; // channels that an output sees, some in this part

    if (l->in_zero == 0)
        return true;
    c->zero_sum = calloc(c->pc->out_n, sizeof *c->zero_sum);
    for (uint32_t o = 0; c->zero_sum && o < c->pc->out_n; o++) {
        const int8_t *weight = l->weight + ((size_t)(c->pc->out_first + o) * in +
                                            c->pc->in_first % in) * positions;
        for (size_t i = 0; i < min_u32(in, c->pc->in_n) * positions; i++)
            c->zero_sum[o] += l->in_zero * weight[i];
    }
    return c->zero_sum != NULL;
}

static bool input_is_signed(const struct imc_core *c)
{
    const struct network *n = c->plan->network;

    return n->layer[c->layer->input[0]].out_signed;
}

static bool program_array(struct imc_core *c, const struct imc_core_cfg *cfg)
{
    const struct imc_array_kind *kind = cfg->array ? cfg->array : imc_arrays[0];
    size_t bytes = c->planes.n > 0 ? (size_t)c->pc->rows * c->pc->columns : 0;
    int8_t *weight = calloc(bytes + 1, 1); // + 1: no failure in a timing run
    const struct array_matrix matrix = {
        .core = c->index,
        .rows = c->pc->rows,
        .columns = c->pc->columns,
        .outputs = c->pc->out_n,
        .weight = bytes > 0 ? weight : NULL,
        .in_signed = input_is_signed(c),
        .value_bits = 8,
        .weight_bits = 8,
        .planes = c->planes.n,
        .simd = cfg->crossbar_kernel,
    };

    if (weight && bytes > 0)
        kernel_matrix_weights(&c->matrix, c->plan, c->index, weight);
    c->array = weight ? kind->program(&matrix) : NULL;
    free(weight);
    if (!c->array || c->planes.n == 0)
        return c->array != NULL;
    c->in = calloc(c->planes.n, sizeof *c->in);
    c->acc = calloc((size_t)c->planes.n * c->array->n_write, sizeof *c->acc);
    return c->in && c->acc && init_zero_sum(c);
}

/* An average's scale and offset, the same for all outputs, spread out for the digital processor. */
static bool init_average(struct imc_core *c)
{
    const struct layer *l = c->layer;
    uint32_t n = c->pc->out_n;

    if (l->kind != LAYER_AVERAGE_POOL)
        return true;
    size_t entries = (size_t)layer_n_scale(l) * n;
    struct requant *q = &c->average;
    *q = (struct requant){.m = calloc(entries, sizeof *q->m), .b = calloc(entries, sizeof *q->b),
                          .mr = calloc(entries, sizeof *q->mr),
                          .shift = calloc(entries, sizeof *q->shift)};
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

static bool program_digital(struct imc_core *c, const char *kernel_name)
{
    const struct layer *l = c->layer;

    c->pool = calloc((size_t)c->planes.n * c->pc->out_n, sizeof *c->pool);
    if (!c->pool || !init_average(c))
        return false;
    const struct requant *q = c->average.m ? &c->average : &l->requant;
    uint32_t first = c->average.m ? 0 : c->pc->out_first;
    c->digital = (struct digital){
        .n = c->average.m ? layer_n_scale(l) * c->pc->out_n : c->pc->out_n,
        .m = q->m ? q->m + first : NULL,
        .b = q->b + first,
        .mr = q->mr ? q->mr + first : NULL,
        .shift = q->shift ? q->shift + first : NULL,
        .r_zero = l->requant.r_zero,
        .r_signed = l->has_residual && c->plan->network->layer[l->residual].out_signed,
        .zero = l->requant.zero,
        .low = l->requant.low,
        .high = l->requant.high,
    };
    bool found = digital_select(&c->digital, kernel_name); // which takes those of every window
    c->digital.n = c->pc->out_n;
    return found;
}

static bool program(struct imc_core *c, const struct imc_core_cfg *cfg)
{
    if (!c->is_digital && !program_array(c, cfg))
        return false;
    if (c->planes.n == 0)
        return true;
    c->window = calloc(c->matrix.patch_n, sizeof *c->window);
    return c->window && program_digital(c, cfg->crossbar_kernel);
}

static bool init_buffers(struct imc_core *c)
{
    uint32_t most = c->pl->replicas.n;

    c->result_bytes = c->layer->raw_output ? 4 * c->pc->out_n : c->pc->out_n;
    c->place = calloc(most, sizeof *c->place);
    c->used = calloc(most, sizeof *c->used);
    c->result = calloc((size_t)most * max_u32(1, c->planes.n), c->result_bytes);
    c->pixel = calloc(max_u32(1, c->planes.n), c->pc->in_n);
    return c->place && c->used && c->result && c->pixel && init_sums(c, most) && init_waiting(c);
}

static bool init_read_backs(struct imc_core *c)
{
    const struct plan *p = c->plan;
    bool sends = c->pc->group == 0; // all groups hold the same pixels

    c->read_back = calloc(max_u32(p->n_read_back, 1), sizeof *c->read_back);
    for (uint32_t i = 0; c->read_back && sends && i < p->n_read_back; i++) {
        const struct read_back *rb = &p->read_back[i];
        if (rb->reader != c->pc->plan_layer || rb->reader_copy != c->pc->copy)
            continue;
        struct core_read_back *own = &c->read_back[c->n_read_back++];
        *own = (struct core_read_back){ .table = rb, .image = c->first_image };
        imc_core_set_due(c, own);
    }
    return c->read_back != NULL;
}

bool imc_core_init(struct imc_core *c, const char *path, const struct imc_core_cfg *cfg)
{
    const struct plan *p = cfg->plan;
    const struct plan_core *pc = &p->core[cfg->index];
    const struct plan_layer *pl = &p->layer[pc->plan_layer];

    *c = (struct imc_core){
        .base = { .ops = &imc_core_ops, .path = path },
        .plan = p,
        .index = cfg->index,
        .pc = pc,
        .pl = pl,
        .layer = plan_network_layer(p, pc->plan_layer),
        .is_digital = layer_is_digital(plan_network_layer(p, pc->plan_layer)),
        .planes = cfg->planes,
        .weighed_image = UINT64_MAX,
        .first_image = cfg->first_image,
        .timestep_clk = p->timestep_clk,
        .hop_clk = p->config->fabric.hop_timesteps * p->timestep_clk,
        .fault = cfg->fault,
        .probe = cfg->probe,
    };
    struct firing_shape shape = plan_firing_shape(p, pc->plan_layer);
    if (!memory_init(&c->memory, &pc->layout, cfg->planes.n) ||
        !registers_init(&c->registers, &pl->window, pl->in_height, pl->in_width,
                        pl->firing->strip_width(&shape)) ||
        !kernel_matrix_init(&c->matrix, p, cfg->index, cfg->planes.n) || !program(c, cfg) ||
        !init_buffers(c) || !init_read_backs(c)) {
        imc_core_release(c);
        return false;
    }
    controller_init(&c->controller, p, pc->plan_layer, pc->copy, &c->memory, cfg->first_image);
    return true;
}

void imc_core_release(struct imc_core *c)
{
    for (uint32_t i = 0; c->sums && i < c->sums_room; i++) {
        free(c->sums[i].place);
        free(c->sums[i].acc);
    }
    for (uint32_t i = 0; c->waiting && i < c->waiting_room; i++)
        free(c->waiting[i].value);
    for (uint32_t i = 0; i < c->n_read_back; i++)
        free(c->read_back[i].out);
    memory_release(&c->memory);
    registers_release(&c->registers);
    kernel_matrix_release(&c->matrix);
    imc_array_release(c->array);
    free(c->pixels);
    free(c->residual);
    free(c->out);
    free(c->read_back);
    free(c->zero_sum);
    free(c->window);
    requant_release(&c->average);
    free(c->place);
    free(c->used);
    free(c->in);
    free(c->acc);
    free(c->result);
    free(c->pixel);
    free(c->sums);
    free(c->waiting);
    free(c->pool);
    *c = (struct imc_core){ 0 };
}

static bool append(struct core_port **port, uint32_t *n, const struct core_port *one)
{
    struct core_port *more = realloc(*port, (*n + 1) * sizeof *more);

    if (!more)
        return false;
    *port = more;
    more[(*n)++] = *one;
    return true;
}

static struct core_port port_of(const struct imc_core *c, uint32_t stream, struct chan *chan)
{
    const struct plan_stream *st = &c->plan->stream[stream];
    uint32_t bytes = stream_value_bytes(c->plan, stream);

    return (struct core_port){ .chan = chan, .stream = stream, .st = st, .n = st->n,
                               .value_bytes = c->planes.n * bytes, .plane_bytes = bytes };
}

bool imc_core_connect_in(struct imc_core *c, uint32_t stream, struct chan *chan)
{
    const struct plan_stream *st = &c->plan->stream[stream];
    struct core_port port = port_of(c, stream, chan);

    switch (st->kind) {
    case STREAM_PARTIAL_SUM:
        c->partial_in = port;
        return true;
    case STREAM_RESIDUAL:
    case STREAM_FROM_RESAMPLING:
        port.first = st->to_first - c->pc->out_first;
        return append(&c->residual, &c->n_residual, &port);
    default:
        port.first = st->to_first - c->pc->in_first;
        return append(&c->pixels, &c->n_pixels, &port);
    }
}

bool imc_core_connect_out(struct imc_core *c, uint32_t stream, struct chan *chan)
{
    const struct plan_stream *st = &c->plan->stream[stream];
    struct core_port port = port_of(c, stream, chan);

    switch (st->kind) {
    case STREAM_PARTIAL_SUM:
        c->partial_out = port;
        return true;
    case STREAM_RESIDUAL:
    case STREAM_TO_RESAMPLING:
        port.first = st->first - c->pc->in_first;
        for (uint32_t i = 0; i < c->n_read_back; i++)
            if (c->read_back[i].table == &c->plan->read_back[st->read_back])
                return append(&c->read_back[i].out, &c->read_back[i].n_out, &port);
        return false;
    default:
        port.first = st->first - c->pc->out_first;
        if (st->kind == STREAM_FROM_RESAMPLING) {
            port.to_layer = c->plan->core[st->to].plan_layer;
            port.to_copy = c->plan->core[st->to].copy;
        }
        return append(&c->out, &c->n_out, &port);
    }
}
