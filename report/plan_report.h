/* report/plan_report.h -- a plan as tables, JSON, Graphviz and a picture, and the pieces that
 * the report of a run shares with it.
 *
 * Times (docs/accelerator.md, section 4): the first result is there after L timesteps, the next
 * ones every I, so that a batch of N images gives
 *
 *     throughput = N / ((L + (N - 1) * I) * timestep)
 */
#ifndef REPORT_PLAN_REPORT_H
#define REPORT_PLAN_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "core/err.h"
#include "dataflow/plan/plan.h"
#include "report/form.h"
#include "report/plan_figures.h"
#include "study/study.h"

extern const struct form plan_form; // of a const struct study *

/* Writers of one form each; `study` is a const struct study *. */
enum err plan_json(const void *study, FILE *out, struct err_msg *m);
enum err plan_dot(const void *study, FILE *out, struct err_msg *m);
enum err plan_grid_svg(const void *study, FILE *out, struct err_msg *m); // cores on a grid
enum err plan_grid_csv(const void *study, FILE *out, struct err_msg *m); // streams between them

/* ---- pieces ---- */

/* What is mapped onto what: the lines that open every report. */
void print_machine(const struct study *s, FILE *out);

/* Rows and columns of arrays, and the share of their devices that hold weights: empty cells where
 * a layer or core has none, whose digital processor alone works. */
void put_matrix(struct table *t, uint64_t rows, uint64_t columns);
void put_used(struct table *t, uint64_t rows, double share);

struct table *stage_table(const struct plan *p); // one row for each stage: its worst core

struct table *stream_table(const struct plan *p, const uint64_t *bits); // bits carried, or NULL

/* Sections of the result documents; NULL without memory, as in json.h. */
json_t *json_begin(const char *format, const struct study *s); // format, version, config, its hash
json_t *json_network(const struct network *n);
void json_put_cores(json_t **o, const struct plan *p); // those with arrays; digital ones of tokens
json_t *json_timing(const struct plan *p, uint64_t first_result, uint64_t last_conv);
json_t *json_layer(const struct plan *p, uint32_t layer);
json_t *json_core(const struct plan *p, uint32_t core);
json_t *json_stages(const struct plan *p);
json_t *json_stream(const struct plan *p, uint32_t stream);

#endif
