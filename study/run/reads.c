/* study/run/reads.c -- a run's images once more, for what time asks of their values under elastic
 * clocking where arrays skip zeros.
 */
#include "study/run/job.h"

#include <stdlib.h>

#include "network/host.h"
#include "study/inputs.h"
#include "study/read_counts.h"

struct run_reads { // stays where it is
    struct job          job; // whose source it is
    struct inputs      *inputs; // owned; or NULL
    struct source       source;
    struct read_counts *counts; // owned
    uint64_t            n_read, n_image; // images so far; of the run
};

static enum err first_image_again(void *user, struct err_msg *m)
{
    struct run_reads *w = user;

    w->n_read = 0;
    source_close(&w->source);
    return source_open(&w->source, &w->job, m);
}

static enum err image_of_reads(void *user, uint8_t *image, struct err_msg *m)
{
    struct run_reads *w = user;
    const struct run_cfg *cfg = w->job.cfg;
    uint32_t label;

    if (cfg->progress)
        cfg->progress(cfg->user, w->n_read, w->n_image);
    w->n_read++;
    return source_next(&w->source, 0, (int8_t *)image, &label, m);
}

enum err run_reads_open(struct run_reads **to, const struct plan *p, const struct run_cfg *cfg,
                        uint64_t n_image, struct err_msg *m)
{
    const bool asks = is_elastic(p) && plan_skips(p) && run_has_values(cfg);
    struct run_reads *w = asks ? calloc(1, sizeof *w) : NULL;

    *to = NULL;
    if (!w)
        return asks ? no_memory(m) : ERR_NONE;
    const struct read_counts_cfg counts = { .plan = p, .n_image = n_image, .kernel_name = cfg->simd,
                                            .ranges = cfg->ranges, .again = first_image_again,
                                            .next = image_of_reads, .user = w };
    enum err e = cfg->inputs ? inputs_open(&w->inputs, cfg->inputs, network_fed(p->network), m)
                             : ERR_NONE;
    w->n_image = n_image;
    w->job = (struct job){ .plan = p, .cfg = cfg, .n_piece = 1, .inputs = w->inputs };
    if (!e)
        e = source_open(&w->source, &w->job, m);
    w->counts = e ? NULL : read_counts_new(&counts);
    if (!e && !w->counts)
        e = no_memory(m);
    if (e)
        run_reads_close(w);
    else
        *to = w;
    return e;
}

const struct elastic_reads *run_reads_of(const struct run_reads *w)
{
    return w ? read_counts_reads(w->counts) : NULL;
}

void run_reads_close(struct run_reads *w)
{
    if (!w)
        return;
    read_counts_free(w->counts);
    source_close(&w->source);
    inputs_close(w->inputs);
    free(w);
}
