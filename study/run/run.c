/* study/run/run.c -- which way a run goes, and what all have: a result, times by the plan; see
 * study/run.h.
 */
#include "study/run/job.h"

#include <assert.h>
#include <stdlib.h>

#include "arch/elastic/elastic.h"
#include "arch/reckon.h"
#include "core/util.h"
#include "network/host.h"
#include "study/event.h"
#include "study/inputs.h"

bool run_has_values(const struct run_cfg *cfg)
{
    return cfg->images || cfg->inputs;
}

/* ---- results ---- */

enum err run_result_alloc(struct run_result *r, const struct plan *p, struct err_msg *m)
{
    r->layer = calloc(p->n_layer, sizeof *r->layer);
    r->core = calloc(p->n_core, sizeof *r->core);
    r->stream_bits = calloc(p->n_stream, sizeof *r->stream_bits);
    return r->layer && r->core && r->stream_bits ? ERR_NONE : no_memory(m);
}

void run_result_release(struct run_result *r)
{
    free(r->layer);
    free(r->core);
    free(r->range);
    free(r->stream_bits);
    spike_counts_release(&r->spikes);
    free(r->label);
    free(r->predicted);
    if (r->elastic)
        elastic_result_release(r->elastic);
    free(r->elastic);
    if (r->event)
        event_result_release(r->event);
    free(r->event);
    *r = (struct run_result){ 0 };
}

/* ---- time ---- */

static enum err run_by_plan(const struct plan *p, struct run_result *r, struct err_msg *m)
{
    const struct timetable *t = &p->time;
    const uint64_t steps = plan_steps(p), n = r->n_image * steps, more = (steps - 1) * p->interval;

    for (uint32_t i = 0; i < p->n_layer; i++)
        r->layer[i] = (struct layer_result){ t->layer[i].first_timestep,
                                             t->layer[i].last_timestep };
    r->first_result = plan_first_result(p);
    r->last_conv = t->last_conv + more;
    r->total_timesteps = (uint64_t)((int64_t)(t->first_result + (n - 1) * p->interval) +
                                    timetable_late(t, n - 1));
    return reckon_images(p, n, r->core, r->stream_bits) ? ERR_NONE : no_memory(m);
}

enum err run_time(const struct job *all, struct run_result *r, struct stream_skip *skip,
                  struct err_msg *m)
{
    *skip = (struct stream_skip){ 0 };
    if (is_one_pass(all->plan))
        return run_by_plan(all->plan, r, m);
    return is_elastic(all->plan) ? run_elastic_chip(all, r, m) : run_chips(all, 1, r, skip, m);
}

/* A clocking whose cores wait for what no plan knows keeps no firings in its timetable. */
static bool plan_says_all(const struct plan *p, const struct run_cfg *cfg)
{
    return p->time.layer[0].fired.n_image > 0 && !run_has_values(cfg) && !cfg->stepped &&
           !cfg->probe && !cfg->array && cfg->kernel == KERNEL_NATIVE &&
           cfg->mode == KERNEL_SKIP_IDLE;
}

/* A firing drives its rows, and finishes its outputs, once for each step of a train; arrays that
 * are read in parts count those of all steps, and what values count has been seen step by step. */
static void count_trains(const struct plan *p, struct run_result *r)
{
    for (uint32_t i = 0; i < p->n_core && p->train > 1; i++) {
        struct core_counters *c = &r->core[i];
        uint64_t *const each[] = { &c->driven_rows, &c->scale_ops, &c->residual_ops, &c->relu_ops,
                                   &c->round_ops, &c->pool_ops, &c->partial_sum_ops };
        for (size_t k = 0; k < sizeof each / sizeof *each; k++)
            *each[k] *= p->train;
        if (p->layer[p->core[i].plan_layer].array.plain) { // a product is one read
            c->conversions *= p->train;
            c->reads *= p->train;
        }
    }
}

/* ---- all of it ---- */

static bool by_layer(const struct plan *p, const struct run_cfg *cfg)
{
    return run_has_values(cfg) && !cfg->timed_values && cfg->n_state == 0 &&
           run_computes_layers(p, cfg->ranges);
}

enum err run(const struct plan *p, const struct run_cfg *cfg, struct run_result *r,
             struct err_msg *m)
{
    struct jobs shared = JOBS_INIT;
    struct job all = { .plan = p, .cfg = cfg, .timing = !run_has_values(cfg),
                       .probe = cfg->probe, .shared = &shared };
    struct stream_skip skip;

    *r = (struct run_result){ 0 };
    assert(cfg->abreast <= MOST_ABREAST && cfg->n_state <= MOST_ABREAST);
    assert(cfg->jobs >= 1 && (cfg->jobs == 1 || (cfg->kernel == KERNEL_NATIVE && !cfg->probe)));
    struct inputs *inputs = NULL;
    bool labelled = false;
    const struct network *fed = network_fed(p->network);
    enum err e = cfg->inputs ? inputs_open(&inputs, cfg->inputs, fed, m) : ERR_NONE;
    if (!e)
        e = source_count(p, cfg, inputs, &r->n_image, &labelled, m);
    if (e) {
        inputs_close(inputs);
        return e;
    }
    all.inputs = inputs;
    r->n_cut = inputs ? inputs_cut(inputs) : 0;
    uint32_t n = (uint32_t)min_u64(cfg->jobs, r->n_image);
    e = run_result_alloc(r, p, m);
    r->values = run_has_values(cfg);
    if (!e && r->values && run_n_classes(p) < UINT32_MAX) {
        r->label = labelled ? calloc(r->n_image, sizeof *r->label) : NULL;
        r->predicted = calloc(max_u32(cfg->n_state, 1), r->n_image * sizeof *r->predicted);
        e = (r->label || !labelled) && r->predicted ? ERR_NONE : no_memory(m);
    }
    r->stepped = !plan_says_all(p, cfg);
    if (!e)
        e = run_check(p, cfg, m);
    if (!e && has_event_cores(p))
        e = run_events(&all, n, r, m);
    else if (!e && !r->stepped)
        e = run_by_plan(p, r, m);
    else if (!e)
        e = by_layer(p, cfg)      ? run_layers(&all, n, r, m)
            : run_has_values(cfg) ? run_chips(&all, n, r, &skip, m)
                                  : run_time(&all, r, &skip, m);
    if (!e)
        count_trains(p, r);
    for (uint64_t i = 0; !e && r->label && cfg->n_state == 0 && i < r->n_image; i++)
        r->n_correct += r->label[i] == r->predicted[i];
    inputs_close(inputs);
    if (e)
        run_result_release(r);
    return e;
}
