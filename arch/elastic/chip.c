/* arch/elastic/chip.c -- see elastic.h: sites of a plan, and their mail. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/core/core.h"
#include "arch/elastic/site.h"
#include "network/tokens/tokens.h"

/* ---- what streams carry ---- */

static uint32_t first_of_copy(const struct plan *p, uint32_t core)
{
    const struct plan_core *c = &p->core[core];

    return plan_core_of(p, c->plan_layer, c->copy, 0, 0);
}

static const struct order *outputs_of(const struct elastic_chip *c, uint32_t core)
{
    return &c->order[first_of_copy(c->plan, core)];
}

/* Of what a core delivers. */
static const struct order *delivered_by(const struct elastic_chip *c, uint32_t core)
{
    uint32_t layer = c->plan->core[core].plan_layer;

    return plan_network_layer(c->plan, layer)->pooled ? &c->pooled : outputs_of(c, core);
}

static const struct order *carried_by(const struct elastic_chip *c, const struct plan_stream *st)
{
    switch (st->kind) {
    case STREAM_IMAGE:
    case STREAM_IMAGE_RESIDUAL:
        return &c->image;
    case STREAM_PARTIAL_SUM:
    case STREAM_RESIDUAL:
    case STREAM_TO_RESAMPLING:
        return outputs_of(c, st->to);
    case STREAM_FORWARD:
    case STREAM_VALID:
    case STREAM_FROM_RESAMPLING:
    case STREAM_RESULT:
    case N_STREAM_KIND:
        break;
    }
    return delivered_by(c, st->from);
}

/* Pixels of the largest token that a core makes, and of the largest firing that takes them. */
static uint32_t most_outputs(const struct plan *p, uint32_t core)
{
    uint32_t layer = p->core[core].plan_layer;
    const struct firing_shape shape = plan_firing_shape(p, layer);

    return p->layer[layer].firing->most_outputs(&shape);
}

static uint32_t most_delivered(const struct elastic_chip *c, uint32_t core)
{
    uint32_t most = most_outputs(c->plan, core);

    return delivered_by(c, core) == &c->pooled ? 1 + (most - 1) / outputs_of(c, core)->n : most;
}

static void sizes(const struct elastic_chip *c, const struct plan_stream *st, uint32_t *size,
                  uint32_t *least)
{
    const struct elastic_cfg *e = c->cfg;

    switch (st->kind) {
    case STREAM_PARTIAL_SUM:
        *size = e->partial_sum_pixels;
        *least = max_u32(most_outputs(c->plan, st->from), most_outputs(c->plan, st->to));
        return;
    case STREAM_RESIDUAL:
    case STREAM_IMAGE_RESIDUAL:
        *size = e->residual_pixels;
        *least = most_outputs(c->plan, st->to);
        return;
    case STREAM_FROM_RESAMPLING:
        *size = e->residual_pixels;
        *least = max_u32(most_delivered(c, st->from), most_outputs(c->plan, st->to));
        return;
    case STREAM_FORWARD:
    case STREAM_VALID:
        *size = e->input_pixels;
        *least = most_delivered(c, st->from);
        return;
    case STREAM_IMAGE:
    case STREAM_TO_RESAMPLING:
    case STREAM_RESULT:
    case N_STREAM_KIND:
        break;
    }
    *size = e->input_pixels;
    *least = 1;
}

/* ---- sites ---- */

static uint32_t from_site(const struct elastic_chip *c, uint32_t stream)
{
    return core_stream_from(c->plan, stream);
}

/* Room for a site's links and intakes; n is then counted again as they are made. */
static bool make_room(struct elastic_chip *c)
{
    for (uint32_t i = 0; i < c->plan->n_stream; i++) {
        const struct plan_stream *st = &c->plan->stream[i];
        c->site[from_site(c, i)].n_link++;
        if (st->kind == STREAM_RESULT || st->kind == STREAM_PARTIAL_SUM)
            continue;
        struct site *to = &c->site[st->to];
        *(stream_is_added(st->kind) ? &to->n_added : &to->n_in) += 1;
    }
    for (uint32_t i = 0; i < c->n_site; i++) {
        struct site *s = &c->site[i];
        s->link = calloc(s->n_link + 1, sizeof *s->link);
        s->in = calloc(s->n_in + 1, sizeof *s->in);
        s->added = calloc(s->n_added + 1, sizeof *s->added);
        if (!s->link || !s->in || !s->added)
            return false;
        s->n_link = s->n_in = s->n_added = 0;
    }
    return true;
}

