/* study/sweep/crew.h -- who runs the points of a study: the worker processes of a pool (pool.h),
 * and likewise those of the other ranks of an MPI job, each of which has a pool of its own.
 *
 * Rank 0 hands out and takes in, as if all of them were one pool. What the others need to know
 * before they begin is one message, its greeting. A rank that dies ends the job, which is MPI's.
 */
#ifndef STUDY_SWEEP_CREW_H
#define STUDY_SWEEP_CREW_H

#include "study/sweep/link.h"
#include "study/sweep/pool.h"

struct crew;

/* Rank 0's; the link is borrowed, and may be zeroed. */
enum err crew_new(struct crew **c, const struct pool_cfg *cfg, const struct link *link,
                  struct err_msg *m);
void crew_free(struct crew *c); // takes NULL; ends its workers, not the link

/* As those of a pool. */
bool crew_wants(const struct crew *c);
enum err crew_give(struct crew *c, uint64_t piece, struct err_msg *m);
uint64_t crew_pending(const struct crew *c);
enum err crew_next(struct crew *c, int wait_ms, struct pool_event *event, bool *there,
                   struct err_msg *m);

/* Rank 0: says it to all others, who wait for it. */
void crew_greet(const struct link *link, const void *bytes, size_t n);

/* Rank 0: nothing more is wanted of the others, whether they were greeted or not; ends the link. */
void crew_dismiss(const struct link *link);

/* Another rank: waits for the greeting. *bytes are the caller's; NULL: it is dismissed, or *stop
 * has come to be true. */
void crew_wait(const struct link *link, void **bytes, size_t *n, int (*stop)(void));

/* Another rank, behind its greeting: works until it is dismissed, or stop() is true. */
enum err crew_serve(const struct pool_cfg *cfg, const struct link *link, int (*stop)(void),
                    struct err_msg *m);

#endif
