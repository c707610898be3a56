/* arch/watch/signals.c -- see signals.h. */
#include "arch/watch/signals.h"

#include <assert.h>
#include <stdlib.h>

#include "core/calendar.h"
#include "core/util.h"

static const struct signal_kind kinds[N_SIGNAL] = {
    [SIGNAL_NEXT_IMAGE] = { "next_image", false, 64 },
    [SIGNAL_NEXT_X]     = { "next_x", false, 32 },
    [SIGNAL_NEXT_Y]     = { "next_y", false, 32 },
    [SIGNAL_FIRE]       = { "fire", true, 1 },
    [SIGNAL_OUTPUTS]    = { "outputs", false, 32 },
    [SIGNAL_STORED]     = { "stored", false, 64 },
    [SIGNAL_ADDRESS]    = { "address", false, 64 },
    [SIGNAL_READ_BACK]  = { "read_back", false, 64 },
    [SIGNAL_BUSY + STAGE_MEMORY]      = { "memory_busy", false, 1 },
    [SIGNAL_BUSY + STAGE_CROSSBAR]    = { "crossbar_busy", false, 1 },
    [SIGNAL_BUSY + STAGE_DIGITAL]     = { "digital_busy", false, 1 },
    [SIGNAL_BUSY + STAGE_LINK]        = { "link_valid", false, 1 },
    [SIGNAL_BUSY + STAGE_PARTIAL_SUM] = { "partial_sum_valid", false, 1 },
};

struct stage_wake {
    struct wake idle; // when the stage will be
    uint32_t    core;
    enum signal signal;
};

struct core_signals {
    uint64_t          stored, read_back; // pixels so far
    struct stage_wake stage[N_STAGE];
};

struct signals {
    const struct plan   *plan;
    struct signals_sink  sink;
    struct core_signals *core;     // owned; [n_core]
    struct calendar      calendar; // of stages that will be idle
    uint64_t             end_cyc;  // so far
};

const struct signal_kind *signal_kind(enum signal signal)
{
    assert(signal < N_SIGNAL);
    return &kinds[signal];
}

uint64_t signal_first_value(const struct plan *p, uint32_t core, enum signal signal)
{
    const struct plan_layer *pl = &p->layer[p->core[core].plan_layer];
    const struct firing_shape shape = plan_firing_shape(p, p->core[core].plan_layer);
    struct pixel first = firing_first(pl->firing, &shape, p->core[core].copy, 0);

    return signal == SIGNAL_NEXT_X ? first.row : signal == SIGNAL_NEXT_Y ? first.column : 0;
}

struct signals *signals_new(const struct plan *p, struct signals_sink sink)
{
    struct signals *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->plan = p;
    s->sink = sink;
    s->core = calloc(p->n_core, sizeof *s->core);
    if (!s->core) {
        free(s);
        return NULL;
    }
    for (uint32_t i = 0; i < p->n_core; i++)
        for (uint32_t k = 0; k < N_STAGE; k++) {
            struct stage_wake *w = &s->core[i].stage[k];
            w->core = i;
            w->signal = (enum signal)(SIGNAL_BUSY + k);
            w->idle.whom = w;
        }
    return s;
}

void signals_free(struct signals *s)
{
    if (!s)
        return;
    free(s->core);
    free(s);
}

static void set(struct signals *s, uint32_t core, enum signal signal, uint64_t value)
{
    s->sink.set(s->sink.user, core, signal, value);
}

void signals_until(struct signals *s, uint64_t cyc)
{
    for (uint64_t next; (next = calendar_next(&s->calendar)) <= cyc && next != CYC_NEVER;) {
        s->sink.time(s->sink.user, next);
        for (struct wake *i = calendar_take(&s->calendar, next); i; i = i->next) {
            const struct stage_wake *w = i->whom;
            set(s, w->core, w->signal, 0);
        }
    }
}

static void show_stages(struct signals *s, const struct core_cycle *a, uint64_t cyc)
{
    for (uint32_t k = 0; k < N_STAGE; k++) {
        struct stage_wake *w = &s->core[a->core].stage[k];
        uint64_t idle_cyc = cyc + a->used_clk[k];
        if (a->used_clk[k] == 0 || (w->idle.link && w->idle.cyc >= idle_cyc))
            continue;
        set(s, a->core, w->signal, 1);
        calendar_set(&s->calendar, &w->idle, idle_cyc);
        s->end_cyc = max_u64(s->end_cyc, idle_cyc);
    }
}

static void show_core(struct signals *s, const struct core_cycle *a, uint64_t cyc)
{
    const struct plan *p = s->plan;
    struct core_signals *c = &s->core[a->core];

    set(s, a->core, SIGNAL_NEXT_IMAGE, a->next.image);
    set(s, a->core, SIGNAL_NEXT_X, a->next.row);
    set(s, a->core, SIGNAL_NEXT_Y, a->next.column);
    if (a->used_clk[STAGE_CROSSBAR])
        set(s, a->core, SIGNAL_FIRE, 1);
    if (a->n_fired)
        set(s, a->core, SIGNAL_OUTPUTS, a->n_fired);
    if (a->n_stored) {
        const struct memory_layout *l = &p->time.core[a->core].layout;
        const struct pixel *last = &a->stored[a->n_stored - 1];
        uint64_t column =
            last->image * p->layer[p->core[a->core].plan_layer].in_width + last->column;
        set(s, a->core, SIGNAL_STORED, c->stored += a->n_stored);
        set(s, a->core, SIGNAL_ADDRESS,
            last->row * l->delta_kernel + column % l->shape.columns * l->delta_pix);
    }
    set(s, a->core, SIGNAL_READ_BACK, c->read_back += a->n_read_back);
    show_stages(s, a, cyc);
}

static void on_cycle(void *user, uint64_t cyc, const struct core_cycle *core, uint32_t n)
{
    struct signals *s = user;
    const struct plan *p = s->plan;

    signals_until(s, cyc);
    s->sink.time(s->sink.user, cyc);
    s->sink.timestep(s->sink.user, (int64_t)(cyc / p->timestep_clk) - (int64_t)p->time.lead);
    for (uint32_t i = 0; i < n; i++)
        show_core(s, &core[i], cyc);
    s->end_cyc = max_u64(s->end_cyc, cyc);
}

struct journal_sink signals_journal(struct signals *s)
{
    return (struct journal_sink){ on_cycle, s };
}

uint64_t signals_end(const struct signals *s)
{
    return s->end_cyc;
}
