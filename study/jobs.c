/* study/jobs.c -- see jobs.h. */
#include "study/jobs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct job_thread {
    struct jobs            *jobs;
    const struct jobs_work *work;
    uint32_t                index;
    pthread_t               thread;
    bool                    started;
};

static void run_job(struct jobs *j, const struct jobs_work *w, uint32_t index)
{
    w->run(w->user, index);
    pthread_mutex_lock(&j->lock);
    j->n_ended++;
    pthread_cond_signal(&j->ended);
    pthread_mutex_unlock(&j->lock);
}

static void *job_thread(void *arg)
{
    const struct job_thread *t = arg;

    run_job(t->jobs, t->work, t->index);
    return NULL;
}

static struct timespec a_tenth_from_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 100000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void wait_for(struct jobs *j, const struct jobs_work *w)
{
    pthread_mutex_lock(&j->lock);
    while (j->n_ended < w->n) {
        struct timespec until = a_tenth_from_now();
        pthread_cond_timedwait(&j->ended, &j->lock, &until);
        if (w->progress)
            w->progress(w->progress_user, atomic_load(&j->done), w->n_image);
    }
    pthread_mutex_unlock(&j->lock);
}

void jobs_run(struct jobs *j, const struct jobs_work *w)
{
    struct job_thread *t = calloc(w->n, sizeof *t);

    j->n_ended = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        bool alone = w->n == 1 && !w->progress;
        if (!alone && t) {
            t[i] = (struct job_thread){ .jobs = j, .work = w, .index = i };
            t[i].started = pthread_create(&t[i].thread, NULL, job_thread, &t[i]) == 0;
        }
        if (!t || !t[i].started)
            run_job(j, w, i);
    }
    wait_for(j, w);
    for (uint32_t i = 0; t && i < w->n; i++)
        if (t[i].started)
            pthread_join(t[i].thread, NULL);
    free(t);
}
