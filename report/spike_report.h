/* report/spike_report.h -- what a network of neurons did: spikes and synaptic events by layer, and
 * accuracy by step. */
#ifndef REPORT_SPIKE_REPORT_H
#define REPORT_SPIKE_REPORT_H

#include "report/json.h"
#include "report/report.h"

/* No rows of another network, or without images; steps: without labels no accuracy. */
struct table *spike_layer_table(const void *report);
struct table *spike_step_table(const void *report);

/* What its neurons are, with images or without: thresholds and weights in the terms of the file
 * that they come from, where it is one of NIR. */
struct table *neuron_table(const void *report);

/* NULL likewise. */
json_t *spike_json(const struct report *r);

/* Spikes of a neuron in a step, mean over all; of the image: of a pixel. */
double spike_rate(const struct report *r, uint32_t layer);

#endif
