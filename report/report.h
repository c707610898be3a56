/* report/report.h -- a finished run: tables with the text around them, JSON, statistics.
 *
 * Every figure is computed in report.c or plan_report.c and shown by all forms. A section that the
 * run did not compute (accuracy without images) is absent, never zero.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/kernel.h"
#include "report/class_names.h"
#include "report/plan_report.h"
#include "study/decode.h"
#include "study/measure.h"

struct report { // all borrowed
    const struct study      *study;
    const struct run_result *result;
    const char              *images; // path of the set; NULL: timing only
    const struct price_report *price; // NULL: not priced
    const struct event_price *event_price; // of event cores; NULL: not priced
    const struct analog_result *analog; // NULL: devices are ideal
    const struct codes_cost *codes;      // NULL: codes are their sums, or have no labels
    const struct decoder    *decoder;    // NULL: nothing is decoded
    const struct run_result *decoded;    // by it
    const struct decode_price *decode_price; // of it; NULL: not priced
    enum kernel_kind         kernel;
    uint64_t                 seed;
    struct host { // may differ between two runs of the same input, nothing else may
        uint64_t jobs; // 0: the document has none of this
        double   wall_s, peak_rss_mib;
    } host;
};

/* Borrows what was found of its study. */
void report_measured(struct report *r, const struct measured *d);

const char *kernel_name(enum kernel_kind k); // "native"

/* All of these take a const struct report *. */
extern const struct form report_form;
enum err report_json(const void *report, FILE *out, struct err_msg *m);
struct json_t *report_document(const struct report *r); // that; NULL without memory
enum err report_stats(const void *report, FILE *out, struct err_msg *m);

/* ---- figures ---- */

/* The set's path, in words where it is none; of a run that has images. */
const char *report_images(const struct report *r);

/* A layer's work, summed over the run's images. */
struct layer_work {
    uint64_t mvms; // firings of one part and split, added over copies
    uint64_t words_read, words_written; // over all its cores, residual reads included
};
struct layer_work layer_work(const struct report *r, uint32_t layer);

/* Of the plan layers that `layer` reads, the one that fires last in the first image; the plan's
 * n_layer when it reads the image. */
uint32_t latest_producer(const struct report *r, uint32_t layer);

/* Tables; `report` is a const struct report *. */
struct table *run_layer_table(const void *report);   // one row for each layer
struct table *run_core_table(const void *report);    // every counter of each core
struct table *run_stream_table(const void *report);  // one row for each stream
struct table *run_figure_table(const void *report);  // what the run was
struct table *run_accuracy_table(const void *report); // empty without images

/* What an image costs, where it is priced. */
void print_energy(const struct report *r, FILE *out);

/* Adds what values and prices say: accuracy, labels, predictions, energy, area. */
void json_put_values(json_t **o, const struct report *r);

struct class_result {
    struct class_name name;
    uint64_t          images, correct; // by label
};
/* One for each class of the network, *n of them; the caller frees it. NULL without memory. */
struct class_result *class_results(const struct report *r, uint32_t *n);

#endif
