/* arch/waves.c -- see waves.h. */
#include "arch/waves.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar.h"
#include "core/util.h"
#include "traces/vcd.h"

enum signal {
    NEXT_IMAGE, NEXT_X, NEXT_Y, FIRE, OUTPUTS, STORED, ADDRESS, READ_BACK,
    BUSY, // the first of N_STAGE
    N_SIGNAL = BUSY + N_STAGE
};

static const struct {
    const char   *name;
    enum vcd_kind kind;
    uint32_t      bits;
} signals[N_SIGNAL] = {
    [NEXT_IMAGE] = { "next_image", VCD_WIRE, 64 },
    [NEXT_X]     = { "next_x", VCD_WIRE, 32 },
    [NEXT_Y]     = { "next_y", VCD_WIRE, 32 },
    [FIRE]       = { "fire", VCD_EVENT, 1 },
    [OUTPUTS]    = { "outputs", VCD_WIRE, 32 },
    [STORED]     = { "stored", VCD_WIRE, 64 },
    [ADDRESS]    = { "address", VCD_WIRE, 64 },
    [READ_BACK]  = { "read_back", VCD_WIRE, 64 },
    [BUSY + STAGE_MEMORY]      = { "memory_busy", VCD_WIRE, 1 },
    [BUSY + STAGE_CROSSBAR]    = { "crossbar_busy", VCD_WIRE, 1 },
    [BUSY + STAGE_DIGITAL]     = { "digital_busy", VCD_WIRE, 1 },
    [BUSY + STAGE_LINK]        = { "link_valid", VCD_WIRE, 1 },
    [BUSY + STAGE_PARTIAL_SUM] = { "partial_sum_valid", VCD_WIRE, 1 },
};

#define NOT_TRACED UINT32_MAX

struct core_waves {
    uint32_t    number[N_SIGNAL]; // in the dump, or NOT_TRACED
    uint64_t    stored, read_back; // pixels so far
    struct wake idle[N_STAGE];    // when the stage will be
};

struct waves {
    const struct plan *plan;
    struct vcd        *vcd;
    uint32_t           timestep; // number in the dump
    struct core_waves *core;     // owned; [n_core]
    struct calendar    calendar; // of stages that will be idle
    uint64_t           end_cyc;  // so far
};

/* ---- which signals ---- */

/* Whether the list of patterns CORES[:SIGNALS] takes the signal; `used` gets the parts that do. */
static bool wanted(const char *scope, const char *core, const char *signal, bool *used)
{
    char part[256];
    bool found = false;

    for (size_t i = 0; scope; i++) {
        const char *comma = strchr(scope, ',');
        snprintf(part, sizeof part, "%.*s", comma ? (int)(comma - scope) : -1, scope);
        char *colon = strchr(part, ':');
        if (colon)
            *colon++ = '\0';
        bool match = fnmatch(part, core, 0) == 0 && (!colon || fnmatch(colon, signal, 0) == 0);
        used[i] = used[i] || match;
        found = found || match;
        scope = comma ? comma + 1 : NULL;
    }
    return found;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the waveforms");
}

static enum err unused_part(const struct plan *p, const char *scope, const bool *used,
                            struct err_msg *m)
{
    while (*used++) {
        scope = strchr(scope, ',');
        if (!scope++)
            return ERR_NONE;
    }
    return err_set(m, ERR_INPUT,
                   "trace scope %.*s: no such signal: want CORES:SIGNALS, with cores %s to %s and "
                   "signals like fire, next_x or link_valid; * stands for anything",
                   (int)strcspn(scope, ","), scope, p->core[0].name, p->core[p->n_core - 1].name);
}

static uint64_t first_value(const struct plan *p, uint32_t core, uint32_t signal)
{
    const struct plan_layer *pl = &p->layer[p->core[core].plan_layer];
    const struct firing_shape shape = plan_firing_shape(p, p->core[core].plan_layer);
    struct firing_place first = firing_first(pl->firing, &shape, p->core[core].copy, 0);

    return signal == NEXT_X ? first.x : signal == NEXT_Y ? first.y : 0;
}

static enum err declare(struct waves *w, const char *scope, bool *used, struct err_msg *m)
{
    const struct plan *p = w->plan;
    char path[256];

    if (!vcd_declare(w->vcd, "chip", "timestep", VCD_WIRE, 64, -(uint64_t)p->lead, &w->timestep))
        return no_memory(m);
    for (uint32_t i = 0; i < p->n_core; i++) {
        snprintf(path, sizeof path, "chip.%s", p->core[i].name);
        for (uint32_t k = 0; k < N_SIGNAL; k++) {
            w->core[i].number[k] = NOT_TRACED;
            if (scope && !wanted(scope, p->core[i].name, signals[k].name, used))
                continue;
            if (!vcd_declare(w->vcd, path, signals[k].name, signals[k].kind, signals[k].bits,
                             first_value(p, i, k), &w->core[i].number[k]))
                return no_memory(m);
        }
        for (uint32_t k = 0; k < N_STAGE; k++)
            w->core[i].idle[k].whom = &w->core[i].number[BUSY + k];
    }
    return scope ? unused_part(p, scope, used, m) : ERR_NONE;
}

