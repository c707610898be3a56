/* cli/progress.c -- see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
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
    *p = (struct progress){ .visible = wanted && isatty(STDERR_FILENO), .start_s = clock_s() };
    p->shown_s = p->start_s;
}

void progress_line(char *line, size_t size, uint64_t done, uint64_t n_image, double elapsed_s)
{
    double rate = (double)done / elapsed_s;
    uint64_t left_s = (uint64_t)((double)(n_image - done) / rate + 0.5);

    snprintf(line, size, "%s of %s images, %.*f images/s, %s s left", format_count(done).text,
             format_count(n_image).text, rate < 10 ? 1 : 0, rate, format_count(left_s).text);
}

void progress_show(void *progress, uint64_t done, uint64_t n_image)
{
    struct progress *p = progress;
    double now_s = clock_s();
    char line[128];

    signals_note(done, n_image);
    if (!p->visible || done == 0 || now_s - p->shown_s < REFRESH_S)
        return;
    p->shown_s = now_s;
    progress_line(line, sizeof line, done, n_image, now_s - p->start_s);
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
