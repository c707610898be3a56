/* arch/core/hand_on.c -- the stage that hands on complete sums: to the next part, or through the
 * digital processor and pooling to the consumers; see stages.h. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "arch/core/proof.h"
#include "arch/core/stages.h"
#include "core/util.h"
#include "network/output.h"

/* The residual of an output, complete; NULL while it has not come. */
static struct residual_pixel *find_residual(const struct imc_core *c, const struct pixel *place)
{
    struct residual_pixel *w = core_waiting(c, place);

    return w && w->arrived == c->spec->out_n ? w : NULL;
}

/* ---- deliver ---- */

/* Whether the receiver of the port wants the pixel: a copy that adds takes only its own columns. */
static bool wanted(const struct plan *p, const struct port *port, const struct pixel *place)
{
    const struct plan_core *to = &p->core[port->st->to];

    return port->st->kind != STREAM_FROM_RESAMPLING ||
           plan_owner(p, to->plan_layer, place->column) == to->copy;
}

/* Appends one of the core's results to a token. */
static void put_result(struct imc_core *c, const struct port *port, struct token *t,
                       const struct pixel *place, const uint8_t *value)
{
    uint8_t *to = token_values(t, t->n, port->value_bytes);

    assert(t->n < t->most);
    value += (size_t)port->first * port->each;
    for (uint32_t p = 0; p < c->spec->planes.n; p++)
        memcpy(to + p * port->plane_bytes, value + p * c->spec->result_bytes, port->plane_bytes);
    t->pixel[t->n++] = *place;
    if (stream_carries(port->st, c->spec->layer->out.width, place->row, place->column))
        port_count(port, &c->base, t->timestep, core_weight(c, place->image));
}

/* Sends n pixels, the core's results, to every consumer. */
static void deliver(struct imc_core *c, const struct core_now *now, const struct pixel *place,
                    uint32_t n)
{
    size_t apart = (size_t)c->spec->planes.n * c->spec->result_bytes;

    for (uint32_t i = 0; i < c->ports.n_out; i++) {
        const struct port *port = &c->ports.out[i];
        struct token *t = NULL;
        for (uint32_t k = 0; k < n; k++) {
            if (!wanted(c->spec->plan, port, &place[k]))
                continue;
            if (!t)
                t = port_begin(port, core_pixel_cyc(c, port, now->timestep), now->timestep);
            if (!t) {
                core_fail(&c->base, now->cyc, "no room on the link for", &place[k]);
                return;
            }
            put_result(c, port, t, &place[k], c->scratch.result + k * apart);
        }
    }
}

/* ---- digital processor ---- */

static void count_digital(struct imc_core *c, uint64_t image)
{
    struct core_counters *n = &c->base.report.counters;
    const struct layer *l = c->spec->layer;
    uint64_t ops = core_weight(c, image) * c->spec->out_n;

    if (c->spec->tokens) { // counted when it was gathered
        n->round_ops += ops;
        return;
    }
    n->scale_ops += ops;
    if (l->raw_output)
        return;
    n->residual_ops += l->has_residual ? ops : 0;
    n->relu_ops += l->relu || layer_looks_up(l) ? ops : 0;
    n->round_ops += ops;
    n->pool_ops += l->pooled ? ops : 0;
}

/* An average is scaled by the number of pixels in its window. */
static void process_average(const struct imc_core *c, const struct pixel *place,
                            const int32_t *acc, const uint8_t *residual, uint8_t *out)
{
    size_t at = (size_t)(core_pixels_inside(c, place) - 1) * c->spec->out_n;
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
    const struct layer *l = c->spec->layer;

    if (c->spec->tokens) { // computed when they were gathered
        for (uint32_t o = 0; o < c->spec->out_n; o++)
            out[o] = (uint8_t)acc[o];
        return;
    }
    if (l->raw_output) {
        int32_t *logit = (int32_t *)(void *)out;
        for (uint32_t o = 0; o < c->spec->out_n; o++)
            logit[o] = (int32_t)(acc[o] + c->digital.b[o]);
    } else if (c->average.m) {
        process_average(c, place, acc, residual, out);
    } else if (l->multiplies) {
        digital_multiply(&c->digital, acc, residual, c->scratch.acc);
        digital_process(&c->digital, c->scratch.acc, NULL, out);
    } else {
        digital_process(&c->digital, acc, residual, out);
    }
    for (uint32_t o = 0; l->table && o < c->spec->out_n; o++)
        out[o] = layer_look_up(l, c->spec->pc->out_first + o, out[o]);
}

