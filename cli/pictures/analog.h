/* cli/pictures/analog.h -- analog chips in time: their accuracy, and the errors of their layers. */
#ifndef CLI_PICTURES_ANALOG_H
#define CLI_PICTURES_ANALOG_H

#include "report/report.h"

/* As SVG, of a struct report with analog chips, an output_writer: above, top-1 against the
 * logarithm of time, each chip a dot, the mean a line with its 95 % interval as a band, exact
 * weights beside it; below, where they are measured, errors of products by layer, a line for each
 * time. Every figure is one of the tables analog and analog_layers. */
enum err analog_picture(const void *report, FILE *out, struct err_msg *m);

#endif