static struct vcd *new_vcd(const struct plan *p, const struct waves_cfg *cfg)
{
    struct vcd_cfg v = { .out = cfg->out, .clock_mhz = p->config->clock_mhz,
                         .last_cyc = UINT64_MAX };

    if (cfg->windowed) {
        v.first_cyc = (p->lead + cfg->first_timestep) * p->timestep_clk;
        v.last_cyc = (p->lead + cfg->last_timestep + 1) * p->timestep_clk - 1;
    }
    return vcd_new(&v);
}

static void begin(struct waves *w)
{
    const struct plan *p = w->plan;
    char comment[128];

    snprintf(comment, sizeof comment,
             "timestep 0 begins in clock cycle %" PRIu64 "; each has %" PRIu64,
             p->lead * p->timestep_clk, p->timestep_clk);
    vcd_begin(w->vcd, comment);
}

enum err waves_new(struct waves **w, const struct plan *p, const struct waves_cfg *cfg,
                   struct err_msg *m)
{
    size_t n_part = 1;

    for (const char *s = cfg->scope; s && *s; s++)
        n_part += *s == ',';
    bool *used = calloc(n_part, sizeof *used);
    struct waves *made = *w = calloc(1, sizeof *made);
    if (made) {
        made->plan = p;
        made->core = calloc(p->n_core, sizeof *made->core);
        made->vcd = new_vcd(p, cfg);
    }
    enum err e = used && made && made->core && made->vcd ? declare(made, cfg->scope, used, m)
                                                         : no_memory(m);
    free(used);
    if (!e) {
        begin(made);
        return ERR_NONE;
    }
    waves_free(made);
    *w = NULL;
    return e;
}

void waves_free(struct waves *w)
{
    if (!w)
        return;
    vcd_free(w->vcd);
    free(w->core);
    free(w);
}

/* ---- their values ---- */

static void set(struct waves *w, uint32_t number, uint64_t value)
{
    if (number != NOT_TRACED)
        vcd_set(w->vcd, number, value);
}

/* Lets stages fall idle up to a cycle, included. */
static void idle_until(struct waves *w, uint64_t cyc)
{
    for (uint64_t next; (next = calendar_next(&w->calendar)) <= cyc && next != CYC_NEVER;) {
        vcd_time(w->vcd, next);
        for (struct wake *i = calendar_take(&w->calendar, next); i; i = i->next)
            set(w, *(const uint32_t *)i->whom, 0);
    }
}

static void show_stages(struct waves *w, struct core_waves *c, const struct core_activity *a,
                        uint64_t cyc)
{
    for (uint32_t k = 0; k < N_STAGE; k++) {
        struct wake *idle = &c->idle[k];
        uint64_t idle_cyc = cyc + a->used_clk[k];
        if (a->used_clk[k] == 0 || (idle->link && idle->cyc >= idle_cyc))
            continue;
        set(w, c->number[BUSY + k], 1);
        calendar_set(&w->calendar, idle, idle_cyc);
        w->end_cyc = max_u64(w->end_cyc, idle_cyc);
    }
}

static void show_core(struct waves *w, const struct core_activity *a, uint64_t cyc)
{
    const struct plan *p = w->plan;
    struct core_waves *c = &w->core[a->core];

    set(w, c->number[NEXT_IMAGE], a->next.image);
    set(w, c->number[NEXT_X], a->next.x);
    set(w, c->number[NEXT_Y], a->next.y);
    if (a->n_fired) {
        if (c->number[FIRE] != NOT_TRACED)
            vcd_happen(w->vcd, c->number[FIRE]);
        set(w, c->number[OUTPUTS], a->n_fired);
    }
    if (a->n_stored) {
        const struct memory_layout *l = &p->core[a->core].layout;
        const struct firing_place *last = &a->stored[a->n_stored - 1];
        uint64_t column = last->image * p->layer[p->core[a->core].plan_layer].in_width + last->y;
        set(w, c->number[STORED], c->stored += a->n_stored);
        set(w, c->number[ADDRESS],
            last->x * l->delta_kernel + column % l->shape.columns * l->delta_pix);
    }
    set(w, c->number[READ_BACK], c->read_back += a->n_read_back);
    show_stages(w, c, a, cyc);
}

static void on_cycle(void *user, uint64_t cyc, const struct core_activity *core, uint32_t n)
{
    struct waves *w = user;

    idle_until(w, cyc);
    vcd_time(w->vcd, cyc);
    vcd_set(w->vcd, w->timestep, cyc / w->plan->timestep_clk - w->plan->lead);
    for (uint32_t i = 0; i < n; i++)
        show_core(w, &core[i], cyc);
    w->end_cyc = max_u64(w->end_cyc, cyc);
}

struct activity_sink waves_sink(struct waves *w)
{
    return (struct activity_sink){ on_cycle, w };
}

void waves_end(struct waves *w)
{
    idle_until(w, w->end_cyc);
    vcd_end(w->vcd, w->end_cyc);
}
