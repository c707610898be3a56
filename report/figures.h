/* report/figures.h -- what designs are compared by: one number each, of a run.
 *
 * A figure that a run does not have (accuracy without labels, energy without costs) is absent,
 * never zero.
 */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include <stdbool.h>

#include "report/json.h"
#include "report/table.h"
#include "study/measure.h"

enum figure {
    FIGURE_CORES,
    FIGURE_UTILIZATION,
    FIGURE_FIRST_RESULT,
    FIGURE_FIRST_CLOCKS,
    FIGURE_LATENCY,
    FIGURE_LAST_CONV,
    FIGURE_INTERVAL,
    FIGURE_INTERVAL_CLOCKS,
    FIGURE_INTERVAL_US, // of any clocking
    FIGURE_HOPS,
    FIGURE_PACKET_LATENCY,
    FIGURE_BATCH,
    FIGURE_THROUGHPUT,
    FIGURE_ACCURACY,
    FIGURE_ANALOG_ACCURACY,
    FIGURE_ANALOG_DEVIATION,
    FIGURE_ANALOG_ERROR, // of products: mean of the layers with arrays
    FIGURE_READS,
    FIGURE_CONVERSIONS,
    FIGURE_CLIPPED,
    FIGURE_EVENT_ROWS,
    FIGURE_EVENT_SPIKES,
    FIGURE_EVENT_LOST,
    FIGURE_EVENT_LOAD,
    FIGURE_LINK_RATE,
    FIGURE_PARTIAL_SUM_RATE,
    FIGURE_WORDS_USED,
    FIGURE_WORDS_THERE,
    FIGURE_WORDS_FULLEST,
    FIGURE_DIGITAL_CORES, FIGURE_KV_BYTES, // of tokens
    FIGURE_ENERGY,
    FIGURE_BLOCK_ENERGY,
    FIGURE_POWER = FIGURE_BLOCK_ENERGY + N_PRICE_ALL,
    FIGURE_EFFICIENCY,
    FIGURE_PEAK_EFFICIENCY,
    FIGURE_AREA,
    FIGURE_BLOCK_AREA,
    FIGURE_DENSITY = FIGURE_BLOCK_AREA + N_PRICE_ALL,
    FIGURE_PEAK_DENSITY,
    N_FIGURE
};

enum figure_form { FIGURE_COUNT, FIGURE_REAL, FIGURE_SHARE };

extern const struct figure_row {
    const char      *title, *unit, *key;
    enum figure_form form;
    int              decimals;
    bool             more; // is better; else less is
} figure_rows[N_FIGURE];

struct figures {
    bool   there[N_FIGURE];
    double value[N_FIGURE];
};

/* What was found of the study. Analog accuracy is that at the last of its times. */
void figures_of(struct figures *f, const struct study *s, const struct measured *d);

/* A cell of a table, empty where the figure is absent. */
void figure_cell(struct table *t, const struct figures *f, enum figure q);

/* Puts it under its key, unless it is absent. */
void figure_json(json_t **object, const struct figures *f, enum figure q);

/* "latency us": what and unit, for a column. */
struct figure_title {
    char text[64];
};
struct figure_title figure_title(enum figure q);

/* By its key, or by its path in the result of run, "timing.latency_us". N_FIGURE when there is
 * none. */
enum figure figure_find(const char *name);

#endif
