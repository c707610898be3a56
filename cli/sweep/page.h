/* cli/sweep/page.h -- the points of a study as one page that needs nothing else: `report --html`.
 *
 * DIR/index.html is report/page/study.html with its style, its script, uPlot (third_party/) and the
 * points in it. Configurations are written as what differs from the first point's, timelines once
 * for all points that have the same.
 */
#ifndef CLI_SWEEP_PAGE_H
#define CLI_SWEEP_PAGE_H

#include <stdbool.h>

#include "core/err.h"
#include "study/sweep/rows.h"

struct study_page { // borrowed
    const char        *db;     // as it was named, from where documents are read
    const struct rows *rows;   // with the figures of figures.h
    const bool        *beyond; // of each
};

/* Makes the directory where it is not there. */
enum err study_page_write(const char *dir, const struct study_page *p, struct err_msg *m);

#endif
