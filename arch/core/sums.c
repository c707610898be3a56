/* arch/core/sums.c -- from a firing's sums to results that travel; see imc_core.h. */
#include <assert.h>
#include <string.h>

#include "arch/core/stages.h"

static void tell_result(const struct imc_core *c, uint64_t timestep,
                        const struct pixel *pixel, const int32_t *sum, const uint8_t *value)
{
    if (c->probe)
        c->probe->event(c->probe->user, c->index,
                        &(struct core_event){ .kind = CORE_RESULT,
                                              .timestep = timestep,
                                              .n = 1,
                                              .pixel = pixel,
                                              .sum = c->planes.n ? sum : NULL,
                                              .value = c->planes.n ? value : NULL,
                                              .value_bytes = c->result_bytes });
}

/* ---- deliver ---- */

/* Whether the receiver of the port wants the pixel: a copy that adds takes only its own columns. */
static bool wanted(const struct imc_core *c, const struct core_port *port,
                   const struct pixel *place)
{
    return port->st->kind != STREAM_FROM_RESAMPLING ||
           plan_owner(c->plan, port->to_layer, place->y) == port->to_copy;
}

/* Appends one of the core's results to a token. */
static void put_result(struct imc_core *c, struct core_port *port, struct token *t,
                       const struct pixel *place, const uint8_t *value)
{
    uint8_t *to = token_values(t, t->n, port->value_bytes);

    assert(t->n < t->most);
    value += (size_t)port->first * port->st->value_bits / 8;
    for (uint32_t p = 0; p < c->planes.n; p++)
        memcpy(to + p * port->plane_bytes, value + p * c->result_bytes, port->plane_bytes);
    t->pixel[t->n++] = *place;
    core_count_sent(c, port, t->timestep, place->image, port->st->value_bits);
}

/* Sends n pixels, the core's results, to every consumer. */
static void deliver(struct imc_core *c, uint64_t timestep, const struct pixel *place,
                    uint32_t n)
{
    size_t apart = (size_t)c->planes.n * c->result_bytes;

    for (uint32_t i = 0; i < c->n_out; i++) {
        struct core_port *port = &c->out[i];
        struct token *t = NULL;
        for (uint32_t k = 0; k < n; k++) {
            if (!wanted(c, port, &place[k]))
                continue;
            if (!t)
                t = token_begin(chan_push(port->chan, core_pixel_cyc(c, timestep)), timestep,
                                port->st->most_pixels);
            put_result(c, port, t, &place[k], c->result + k * apart);
        }
    }
}

/* ---- digital processor ---- */

/* The residual of an output, complete; NULL while it has not come. */
static struct residual_pixel *find_residual(const struct imc_core *c,
                                            const struct pixel *place)
{
    for (uint32_t i = 0; i < c->waiting_room; i++) {
        struct residual_pixel *w = &c->waiting[i];
        if (w->arrived == c->pc->out_n && w->image == place->image && w->x == place->x &&
            w->y == place->y)
            return w;
    }
    return NULL;
}

static void count_digital(struct imc_core *c, uint64_t image)
{
    struct core_counters *n = &c->counters;
    const struct layer *l = c->layer;
    uint64_t ops = core_weight(c, image) * c->pc->out_n;

    n->scale_ops += ops;
    if (l->raw_output)
        return;
    n->residual_ops += l->has_residual ? ops : 0;
    n->relu_ops += l->relu ? ops : 0;
    n->round_ops += ops;
    n->pool_ops += l->pooled ? ops : 0;
}

/* An average is scaled by the number of pixels in its window. */
static void process_average(const struct imc_core *c, const struct pixel *place,
                            const int32_t *acc, const uint8_t *residual, uint8_t *out)
{
    size_t at = (size_t)(core_pixels_inside(c, place) - 1) * c->pc->out_n;
    struct digital d = c->digital;

    d.m += at;
    d.b += at;
    d.mr += at;
    d.shift += at;
    digital_process(&d, acc, residual, out);
}

static void process_plane(struct imc_core *c, const struct pixel *place, const int32_t *acc,
                          const uint8_t *residual, uint8_t *out)
{
    if (c->layer->raw_output) {
        int32_t *logit = (int32_t *)(void *)out;
        for (uint32_t o = 0; o < c->pc->out_n; o++)
            logit[o] = (int32_t)(acc[o] + c->digital.b[o]);
    } else if (c->average.m) {
        process_average(c, place, acc, residual, out);
    } else {
        digital_process(&c->digital, acc, residual, out);
    }
}

/* An output of every plane: plane p's sums at acc + p * acc_plane, its result at
 * out + p * result_bytes. */
static void process(struct imc_core *c, const struct pixel *place, const int32_t *acc,
                    uint8_t *out)
{
    struct residual_pixel *r = c->layer->has_residual ? find_residual(c, place) : NULL;
    uint32_t n = c->pc->out_n;

    if (r)
        r->arrived = 0;
    for (uint32_t p = 0; p < c->planes.n; p++, acc += c->acc_plane, out += c->result_bytes) {
        process_plane(c, place, acc, r ? r->value + p * n : NULL, out);
        if (c->layer->pooled)
            digital_pool_add(n, c->pool + p * n, out, c->layer->out_signed);
    }
}

