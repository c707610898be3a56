/* arch/watch/waves.c -- see waves.h. */
#include "arch/watch/waves.h"

#include <inttypes.h>
#include <stdlib.h>

#include "arch/watch/scope.h"
#include "arch/watch/signals.h"
#include "traces/vcd.h"

#define NOT_TRACED UINT32_MAX

struct waves {
    const struct plan *plan;
    struct vcd        *vcd;
    uint32_t           timestep;            // number in the dump
    uint32_t         (*number)[N_SIGNAL];   // owned; [n_core] in the dump, or NOT_TRACED
    struct signals    *signals;
};

/* ---- which signals ---- */

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the waveforms");
}

static enum err declare(struct waves *w, struct scope *scope, struct err_msg *m)
{
    const struct plan *p = w->plan;
    char path[256], name[256];
    uint32_t number;

    if (!vcd_declare(w->vcd, "chip", "timestep", VCD_SIGNED, 64, -(uint64_t)p->time.lead,
                     &w->timestep) ||
        !vcd_declare(w->vcd, "chip", "timestep_0_cycle", VCD_WIRE, 64,
                     p->time.lead * p->timestep_clk, &number))
        return no_memory(m);
    for (uint32_t i = 0; i < p->n_core; i++) {
        snprintf(path, sizeof path, "chip.%s", p->core[i].name);
        for (uint32_t k = 0; k < N_SIGNAL; k++) {
            const struct signal_kind *kind = signal_kind(k);
            w->number[i][k] = NOT_TRACED;
            if (!scope_takes(scope, p->core[i].name, kind->name))
                continue;
            scope_full_name(name, sizeof name, p->core[i].name, kind->name);
            if (!vcd_declare(w->vcd, path, name, kind->event ? VCD_EVENT : VCD_WIRE,
                             kind->bits, signal_first_value(p, i, k), &w->number[i][k]))
                return no_memory(m);
        }
    }
    return scope_check(scope, p->core[0].name, p->core[p->n_core - 1].name,
                       "fire, next_x or link_valid", m);
}

static struct vcd *new_vcd(const struct plan *p, const struct waves_cfg *cfg)
{
    struct vcd_cfg v = { .out = cfg->out, .clock_mhz = p->config->clock_mhz,
                         .last_cyc = UINT64_MAX };

    if (cfg->windowed) {
        v.first_cyc = (p->time.lead + cfg->first) * p->timestep_clk;
        v.last_cyc = (p->time.lead + cfg->last + 1) * p->timestep_clk - 1;
    }
    return vcd_new(&v);
}

static void begin(struct waves *w)
{
    const struct plan *p = w->plan;
    char comment[128];

    snprintf(comment, sizeof comment,
             "timestep 0 begins in clock cycle %" PRIu64 "; each has %" PRIu64,
             p->time.lead * p->timestep_clk, p->timestep_clk);
    vcd_begin(w->vcd, comment);
}

/* ---- their values ---- */

static void on_time(void *user, uint64_t cyc)
{
    struct waves *w = user;

    vcd_time(w->vcd, cyc);
}

static void on_timestep(void *user, int64_t timestep)
{
    struct waves *w = user;

    vcd_set(w->vcd, w->timestep, (uint64_t)timestep);
}

static void on_set(void *user, uint32_t core, enum signal signal, uint64_t value)
{
    struct waves *w = user;
    uint32_t number = w->number[core][signal];

    if (number == NOT_TRACED)
        return;
    if (signal_kind(signal)->event)
        vcd_happen(w->vcd, number);
    else
        vcd_set(w->vcd, number, value);
}

struct journal_sink waves_sink(struct waves *w)
{
    return signals_journal(w->signals);
}

void waves_end(struct waves *w)
{
    signals_until(w->signals, signals_end(w->signals));
    vcd_end(w->vcd, signals_end(w->signals));
}

/* ---- life ---- */

enum err waves_new(struct waves **w, const struct plan *p, const struct waves_cfg *cfg,
                   struct err_msg *m)
{
    struct scope scope;
    bool has_scope = scope_init(&scope, cfg->scope);
    struct waves *made = *w = calloc(1, sizeof *made);
    if (made) {
        made->plan = p;
        made->number = calloc(p->n_core, sizeof *made->number);
        made->vcd = new_vcd(p, cfg);
        made->signals = signals_new(p, (struct signals_sink){ on_time, on_timestep, on_set, made });
    }
    enum err e = has_scope && made && made->number && made->vcd && made->signals
                     ? declare(made, &scope, m)
                     : no_memory(m);
    scope_release(&scope);
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
    signals_free(w->signals);
    free(w->number);
    free(w);
}
