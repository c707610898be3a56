/* cli/spike_picture.h -- a network of neurons step by step: its accuracy and its spikes. */
#ifndef CLI_SPIKE_PICTURE_H
#define CLI_SPIKE_PICTURE_H

#include "report/report.h"

/* As SVG, of a struct report with spikes, an output_writer: above, where images have labels, top-1
 * as it is after each step; below, spikes of a neuron in each step, a line for each layer that
 * fires, in the mean over its neurons and the images. Every figure is one of the tables spikes and
 * steps. */
enum err spike_picture(const void *report, FILE *out, struct err_msg *m);

#endif
