/* report/point.h -- a point of a study, run by a worker: what it finds, as a message.
 *
 * A worker keeps what points share: the network as long as points have the same, plan and run as
 * long as they differ in `energy` alone.
 */
#ifndef REPORT_POINT_H
#define REPORT_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "report/figures.h"
#include "study/measure.h"
#include "study/study.h"
#include "study/sweep/contents.h"
#include "study/sweep/packed.h"
#include "study/sweep/points.h"
#include "study/sweep/pool.h"
#include "study/sweep/store.h"

struct point_worker { // zeroed but for these three; used in its worker's process alone
    const struct sweep     *sweep; // borrowed
    const struct store_ids *done;  // borrowed; points that need not be run
    const char             *images; // borrowed; those of the sweep as compact JSON, or NULL

    struct study    network; // that has one, or is zero
    struct study    study;   // that ran last, or is zero
    struct measured measured;
    char           *machine; // of that: the configuration less its energy
    struct packer   packer;
    struct contents contents;
};

/* What is known of a point in work. */
struct point_mark {
    bool            named;
    struct store_id id;
};

/* For struct pool_cfg: runs point i of the sweep. `worker` is a struct point_worker, `mark` a
 * struct point_mark. */
void point_work(void *worker, uint64_t i, struct message *found, void *mark);

void point_worker_release(struct point_worker *w);

enum point_kind {
    POINT_RAN,
    POINT_FAILED, // error says why
    POINT_THERE   // one of `done`
};

struct point_found {
    enum point_kind kind;
    struct store_id id;
    double          host_s;
    double          figure[N_FIGURE]; // NAN: none
    char            error[sizeof(struct err_msg)];
};

/* One that failed since its worker ended. */
void point_lost(struct point_found *f, const struct sweep *s, const struct pool_event *event);

/* Reads a message of point_work(); *result is borrowed of it, NULL: none. False when it is none. */
bool point_read(struct point_found *f, const void **result, size_t *n_result,
                const uint8_t *message, size_t n);

#endif
