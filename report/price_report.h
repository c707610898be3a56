/* report/price_report.h -- a price report as tables and as a picture.
 *
 * By block: energy, leakage, share, power, area, latency in the worst timestep. By layer: energy by
 * block, leakage, sum, share, power, area. By item: each block of each core. Energies are nJ an
 * image with three decimals, areas um2: the whole units of the report. Shares and powers are
 * rounded so that their columns add up too: what is printed sums exactly (in LaTeX to its four
 * digits).
 */
#ifndef REPORT_PRICE_REPORT_H
#define REPORT_PRICE_REPORT_H

#include <stdio.h>

#include "report/table.h"
#include "study/price.h"

const char *price_block_title(enum price_block b); // for people: price_block_name() is a key

/* NULL without memory. */
struct table *price_block_table(const struct price_report *r);
struct table *price_layer_table(const struct price_report *r);
struct table *price_item_table(const struct price_report *r);

/* A bar per layer, stacked by block. */
void price_print_svg(const struct price_report *r, FILE *out);

#endif
