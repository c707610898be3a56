/* study/run/layers.c -- runs whose values are computed layer by layer, beside a chip without. */
#include "study/run/job.h"

#include "network/precision.h"

struct labelled { // images of a job as their values are computed
    struct job    *job;
    struct source *source;
    uint64_t       at;
};

static enum err next_image(void *user, uint8_t *image, struct err_msg *m)
{
    struct labelled *l = user;
    uint32_t label;
    enum err e = source_next(l->source, 0, (int8_t *)image, &label, m);

    if (l->job->result.label)
        l->job->result.label[l->at++] = label;
    return e;
}

enum err job_values(struct job *j)
{
    struct source source;
    struct labelled l = { j, &source, j->first };
    const struct values_source next = { next_image, &l, j->result.label };
    struct spike_counts *spikes = network_is_spiking(j->plan->network) ? &j->result.spikes : NULL;
    enum err e = source_open(&source, j, &j->msg);

    if (!e && spikes && !spike_counts_init(spikes, j->plan->network))
        e = no_memory(&j->msg);
    if (!e)
        e = values_run(j->values, j->first, j->end, &next, j->result.predicted, j->result.core,
                       spikes, &j->shared->done, &j->shared->stop, &j->msg);
    source_close(&source);
    return e;
}

/* ---- the chip, and all jobs ---- */

struct watchers { // of one chip
    const struct core_probe *one, *other; // NULL: nobody
};

static void tell_both(void *user, uint32_t core, const struct core_event *e)
{
    const struct watchers *w = user;

    w->one->event(w->one->user, core, e);
    if (w->other)
        w->other->event(w->other->user, core, e);
}

static void both_stepped(void *user, uint32_t core, const struct pixel *next, uint64_t cyc)
{
    const struct watchers *w = user;

    if (w->other && w->other->stepped)
        w->other->stepped(w->other->user, core, next, cyc);
}

enum err run_layers(struct job *all, uint32_t n, struct run_result *r, struct err_msg *m)
{
    const struct plan *p = all->plan;
    struct firing_log *log = firing_log_needed(p) ? firing_log_new(p, 0) : NULL;
    struct values_cfg cfg = { .plan = p, .log = log, .n_image = r->n_image,
                              .kernel_name = all->cfg->simd, .ranges = all->cfg->ranges };
    struct watchers both = { log ? firing_log_probe(log) : NULL, all->cfg->probe };
    const struct core_probe probe = { tell_both, both_stepped, &both };
    enum err e = log || !firing_log_needed(p) ? ERR_NONE : no_memory(m);

    all->timing = true;
    all->probe = log ? &probe : all->cfg->probe;
    if (!e)
        e = run_time(all, r, &cfg.skip, m);
    if (!e && log && !firing_log_complete(log))
        e = no_memory(m);
    struct values_study *values = e ? NULL : values_study_new(&cfg);
    if (!e && !values)
        e = no_memory(m);
    all->timing = false;
    all->values = values;
    atomic_store(&all->shared->done, 0);
    if (!e) {
        struct job *job = share_out(all, n, r, &e, m);
        if (!e)
            share_counters(r, job, n, p);
        if (!e && job[0].result.spikes.steps > 0 && !spike_counts_init(&r->spikes, p->network))
            e = no_memory(m);
        for (uint32_t i = 0; !e && i < n && r->spikes.steps > 0; i++)
            spike_counts_add(&r->spikes, &job[i].result.spikes);
        share_free(job, n);
    }
    values_study_free(values);
    firing_log_free(log);
    return e;
}

bool run_computes_layers(const struct plan *p, const struct ranges *ranges)
{
    return plan_is_exact(p) ||
           (!network_is_wide(p->network) && !network_is_spiking(p->network) &&
            sliced_by_layer(p, ranges));
}