static void pool(struct imc_core *c, uint64_t timestep, const struct pixel *place)
{
    if (c->pool_left == 0)
        c->pool_left = (uint64_t)c->layer->out.height * c->layer->out.width;
    if (--c->pool_left > 0)
        return;
    struct pixel whole = { .image = place->image };
    for (uint32_t p = 0; p < c->planes.n; p++)
        digital_pool_finish(&c->layer->pool, c->pc->out_n, c->pool + p * c->pc->out_n,
                            c->result + p * c->result_bytes);
    if (c->planes.n > 0)
        memset(c->pool, 0, (size_t)c->planes.n * c->pc->out_n * sizeof *c->pool);
    deliver(c, timestep, &whole, 1);
}

/* The sums of a firing are complete: from accumulators to activations, and off. */
static void finish(struct imc_core *c, const struct pixel *place, uint32_t n,
                   const int32_t *acc, uint64_t timestep)
{
    uint8_t *out = c->result;

    for (uint32_t i = 0; i < n; i++, acc += c->pc->out_n, out += c->planes.n * c->result_bytes) {
        process(c, &place[i], acc, out);
        count_digital(c, place[i].image);
        tell_result(c, timestep, &place[i], acc, out);
        if (c->layer->pooled)
            pool(c, timestep, &place[i]);
    }
    if (!c->layer->pooled)
        deliver(c, timestep, place, n);
}

/* ---- partial sums ---- */

static void send_sums(struct imc_core *c, const struct pixel *place, uint32_t n,
                      const int32_t *acc, uint64_t now_cyc, uint64_t timestep)
{
    struct core_port *port = &c->partial_out;
    uint32_t hops = c->plan->config->fabric.partial_sum_hops;
    uint64_t ready_cyc = hops ? (timestep + hops) * c->plan->timestep_clk : now_cyc + 1;
    struct token *t = token_begin(chan_push(port->chan, ready_cyc), timestep, c->pc->most_outputs);

    memcpy(t->pixel, place, n * sizeof *place);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *to = token_values(t, i, port->value_bytes);
        for (uint32_t p = 0; p < c->planes.n; p++)
            memcpy(to + p * port->plane_bytes, acc + p * c->acc_plane + (size_t)i * c->pc->out_n,
                   port->plane_bytes);
        core_count_sent(c, port, timestep, place[i].image, 32);
    }
    t->n = n;
}

uint32_t imc_core_outputs_ready(const struct imc_core *c)
{
    const struct core_sums *own = &c->sums[c->sums_head];
    uint32_t n = own->passed;

    if (c->sums_complete == 0)
        return 0;
    if (c->waiting_room == 0)
        return own->n;
    while (n < own->n && find_residual(c, &own->place[n]))
        n++;
    return n - own->passed;
}

void imc_core_hand_on(struct imc_core *c, uint64_t now_cyc, uint64_t timestep)
{
    struct core_sums *own = &c->sums[c->sums_head];
    uint32_t n = timestep >= c->next_sum_timestep ? imc_core_outputs_ready(c) : 0, at = own->passed;

    if (n == 0)
        return;
    c->next_sum_timestep = timestep + 1;
    own->passed += n;
    if (own->passed == own->n) {
        c->sums_head = (c->sums_head + 1) % c->sums_room;
        c->sums_n--;
        c->sums_complete--;
    }
    if (c->partial_out.chan)
        send_sums(c, own->place, n, own->acc, now_cyc, timestep);
    else
        finish(c, own->place + at, n, own->acc + (size_t)at * c->pc->out_n, timestep);
}

void imc_core_add_partial_sums(struct imc_core *c, uint64_t now_cyc)
{
    struct core_port *port = &c->partial_in;

    if (!port->chan || c->sums_complete == c->sums_n || !chan_can_pop(port->chan, now_cyc))
        return;
    const struct token *t = chan_pop(port->chan, now_cyc);
    struct core_sums *own = &c->sums[(c->sums_head + c->sums_complete++) % c->sums_room];
    if (t->n != own->n || memcmp(t->pixel, own->place, t->n * sizeof *own->place) != 0) {
        imc_core_fail(c, now_cyc, "the parts of the layer did not fire together for", &t->pixel[0]);
        return;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        c->counters.partial_sum_ops += core_weight(c, t->pixel[i].image) * c->pc->out_n;
        const int32_t *add =
            (const int32_t *)(const void *)token_values_const(t, i, port->value_bytes);
        int32_t *acc = own->acc + (size_t)i * c->pc->out_n;
        for (uint32_t p = 0; p < c->planes.n; p++, acc += c->acc_plane, add += c->pc->out_n)
            for (uint32_t o = 0; o < c->pc->out_n; o++)
                acc[o] += add[o];
    }
}
