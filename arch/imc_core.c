/* arch/imc_core.c -- what a core does in a timestep, see imc_core.h; imc_core_init.c builds it. */
#include "arch/imc_core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/util.h"

#define ROW(...) COUNTER_ROW(struct core_counters, __VA_ARGS__)
const struct counter core_counter_rows[] = { CORE_COUNTERS(ROW) COUNTER_END };

static void tell(const struct imc_core *c, enum core_event_kind kind, uint64_t timestep, uint32_t n,
                 const struct firing_place *pixel)
{
    if (c->probe)
        c->probe->event(c->probe->user, c,
                        &(struct core_event){ .kind = kind, .timestep = timestep, .n = n,
                                              .pixel = pixel });
}

static void tell_result(const struct imc_core *c, uint64_t timestep,
                        const struct firing_place *pixel, const int32_t *sum, const uint8_t *value)
{
    if (c->probe)
        c->probe->event(c->probe->user, c,
                        &(struct core_event){ .kind = CORE_RESULT,
                                              .timestep = timestep,
                                              .n = 1,
                                              .pixel = pixel,
                                              .sum = c->planes.n ? sum : NULL,
                                              .value = c->planes.n ? value : NULL,
                                              .value_bytes = c->result_bytes });
}

/* A pixel is counted with its image, as often as that counts. */
static uint64_t weight(struct imc_core *c, uint64_t image)
{
    if (image != c->weighed_image) {
        c->weighed_image = image;
        c->weight = planes_counting(&c->planes, image);
    }
    return c->weight;
}

static void fail(struct imc_core *c, uint64_t now_cyc, const char *what,
                 const struct firing_place *pixel)
{
    struct fault *f = c->fault;

    if (f->set && (f->cyc < now_cyc || (f->cyc == now_cyc && f->core <= c->index)))
        return;
    f->set = true;
    f->cyc = now_cyc;
    f->core = c->index;
    err_set(&f->msg, ERR_RUN,
            "%s: timestep %" PRId64 ": %s pixel (%" PRIu32 ", %" PRIu32 ") of image %" PRIu64,
            c->base.path,
            (int64_t)(now_cyc / c->plan->timestep_clk) - (int64_t)c->plan->lead, what, pixel->x,
            pixel->y, pixel->image);
}

/* ---- 1. store ---- */

static void store_token(struct imc_core *c, const struct core_port *port, const struct token *t,
                        uint64_t timestep)
{
    if (port->n == 0) {
        for (uint32_t i = 0; i < t->n; i++)
            memory_announce(&c->memory, t->pixel[i].x,
                            t->pixel[i].image * c->pl->in_width + t->pixel[i].y);
        return;
    }
    tell(c, CORE_STORED, timestep, t->n, t->pixel);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct firing_place *px = &t->pixel[i];
        uint32_t words = memory_store(
            &c->memory, px->x, px->image * c->pl->in_width + px->y, port->first, port->n,
            c->planes.n ? token_values_const(t, i, port->value_bytes) : NULL);
        c->counters.words_written += weight(c, px->image) * words;
        c->counters.pixels_stored += weight(c, px->image);
        if (!c->any_image || px->image > c->newest_image)
            c->newest_image = px->image;
        c->any_image = true;
    }
}

static void keep_residual(struct imc_core *c, const struct core_port *port, const struct token *t,
                          uint64_t now_cyc)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct firing_place *px = &t->pixel[i];
        struct residual_pixel *slot = NULL;
        for (uint32_t k = 0; k < c->waiting_room; k++) {
            struct residual_pixel *w = &c->waiting[k];
            if (w->arrived == 0) {
                slot = slot ? slot : w;
            } else if (w->image == px->image && w->x == px->x && w->y == px->y) {
                slot = w; // another slice of it
                break;
            }
        }
        if (!slot) {
            fail(c, now_cyc, "the residual FIFO has no room for", px);
            return;
        }
        slot->image = px->image;
        slot->x = px->x;
        slot->y = px->y;
        slot->arrived += port->n;
        const uint8_t *value = token_values_const(t, i, port->value_bytes);
        for (uint32_t p = 0; p < c->planes.n; p++)
            memcpy(slot->value + p * c->pc->out_n + port->first, value + p * port->n, port->n);
    }
}

