/* study/jobs.h -- work on several threads, and somebody who waits for it. */
#ifndef STUDY_JOBS_H
#define STUDY_JOBS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct jobs { // JOBS_INIT
    atomic_uint_fast64_t done; // images, of all jobs
    atomic_bool          stop; // a job has failed: the others end soon
    pthread_mutex_t      lock;
    pthread_cond_t       ended;
    uint32_t             n_ended; // jobs, under lock
};
#define JOBS_INIT { .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER }

struct jobs_work {
    void (*run)(void *user, uint32_t job);
    void *user;
    uint32_t n;
    uint64_t n_image; // for who watches
    /* Called from the waiting thread, now and then. NULL: nobody watches. */
    void (*progress)(void *user, uint64_t done, uint64_t n_image);
    void *progress_user;
};

/* Runs the jobs on threads of their own, and waits for all of them; one whose thread cannot be
 * started runs here. */
void jobs_run(struct jobs *j, const struct jobs_work *w);

#endif