static bool make_backs(struct elastic_chip *c, struct site *s)
{
    const struct plan *p = c->plan;

    s->back = calloc(p->n_read_back + 1, sizeof *s->back);
    for (uint32_t i = 0; s->back && i < p->n_read_back; i++) {
        const struct read_back *rb = &p->read_back[i];
        if (s->pc->split > 0 || rb->reader != s->pc->plan_layer || rb->reader_copy != s->pc->copy)
            continue;
        uint32_t receiver = plan_core_of(p, rb->receiver, rb->receiver_copy, 0, 0), n = 0;
        for (uint32_t k = 0; k < p->n_stream; k++) {
            const struct plan_stream *st = &p->stream[k];
            bool back = st->kind == STREAM_RESIDUAL || st->kind == STREAM_TO_RESAMPLING;
            n += back && st->from == s->index && st->read_back == i;
        }
        struct back *b = &s->back[s->n_back++];
        *b = (struct back){ .who = rb, .order = outputs_of(c, receiver) };
        if (!send_buffer_init(&b->out, c->cfg->read_back_pixels, 1, n))
            return false;
    }
    return s->back != NULL;
}

static uint64_t array_clocks(const struct site *s)
{
    if (s->pc->rows == 0 || layer_is_digital(s->layer))
        return 1;
    return max_u64(1, stage_array_clocks(s->chip->plan->config, &s->pl->array, s->pc->rows,
                                         s->pc->columns));
}

static bool make_core(struct elastic_chip *c, struct site *s)
{
    const struct plan *p = c->plan;
    const struct plan_core *pc = &p->core[s->index];

    s->pc = pc;
    s->pl = &p->layer[pc->plan_layer];
    s->layer = plan_network_layer(p, pc->plan_layer);
    s->layout = &p->time.core[s->index].layout;
    s->shape = plan_firing_shape(p, pc->plan_layer);
    s->width = divisor_of(s->pl->in_width);
    const uint64_t map = (uint64_t)s->pl->in_height * s->pl->in_width;
    s->tokens = layer_is_of_tokens(s->layer);
    s->word_clk = s->tokens ? 0 : stage_memory_clocks(p->config, map, 1);
    s->is_array = !s->tokens && !layer_is_digital(s->layer);
    s->own = outputs_of(c, s->index);
    s->array_clk = array_clocks(s);
    s->ends = pc->part + 1 == s->pl->parts;
    s->pools = s->ends && s->layer->pooled;
    s->delivers = s->ends && pc->plan_layer + 1 == p->n_layer;
    s->result = calloc(c->cfg->results, sizeof *s->result);
    if (c->probe)
        s->fired = calloc(s->shape.n, sizeof *s->fired);
    return s->result && (s->fired || !c->probe) &&
           registers_init(&s->registers, &s->pl->window, s->pl->in_height, s->pl->in_width,
                          s->pl->firing->strip_width(&s->shape)) &&
           make_backs(c, s);
}

static bool make_site(struct elastic_chip *c, uint32_t i)
{
    const char *name = core_site_name(c->plan, i);
    struct site *s = &c->site[i];
    bool is_core = i < c->plan->n_core;

    s->chip = c;
    s->index = i;
    s->look = LOOK_ALL;
    s->link_end = s->core_end = CYC_NEVER;
    c->path[i] = malloc(strlen(name) + 1);
    if (!c->path[i])
        return false;
    strcpy(c->path[i], name);
    s->base = (struct block){ .ops = is_core ? &elastic_core_ops : &elastic_scratchpad_ops,
                              .path = c->path[i] };
    return !is_core || make_core(c, s);
}

/* ---- streams ---- */

