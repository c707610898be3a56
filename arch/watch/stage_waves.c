/* arch/watch/stage_waves.c -- see stage_waves.h. */
#include "arch/watch/stage_waves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/watch/scope.h"
#include "traces/vcd.h"

#define NOT_TRACED UINT32_MAX

enum { MOST_NAME = 256, STATE_BITS = 3, COUNT_BITS = 32 };

struct stage_waves {
    const struct plan           *plan;
    const struct elastic_result *ended;
    struct vcd                  *vcd;
    uint32_t                    *stage, *buffer, *full; // owned; numbers in the dump, the last by
                                                        // core; NOT_TRACED where it is not there
    uint32_t                    *n_full; // owned; by core
    uint32_t                    *pixels; // owned; by buffer
    uint32_t                     all_full, n_all_full; // of the chip
};

/* ---- names ---- */

/* "forward_to_conv2"; of a second one with the same ends "forward_to_conv2_2". */
static void link_name(char name[MOST_NAME], const struct plan *p, uint32_t stream)
{
    const struct plan_stream *st = &p->stream[stream];
    uint32_t n = 1;

    for (uint32_t i = 0; i < stream; i++)
        n += p->stream[i].kind == st->kind && p->stream[i].to == st->to &&
             core_stream_from(p, i) == core_stream_from(p, stream);
    int used = snprintf(name, MOST_NAME, "%s_to_%.120s", stream_kind_name(st->kind),
                        p->core[st->to].name);
    if (n > 1)
        snprintf(name + used, MOST_NAME - (size_t)used, "_%u", (unsigned)n);
}

static void stage_name_of(char name[MOST_NAME], const struct plan *p,
                          const struct elastic_stage *s)
{
    if (s->kind == ELASTIC_LINK)
        link_name(name, p, s->stream);
    else
        snprintf(name, MOST_NAME, "%s", elastic_kind_names[s->kind]);
}

/* "input_by_forward_from_conv1", as the link is called at its other end; "output". */
static void buffer_name_of(char name[MOST_NAME], const struct plan *p,
                           const struct elastic_result *r, uint32_t buffer)
{
    const struct elastic_buffer *b = &r->buffer[buffer];
    const char *key = strchr(elastic_buffer_keys[b->kind], '.') + 1;
    const int n_key = (int)(strlen(key) - strlen("_pixels"));
    uint32_t n = 1;

    for (uint32_t i = 0; i < buffer; i++) {
        const struct elastic_buffer *o = &r->buffer[i];
        n += o->kind == b->kind && o->core == b->core && b->kind < BUFFER_OUTPUT &&
             core_stream_from(p, o->stream) == core_stream_from(p, b->stream);
        n += o->kind == b->kind && o->core == b->core && b->kind == BUFFER_READ_BACK &&
             p->stream[o->stream].to == p->stream[b->stream].to;
    }
    int used = snprintf(name, MOST_NAME, "%.*s_pixels", n_key, key);
    if (b->kind < BUFFER_OUTPUT)
        used = snprintf(name, MOST_NAME, "%.*s_pixels_from_%.120s", n_key, key,
                        elastic_site_name(p, core_stream_from(p, b->stream)));
    if (b->kind == BUFFER_READ_BACK)
        used = snprintf(name, MOST_NAME, "%.*s_pixels_for_%.120s", n_key, key,
                        p->core[p->stream[b->stream].to].name);
    if (n > 1)
        snprintf(name + used, MOST_NAME - (size_t)used, "_%u", (unsigned)n);
}

/* "scratchpad", and of several "scratchpad.conv1". */
static void site_name_of(char name[MOST_NAME], const struct plan *p, uint32_t site)
{
    if (site >= p->n_core && p->n_image_feed > 1)
        snprintf(name, MOST_NAME, "scratchpad.%.120s", core_site_name(p, site));
    else
        snprintf(name, MOST_NAME, "%s", elastic_site_name(p, site));
}

/* ---- declarations ---- */

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the waveforms");
}

static bool declare_one(struct stage_waves *w, struct scope *scope, uint32_t site,
                        const char *signal, uint32_t bits, uint32_t *number)
{
    char core[MOST_NAME], path[MOST_NAME + 8], name[2 * MOST_NAME];

    site_name_of(core, w->plan, site);
    *number = NOT_TRACED;
    if (!scope_takes(scope, core, signal))
        return true;
    snprintf(path, sizeof path, "chip.%s", core);
    scope_full_name(name, sizeof name, core, signal);
    return vcd_declare(w->vcd, path, name, VCD_WIRE, bits, 0, number);
}

