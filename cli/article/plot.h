/* cli/article/plot.h -- the figures of the article, computed again: data and drawing of each.
 *
 * Figures 6 and 10 are drawn by gnuplot, from the bytes of their CSV file; Fig. 9 is plan_svg().
 */
#ifndef CLI_ARTICLE_PLOT_H
#define CLI_ARTICLE_PLOT_H

#include <stddef.h>
#include <stdio.h>

#include "core/err.h"
#include "report/table.h"

struct plot {
    const char          *name;    // "figure6a", of its files too
    const char          *title;   // "Figure 6A: ..."
    const char          *caption; // what there is to see
    char                *data;    // owned; CSV
    char                *svg;     // owned; NULL: not drawn, there is no gnuplot
};

#define N_PLOT 5

/* All of them: 6A, 6B, 9, 10A, 10B. On error the plots are zero. */
enum err article_plots(struct plot plot[N_PLOT], struct err_msg *m);
void plots_release(struct plot plot[N_PLOT]); // takes zeroed ones

/* Writers; `plot` is a const struct plot *. */
enum err plot_data(const void *plot, FILE *out, struct err_msg *m);
enum err plot_svg(const void *plot, FILE *out, struct err_msg *m);

#endif