static struct send_buffer *buffer_of(struct site *s, const struct plan_stream *st, uint32_t stream)
{
    if (st->kind != STREAM_RESIDUAL && st->kind != STREAM_TO_RESAMPLING)
        return &s->out;
    for (uint32_t i = 0; i < s->n_back; i++)
        if (s->back[i].who == &s->chip->plan->read_back[st->read_back]) {
            s->back[i].stream = stream;
            return &s->back[i].out;
        }
    assert(!"a receiver that nobody reads back for");
    return NULL;
}

static struct intake *intake_for(struct site *s, const struct plan_stream *st)
{
    if (st->kind == STREAM_PARTIAL_SUM)
        return &s->sums;
    return stream_is_added(st->kind) ? &s->added[s->n_added++] : &s->in[s->n_in++];
}

/* A stream's mail, from its sender to its receiver or through the net. No more tokens are on their
 * way than there are places. */
static bool lay(struct elastic_chip *c, struct link *l, struct intake *in, struct site *from,
                struct site *to)
{
    l->tokens = in->tokens = &c->tokens[l->stream];
    l->credits = in->credits = &c->credits[l->stream];
    return mail_init(l->tokens, &to->base, l->size) &&
           mail_init(l->credits, &from->base, l->size) &&
           (!l->routed || net_connect(c->net, l->stream, in->tokens, l->size));
}

static bool connect(struct elastic_chip *c, uint32_t stream)
{
    const struct plan_stream *st = &c->plan->stream[stream];
    struct site *from = &c->site[from_site(c, stream)];
    struct link *l = &from->link[from->n_link++];
    const bool sums = st->kind == STREAM_PARTIAL_SUM && c->cfg->partial_sum_hop_clk != HOP_SAME;
    uint32_t size, least;

    *l = (struct link){ .stream = stream, .order = carried_by(c, st),
                        .from = buffer_of(from, st, stream),
                        .routed = c->net && net_carries(st), .lead = l, .end_clk = CYC_NEVER,
                        .hop_clk = sums ? c->cfg->partial_sum_hop_clk : c->cfg->hop_clk };
    c->link_of[stream] = l;
    if (st->kind == STREAM_RESULT)
        return meter_init(&l->meter, 0);
    sizes(c, st, &size, &least);
    struct site *to = &c->site[st->to];
    struct intake *in = intake_for(to, st);
    c->intake_of[stream] = in;
    *in = (struct intake){ .stream = stream, .order = l->order, .n = st->n,
                           .credit_clk = l->routed ? max_u32(1, net_hops(c->net, stream))
                                                   : c->cfg->credit_clk,
                           .fill = { .size = max_u32(size, least), .raised = least > size } };
    const uint32_t rows = plan_folds(c->plan, to->pc->plan_layer);
    if (rows > 0 && !stream_is_added(st->kind) && st->kind != STREAM_PARTIAL_SUM) {
        if (!order_of_folded(&in->folded, l->order, rows))
            return false;
        in->order = &in->folded;
    }
    in->first = st->pos_n > 0 || stream_is_added(st->kind) || st->kind == STREAM_PARTIAL_SUM
                    ? 0 : st->to_first - to->pc->in_first;
    if (!stream_is_added(st->kind) && st->kind != STREAM_PARTIAL_SUM)
        in->token = calloc(in->fill.size, sizeof *in->token);
    in->prompt = in->token && (st->n == 0 || st->pos_n > 0 || to->word_clk == 0);
    l->credit = l->size = in->fill.size;
    return (in->token || stream_is_added(st->kind) || st->kind == STREAM_PARTIAL_SUM) &&
           lay(c, l, in, from, to) && meter_init(&l->meter, 2);
}

/* Buffers of results and what follows from the streams. */
static bool finish_site(struct elastic_chip *c, struct site *s)
{
    uint32_t n = 0, causes = 2 * s->n_in + s->n_link + s->n_added + N_ELASTIC_ON;

    for (uint32_t i = 0; i < s->n_link; i++)
        n += s->link[i].from == &s->out && s->link[i].tokens;
    if (s->index >= c->plan->n_core)
        return send_buffer_init(&s->out, 1, 1, n);
    uint32_t least = s->ends ? most_delivered(c, s->index) : most_outputs(c->plan, s->index);
    return send_buffer_init(&s->out, c->cfg->output_pixels, least, n) &&
           meter_init(&s->port_meter, causes) && meter_init(&s->array_meter, causes) &&
           meter_init(&s->digital_meter, causes) && (!site_is_run(s) || site_needs(s));
}

