/* arch/core/imc_core.c -- what a core does in a timestep, see imc_core.h; imc_core_init.c builds it. */
#include "arch/core/imc_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch/core/stages.h"

#define ROW(...) COUNTER_ROW(struct core_counters, __VA_ARGS__)
const struct counter core_counter_rows[] = { CORE_COUNTERS(ROW) COUNTER_END };

void imc_core_tell(const struct imc_core *c, enum core_event_kind kind, uint64_t timestep,
                   uint32_t n, const struct pixel *pixel, uint64_t words)
{
    if (c->probe)
        c->probe->event(c->probe->user, c->index,
                        &(struct core_event){ .kind = kind, .timestep = timestep, .n = n,
                                              .pixel = pixel, .words = words });
}

void imc_core_fail(struct imc_core *c, uint64_t now_cyc, const char *what,
                   const struct pixel *pixel)
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
            (int64_t)(now_cyc / c->plan->timestep_clk) - (int64_t)c->plan->time.lead, what,
            pixel->x, pixel->y, pixel->image);
}

/* ---- what comes ---- */

static void store_token(struct imc_core *c, const struct core_port *port, const struct token *t,
                        uint64_t timestep)
{
    if (port->n == 0) {
        for (uint32_t i = 0; i < t->n; i++)
            memory_announce(&c->memory, t->pixel[i].x,
                            t->pixel[i].image * c->pl->in_width + t->pixel[i].y);
        return;
    }
    uint64_t n_word = 0;
    uint32_t first = port->st->pos_n > 0 ? 0 : port->first; // the byte of a flat layer
    for (uint32_t i = 0; i < t->n; i++) {
        const struct pixel *px = &t->pixel[i];
        uint64_t column = px->image * c->pl->in_width + px->y;
        if (!c->any_image || px->image > c->newest_image)
            c->newest_image = px->image;
        c->any_image = true;
        if (!stream_carries(port->st, c->pl->in_width, px->x, px->y)) {
            memory_announce(&c->memory, px->x, column);
            continue;
        }
        uint32_t words =
            memory_store(&c->memory, px->x, column, first, port->n,
                         c->planes.n ? token_values_const(t, i, port->value_bytes) : NULL);
        n_word += words;
        c->counters.words_written += core_weight(c, px->image) * words;
        c->counters.pixels_stored += core_weight(c, px->image);
    }
    imc_core_tell(c, CORE_STORED, timestep, t->n, t->pixel, n_word);
}

static void keep_residual(struct imc_core *c, const struct core_port *port, const struct token *t,
                          uint64_t now_cyc)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct pixel *px = &t->pixel[i];
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
            imc_core_fail(c, now_cyc, "the residual FIFO has no room for", px);
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

/* ---- the block ---- */

/* Next cycle with work that no channel announces. */
static uint64_t next_cyc(const struct imc_core *c, uint64_t timestep)
{
    uint64_t next = CYC_NEVER;
    uint64_t may_fire = max_u64(c->next_timestep, controller_paced_timestep(&c->controller));

    may_fire = max_u64(may_fire, timestep + 1);
    if (controller_ready(&c->controller, may_fire))
        next = may_fire;
    if (imc_core_outputs_ready(c) > 0)
        next = min_u64(next, timestep + 1);
    for (uint32_t i = 0; i < c->n_read_back; i++)
        next = min_u64(next, imc_core_read_back_timestep(c, &c->read_back[i]));
    return next == CYC_NEVER ? next : next * c->timestep_clk;
}

static uint64_t imc_core_step(struct block *b, uint64_t now_cyc)
{
    struct imc_core *c = (struct imc_core *)b;
    uint64_t timestep = now_cyc / c->timestep_clk;

    if (timestep * c->timestep_clk == now_cyc) {
        receive(c, now_cyc, timestep);
        if (timestep >= c->next_timestep)
            imc_core_fire(c, now_cyc, timestep);
        imc_core_read_back(c, now_cyc, timestep);
    }
    imc_core_add_partial_sums(c, now_cyc);
    imc_core_hand_on(c, now_cyc, timestep);
    if (c->probe && c->probe->stepped)
        c->probe->stepped(c->probe->user, c->index, &c->controller.next, now_cyc);
    return c->fault->set ? CYC_NEVER : next_cyc(c, timestep);
}

static void imc_core_describe(const struct block *b, FILE *out)
{
    const struct imc_core *c = (const struct imc_core *)b;
    const struct pixel *p = &c->controller.next;

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
    .type = "imc_core",
    .step = imc_core_step,
    .describe = imc_core_describe,
};
