/* study/run/events.c -- runs of event cores, each recording by itself. */
#include "study/run/job.h"

#include <assert.h>
#include <stdlib.h>

#include "study/event.h"

/* The next recording, with its times where it has them, or as a map of each step. */
static enum err next_recording(struct source *s, struct image_events *events, bool *timed,
                               uint32_t *label, struct err_msg *m)
{
    int more;

    *timed = s->set[0] && images_timed(s->set[0]);
    if (!*timed)
        return source_next(s, 0, s->pixels, label, m);
    enum err e = images_next_events(s->set[0], events, label, &more, m);
    assert(e || more);
    return e;
}

static enum err events_of_job(struct job *j, struct source *s, struct event_study *study)
{
    struct image_events events = { 0 };
    enum err e = ERR_NONE;

    for (uint64_t i = j->first; !e && i < j->end && !atomic_load(&j->shared->stop); i++) {
        uint32_t label, class_;
        bool timed;
        e = next_recording(s, &events, &timed, &label, &j->msg);
        if (!e)
            e = event_study_run(study, j->cfg->first + i, timed ? &events : NULL,
                                (const uint8_t *)s->pixels, j->result.event, &class_, &j->msg);
        if (e)
            break;
        if (j->result.label)
            j->result.label[i] = label;
        if (j->result.predicted)
            j->result.predicted[i] = class_;
        atomic_fetch_add(&j->shared->done, 1);
    }
    image_events_release(&events);
    return e;
}

static bool result_make_events(struct run_result *r, const struct plan *p)
{
    r->event = calloc(1, sizeof *r->event);
    return r->event && event_result_init(r->event, p);
}

enum err job_events(struct job *j)
{
    struct event_study *study = NULL;
    struct source source = { 0 };
    enum err e = result_make_events(&j->result, j->plan) ? ERR_NONE : no_memory(&j->msg);

    if (!e)
        e = event_study_new(&study, j->plan, j->cfg->kernel, j->cfg->mode, &j->msg);
    if (!e) {
        e = source_open(&source, j, &j->msg);
        if (!e)
            e = events_of_job(j, &source, study);
        source_close(&source);
    }
    event_study_free(study);
    return e;
}

enum err run_events(struct job *all, uint32_t n, struct run_result *r, struct err_msg *m)
{
    enum err e = result_make_events(r, all->plan) ? ERR_NONE : no_memory(m);

    if (e)
        return e;
    all->events = true;
    struct job *job = share_out(all, n, r, &e, m);
    for (uint32_t i = 0; !e && i < n; i++)
        event_result_add(r->event, job[i].result.event);
    share_free(job, n);
    return e;
}