static void receive(struct imc_core *c, uint64_t now_cyc, uint64_t timestep)
{
    for (uint32_t i = 0; i < c->n_pixels; i++)
        if (chan_can_pop(c->pixels[i].chan, now_cyc))
            store_token(c, &c->pixels[i], chan_pop(c->pixels[i].chan, now_cyc), timestep);
    for (uint32_t i = 0; i < c->n_residual; i++)
        if (chan_can_pop(c->residual[i].chan, now_cyc))
            keep_residual(c, &c->residual[i], chan_pop(c->residual[i].chan, now_cyc), now_cyc);
}

/* ---- deliver ---- */

/* Cycle from which a pixel computed or read in a timestep can be stored elsewhere. */
static uint64_t pixel_cyc(const struct imc_core *c, uint64_t timestep)
{
    return timestep * c->timestep_clk + c->hop_clk;
}

/* Whether the receiver of the port wants the pixel: a copy that adds takes only its own columns. */
static bool wanted(const struct imc_core *c, const struct core_port *port,
                   const struct firing_place *place)
{
    return port->st->kind != STREAM_FROM_RESAMPLING ||
           plan_owner(c->plan, port->to_layer, place->y) == port->to_copy;
}

/* Appends one of the core's results to a token. */
static void put_result(struct imc_core *c, struct core_port *port, struct token *t,
                       const struct firing_place *place, const uint8_t *value)
{
    uint8_t *to = token_values(t, t->n, port->value_bytes);

    assert(t->n < t->most);
    value += (size_t)port->first * port->st->value_bits / 8;
    for (uint32_t p = 0; p < c->planes.n; p++)
        memcpy(to + p * port->plane_bytes, value + p * c->result_bytes, port->plane_bytes);
    t->pixel[t->n++] = *place;
    port->bits += weight(c, place->image) * port->n * port->st->value_bits;
}

/* Sends n pixels, the core's results, to every consumer. */
static void deliver(struct imc_core *c, uint64_t timestep, const struct firing_place *place,
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
                t = token_begin(chan_push(port->chan, pixel_cyc(c, timestep)), timestep,
                                port->st->most_pixels);
            put_result(c, port, t, &place[k], c->result + k * apart);
        }
    }
}

/* ---- digital processor ---- */

/* Pixels of an output's window that lie inside the map. */
static uint32_t pixels_inside(const struct imc_core *c, const struct firing_place *place)
{
    return window_inside(&c->pl->window, 0, place->x, c->pl->in_height) *
           window_inside(&c->pl->window, 1, place->y, c->pl->in_width);
}

/* The residual of an output, complete; NULL while it has not come. */
static struct residual_pixel *find_residual(const struct imc_core *c,
                                            const struct firing_place *place)
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
    uint64_t ops = weight(c, image) * c->pc->out_n;

    n->scale_ops += ops;
    if (l->raw_output)
        return;
    n->residual_ops += l->has_residual ? ops : 0;
    n->relu_ops += l->relu ? ops : 0;
    n->round_ops += ops;
    n->pool_ops += l->pooled ? ops : 0;
}

/* An average is scaled by the number of pixels in its window. */
static void process_average(const struct imc_core *c, const struct firing_place *place,
                            const int32_t *acc, const uint8_t *residual, uint8_t *out)
{
    size_t at = (size_t)(pixels_inside(c, place) - 1) * c->pc->out_n;
    struct digital d = c->digital;

    d.m += at;
    d.b += at;
    digital_process(&d, acc, residual, out);
}

static void process_plane(struct imc_core *c, const struct firing_place *place, const int32_t *acc,
                          const uint8_t *residual, uint8_t *out)
{
    if (c->layer->raw_output) {
        int32_t *logit = (int32_t *)(void *)out;
        for (uint32_t o = 0; o < c->pc->out_n; o++)
            logit[o] = (int32_t)(acc[o] + c->digital.b[o]);
    } else if (c->average_m) {
        process_average(c, place, acc, residual, out);
    } else {
        digital_process(&c->digital, acc, residual, out);
    }
}

