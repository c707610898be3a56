/* study/price_table.h -- a price report as tables: text, CSV, Markdown, LaTeX, JSON, SVG.
 *
 * By block: energy, leakage, share, power, area, latency in the worst timestep. By layer: energy by
 * block, leakage, sum, share, power, area. Energies are nJ per image with three decimals, areas
 * um2: the whole units of the report. Shares and powers are rounded so that their columns add up
 * too: what is printed sums exactly.
 */
#ifndef STUDY_PRICE_TABLE_H
#define STUDY_PRICE_TABLE_H

#include <stdio.h>

#include "study/price.h"

enum price_format { PRICE_TEXT, PRICE_CSV, PRICE_MARKDOWN, PRICE_LATEX };

void price_print_blocks(const struct price_report *r, enum price_format f, FILE *out);
void price_print_layers(const struct price_report *r, enum price_format f, FILE *out);

/* CSV: a row for each block of each core, with its layer. */
void price_print_items(const struct price_report *r, FILE *out);

/* A bar per layer, stacked by block. */
void price_print_svg(const struct price_report *r, FILE *out);

/* The sections "energy" and "area" of a result document, spec of `imcsim run`: plain numbers that
 * sum to the total of their section. The caller owns the references; NULL without memory. */
struct json_t *price_energy_json(const struct price_report *r);
struct json_t *price_area_json(const struct price_report *r);

#endif
