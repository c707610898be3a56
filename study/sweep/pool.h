/* study/sweep/pool.h -- worker processes, each of which does many pieces of work.
 *
 * A piece is a number; what a worker finds of it comes back as a message, whole or not at all. A
 * worker that ends in the middle of a piece, or takes longer than the limit and is ended then, is
 * replaced; its piece is reported with the reason and is not tried again. Pieces that had been
 * handed to it besides go to others. Workers do not heed Ctrl-C and the like: they end with the
 * process that made them.
 */
#ifndef STUDY_SWEEP_POOL_H
#define STUDY_SWEEP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct message { // bytes that grow
    uint8_t *byte; // owned
    size_t   n, room;
};

/* False without memory; then the message is as it was. */
bool message_add(struct message *m, const void *bytes, size_t n);
bool message_reserve(struct message *m, size_t n); // room for n more
void message_release(struct message *m); // takes a zeroed one

struct pool_cfg {
    uint32_t n_worker; // at least 1
    double   limit_s;  // of a piece; 0: none
    /* In a worker. What it keeps between pieces is behind `user`, of which each worker has its
     * own from the time when it was made. */
    void (*work)(void *user, uint64_t piece, struct message *found, void *mark);
    void *user;
    /* Of each worker, zero when a piece begins: what it writes to `mark` is there when it ends. */
    size_t n_mark;
};

struct pool;

/* ERR_MEMORY; ERR_RUN: the host lets no process be made. */
enum err pool_new(struct pool **p, const struct pool_cfg *cfg, struct err_msg *m);
void pool_free(struct pool *p); // takes NULL; ends all workers at once, whatever they do

/* Whether some worker has nothing more to do soon. */
bool pool_wants(const struct pool *p);

/* Hands a piece out, where the pool wants one. */
enum err pool_give(struct pool *p, uint64_t piece, struct err_msg *m);

/* Pieces that were given and not reported. */
uint64_t pool_pending(const struct pool *p);

struct pool_event {
    uint64_t       piece;
    const uint8_t *found; // borrowed until the next call; NULL: the worker ended
    size_t         n;
    char           reason[160]; // then: "its process was ended by SIGSEGV"
    const void    *mark;        // then, borrowed likewise
};

/* What is done next, waiting for at most wait_ms. *there: something is; else time is over, or a
 * signal came. */
enum err pool_next(struct pool *p, int wait_ms, struct pool_event *event, bool *there,
                   struct err_msg *m);

#endif
