/* report/tokens_report.h -- attention cores of a machine: who waits and for how long, what more
 * lanes would bring, and a picture of the tokens in time. */
#ifndef REPORT_TOKENS_REPORT_H
#define REPORT_TOKENS_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "report/table.h"
#include "study/study.h"

/* A row for each layer of attention; empty where there is none. `waits`: of the first image. */
struct table *waits_table(const struct plan *p);
json_t *json_waits(const struct plan *p); // an array

/* The machine as it is; with one lane more in each attention core; with the fewest that make a
 * sequence faster, and with as many as a query of one timestep takes: each is planned. Empty where
 * there is no attention. */
struct table *lanes_table(const struct study *s);

/* As SVG: layers from top to bottom, time from left to right; in a layer the tokens of the first
 * two images, or of sequences that are decoded, from top to bottom, each a bar while its core works
 * on it and a light one while it waits for that. Of long sequences every n-th token. */
void tokens_picture(const struct plan *p, FILE *out);

#endif