/* An output of every plane: plane p's sums at acc + p * acc_plane, its result at
 * out + p * result_bytes. */
static void process(struct imc_core *c, const struct firing_place *place, const int32_t *acc,
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

static void pool(struct imc_core *c, uint64_t timestep, const struct firing_place *place)
{
    if (c->pool_left == 0)
        c->pool_left = (uint64_t)c->layer->out.height * c->layer->out.width;
    if (--c->pool_left > 0)
        return;
    struct firing_place whole = { .image = place->image };
    for (uint32_t p = 0; p < c->planes.n; p++)
        digital_pool_finish(&c->layer->pool, c->pc->out_n, c->pool + p * c->pc->out_n,
                            c->result + p * c->result_bytes);
    if (c->planes.n > 0)
        memset(c->pool, 0, (size_t)c->planes.n * c->pc->out_n * sizeof *c->pool);
    deliver(c, timestep, &whole, 1);
}

/* The sums of a firing are complete: from accumulators to activations, and off. */
static void finish(struct imc_core *c, const struct firing_place *place, uint32_t n,
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

static void send_sums(struct imc_core *c, const struct firing_place *place, uint32_t n,
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
        port->bits += weight(c, place[i].image) * port->n * 32;
    }
    t->n = n;
}

/* Outputs of the oldest firing that can be handed on now. */
static uint32_t outputs_ready(const struct imc_core *c)
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

static void hand_on(struct imc_core *c, uint64_t now_cyc, uint64_t timestep)
{
    struct core_sums *own = &c->sums[c->sums_head];
    uint32_t n = timestep >= c->next_sum_timestep ? outputs_ready(c) : 0, at = own->passed;

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

static void add_partial_sums(struct imc_core *c, uint64_t now_cyc)
{
    struct core_port *port = &c->partial_in;

    if (!port->chan || c->sums_complete == c->sums_n || !chan_can_pop(port->chan, now_cyc))
        return;
    const struct token *t = chan_pop(port->chan, now_cyc);
    struct core_sums *own = &c->sums[(c->sums_head + c->sums_complete++) % c->sums_room];
    if (t->n != own->n || memcmp(t->pixel, own->place, t->n * sizeof *own->place) != 0) {
        fail(c, now_cyc, "the parts of the layer did not fire together for", &t->pixel[0]);
        return;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        c->counters.partial_sum_ops += weight(c, t->pixel[i].image) * c->pc->out_n;
        const int32_t *add =
            (const int32_t *)(const void *)token_values_const(t, i, port->value_bytes);
        int32_t *acc = own->acc + (size_t)i * c->pc->out_n;
        for (uint32_t p = 0; p < c->planes.n; p++, acc += c->acc_plane, add += c->pc->out_n)
            for (uint32_t o = 0; o < c->pc->out_n; o++)
                acc[o] += add[o];
    }
}

/* ---- 2. fire ---- */

static void load_rows(struct imc_core *c, const struct firing_place *head, uint64_t now_cyc)
{
    uint64_t n_word = 0;

    for (uint32_t i = 0; i < c->registers.n_read; i++) {
        const struct row_read *r = &c->registers.read[i];
        uint64_t column = head->image * c->pl->in_width + r->y, missing;
        uint8_t *to = c->planes.n ? kernel_matrix_row(&c->matrix, r) : NULL;
        uint32_t words = memory_read_row(&c->memory, r->x, column, r->columns, to,
                                         c->matrix.strip_bytes, &missing);
        if (words == 0)
            fail(c, now_cyc, "not in the memory when it is read:",
                 &(struct firing_place){ missing / c->pl->in_width, r->x,
                                        (uint32_t)(missing % c->pl->in_width) });
        n_word += words;
    }
    c->counters.words_read += weight(c, head->image) * n_word;
}

/* Writes used[n], the replicas that compute place[n]. Whether they are the first n, in order. */
static bool find_replicas(struct imc_core *c, const struct firing_place *place, uint32_t n,
                          uint32_t x, uint32_t y)
{
    bool in_order = true;

    for (uint32_t i = 0; i < n; i++) {
        c->used[i] = (place[i].x - x) * c->controller.shape.block_w + place[i].y - y;
        in_order &= c->used[i] == i;
    }
    return in_order;
}

/* One plane's product for outputs of one group; in_order: of the first n replicas. */
static void multiply_plane(struct imc_core *c, const uint8_t *in, uint32_t n, bool in_order,
                           int32_t *acc, struct crossbar_activity *activity)
{
    crossbar_mvm(&c->crossbar, in, in_order ? acc : c->acc, activity);
    for (uint32_t i = 0; !in_order && i < n; i++)
        memcpy(acc + (size_t)i * c->pc->out_n, c->acc + (size_t)c->used[i] * c->pc->out_n,
               c->pc->out_n * sizeof *acc);
    for (uint32_t i = 0; c->zero_sum && i < n; i++)
        for (uint32_t o = 0; o < c->pc->out_n; o++)
            acc[(size_t)i * c->pc->out_n + o] -= c->zero_sum[o];
}

/* Multiplies for outputs of one group; acc[i] gets those of place[i], plane p's acc_plane behind
 * plane p - 1's. */
static void multiply(struct imc_core *c, const struct firing_place *place, uint32_t n, int32_t *acc)
{
    uint32_t x, y;

    c->pl->firing->origin(&c->controller.shape, &place[0], &x, &y);
    bool in_order = find_replicas(c, place, n, x, y);
    c->counters.driven_rows += weight(c, place[0].image) *
                               kernel_matrix_driven(&c->matrix, c->used, n) * c->pc->in_n;
    struct crossbar_activity activity = { 0 }, uncounted = { 0 };
    for (uint32_t p = 0; p < c->planes.n; p++) {
        const uint8_t *in = kernel_matrix_vector(&c->matrix, x, y, c->used, n, p);
        bool counts = plane_counts(&c->planes, p, place[0].image);
        multiply_plane(c, in, n, in_order, acc + p * c->acc_plane,
                       counts ? &activity : &uncounted);
    }
    c->counters.active_rows += activity.active_rows;
    c->counters.sum_abs_x += activity.sum_abs_x;
    c->counters.sum_abs_xw += activity.sum_abs_xw;
}

/* What a plane's window of an output of the group holds; origin at output (x, y). */
static void look_up_window(struct imc_core *c, uint32_t x, uint32_t y, uint32_t q, uint32_t plane,
                           int32_t *acc)
{
    bool is_signed = c->plan->network->layer[c->layer->input[0]].out_signed;
    uint32_t n_pixel = kernel_matrix_pixels(&c->matrix, x, y, q, plane, c->window);

    if (c->layer->kind == LAYER_MAX_POOL)
        digital_max(c->pc->out_n, c->window, n_pixel, is_signed, c->layer->in_zero, acc);
    else
        digital_sum(c->pc->out_n, c->window, n_pixel, is_signed, c->layer->in_zero, acc);
    for (uint32_t o = 0; c->layer->negated && o < c->pc->out_n; o++)
        acc[o] = c->layer->negated[c->pc->out_first + o] ? -acc[o] : acc[o];
}

/* What a digital layer has for a crossbar: acc[i] gets what the window of place[i] holds. */
static void look_up_windows(struct imc_core *c, const struct firing_place *place, uint32_t n,
                            int32_t *acc)
{
    const struct firing_shape *shape = &c->controller.shape;
    uint32_t x, y;

    c->pl->firing->origin(shape, &place[0], &x, &y);
    for (uint32_t i = 0; i < n; i++) {
        if (c->layer->kind != LAYER_SCALE)
            c->counters.pool_ops +=
                weight(c, place[i].image) * pixels_inside(c, &place[i]) * c->pc->out_n;
        uint32_t q = firing_replica(c->pl->firing, shape, &place[0], &place[i]);
        for (uint32_t p = 0; p < c->planes.n; p++)
            look_up_window(c, x, y, q, p, acc + p * c->acc_plane + (size_t)i * c->pc->out_n);
    }
}

static void count_firing(struct imc_core *c, const struct firing_place *place, uint32_t n,
                         uint64_t timestep)
{
    struct core_counters *count = &c->counters;

    count->firings += c->is_digital ? 0 : weight(c, place[0].image);
    count->busy_timesteps += weight(c, place[0].image);
    for (uint32_t i = 0; i < n; i++) {
        count->outputs += weight(c, place[i].image);
        count->conversions += c->is_digital ? 0 : weight(c, place[i].image) * c->pc->out_n;
        if (place[i].image != c->first_image)
            continue;
        if (!c->any_fired)
            c->first_fired = timestep;
        c->any_fired = true;
        c->last_fired = timestep;
    }
}

static void fire(struct imc_core *c, uint64_t now_cyc, uint64_t timestep)
{
    uint32_t n = controller_fire(&c->controller, timestep, c->place);

    if (n == 0)
        return;
    const struct firing_shape *shape = &c->controller.shape;
    struct core_sums *own = &c->sums[(c->sums_head + c->sums_n) % c->sums_room];
    if (c->sums_n == c->sums_room) {
        fail(c, now_cyc, "no room for the sums of", &c->place[0]);
        return;
    }
    for (uint32_t from = 0, to; from < n; from = to) {
        bool fresh = registers_begin(&c->registers, &c->place[from]);
        to = from;
        do
            registers_need(&c->registers, &c->place[to++]);
        while (to < n && firing_replica(c->pl->firing, shape, &c->place[from], &c->place[to]) <
                             shape->n);
        if (c->planes.n > 0 && fresh)
            kernel_matrix_begin_strip(&c->matrix, c->place[from].y, c->registers.strip_width);
        load_rows(c, &c->place[from], now_cyc);
        int32_t *acc = own->acc + (size_t)from * c->pc->out_n;
        if (c->is_digital)
            look_up_windows(c, &c->place[from], to - from, acc);
        else
            multiply(c, &c->place[from], to - from, acc);
    }
    count_firing(c, c->place, n, timestep);
    tell(c, CORE_FIRED, timestep, n, c->place);
    c->next_timestep = timestep + 1;
    own->n = n;
    own->passed = 0;
    memcpy(own->place, c->place, n * sizeof *c->place);
    c->sums_n++;
    c->sums_complete += c->partial_in.chan == NULL;
}

/* ---- 3. read back ---- */

/* Timestep of the next pixel to send; CYC_NEVER before a pixel of its image has come. */
static uint64_t read_back_timestep(const struct imc_core *c, const struct core_read_back *rb)
{
    return c->any_image && rb->image <= c->newest_image ? rb->due : CYC_NEVER;
}

static const struct read_back_send *next_send(const struct imc_core *c,
                                              const struct core_read_back *rb)
{
    uint64_t row = min_u64(rb->image - c->first_image, rb->table->n_image - 1);

    return &rb->table->send[row * rb->table->n + rb->at];
}

void imc_core_set_due(const struct imc_core *c, struct core_read_back *rb)
{
    uint64_t nth = rb->image - c->first_image;

    rb->due = c->plan->lead + nth * c->plan->interval + (uint64_t)next_send(c, rb)->timestep;
}

static void send_back(struct imc_core *c, struct core_read_back *rb, uint64_t now_cyc,
                      uint64_t timestep)
{
    const struct read_back *table = rb->table;
    const struct read_back_send *send = next_send(c, rb);
    uint32_t x = send->x * table->stride[0], y = send->y * table->stride[1];
    uint64_t missing;
    uint32_t words = memory_read_row(&c->memory, x, rb->image * c->pl->in_width + y, 1,
                                     c->planes.n ? c->pixel : NULL, c->pc->in_n, &missing);

    if (words == 0)
        fail(c, now_cyc, "not in the memory when it is read back:",
             &(struct firing_place){ rb->image, x, y });
    c->counters.words_read_back += weight(c, rb->image) * words;
    tell(c, CORE_READ_BACK, timestep, 1, &(struct firing_place){ rb->image, x, y });
    for (uint32_t i = 0; i < rb->n_out; i++) {
        struct core_port *port = &rb->out[i];
        if (!rb->token_open)
            port->token = token_begin(chan_push(port->chan, pixel_cyc(c, timestep)), timestep,
                                      table->most_pixels);
        struct token *t = port->token;
        assert(t->n < t->most);
        t->pixel[t->n] = (struct firing_place){ rb->image, send->x, send->y };
        uint8_t *to = token_values(t, t->n++, port->value_bytes);
        for (uint32_t p = 0; p < c->planes.n; p++)
            memcpy(to + p * port->n, c->pixel + p * c->pc->in_n + port->first, port->n);
        port->bits += weight(c, rb->image) * port->n * 8;
    }
    rb->token_open = true;
    if (++rb->at == table->n) {
        rb->at = 0;
        rb->image++;
    }
    imc_core_set_due(c, rb);
}

static void read_back(struct imc_core *c, uint64_t now_cyc, uint64_t timestep)
{
    for (uint32_t i = 0; i < c->n_read_back; i++) {
        struct core_read_back *rb = &c->read_back[i];
        rb->token_open = false;
        while (read_back_timestep(c, rb) <= timestep) {
            if (read_back_timestep(c, rb) < timestep) {
                fail(c, now_cyc, "too late to read back",
                     &(struct firing_place){ .image = rb->image });
                return;
            }
            send_back(c, rb, now_cyc, timestep);
        }
    }
}

/* ---- the block ---- */

/* Next cycle with work that no channel announces. */
static uint64_t next_cyc(const struct imc_core *c, uint64_t timestep)
{
    uint64_t next = CYC_NEVER;
    uint64_t may_fire = max_u64(c->next_timestep, controller_paced_timestep(&c->controller));

    may_fire = max_u64(may_fire, timestep + 1);
    if (controller_ready(&c->controller, may_fire))
        next = may_fire;
    if (outputs_ready(c) > 0)
        next = min_u64(next, timestep + 1);
    for (uint32_t i = 0; i < c->n_read_back; i++)
        next = min_u64(next, read_back_timestep(c, &c->read_back[i]));
    return next == CYC_NEVER ? next : next * c->timestep_clk;
}

static uint64_t imc_core_step(struct block *b, uint64_t now_cyc)
{
    struct imc_core *c = (struct imc_core *)b;
    uint64_t timestep = now_cyc / c->timestep_clk;

    if (timestep * c->timestep_clk == now_cyc) {
        receive(c, now_cyc, timestep);
        if (timestep >= c->next_timestep)
            fire(c, now_cyc, timestep);
        read_back(c, now_cyc, timestep);
    }
    add_partial_sums(c, now_cyc);
    hand_on(c, now_cyc, timestep);
    if (c->probe && c->probe->stepped)
        c->probe->stepped(c->probe->user, c, now_cyc);
    return c->fault->set ? CYC_NEVER : next_cyc(c, timestep);
}

static void imc_core_describe(const struct block *b, FILE *out)
{
    const struct imc_core *c = (const struct imc_core *)b;
    const struct firing_place *p = &c->controller.next;

    fprintf(out, "%s: waits for the patch of output (%" PRIu32 ", %" PRIu32 ") of image %" PRIu64,
            b->path, p->x, p->y, p->image);
    for (uint32_t y = c->controller.first_column; y <= c->controller.last_column; y++)
        fprintf(out, "%s column %" PRIu32 " has %" PRIu32 " of %" PRIu32 " pixels",
                y == c->controller.first_column ? ":" : ",", y,
                memory_rows_stored(&c->memory, p->image * c->pl->in_width + y),
                c->controller.rows_seen);
    if (c->sums_n > 0)
        fprintf(out, "; %" PRIu32 " firings wait for %s", c->sums_n,
                c->sums_complete > 0 ? "residual pixels" : "the part before");
    fputc('\n', out);
}

const struct block_ops imc_core_ops = {
    .type = "imc_core", .step = imc_core_step, .describe = imc_core_describe,
};