static bool declare_site(struct stage_waves *w, struct scope *scope, uint32_t site)
{
    char name[MOST_NAME];
    bool done = true;

    for (uint32_t i = 0; done && i < w->ended->n_stage; i++)
        if (w->ended->stage[i].core == site) {
            stage_name_of(name, w->plan, &w->ended->stage[i]);
            done = declare_one(w, scope, site, name, STATE_BITS, &w->stage[i]);
        }
    for (uint32_t i = 0; done && i < w->ended->n_buffer; i++)
        if (w->ended->buffer[i].core == site) {
            buffer_name_of(name, w->plan, w->ended, i);
            done = declare_one(w, scope, site, name, COUNT_BITS, &w->buffer[i]);
        }
    if (done && site < w->plan->n_core)
        done = declare_one(w, scope, site, "full_buffers", COUNT_BITS, &w->full[site]);
    return done;
}

static enum err declare(struct stage_waves *w, struct scope *scope, struct err_msg *m)
{
    const struct plan *p = w->plan;

    if (!vcd_declare(w->vcd, "chip", "full_buffers", VCD_WIRE, COUNT_BITS, 0, &w->all_full))
        return no_memory(m);
    for (uint32_t i = 0; i < core_n_site(p); i++)
        if (!declare_site(w, scope, i))
            return no_memory(m);
    return scope_check(scope, p->core[0].name, p->core[p->n_core - 1].name,
                       "port, crossbar or full_buffers", m);
}

/* ---- their values ---- */

/* 0 is idle, as before and after everything. */
static uint64_t value_of(enum elastic_state s)
{
    return (s + 1) % N_ELASTIC_STATE;
}

static void set(struct stage_waves *w, uint32_t number, uint64_t value)
{
    if (number != NOT_TRACED)
        vcd_set(w->vcd, number, value);
}

static void set_pixels(struct stage_waves *w, uint32_t buffer, uint32_t pixels)
{
    const struct elastic_buffer *b = &w->ended->buffer[buffer];
    const bool was = w->pixels[buffer] >= b->size, is = pixels >= b->size;

    w->pixels[buffer] = pixels;
    set(w, w->buffer[buffer], pixels);
    if (was == is)
        return;
    w->n_full[b->core] += is ? 1 : UINT32_MAX;
    w->n_all_full += is ? 1 : UINT32_MAX;
    set(w, w->full[b->core], w->n_full[b->core]);
    set(w, w->all_full, w->n_all_full);
}

static void on_clock(void *user, uint64_t clk, const struct stage_change *stage, uint32_t n_stage,
                     const struct buffer_change *buffer, uint32_t n_buffer)
{
    struct stage_waves *w = user;

    vcd_time(w->vcd, clk);
    for (uint32_t i = 0; i < n_stage; i++)
        set(w, w->stage[stage[i].stage], value_of(stage[i].cause.state));
    for (uint32_t i = 0; i < n_buffer; i++)
        set_pixels(w, buffer[i].buffer, buffer[i].pixels);
}

struct stages_sink stage_waves_sink(struct stage_waves *w)
{
    return (struct stages_sink){ on_clock, w };
}

void stage_waves_end(struct stage_waves *w)
{
    vcd_end(w->vcd, w->ended->elapsed);
}

/* ---- life ---- */

static bool make(struct stage_waves *w, const struct plan *p, const struct elastic_result *r,
                 const struct waves_cfg *cfg)
{
    const struct vcd_cfg v = { .out = cfg->out, .clock_mhz = p->config->clock_mhz,
                               .first_cyc = cfg->windowed ? cfg->first : 0,
                               .last_cyc = cfg->windowed ? cfg->last : UINT64_MAX };

    w->plan = p;
    w->ended = r;
    w->vcd = vcd_new(&v);
    w->stage = calloc(r->n_stage, sizeof *w->stage);
    w->buffer = calloc(r->n_buffer, sizeof *w->buffer);
    w->pixels = calloc(r->n_buffer, sizeof *w->pixels);
    w->full = calloc(p->n_core, sizeof *w->full);
    w->n_full = calloc(p->n_core, sizeof *w->n_full);
    return w->vcd && w->stage && w->buffer && w->pixels && w->full && w->n_full;
}

enum err stage_waves_new(struct stage_waves **w, const struct plan *p,
                         const struct elastic_result *r, const struct waves_cfg *cfg,
                         struct err_msg *m)
{
    struct scope scope;
    bool has_scope = scope_init(&scope, cfg->scope);
    struct stage_waves *made = *w = calloc(1, sizeof *made);
    enum err e = has_scope && made && make(made, p, r, cfg) ? declare(made, &scope, m)
                                                            : no_memory(m);

    scope_release(&scope);
    if (!e) {
        vcd_begin(made->vcd, "stages: 0 idle, 1 busy, 2 starved, 3 blocked, 4 waiting");
        return ERR_NONE;
    }
    stage_waves_free(made);
    *w = NULL;
    return e;
}

void stage_waves_free(struct stage_waves *w)
{
    if (!w)
        return;
    vcd_free(w->vcd);
    free(w->stage);
    free(w->buffer);
    free(w->full);
    free(w->n_full);
    free(w->pixels);
    free(w);
}
