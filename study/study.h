/* study/study.h -- what every face begins with: a configuration, its network, its plan. */
#ifndef STUDY_STUDY_H
#define STUDY_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "arch/analog/spec.h"
#include "core/err.h"
#include "dataflow/config.h"
#include "dataflow/mapper/mapper.h"
#include "dataflow/plan/plan.h"
#include "network/network.h"

struct study { // stays where it is: the plan points into it
    struct config  config;
    struct network network;
    bool           borrows_network; // another study's, which is released later
    struct plan    plan;
    struct analog_spec analog; // of its arrays, once there is a plan

    bool                  mapping_chosen; // the mapper made the configuration's mapping
    struct mapping_report mapping;        // and how, then

    /* 64-bit FNV-1a of the effective configuration as compact JSON, in hexadecimal digits: results
     * with the same hash come from the same configuration. */
    char config_hash[17];
};

/* Reads the configuration at `path` (NULL: the defaults; "-": standard input; where there is no
 * such file, one that comes with imcsim, core/datadir.h), applies set[n_set] and makes the network,
 * the mapping if it is to be chosen, and the plan. On error *s is zero. */
enum err study_load(struct study *s, const char *path, const char *const *set, size_t n_set,
                    struct err_msg *m);

/* The same without a plan, and with the mapping as it is configured. */
enum err study_load_network(struct study *s, const char *path, const char *const *set,
                            size_t n_set, struct err_msg *m);

/* The steps of that: the configuration, and its network, which is borrowed of `like` where that has
 * the same, so that a file is read once. NULL: it is made. On error *s is zero. */
enum err study_load_config(struct study *s, const char *path, const char *const *set, size_t n_set,
                           struct err_msg *m);
enum err study_config_of(struct study *s, const struct config_file *f, const char *const *set,
                         size_t n_set, struct err_msg *m);
enum err study_network(struct study *s, const struct study *like, struct err_msg *m);

/* Likewise of a configuration's text, which messages call `name`. */
enum err study_load_network_text(struct study *s, const char *name, const char *text,
                                 const char *const *set, size_t n_set, struct err_msg *m);

/* Before study_plan(): a machine whose energy.chip is none is to be priced, and gets composed. On
 * error *s is zero. */
enum err study_compose(struct study *s, struct err_msg *m);

/* The rest of it, after study_load_network(): of a clocking whose times are known before a run; or
 * of any, whose plan may have no timetable. On error *s is zero. */
enum err study_plan(struct study *s, struct err_msg *m);
enum err study_plan_any(struct study *s, struct err_msg *m);

/* Of any clocking; where the fabric has a graph, with a link of its own for every stream: what is
 * to be placed on it (study/place.h). */
enum err study_plan_to_place(struct study *s, struct err_msg *m);

/* What `other`, whose configuration differs in `energy` alone, says of prices, for a study with its
 * plan; `other` is then only to be released. */
enum err study_prices_of(struct study *s, struct study *other, struct err_msg *m);

void study_release(struct study *s); // takes a zeroed one

/* Writes the effective configuration; `study` is a const struct study *. */
enum err study_write_config(const void *study, FILE *out, struct err_msg *m);

#endif