/* Those that a pixel has, where all have as many (links.c). */
static void find_pixel_bits(struct elastic_chip *c, uint32_t stream)
{
    const struct plan_stream *st = &c->plan->stream[stream];
    const struct intake *in = c->intake_of[stream];

    if (st->pos_n == 0 && !(in && in->used && in->prompt))
        c->link_of[stream]->pixel_bits = (uint64_t)st->n * st->value_bits;
}

static void number_stage(struct elastic_chip *c, struct meter *m, bool *fast, const bool *which)
{
    *fast = which && which[c->n_stage];
    m->stage = c->n_stage++;
    m->watch = c->watch;
}

static void number_buffer(struct elastic_chip *c, struct fill *f)
{
    f->buffer = c->n_buffer++;
    f->watch = c->watch;
}

/* Of what the result has, in its order. */
static void number(struct elastic_chip *c, struct site *s, const bool *fast)
{
    bool is_core = s->index < c->plan->n_core;
    struct meter *meter[] = { &s->port_meter, &s->array_meter, &s->digital_meter };

    for (unsigned k = 0; is_core && k < ELASTIC_LINK; k++)
        number_stage(c, meter[k], &s->fast[k], fast);
    for (uint32_t i = 0; i < s->n_link; i++)
        if (s->link[i].tokens)
            number_stage(c, &s->link[i].meter, &s->link[i].fast, fast);
    s->array_clk = s->fast[ELASTIC_CROSSBAR] ? 1 : s->array_clk;
    if (!is_core)
        return;
    for (uint32_t i = 0; i < s->n_in; i++)
        number_buffer(c, &s->in[i].fill);
    for (uint32_t i = 0; i < s->n_added; i++)
        number_buffer(c, &s->added[i].fill);
    if (s->sums.tokens)
        number_buffer(c, &s->sums.fill);
    number_buffer(c, &s->out.fill);
    for (uint32_t i = 0; i < s->n_back; i++)
        number_buffer(c, &s->back[i].out.fill);
}

/* ---- the chip ---- */

static bool make_orders(struct elastic_chip *c)
{
    const struct plan *p = c->plan;
    const struct shape *image = &p->network->layer[0].out;

    for (uint32_t i = 0; i < p->n_core; i++)
        if (first_of_copy(p, i) == i &&
            !order_of_outputs(&c->order[i], p, p->core[i].plan_layer, p->core[i].copy))
            return false;
    return order_of_map(&c->image, image->height, image->width) && order_of_map(&c->pooled, 1, 1);
}

bool chip_note_images(struct elastic_chip *c, uint64_t n)
{
    uint64_t *start = realloc(c->start_clk, n * sizeof *start);

    if (start)
        c->start_clk = start;
    uint64_t *result = realloc(c->result_clk, n * sizeof *result);
    if (result)
        c->result_clk = result;
    if (!start || !result)
        return false;
    for (; c->n_noted < n; c->n_noted++) {
        start[c->n_noted] = UINT64_MAX;
        result[c->n_noted] = 0;
    }
    return true;
}

