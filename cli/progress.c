/* cli/progress.c -- see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/signals.h"
#include "report/table.h"

#define REFRESH_S 0.2

double clock_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_start(struct progress *p, bool wanted)
{
    *p = (struct progress){ .visible = wanted && isatty(STDERR_FILENO), .things = "images",
                            .start_s = clock_s() };
    p->shown_s = p->start_s;
}

void progress_line(char *line, size_t size, const char *things, uint64_t done, uint64_t n,
                   double elapsed_s)
{
    double rate = (double)done / elapsed_s;
    uint64_t left_s = (uint64_t)((double)(n - done) / rate + 0.5);

    snprintf(line, size, "%s of %s %s, %.*f %s/s, %s s left", format_count(done).text,
             format_count(n).text, things, rate < 10 ? 1 : 0, rate, things,
             format_count(left_s).text);
}

void progress_show(void *progress, uint64_t done, uint64_t n_image)
{
    struct progress *p = progress;
    double now_s = clock_s();
    char line[128];

    if (strcmp(p->things, "images") == 0)
        signals_note(done, n_image);
    if (done < p->done)
        p->start_s = now_s;
    p->done = done;
    if (!p->visible || done == 0 || now_s - p->shown_s < REFRESH_S || now_s <= p->start_s)
        return;
    p->shown_s = now_s;
    progress_line(line, sizeof line, p->things, done, n_image, now_s - p->start_s);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->visible && p->shown_s > p->start_s)
        fputs("\r\033[K", stderr);
    p->visible = false;
    signals_note(0, 0);
}
