/* study/run/elastic.c -- runs under elastic clocking: what a chip of its own timed and counted, and
 * what can be reckoned besides.
 */
#include "study/run/job.h"

#include <stdlib.h>

#include "arch/elastic/elastic.h"
#include "arch/reckon.h"
#include "core/util.h"

bool run_counts_all(const struct plan *p)
{
    for (uint32_t i = 0; is_elastic(p) && i < p->n_layer; i++)
        if (p->layer[i].replicas.n > 1 && p->config->elastic.group == GROUP_ANY)
            return false;
    return true;
}

/* Where outputs fire one by one or wait for their whole group, a core does for an image what can be
 * reckoned; where only time says which fire together, what is left is what was counted. */
static bool count_elastic(struct run_result *r, const struct plan *p)
{
    if (run_counts_all(p) &&
        !reckon_images(p, r->n_image * plan_steps(p), r->core, r->stream_bits))
        return false;
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct elastic_core *e = &r->elastic->core[i];
        struct core_counters *c = &r->core[i];
        c->firings = e->firings;
        c->outputs = e->outputs;
        c->words_written = e->words_written;
        c->words_read = e->words_read;
        c->words_read_back = e->words_read_back;
        c->pixels_stored = e->pixels_stored;
        c->busy_timesteps = e->busy_clk;
    }
    for (uint32_t i = 0; i < p->n_stream; i++)
        r->stream_bits[i] = r->elastic->stream[i].bits;
    return true;
}

enum err run_of_elastic(struct run_result *r, const struct plan *p, struct elastic_result *e,
                        struct err_msg *m)
{
    *r = (struct run_result){ .n_image = e->n_image, .elastic = malloc(sizeof *r->elastic) };
    if (r->elastic)
        *r->elastic = *e;
    else
        elastic_result_release(e);
    *e = (struct elastic_result){ 0 };
    enum err err = r->elastic ? run_result_alloc(r, p, m) : no_memory(m);
    if (!err && !count_elastic(r, p))
        err = no_memory(m);
    if (err)
        run_result_release(r);
    return err;
}

/* A step is presented as an image is: an image begins with its first, and ends with its last. */
static void join_steps(struct elastic_result *e, uint64_t steps)
{
    e->n_image /= steps;
    e->n_run = ceil_div(e->n_run, steps);
    for (uint64_t i = 0; i < e->n_image; i++) {
        e->start_clk[i] = e->start_clk[i * steps];
        e->result_clk[i] = e->result_clk[i * steps + steps - 1];
    }
}

enum err run_elastic_chip(const struct job *all, struct run_result *r, struct err_msg *m)
{
    const uint64_t steps = plan_steps(all->plan);
    struct run_reads *reads;
    enum err e = run_reads_open(&reads, all->plan, all->cfg, r->n_image, m);
    const struct elastic_cfg_run cfg = { .n_image = r->n_image * steps,
                                         .kernel = all->cfg->kernel,
                                         .mode = all->cfg->mode, .probe = all->probe,
                                         .places = all->cfg->places,
                                         .reads = run_reads_of(reads),
                                         .waits = all->cfg->waits,
                                         .user = all->cfg->waits_user };

    r->elastic = e ? NULL : calloc(1, sizeof *r->elastic);
    if (!e)
        e = r->elastic ? elastic_run(all->plan, &cfg, r->elastic, m) : no_memory(m);
    run_reads_close(reads);
    if (!e)
        join_steps(r->elastic, steps);
    return e || count_elastic(r, all->plan) ? e : no_memory(m);
}
