/* arch/core/store.c -- a core's first stage: pixels that come; see stages.h. */
#include <string.h>

#include "arch/core/stages.h"
#include "arch/core/token_counts.h"

/* Where a pixel that comes is kept. */
static struct pixel kept_at(const struct imc_spec *s, const struct pixel *px)
{
    struct pixel at = *px;

    if (s->folds > 0) {
        at.column = px->column * s->folds + px->row;
        at.row = 0;
    }
    return at;
}

static void announce(struct imc_core *c, const struct token *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        memory_announce(&c->memory, t->pixel[i].row,
                        t->pixel[i].image * c->spec->in_width + t->pixel[i].column);
}

/* What came of a pixel as the memory keeps it: in proof the low bytes of sums, which name them. */
static const uint8_t *as_kept(struct imc_core *c, const struct port *port, const uint8_t *value)
{
    const struct imc_spec *s = c->spec;
    const uint32_t planes = s->planes.wide ? 2 : 1;
    uint8_t *to = c->scratch.pixel;

    if (s->of_sums)
        for (uint32_t p = 0, k = 0; p < s->planes.n; p += planes, k += SUM_PLANES)
            for (uint32_t i = 0; i < port->n; i++) {
                const uint8_t *low = value + (size_t)p * port->plane_bytes + (size_t)i * port->each;
                int32_t v;
                if (port->each == sizeof v)
                    memcpy(&v, low, sizeof v);
                else if (s->planes.wide)
                    v = wide_value(low, low + port->plane_bytes, s->in_signed);
                else
                    v = s->in_signed ? (int8_t)*low : *low;
                kept_sum_set(c->scratch.sums + (size_t)k * port->n + i, port->n, v);
            }
    for (uint32_t i = 0; !s->of_sums && i < s->planes.n * port->n; i++)
        to[i] = value[(size_t)i * port->each];
    return s->of_sums ? c->scratch.sums : to;
}

static void store(struct imc_core *c, const struct port *port, const struct token *t,
                  uint64_t timestep)
{
    const struct imc_spec *s = c->spec;
    struct core_counters *count = &c->base.report.counters;
    const uint32_t first = port->st->pos_n > 0 ? 0 : port->first; // the byte of a flat layer
    uint64_t n_word = 0;

    for (uint32_t i = 0; i < t->n; i++) {
        const struct pixel kept = kept_at(s, &t->pixel[i]), *px = &kept;
        const uint64_t column = px->image * s->in_width + px->column;
        if (!c->state.any_image || px->image > c->state.newest_image)
            c->state.newest_image = px->image;
        c->state.any_image = true;
        if (!stream_carries(port->st, s->in_width, px->row, px->column)) {
            memory_announce(&c->memory, px->row, column);
            continue;
        }
        const uint8_t *value =
            s->planes.n > 0 ? token_values_const(t, i, port->value_bytes) : NULL;
        if (value && (s->of_sums || port->each > 1))
            value = as_kept(c, port, value);
        uint32_t words = memory_store(&c->memory, px->row, column, first, port->n, value);
        uint64_t weight = core_weight(c, px->image);
        struct image_row images;
        count->pixels_stored += weight;
        if (s->tokens) { // of no input memory
            token_count_stored(s->plan, s->index, first, port->n, weight, count);
            continue;
        }
        n_word += words;
        count->words_written +=
            core_words_differ(c, weight, &images)
                ? memory_write_words_in(c->memory.layout, &images, px->row, column, first, port->n)
                : weight * words;
    }
    core_tell_pixels(c, CORE_STORED, timestep, t->n, t->pixel, n_word);
}

static bool waits_for(const struct residual_pixel *w, const struct pixel *at)
{
    return w->arrived > 0 && w->image == at->image && w->row == at->row && w->column == at->column;
}

struct residual_pixel *core_waiting(const struct imc_core *c, const struct pixel *at)
{
    struct residual_pixel *home = core_waiting_home(c, at);

    if (waits_for(home, at))
        return home;
    for (uint32_t i = 0; c->state.displaced > 0 && i < c->spec->waiting_room; i++)
        if (waits_for(&c->waiting[i], at))
            return &c->waiting[i];
    return NULL;
}

/* Where a residual pixel goes: beside other slices of it, else to a free slot; NULL: there is
 * none. */
static struct residual_pixel *waiting_slot(struct imc_core *c, const struct pixel *px)
{
    struct residual_pixel *slot = core_waiting(c, px), *home = core_waiting_home(c, px);

    if (slot || home->arrived == 0)
        return slot ? slot : home;
    for (uint32_t i = 0; i < c->spec->waiting_room; i++)
        if (c->waiting[i].arrived == 0) {
            c->state.displaced++;
            return &c->waiting[i];
        }
    return NULL;
}

static void keep_residual(struct imc_core *c, const struct port *port, const struct token *t,
                          uint64_t now_cyc)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct pixel *px = &t->pixel[i];
        struct residual_pixel *slot = waiting_slot(c, px);
        if (!slot) {
            core_fail(&c->base, now_cyc, "the residual FIFO has no room for", px);
            return;
        }
        slot->image = px->image;
        slot->row = px->row;
        slot->column = px->column;
        slot->arrived += port->n;
        const uint8_t *value = token_values_const(t, i, port->value_bytes);
        for (uint32_t p = 0; p < c->spec->planes.n; p++)
            memcpy(slot->value + p * c->spec->out_n + port->first, value + p * port->n,
                   port->n);
    }
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    const struct token *t;

    if (now->between)
        return CYC_NEVER;
    for (uint32_t i = 0; i < c->ports.n_pixels; i++) {
        const struct port *port = &c->ports.pixels[i];
        if (!(t = port_take(port, now->cyc)))
            continue;
        if (port->n == 0)
            announce(c, t);
        else
            store(c, port, t, now->timestep);
    }
    for (uint32_t i = 0; i < c->ports.n_residual; i++)
        if ((t = port_take(&c->ports.residual[i], now->cyc)))
            keep_residual(c, &c->ports.residual[i], t, now->cyc);
    return CYC_NEVER;
}

const struct core_stage stage_store = { .name = "store", .act = act };
