/* study/sweep/link.h -- the other processes of an MPI job, for a study that runs on all of them.
 *
 * MPI is in a library of its own, libimcsim_mpi.so, that is loaded where mpirun has started the
 * program: nothing else needs it. Messages are bytes, whole, in order between two processes.
 */
#ifndef STUDY_SWEEP_LINK_H
#define STUDY_SWEEP_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct link {
    int rank, n_rank; // of them; zeroed: the process is alone
    void (*send)(int to, const void *bytes, size_t n);
    /* What has come from anybody, *bytes the caller's (free()); false: nothing yet. */
    bool (*receive)(int *from, void **bytes, size_t *n);
    void (*close)(void); // all of them at once
};

/* The job that mpirun started; zeroed where it did not. ERR_INPUT: this build has no MPI. */
enum err link_open(struct link *l, struct err_msg *m);

/* What the library has: fills *l, in which all is zero. */
void imcsim_link_open(struct link *l);

#endif