static bool make(struct elastic_chip *c, const bool *fast)
{
    const struct plan *p = c->plan;
    bool made;

    c->n_site = core_n_site(p);
    c->order = calloc(p->n_core, sizeof *c->order);
    c->site = calloc(c->n_site, sizeof *c->site);
    c->path = calloc(c->n_site, sizeof *c->path);
    c->tokens = calloc(p->n_stream, sizeof *c->tokens);
    c->credits = calloc(p->n_stream, sizeof *c->credits);
    c->link_of = calloc(p->n_stream, sizeof(struct link *));
    c->intake_of = calloc(p->n_stream, sizeof(struct intake *));
    made = c->order && c->site && c->path && c->tokens && c->credits && c->link_of &&
           c->intake_of && chip_note_images(c, c->live ? 1 : c->n_image) && make_orders(c);
    for (uint32_t i = 0; made && i < c->n_site; i++)
        made = make_site(c, i);
    made = made && make_room(c);
    for (uint32_t i = 0; made && i < p->n_stream; i++)
        made = connect(c, i);
    for (uint32_t i = 0; made && i < c->n_site; i++)
        made = finish_site(c, &c->site[i]);
    for (uint32_t i = 0; made && i < p->n_stream; i++)
        find_pixel_bits(c, i);
    for (uint32_t i = 0; made && i < c->n_site; i++)
        number(c, &c->site[i], fast);
    if (made && c->net && p->config->fabric.multicast == MULTICAST_TREE)
        made = links_unite(c);
    c->ahead = made && c->ahead && ahead_may(c);
    for (uint32_t i = 0; made && c->ahead && i < p->n_core; i++)
        made = !site_is_run(&c->site[i]) || ahead_new(&c->site[i]);
    return made;
}

static void site_release(struct site *s)
{
    links_release(s);
    ahead_free(s);
    for (uint32_t i = 0; s->link && i < s->n_link; i++)
        meter_release(&s->link[i].meter);
    for (uint32_t i = 0; s->in && i < s->n_in; i++) {
        free(s->in[i].token);
        order_release(&s->in[i].folded);
    }
    for (uint32_t i = 0; s->added && i < s->n_added; i++)
        free(s->added[i].used);
    for (uint32_t i = 0; s->back && i < s->n_back; i++) {
        free(s->back[i].need);
        free(s->back[i].index);
        free(s->back[i].out.token);
    }
    free(s->link);
    free(s->in);
    free(s->added);
    free(s->back);
    free(s->out.token);
    site_needs_release(s);
    free(s->result);
    free(s->fired);
    meter_release(&s->port_meter);
    meter_release(&s->array_meter);
    meter_release(&s->digital_meter);
    registers_release(&s->registers);
}

void chip_release(struct elastic_chip *c)
{
    kernel_free(c->kernel);
    free(c->block);
    for (uint32_t i = 0; c->site && i < c->n_site; i++)
        site_release(&c->site[i]);
    for (uint32_t i = 0; c->path && i < c->n_site; i++)
        free(c->path[i]);
    for (uint32_t i = 0; c->order && i < c->plan->n_core; i++)
        order_release(&c->order[i]);
    for (uint32_t i = 0; i < c->plan->n_stream; i++) {
        if (c->tokens)
            mail_release(&c->tokens[i]);
        if (c->credits)
            mail_release(&c->credits[i]);
    }
    order_release(&c->image);
    order_release(&c->pooled);
    free(c->order);
    free(c->site);
    free(c->path);
    free(c->tokens);
    free(c->credits);
    net_free(c->net);
    free(c->link_of);
    free(c->intake_of);
    free(c->given_clk);
    free(c->left_out.start_clk);
    free(c->start_clk);
    free(c->result_clk);
}

/* ---- a run ---- */

/* Whether images that repeat others may be left out: not where each firing is told or takes what
 * its values say, where all is checked, or under a kernel that does not stop at little cost. */
static bool may_leave_out(const struct elastic_chip *c, const struct elastic_cfg_run *cfg)
{
    return !c->probe && !c->watch && !c->reads && !c->checks && cfg->kernel == KERNEL_NATIVE;
}

/* False when the host has no memory. */
static bool run_repeating(struct elastic_chip *c, const struct elastic_cfg_run *cfg)
{
    struct repeat *r = repeat_new(c, cfg);
    struct kernel *k = c->kernel;
    uint64_t next;

    if (!r)
        return false;
    while ((next = kernel_next_cyc(k)) != CYC_NEVER && repeat_step(r, kernel_run(k, next)))
        ;
    repeat_free(r);
    return true;
}

static bool make_kernel(struct elastic_chip *c, const struct elastic_cfg_run *cfg)
{
    c->block = calloc(c->n_site + (size_t)1, sizeof(struct block *));
    c->design = (struct design){ .block = c->block };
    for (uint32_t i = 0; c->block && i < c->n_site; i++)
        if (site_is_run(&c->site[i]))
            c->block[c->design.n_block++] = &c->site[i].base;
    if (c->block && c->net)
        c->block[c->design.n_block++] = net_block(c->net);
    c->kernel = c->block ? kernel_new(cfg->kernel, &c->design, cfg->mode) : NULL;
    return c->kernel;
}