/* The same of a stream whose sums and values have two planes; in proof it is never so. */
static void process_wide(struct imc_core *c, const struct pixel *place, const int32_t *acc,
                         const uint8_t *residual, uint8_t *out, int64_t *pool)
{
    const struct layer *l = c->spec->layer;
    const uint32_t n = c->spec->out_n, first = c->spec->pc->out_first;
    const size_t apart = c->spec->result_bytes; // from the low plane to the high one
    const bool average = l->kind == LAYER_AVERAGE_POOL;
    const uint32_t entry = average ? core_pixels_inside(c, place) - 1 : 0;
    const bool r_signed =
        l->has_residual && c->spec->plan->network->layer[l->residual].out_signed;

    for (uint32_t o = 0; o < n; o++) {
        int64_t sum = wide_sum(acc + o, c->acc_plane);
        if (l->raw_output) {
            wide_sum_set((int32_t *)(void *)out + o, apart / sizeof(int32_t),
                         sum + l->requant.b[first + o]);
            continue;
        }
        int32_t r = residual ? wide_value(residual + o, residual + n + o, r_signed) : 0;
        int32_t v = c->spec->tokens
                        ? (int32_t)sum
                        : layer_output(l, first + o, average ? entry : first + o, sum, r);
        out[o] = value_low_byte(v);
        out[apart + o] = value_high_byte(v);
        if (l->pooled)
            pool[o] += v;
    }
}

/* An output of every plane: plane p's sums at acc + p * acc_plane, its result at
 * out + p * result_bytes. */
static void process(struct imc_core *c, const struct core_now *now, const struct pixel *place,
                    const int32_t *acc, uint8_t *out)
{
    const struct layer *l = c->spec->layer;
    struct residual_pixel *r = l->has_residual ? find_residual(c, place) : NULL;
    uint32_t n = c->spec->out_n;

    if (r) {
        r->arrived = 0;
        c->state.displaced -= r != core_waiting_home(c, place);
    }
    for (uint32_t p = 0; c->spec->planes.wide && p < c->spec->planes.n; p += 2)
        process_wide(c, place, acc + p * c->acc_plane, r ? r->value + p * n : NULL,
                     out + p * c->spec->result_bytes, c->wide_pool + p / 2 * n);
    for (uint32_t p = 0; !c->spec->planes.wide && p < c->spec->planes.n; p++) {
        const uint8_t *residual = r ? r->value + p * n : NULL;
        if (c->spec->proof)
            proof_result(c, now->cyc, place, p, acc, residual, out);
        else
            process_plane(c, place, acc, residual, out);
        if (l->pooled)
            digital_pool_add(n, c->pool + p * n, out, l->out_signed);
        acc += c->acc_plane;
        out += c->spec->result_bytes;
    }
}

/* What a stream's pool delivers, in two planes; it is empty then. */
static void finish_wide_pool(struct imc_core *c, int64_t *sum, uint8_t *out)
{
    for (uint32_t o = 0; o < c->spec->out_n; o++) {
        int32_t v = layer_pool_output(c->spec->layer, sum[o]);
        out[o] = value_low_byte(v);
        out[c->spec->result_bytes + o] = value_high_byte(v);
        sum[o] = 0;
    }
}

static void pool(struct imc_core *c, const struct core_now *now, const struct pixel *place)
{
    const struct layer *l = c->spec->layer;
    uint32_t n = c->spec->out_n, planes = c->spec->planes.n;

    if (c->state.pool_left == 0)
        c->state.pool_left = (uint64_t)l->out.height * l->out.width;
    if (--c->state.pool_left > 0)
        return;
    struct pixel whole = { .image = place->image };
    for (uint32_t p = 0; c->spec->planes.wide && p < planes; p += 2)
        finish_wide_pool(c, c->wide_pool + p / 2 * n,
                         c->scratch.result + p * c->spec->result_bytes);
    for (uint32_t p = 0; !c->spec->planes.wide && p < planes; p++) {
        uint8_t *out = c->scratch.result + p * c->spec->result_bytes;
        if (c->spec->proof)
            proof_pool(c, now->cyc, place->image, p, c->pool + p * n, out);
        else
            digital_pool_finish(&l->pool, n, c->pool + p * n, out);
    }
    if (c->pool)
        memset(c->pool, 0, (size_t)planes * n * sizeof *c->pool);
    deliver(c, now, &whole, 1);
}

