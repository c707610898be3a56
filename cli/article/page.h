/* cli/article/page.h -- the article's figures and tables on one HTML page. */
#ifndef CLI_ARTICLE_PAGE_H
#define CLI_ARTICLE_PAGE_H

#include <stddef.h>
#include <stdio.h>

#include "cli/article/article.h"
#include "cli/article/plot.h"
#include "core/err.h"

struct article { // all borrowed
    const struct figure_table *table;
    size_t                     n_table;
    const struct plot         *plot;
    size_t                     n_plot;
};

/* Refers to NAME.svg and NAME.csv beside it; `article` is a const struct article *. */
enum err article_page(const void *article, FILE *out, struct err_msg *m);

#endif