/* Until nothing moves; returns the clocks that this took. */
static uint64_t run_out(struct elastic_chip *c)
{
    uint64_t last = kernel_run(c->kernel, CYC_NEVER);

    kernel_free(c->kernel);
    c->kernel = NULL;
    for (uint32_t i = 0; i < c->n_site; i++) {
        last = max_u64(last, site_settle(&c->site[i], CYC_NEVER));
        last = max_u64(last, links_drain(&c->site[i]));
    }
    chip_settle(c, last, true);
    return last + c->left_out.clk;
}

/* The longest packet fits. */
static enum err check_packets(const struct elastic_chip *c, struct err_msg *m)
{
    uint64_t most = 0;
    uint32_t longest = 0;

    for (uint32_t i = 0; i < c->plan->n_stream; i++) {
        const struct plan_stream *st = &c->plan->stream[i];
        uint32_t size, least;
        if (!c->link_of[i]->routed)
            continue;
        sizes(c, st, &size, &least);
        const uint64_t bits = (uint64_t)least * st->n * st->value_bits;
        if (bits <= most)
            continue;
        most = bits;
        longest = i;
    }
    return most > 0 ? net_check(c->net, longest, most, m) : ERR_NONE;
}

static bool all_done(const struct elastic_chip *c)
{
    const struct plan *p = c->plan;
    uint64_t want = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        want += c->site[i].delivers ? c->n_image * c->site[i].own->n : 0;
    return c->n_result == want;
}

/* Pixels sent have come, places taken are free again: of every stream, once all is done. */
static enum err check_streams(const struct elastic_chip *c, struct err_msg *m)
{
    for (uint32_t i = 0; i < c->plan->n_stream; i++) {
        const struct link *l = c->link_of[i];
        const struct intake *in = c->intake_of[i];
        if (in && (l->pixels != in->arrived || in->arrived != in->taken || l->credit != l->size))
            return err_set(m, ERR_RUN, "stream %" PRIu32 " from %s: %" PRIu64 " pixels sent, %"
                           PRIu64 " received, %" PRIu64 " used, %" PRIu32 " of %" PRIu32
                           " places known to be free", i,
                           core_site_name(c->plan, from_site(c, i)), l->pixels, in->arrived,
                           in->taken, l->credit, l->size);
    }
    return ERR_NONE;
}

/* ---- what comes of it ---- */

static bool put_stage(struct elastic_result *r, const struct meter *m, enum elastic_kind kind,
                      uint32_t core, uint32_t stream)
{
    struct elastic_stage *s = &r->stage[m->stage];

    *s = (struct elastic_stage){ .kind = kind, .core = core, .stream = stream };
    meter_clocks(m, s->clk);
    s->begin_clk = m->work > 0 ? m->begin_clk : r->elapsed;
    s->end_clk = r->elapsed - (s->clk[ELASTIC_IDLE] - s->begin_clk);
    s->cause = calloc(m->n, sizeof *s->cause);
    for (uint32_t i = 1; s->cause && i < m->n; i++)
        if (m->time[i].clk > 0) {
            s->cause[s->n_cause] = m->cause[i];
            s->cause[s->n_cause++].clk = m->time[i].clk;
        }
    return s->cause != NULL;
}

static void put_buffer(struct elastic_result *r, const struct fill *f,
                       enum elastic_buffer_kind kind, uint32_t core, uint32_t stream)
{
    r->buffer[f->buffer] = (struct elastic_buffer){ kind, core, stream, f->size, f->most,
                                                        f->raised, f->full_clk };
}

