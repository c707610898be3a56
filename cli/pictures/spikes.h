/* cli/pictures/spikes.h -- a network of neurons step by step: its accuracy and its spikes. */
#ifndef CLI_PICTURES_SPIKES_H
#define CLI_PICTURES_SPIKES_H

#include "cli/run/neuron_trace.h"
#include "report/report.h"

struct spike_drawing { // borrowed
    const struct report       *report; // with spikes
    const struct neuron_trace *trace;  // may be of no neurons
};

/* As SVG, of a struct spike_drawing, an output_writer: above, where images have labels, top-1
 * as it is after each step; below, spikes of a neuron in each step, a line for each layer that
 * fires, in the mean over its neurons and the images, figures of the table steps; then, of chosen
 * neurons, the spikes of the first image, a line of dots each, and the potentials of up to five. */
enum err spike_picture(const void *drawing, FILE *out, struct err_msg *m);

#endif
