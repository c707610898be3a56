/* cli/progress.h -- how far a long run is, for someone who watches a terminal.
 *
 * One line on standard error, rewritten a few times a second and wiped at the end: images done,
 * images a second, time left. Silent when standard error is not a terminal.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool        visible;
    const char *things;           // that are counted: "images"; may be changed after the start
    double      start_s, shown_s; // of clock_s()
    uint64_t    done;             // when told last
};

void progress_start(struct progress *p, bool wanted);

/* Fits run_cfg.progress, with the struct progress as `user`. Fewer done than before: it begins
 * anew. */
void progress_show(void *progress, uint64_t done, uint64_t n_image);
void progress_end(struct progress *p);

/* The line for `done` of n things, at least one of them done, after elapsed_s seconds. */
void progress_line(char *line, size_t size, const char *things, uint64_t done, uint64_t n,
                   double elapsed_s);

/* Seconds on a clock that only moves forward. */
double clock_s(void);

#endif