static bool put_site(struct elastic_result *r, struct site *s)
{
    bool is_core = s->index < s->chip->plan->n_core, put = true;
    struct meter *meter[] = { &s->port_meter, &s->array_meter, &s->digital_meter };

    for (unsigned k = 0; is_core && k < 3; k++) {
        meter_end(meter[k]);
        put &= put_stage(r, meter[k], (enum elastic_kind)k, s->index, NOWHERE);
    }
    for (uint32_t i = 0; i < s->n_link; i++) {
        struct link *l = &s->link[i];
        meter_end(&l->meter);
        r->stream[l->stream] = l->count;
        if (l->tokens) {
            put &= put_stage(r, &l->meter, ELASTIC_LINK, s->index, l->stream);
            r->stream[l->stream].busy_clk = l->meter.busy_clk;
        }
    }
    if (!is_core)
        return put;
    r->core[s->index] = s->count;
    for (uint32_t i = 0; i < s->n_in; i++)
        put_buffer(r, &s->in[i].fill, BUFFER_INPUT, s->index, s->in[i].stream);
    for (uint32_t i = 0; i < s->n_added; i++)
        put_buffer(r, &s->added[i].fill, BUFFER_RESIDUAL, s->index, s->added[i].stream);
    if (s->sums.tokens)
        put_buffer(r, &s->sums.fill, BUFFER_PARTIAL_SUM, s->index, s->sums.stream);
    put_buffer(r, &s->out.fill, BUFFER_OUTPUT, s->index, NOWHERE);
    for (uint32_t i = 0; i < s->n_back; i++)
        put_buffer(r, &s->back[i].out.fill, BUFFER_READ_BACK, s->index, s->back[i].stream);
    return put;
}

static bool collect(struct elastic_chip *c, struct elastic_result *r)
{
    const struct plan *p = c->plan;
    bool put = true;

    r->stage = calloc(c->n_stage, sizeof *r->stage);
    r->buffer = calloc(c->n_buffer, sizeof *r->buffer);
    r->core = calloc(p->n_core, sizeof *r->core);
    r->stream = calloc(p->n_stream, sizeof *r->stream);
    if (!r->stage || !r->buffer || !r->core || !r->stream)
        return false;
    r->n_stage = c->n_stage;
    r->n_buffer = c->n_buffer;
    r->first_firing_clk = UINT64_MAX;
    for (uint32_t i = 0; put && i < c->n_site; i++)
        put = put_site(r, &c->site[i]);
    for (uint32_t i = 0; i < p->layer[0].n_core; i++)
        r->first_firing_clk =
            min_u64(r->first_firing_clk, r->core[p->layer[0].first_core + i].first_clk);
    r->start_clk = c->start_clk;
    r->result_clk = c->result_clk;
    c->start_clk = c->result_clk = NULL;
    return put;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the run");
}

enum err chip_make(struct elastic_chip *c, const struct plan *p,
                   const struct elastic_cfg_run *cfg, const struct chip_kind *kind,
                   struct err_msg *m)
{
    const bool direct = p->fabric->direct;

    *c = (struct elastic_chip){ .plan = p, .cfg = cfg->elastic, .n_image = cfg->n_image,
                                .live = kind->live, .ahead = kind->ahead && !cfg->places,
                                .alone = kind->alone,
                                .probe = cfg->probe, .watch = cfg->watch, .reads = cfg->reads,
                                .checks = cfg->mode == KERNEL_EVERY_CYCLE };
    enum err e = cfg->places && !direct ? net_new(&c->net, c, cfg->places, m) : ERR_NONE;
    if (!e && !make(c, cfg->fast))
        e = no_memory(m);
    if (!e && direct && cfg->places)
        e = links_share(c, cfg->places, m);
    if (!e && c->net)
        e = net_unite(c->net, m);
    if (!e)
        e = check_packets(c, m);
    if (!e && !make_kernel(c, cfg))
        e = no_memory(m);
    if (!e && c->reads)
        c->reads->begin(c->reads->user);
    return e;
}

enum err chip_end(struct elastic_chip *c, const struct elastic_cfg_run *cfg,
                  struct elastic_result *r, struct err_msg *m, struct stuck *stuck)
{
    const bool direct = c->plan->fabric->direct;

