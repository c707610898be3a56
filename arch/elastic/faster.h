/* arch/elastic/faster.h -- what faster stages would bring to a chip under elastic clocking.
 *
 * No image comes sooner after another than its busiest stage works for one. So with that stage in
 * no time, and those that work as long, the interval is at least what the busiest of the others
 * works: the next rung of a ladder. What it is then is found by running, with every operation of
 * those stages in a clock.
 */
#ifndef ARCH_ELASTIC_FASTER_H
#define ARCH_ELASTIC_FASTER_H

#include "arch/elastic/elastic.h"

struct elastic_rung {
    uint32_t stage, n;       // the busiest of those left, and how many work as long as it
    uint64_t busy_clk;       // that each of them works, in all images of the result
    uint32_t next;           // the busiest of the others; n_stage of the result: there is none
    uint64_t next_clk;       // that it works
    uint64_t clocks, images; // the interval with them fast, where it was run
};

enum { ELASTIC_RUNGS = 4 }; // that are run at most

struct elastic_ladder {
    uint64_t            clocks, images; // the interval as it is
    struct elastic_rung rung[ELASTIC_RUNGS];
    uint32_t            n;
};

/* Of the stages that are not fast yet; marks the rung's. fast: [r->n_stage]. False: none is left
 * that works. */
bool elastic_next_rung(const struct elastic_result *r, bool *fast, struct elastic_rung *g);

/* Runs the first rungs, for as many images as the result has, or as have an interval that says
 * something where any will do; cfg as that of the result. ERR_INPUT: it is of one image whose reads
 * are counted. */
enum err elastic_climb(struct elastic_ladder *l, const struct plan *p,
                       const struct elastic_cfg_run *cfg, const struct elastic_result *r,
                       struct err_msg *m);

#endif
