/* cli/load.c -- see load.h. */
#include "cli/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/log.h"
#include "cli/progress.h"

enum err study_from_options(struct study *s, const struct options *o, struct err_msg *m)
{
    const struct {
        const char *key, *value;
    } more[] = {{"network.input_shape", o->input_shape}, {"network.random_weights", o->random_weights}};
    enum { N_MORE = sizeof more / sizeof *more };
    double start_s = clock_s();
    const char **set = calloc(o->n_set + N_MORE, sizeof *set);
    char text[N_MORE][128];
    size_t n = o->n_set;

    if (!set)
        return err_set(m, ERR_MEMORY, "no memory for settings");
    for (size_t i = 0; i < n; i++)
        set[i] = o->set[i];
    for (size_t i = 0; i < N_MORE; i++)
        if (more[i].value) {
            snprintf(text[i], sizeof text[i], "%s=%.80s", more[i].key, more[i].value);
            set[n++] = text[i];
        }
    enum err e = study_load(s, o->operand, set, n, m);
    free(set);

    if (!e)
        log_line(o, LOG_DEBUG,
                 "configuration %s, network %s: planned %" PRIu32 " cores and %" PRIu32
                 " streams in %.3f s",
                 s->config_hash, s->network.name, s->plan.n_core, s->plan.n_stream,
                 clock_s() - start_s);
    return e;
}