    *r = (struct elastic_result){ .n_image = c->n_image + c->left_out.images,
                                  .elapsed = run_out(c), .n_run = c->n_image };
    enum err e = c->net ? net_error(c->net, m) : ERR_NONE;
    if (!e && c->err) {
        *m = c->msg;
        e = c->err;
    }
    if (!e && !all_done(c)) {
        if (!c->ahead)
            stuck_explain(c, m, stuck);
        if (!c->ahead && cfg->waits)
            stuck_list(c, cfg);
        e = ERR_RUN;
    }
    if (!e)
        repeat_spread(c);
    if (!e)
        e = check_streams(c, m);
    if (!e && c->net)
        e = net_collect(c->net, &r->packets, m);
    if (!e && direct && cfg->places)
        links_measure(c, cfg->places, &r->packets.wires);
    if (!e && !collect(c, r))
        e = no_memory(m);
    if (e)
        elastic_result_release(r);
    return e;
}

static enum err run_once(const struct plan *p, const struct elastic_cfg_run *cfg, bool ahead,
                         struct elastic_result *r, struct err_msg *m, struct stuck *stuck)
{
    const struct chip_kind kind = { .ahead = ahead };
    struct elastic_chip c;
    enum err e = chip_make(&c, p, cfg, &kind, m);

    *r = (struct elastic_result){ 0 };
    if (!e && may_leave_out(&c, cfg) && !run_repeating(&c, cfg))
        e = no_memory(m);
    if (!e)
        e = chip_end(&c, cfg, r, m, stuck);
    const bool again = e == ERR_RUN && c.ahead && !all_done(&c); // such cores do not say why
    chip_release(&c);
    return again ? run_once(p, cfg, false, r, m, stuck) : e;
}

enum err elastic_run_once(const struct plan *p, const struct elastic_cfg_run *cfg,
                          struct elastic_result *r, struct err_msg *m, struct stuck *stuck)
{
    return run_once(p, cfg, true, r, m, stuck);
}

/* The largest K of all memories: images repeat after so many, where that shows at all. */
static uint64_t most_columns(const struct plan *p)
{
    uint64_t most = 1;

    for (uint32_t i = 0; i < p->n_layer; i++)
        most = max_u64(most, p->time.layer[i].memory_columns);
    return most;
}

/* Images after which groups that run from one into the next begin with an image again: results come
 * in bursts in between. 1 where that takes more than `most`. */
static uint64_t images_of_groups(const struct plan *p, uint64_t most)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < p->n_core && n <= most; i++) {
        const struct plan_core *c = &p->core[i];
        const struct firing_shape s = plan_firing_shape(p, c->plan_layer);
        uint64_t outputs = ceil_div(s.width - c->copy, s.copies) * s.height, each = 1;
        if (!p->layer[c->plan_layer].firing->across_columns)
            continue;
        while (each * outputs % s.n != 0)
            each++;
        uint64_t all = n;
        while (all % each != 0) // their least common multiple
            all += n;
        n = all;
    }
    return n <= most ? n : 1;
}

bool elastic_interval(const struct plan *p, const struct elastic_result *r, uint64_t *clocks,
                      uint64_t *images)
{
    const uint64_t burst = images_of_groups(p, r->n_image / 2);
    uint64_t n = r->n_image / burst * burst, half = n / 2 / burst * burst, k = most_columns(p);

    if (n < 2)
        return false;
    if (burst > 1)
        k = burst;
    *images = half >= k ? half / k * k : half;
    *clocks = r->result_clk[n - 1] - r->result_clk[n - 1 - *images];
    return true;
}

enum err elastic_run(const struct plan *p, const struct elastic_cfg_run *cfg,
                     struct elastic_result *r, struct err_msg *m)
{
    struct elastic_cfg_run own = *cfg;
    struct stuck stuck = { .columns = 0 };

    if (!own.elastic)
        own.elastic = &p->config->elastic;
    enum err e = elastic_run_once(p, &own, r, m, &stuck);
    if (stuck.is)
        cure_suggest(p, &own, &stuck, m);
    return e;
}

void elastic_result_release(struct elastic_result *r)
{
    for (uint32_t i = 0; i < r->n_stage; i++)
        free(r->stage[i].cause);
    free(r->start_clk);
    free(r->result_clk);
    free(r->stage);
    free(r->buffer);
    free(r->core);
    free(r->stream);
    free(r->packets.channel);
    *r = (struct elastic_result){ 0 };
}
