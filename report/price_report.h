/* report/price_report.h -- a price report as tables and as a picture.
 *
 * By block: energy, leakage, share, power, fJ of a MAC of the network, area, latency in the worst
 * timestep. By layer: energy by block, leakage, sum, share, power, fJ of a MAC, area. By item: each
 * block of each core. Energies are nJ an image with three decimals, areas um2: the whole units of
 * the report. Shares and powers are rounded so that their columns add up too: what is printed sums
 * exactly (in LaTeX to its four digits).
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

/* By kind of core and by what energy rests on, an image and a multiply-accumulate; efficiencies
 * with what they count. */
struct table *price_kind_table(const struct price_report *r);
struct table *price_basis_table(const struct price_report *r);
struct table *price_efficiency_table(const struct price_report *r);

/* Cells that hold weights and what programming them takes, once; no rows where it is not known. */
struct table *price_programming_table(const struct price_report *r);

/* Of runs with values, else empty: what inputs were, and what those that are 0 saved, beside the
 * prices without zeros (study/pricing.h). */
struct table *price_input_table(const struct price_report *r);
struct table *price_zeros_table(const struct price_report *r, const struct price_report *without);

/* Without a capital and a full stop: by what inputs crossbar and drivers are priced. activity: the
 * run whose inputs they are (energy.activity), or "". */
void price_say_inputs(const struct price_report *r, const char *activity, char *text, size_t size);

/* A bar per layer, stacked by block. */
void price_print_svg(const struct price_report *r, FILE *out);

#endif