static void tell_result(const struct imc_core *c, uint64_t timestep, const struct pixel *pixel,
                        const int32_t *sum, const uint8_t *value)
{
    bool values = c->spec->planes.n > 0;

    if (!c->base.probe)
        return;
    core_tell(&c->base, &(struct core_event){ .kind = CORE_RESULT,
                                              .timestep = timestep,
                                              .n = 1,
                                              .pixel = pixel,
                                              .sum = values ? sum : NULL,
                                              .value = values ? value : NULL,
                                              .value_bytes = c->spec->result_bytes });
}

/* n complete sums become activations and leave as results. */
static void finish(struct imc_core *c, const struct pixel *place, uint32_t n, const int32_t *acc,
                 const struct core_now *now)
{
    const bool pooled = c->spec->layer->pooled;
    uint8_t *out = c->scratch.result;

    for (uint32_t i = 0; i < n; i++) {
        process(c, now, &place[i], acc, out);
        count_digital(c, place[i].image);
        tell_result(c, now->timestep, &place[i], acc, out);
        if (pooled)
            pool(c, now, &place[i]);
        acc += c->spec->out_n;
        out += c->spec->planes.n * c->spec->result_bytes;
    }
    if (!pooled)
        deliver(c, now, place, n);
}

/* ---- the stage ---- */

static void send_sums(struct imc_core *c, const struct pixel *place, uint32_t n,
                      const int32_t *acc, const struct core_now *now)
{
    const struct port *port = &c->ports.partial_out;
    uint32_t hops = port->st->route.hops;
    uint64_t ready_cyc = hops ? (now->timestep + hops) * c->spec->timestep_clk : now->cyc + 1;
    struct token *t = port_begin(port, ready_cyc, now->timestep);

    if (!t) {
        core_fail(&c->base, now->cyc, "no room on the link for the sums of", &place[0]);
        return;
    }
    memcpy(t->pixel, place, n * sizeof *place);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *to = token_values(t, i, port->value_bytes);
        for (uint32_t p = 0; p < c->spec->planes.n; p++)
            memcpy(to + p * port->plane_bytes,
                   acc + p * c->acc_plane + (size_t)i * c->spec->out_n, port->plane_bytes);
        port_count(port, &c->base, now->timestep, core_weight(c, place[i].image));
    }
    t->n = n;
}

/* Outputs of the oldest firing that can be handed on now-> */
static uint32_t outputs_ready(const struct imc_core *c)
{
    if (c->state.sums_complete == 0)
        return 0;
    const struct core_sums *own = &c->sums[c->state.sums_head];
    uint32_t n = own->passed;
    if (c->spec->waiting_room == 0)
        return own->n;
    while (n < own->n && find_residual(c, &own->place[n]))
        n++;
    return n - own->passed;
}

/* n outputs of the oldest firing. */
static void pass_on(struct imc_core *c, uint32_t n, const struct core_now *now)
{
    struct imc_state *state = &c->state;
    struct core_sums *own = &c->sums[state->sums_head];
    uint32_t at = own->passed;

    state->next_sum_timestep = now->timestep + 1;
    own->passed += n;
    if (own->passed == own->n) {
        state->sums_head = (state->sums_head + 1) % c->spec->sums_room;
        state->sums_n--;
        state->sums_complete--;
    }
    if (c->ports.partial_out.chan)
        send_sums(c, own->place, n, own->acc, now);
    else
        finish(c, own->place + at, n, own->acc + (size_t)at * c->spec->out_n, now);
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    uint32_t n = outputs_ready(c);

    if (n > 0 && now->timestep >= c->state.next_sum_timestep) {
        pass_on(c, n, now);
        n = outputs_ready(c);
    }
    return n > 0 ? max_u64(now->timestep + 1, c->state.next_sum_timestep) : CYC_NEVER;
}

static void describe(const struct imc_core *c, FILE *out)
{
    if (c->state.sums_n > 0)
        fprintf(out, "; %" PRIu32 " firings wait for %s", c->state.sums_n,
                c->state.sums_complete > 0 ? "residual pixels" : "the part before");
}

const struct core_stage stage_hand_on = { .name = "hand_on", .act = act, .describe = describe };
