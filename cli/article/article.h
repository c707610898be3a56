/* cli/article/article.h -- the article's tables, computed again, each figure beside the printed.
 *
 * The article is M. Dazzi, A. Sebastian, L. Benini, E. Eleftheriou, "Accelerating Inference of
 * Convolutional Neural Networks Using In-memory Computing", Front. Comput. Neurosci. 15:674154
 * (2021). Where it is known to be wrong or to count otherwise, a figure names the deviation of
 * docs/validation.md ("D2") and must differ.
 */
#ifndef CLI_ARTICLE_ARTICLE_H
#define CLI_ARTICLE_ARTICLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/err.h"
#include "report/table.h"

struct figure {
    const char *quantity; // "read": a column of the table
    char        ours[24];
    const char *printed;   // in the article; NULL: it has no such figure
    const char *deviation; // "D2", or NULL: the two are to agree
    double      tolerance; // relative, of a figure that the article rounds; 0: the same text
};

/* Of the speed-up, as --set: four pixels a timestep in the first group of layers, two in the
 * second; and arrays and links for them (section 3.1.4). */
#define ARTICLE_SPEED_UP  "mapping.replicas={32: 4, 16: 2}", "batch=100"
#define ARTICLE_ARRAY_512 "core.crossbar.rows=512", "core.crossbar.columns=512",                  \
                          "fabric.link_gbps=5.12"

#define MAX_FIGURE 10

struct figure_row {
    char          name[48]; // "N=3 H=32 WL=128 IWAP"
    struct figure figure[MAX_FIGURE];
    size_t        n_figure;
};

struct figure_table {
    const char        *name;  // "table1", of its file too
    const char        *title; // "Table 1: ..."
    const char        *row_title;
    struct figure_row *row; // owned
    size_t             n_row;
};

enum figure_status {
    FIGURE_OURS_ALONE, // nothing printed
    FIGURE_AGREES,
    FIGURE_WITHIN,   // its tolerance
    FIGURE_DEVIATES, // as listed
    FIGURE_DIFFERS   // and should not, or agrees where a deviation is listed
};

enum figure_status figure_status(const struct figure *f);

/* Figures of the table that differ. */
size_t figures_differing(const struct figure_table *t);

/* A row a line, "ours (printed)" where they are not the same. NULL without memory. */
struct table *figure_table_make(const struct figure_table *t);

/* Rows of replicas (section 2.2.3), Tables 1 and 2 and the timing figures of sections 3.1.3 and
 * 3.1.4. On error *t is zero. */
enum err article_replicas(struct figure_table *t, struct err_msg *m);
enum err article_table_1(struct figure_table *t, struct err_msg *m);
enum err article_table_2(struct figure_table *t, struct err_msg *m);
enum err article_timing(struct figure_table *t, struct err_msg *m);

/* Tables 3 and 4 and the efficiencies of section 3.2, calibrated and predicted
 * (cli/article/power.c). */
enum err article_table_3(struct figure_table *t, struct err_msg *m);
enum err article_table_4(struct figure_table *t, struct err_msg *m);
enum err article_efficiency(struct figure_table *t, struct err_msg *m);

/* Whole chips of another program, and ours beside them (cli/article/neurosim.c). */
enum err article_neurosim(struct figure_table *t, struct err_msg *m);
enum err article_lu2021(struct figure_table *t, struct err_msg *m);

/* Attention's share in BERT-base, and what integers save of it (cli/article/spoon2021.c). */
enum err article_spoon2021(struct figure_table *t, struct err_msg *m);

void figure_table_release(struct figure_table *t); // takes a zeroed one

#endif
