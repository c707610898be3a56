/* arch/watch/stage_picture.c -- see stage_picture.h. */
#include "arch/watch/stage_picture.h"

#include <stdlib.h>

#include "traces/states_svg.h"

/* Of the Okabe-Ito palette (M. Okabe, K. Ito, "Color Universal Design", 2008). */
static const struct states_kind kinds[N_ELASTIC_STATE] = {
    [ELASTIC_BUSY] = { "busy", "#0072b2", "it works" },
    [ELASTIC_STARVED] = { "starved", "#dddddd", "it has room and no work" },
    [ELASTIC_BLOCKED] = { "blocked", "#d55e00", "it has work, and no room for what it makes" },
    [ELASTIC_WAITING] = { "waiting", "#e69f00", "it lacks sums or a residual pixel" },
    [ELASTIC_IDLE] = { "idle", NULL, "before its first and after its last work" },
};

struct stage_picture {
    const struct plan           *plan;
    const struct elastic_result *ended;
    struct states_picture        picture;
    struct elastic_name         *name; // owned; by stage
    struct {
        enum elastic_state state;
        uint64_t           clk; // since
    } *now;                     // owned; by stage
};

static void on_clock(void *user, uint64_t clk, const struct stage_change *stage, uint32_t n_stage,
                     const struct buffer_change *buffer, uint32_t n_buffer)
{
    struct stage_picture *v = user;

    (void)buffer;
    (void)n_buffer;
    for (uint32_t i = 0; i < n_stage; i++) {
        const uint32_t at = stage[i].stage;
        states_add(&v->picture, at, v->now[at].state, v->now[at].clk, clk);
        v->now[at].state = stage[i].cause.state;
        v->now[at].clk = clk;
    }
}

struct stages_sink stage_picture_sink(struct stage_picture *v)
{
    return (struct stages_sink){ on_clock, v };
}

void stage_picture_end(struct stage_picture *v, FILE *out)
{
    for (uint32_t i = 0; i < v->ended->n_stage; i++)
        states_add(&v->picture, i, v->now[i].state, v->now[i].clk, v->ended->elapsed);
    states_draw(&v->picture, v->plan->network->name, out);
}

struct stage_picture *stage_picture_new(const struct plan *p, const struct elastic_result *r)
{
    struct stage_picture *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->plan = p;
    v->ended = r;
    v->name = calloc(r->n_stage, sizeof *v->name);
    v->now = calloc(r->n_stage, sizeof *v->now);
    if (!v->name || !v->now ||
        !states_init(&v->picture, kinds, N_ELASTIC_STATE, r->n_stage, r->elapsed)) {
        stage_picture_free(v);
        return NULL;
    }
    for (uint32_t i = 0; i < r->n_stage; i++) {
        v->name[i] = elastic_stage_name(p, &r->stage[i]);
        v->picture.row[i].name = v->name[i].text;
        v->now[i].state = ELASTIC_IDLE;
    }
    return v;
}

void stage_picture_free(struct stage_picture *v)
{
    if (!v)
        return;
    states_release(&v->picture);
    free(v->name);
    free(v->now);
    free(v);
}
