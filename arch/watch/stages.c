/* arch/watch/stages.c -- see stages.h. */
#include "arch/watch/stages.h"

#include <stdlib.h>

struct seen { // of one stage, or of one buffer, which has no cause
    struct elastic_cause cause, told;
    uint32_t             pixels, pixels_told;
    bool                 touched; // in this clock
};

struct touched { // in this clock
    uint32_t *at; // owned
    uint32_t  n;
};

struct stages {
    const struct elastic_result *ended;
    const struct stages_sink    *sink;
    uint32_t                     n_sink;
    struct elastic_watch         watch;
    uint64_t                     clk;
    struct seen                 *stage, *buffer; // owned
    struct touched               stages, buffers;
    struct stage_change         *stage_change;  // owned; room for all
    struct buffer_change        *buffer_change; // owned; likewise
};

/* ---- a clock ---- */

static int by_index(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Outside the time in which it works, a stage is idle. */
static struct elastic_cause from_now_on(const struct stages *s, uint32_t stage)
{
    const struct elastic_stage *of = &s->ended->stage[stage];

    if (s->clk >= of->begin_clk && s->clk < of->end_clk)
        return s->stage[stage].cause;
    return (struct elastic_cause){ ELASTIC_IDLE, ON_NOTHING, 0, 0 };
}

static bool same(const struct elastic_cause *a, const struct elastic_cause *b)
{
    return a->state == b->state && a->on == b->on && a->stream == b->stream;
}

static uint32_t take_stages(struct stages *s)
{
    uint32_t n = 0;

    qsort(s->stages.at, s->stages.n, sizeof *s->stages.at, by_index);
    for (uint32_t i = 0; i < s->stages.n; i++) {
        const uint32_t stage = s->stages.at[i];
        struct seen *seen = &s->stage[stage];
        const struct elastic_cause cause = from_now_on(s, stage);
        seen->touched = false;
        if (same(&cause, &seen->told))
            continue;
        seen->told = cause;
        s->stage_change[n++] = (struct stage_change){ stage, cause };
    }
    s->stages.n = 0;
    return n;
}

static uint32_t take_buffers(struct stages *s)
{
    uint32_t n = 0;

    qsort(s->buffers.at, s->buffers.n, sizeof *s->buffers.at, by_index);
    for (uint32_t i = 0; i < s->buffers.n; i++) {
        struct seen *seen = &s->buffer[s->buffers.at[i]];
        seen->touched = false;
        if (seen->pixels == seen->pixels_told)
            continue;
        seen->pixels_told = seen->pixels;
        s->buffer_change[n++] = (struct buffer_change){ s->buffers.at[i], seen->pixels };
    }
    s->buffers.n = 0;
    return n;
}

static void end_clock(struct stages *s)
{
    const uint32_t n_stage = take_stages(s), n_buffer = take_buffers(s);

    for (uint32_t i = 0; n_stage + n_buffer > 0 && i < s->n_sink; i++)
        s->sink[i].clock(s->sink[i].user, s->clk, s->stage_change, n_stage, s->buffer_change,
                         n_buffer);
}

static void touch(struct stages *s, uint64_t clk, struct seen *seen, struct touched *list,
                  uint32_t index)
{
    if (clk > s->clk)
        end_clock(s);
    s->clk = clk;
    if (!seen->touched)
        list->at[list->n++] = index;
    seen->touched = true;
}

/* ---- the run ---- */

static void on_state(void *user, uint64_t clk, uint32_t stage, const struct elastic_cause *cause)
{
    struct stages *s = user;

    touch(s, clk, &s->stage[stage], &s->stages, stage);
    s->stage[stage].cause = *cause;
}

static void on_fill(void *user, uint64_t clk, uint32_t buffer, uint32_t pixels)
{
    struct stages *s = user;

    touch(s, clk, &s->buffer[buffer], &s->buffers, buffer);
    s->buffer[buffer].pixels = pixels;
}

const struct elastic_watch *stages_watch(const struct stages *s)
{
    return &s->watch;
}

void stages_end(struct stages *s)
{
    end_clock(s);
}

/* ---- life ---- */

struct stages *stages_new(const struct elastic_result *ended, const struct stages_sink *sink,
                          uint32_t n_sink)
{
    struct stages *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    *s = (struct stages){ .ended = ended, .sink = sink, .n_sink = n_sink };
    s->watch = (struct elastic_watch){ on_state, on_fill, s };
    s->stage = calloc(ended->n_stage, sizeof *s->stage);
    s->buffer = calloc(ended->n_buffer, sizeof *s->buffer);
    s->stages.at = calloc(ended->n_stage, sizeof *s->stages.at);
    s->buffers.at = calloc(ended->n_buffer, sizeof *s->buffers.at);
    s->stage_change = calloc(ended->n_stage, sizeof *s->stage_change);
    s->buffer_change = calloc(ended->n_buffer, sizeof *s->buffer_change);
    if (!s->stage || !s->buffer || !s->stages.at || !s->buffers.at || !s->stage_change ||
        !s->buffer_change) {
        stages_free(s);
        return NULL;
    }
    for (uint32_t i = 0; i < ended->n_stage; i++)
        s->stage[i].told.state = ELASTIC_IDLE;
    return s;
}

void stages_free(struct stages *s)
{
    if (!s)
        return;
    free(s->stage);
    free(s->buffer);
    free(s->stages.at);
    free(s->buffers.at);
    free(s->stage_change);
    free(s->buffer_change);
    free(s);
}
