/* arch/elastic/faster.c -- see faster.h. */
#include "arch/elastic/faster.h"

#include <stdlib.h>

#include "core/util.h"

enum { LEAST_IMAGES = 8 }; // of which the last half has an interval

/* The busiest that is not fast; n_stage: none works. */
static uint32_t busiest(const struct elastic_result *r, const bool *fast)
{
    uint32_t most = r->n_stage;

    for (uint32_t i = 0; i < r->n_stage; i++)
        if (!fast[i] && r->stage[i].clk[ELASTIC_BUSY] > 0 &&
            (most == r->n_stage ||
             r->stage[i].clk[ELASTIC_BUSY] > r->stage[most].clk[ELASTIC_BUSY]))
            most = i;
    return most;
}

bool elastic_next_rung(const struct elastic_result *r, bool *fast, struct elastic_rung *g)
{
    *g = (struct elastic_rung){ .stage = busiest(r, fast) };
    if (g->stage == r->n_stage)
        return false;
    g->busy_clk = r->stage[g->stage].clk[ELASTIC_BUSY];
    for (uint32_t i = 0; i < r->n_stage; i++)
        if (!fast[i] && r->stage[i].clk[ELASTIC_BUSY] == g->busy_clk) {
            fast[i] = true;
            g->n++;
        }
    g->next = busiest(r, fast);
    g->next_clk = g->next < r->n_stage ? r->stage[g->next].clk[ELASTIC_BUSY] : 0;
    return true;
}

static enum err run_interval(const struct plan *p, const struct elastic_cfg_run *cfg,
                             uint64_t *clocks, uint64_t *images, struct err_msg *m)
{
    struct elastic_result r;
    enum err e = elastic_run(p, cfg, &r, m);

    if (e)
        return e;
    elastic_interval(p, &r, clocks, images);
    elastic_result_release(&r);
    return ERR_NONE;
}

static enum err no_interval(bool *fast, struct err_msg *m)
{
    free(fast);
    return err_set(m, ERR_INPUT, "images: one has no interval that stages could shorten: want at "
                   "least 2 of them");
}

enum err elastic_climb(struct elastic_ladder *l, const struct plan *p,
                       const struct elastic_cfg_run *cfg, const struct elastic_result *r,
                       struct err_msg *m)
{
    struct elastic_cfg_run again = *cfg;
    bool *fast = calloc(r->n_stage, sizeof *fast);

    *l = (struct elastic_ladder){ .n = 0 };
    if (!fast)
        return err_set(m, ERR_MEMORY, "no memory for the runs");
    if (!cfg->reads) // else those are all there are
        again.n_image = max_u64(cfg->n_image, LEAST_IMAGES);
    if (again.n_image < 2)
        return no_interval(fast, m);
    again.probe = NULL;
    again.watch = NULL;
    enum err e = run_interval(p, &again, &l->clocks, &l->images, m);
    again.fast = fast;
    for (; !e && l->n < ELASTIC_RUNGS && elastic_next_rung(r, fast, &l->rung[l->n]); l->n++)
        e = run_interval(p, &again, &l->rung[l->n].clocks, &l->rung[l->n].images, m);
    free(fast);
    return e;
}
