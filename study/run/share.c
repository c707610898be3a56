/* study/run/share.c -- jobs share the images of a run, and pieces of a job the stream of its chip;
 * what they counted is added up.
 */
#include "study/run/job.h"

#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum { ABREAST = 8 }; // streams, where nothing else is asked for

/* ---- pieces of a stream ---- */

/* Images after which a core's memory is in the same rotation again. */
static uint32_t core_rotation(const struct plan *p, uint32_t core)
{
    return memory_rotation(&p->time.core[core].layout, p->layer[p->core[core].plan_layer].in_width);
}

/* Images after which every memory is in the same rotation again, or more than `most`. */
static uint64_t rotation(const struct plan *p, uint64_t most)
{
    uint64_t all = 1;

    for (uint32_t i = 0; i < p->n_core && all <= most; i++) {
        uint64_t one = core_rotation(p, i), n = all;
        while (n % one != 0) // their least common multiple
            n += all;
        all = n;
    }
    return all;
}

/* Cuts a job's images into pieces that its chip carries side by side. The first begins where the
 * chip does, the others once the pipeline is full. */
static void cut(struct job *j, uint32_t most)
{
    uint64_t full = j->start + j->plan->time.transient_images;
    uint64_t n = j->end > full ? j->end - full : 0;
    uint64_t apart = n > 1 && most > 1 ? round_up(ceil_div(n, most), rotation(j->plan, n)) : n;

    j->n_piece = max_u32(j->cfg->n_state, 1); // all of them see all images
    j->stop = j->end;
    for (uint32_t k = 0; k < j->n_piece; k++)
        j->counted[k] = (struct counted_images){ j->first, j->end };
    if (apart >= n)
        return;
    j->apart = apart;
    j->n_piece = (uint32_t)ceil_div(n, apart);
    j->stop = j->counted[0].end = full + apart;
    for (uint32_t k = 1; k < j->n_piece; k++)
        j->counted[k] = (struct counted_images){ full, min_u64(full + apart, j->end - k * apart) };
}

/* ---- jobs ---- */

static void run_job(void *jobs, uint32_t index)
{
    struct job *j = (struct job *)jobs + index;

    j->err = j->events ? job_events(j) : j->values ? job_values(j) : job_stream(j);
    if (j->err)
        atomic_store(&j->shared->stop, true);
}

void share_free(struct job *job, uint32_t n)
{
    for (uint32_t i = 0; i < n && job; i++) {
        job[i].result.label = job[i].result.predicted = NULL;
        run_result_release(&job[i].result);
    }
    free(job);
}

/* What a chip is given of n images. */
static uint64_t presented(const struct job *all, uint64_t n)
{
    return all->timing ? n * plan_steps(all->plan) : n;
}

struct job *share_out(const struct job *all, uint32_t n, const struct run_result *r,
                      enum err *e, struct err_msg *m)
{
    const struct plan *p = all->plan;
    struct job *job = calloc(n, sizeof *job);
    const uint64_t images = presented(all, r->n_image);

    *e = job ? ERR_NONE : no_memory(m);
    for (uint32_t i = 0; !*e && i < n; i++) {
        uint64_t first = images / n * i + min_u64(i, images % n);
        job[i] = *all;
        job[i].n_image = images;
        job[i].first = first;
        job[i].end = images / n * (i + 1) + min_u64(i + 1, images % n);
        job[i].start = all->values || all->events
                           ? first
                           : first - min_u64(first, p->time.transient_images);
        job[i].n_piece = 1;
        if (!all->events)
            cut(&job[i], all->probe || all->timing || all->values || all->cfg->n_state ? 1
                         : all->cfg->abreast ? all->cfg->abreast : ABREAST);
        *e = run_result_alloc(&job[i].result, p, m);
        job[i].result.label = r->label;
        job[i].result.predicted = r->predicted;
    }
    if (!*e)
        jobs_run(all->shared, &(struct jobs_work){ run_job, job, n, images,
                                                   all->cfg->progress, all->cfg->user });
    for (uint32_t i = 0; i < n && job; i++) {
        if (!*e && job[i].err) {
            *e = job[i].err;
            *m = job[i].msg;
        }
    }
    return job;
}

/* ---- what they counted ---- */

void share_counters(struct run_result *r, const struct job *job, uint32_t n,
                    const struct plan *p)
{
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t i = 0; i < p->n_core; i++)
            counter_add(core_counter_rows, &r->core[i], &job[k].result.core[i]);
        for (uint32_t i = 0; i < p->n_stream; i++)
            r->stream_bits[i] += job[k].result.stream_bits[i];
    }
}

static void add_up(struct run_result *r, const struct job *job, uint32_t n, const struct plan *p)
{
    share_counters(r, job, n, p);
    memcpy(r->layer, job[0].result.layer, p->n_layer * sizeof *r->layer);
    r->first_result = job[0].first_result;
    r->last_conv = r->layer[plan_last_convolution(p)].last_timestep + 1 +
                   plan_image_interval(p) - p->interval;
    r->total_timesteps = job[n - 1].result.total_timesteps;
}

enum err run_chips(const struct job *all, uint32_t n, struct run_result *r,
                   struct stream_skip *skip, struct err_msg *m)
{
    enum err e;
    struct job *job = share_out(all, n, r, &e, m);

    if (!e) {
        add_up(r, job, n, all->plan);
        *skip = job[0].skip;
    }
    share_free(job, n);
    return e;
}
