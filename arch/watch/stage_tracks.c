/* arch/watch/stage_tracks.c -- see stage_tracks.h. */
#include "arch/watch/stage_tracks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/timeline.h"

enum { CHIP = 1, FIRST_SITE }; // processes

struct stage_tracks {
    const struct plan           *plan;
    const struct elastic_result *ended;
    struct timeline              line;
    struct {
        struct timeline_track track;
        struct elastic_cause  cause; // since
        uint64_t              begin_clk;
    } *stage;                        // owned
    uint32_t *pixels;                // owned; by buffer
    uint32_t *n_full;                // owned; by core
    uint32_t  n_all_full;
};

static void name_tracks(struct stage_tracks *t)
{
    const struct plan *p = t->plan;

    timeline_name_process(&t->line, CHIP, "chip");
    for (uint32_t i = 0; i < core_n_site(p); i++)
        timeline_name_process(&t->line, FIRST_SITE + i, elastic_site_name(p, i));
    for (uint32_t i = 0, n = 1; i < t->ended->n_stage; i++) {
        const struct elastic_stage *s = &t->ended->stage[i];
        char name[256];
        n = i > 0 && t->ended->stage[i - 1].core == s->core ? n + 1 : 1;
        if (s->kind == ELASTIC_LINK)
            snprintf(name, sizeof name, "%s to %.120s",
                     stream_kind_name(p->stream[s->stream].kind),
                     p->core[p->stream[s->stream].to].name);
        else
            snprintf(name, sizeof name, "%s", elastic_kind_names[s->kind]);
        t->stage[i].track = (struct timeline_track){ FIRST_SITE + s->core, n };
        timeline_name_thread(&t->line, t->stage[i].track, name);
    }
}

/* "busy", "blocked - room at conv2" */
static void name_of(const struct stage_tracks *t, uint32_t stage, char *name, size_t size)
{
    const struct elastic_cause *c = &t->stage[stage].cause;

    if (c->state == ELASTIC_BUSY)
        snprintf(name, size, "%s", elastic_state_names[c->state]);
    else
        snprintf(name, size, "%s - %s", elastic_state_names[c->state],
                 elastic_cause_name(t->plan, &t->ended->stage[stage], c).text);
}

static void change(struct stage_tracks *t, uint64_t clk, const struct stage_change *change)
{
    const uint32_t i = change->stage;
    char name[300];

    if (t->stage[i].cause.state != ELASTIC_IDLE) {
        name_of(t, i, name, sizeof name);
        timeline_slice(&t->line, t->stage[i].track, name, t->stage[i].begin_clk,
                       clk - t->stage[i].begin_clk, NULL, 0);
    }
    t->stage[i].cause = change->cause;
    t->stage[i].begin_clk = clk;
}

static void count(struct stage_tracks *t, uint64_t clk, const struct buffer_change *change)
{
    const struct elastic_buffer *b = &t->ended->buffer[change->buffer];
    const bool was = t->pixels[change->buffer] >= b->size, is = change->pixels >= b->size;

    t->pixels[change->buffer] = change->pixels;
    if (was == is)
        return;
    t->n_full[b->core] += is ? 1 : UINT32_MAX;
    t->n_all_full += is ? 1 : UINT32_MAX;
    timeline_counter(&t->line, FIRST_SITE + b->core, "full buffers", clk, t->n_full[b->core]);
}

static void on_clock(void *user, uint64_t clk, const struct stage_change *stage, uint32_t n_stage,
                     const struct buffer_change *buffer, uint32_t n_buffer)
{
    struct stage_tracks *t = user;
    const uint32_t was = t->n_all_full;

    for (uint32_t i = 0; i < n_stage; i++)
        change(t, clk, &stage[i]);
    for (uint32_t i = 0; i < n_buffer; i++)
        count(t, clk, &buffer[i]);
    if (t->n_all_full != was)
        timeline_counter(&t->line, CHIP, "full buffers", clk, t->n_all_full);
}

struct stages_sink stage_tracks_sink(struct stage_tracks *t)
{
    return (struct stages_sink){ on_clock, t };
}

void stage_tracks_end(struct stage_tracks *t)
{
    timeline_end(&t->line);
}

struct stage_tracks *stage_tracks_new(const struct plan *p, const struct elastic_result *r,
                                      FILE *out)
{
    struct stage_tracks *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->plan = p;
    t->ended = r;
    t->stage = calloc(r->n_stage, sizeof *t->stage);
    t->pixels = calloc(r->n_buffer, sizeof *t->pixels);
    t->n_full = calloc(p->n_core, sizeof *t->n_full);
    if (!t->stage || !t->pixels || !t->n_full) {
        stage_tracks_free(t);
        return NULL;
    }
    for (uint32_t i = 0; i < r->n_stage; i++)
        t->stage[i].cause.state = ELASTIC_IDLE;
    timeline_begin(&t->line, out, p->config->clock_mhz);
    name_tracks(t);
    return t;
}

void stage_tracks_free(struct stage_tracks *t)
{
    if (!t)
        return;
    free(t->stage);
    free(t->pixels);
    free(t->n_full);
    free(t);
}
