/* cli/load.c -- see load.h. */
#include "cli/load.h"

#include <inttypes.h>

#include "cli/log.h"
#include "cli/progress.h"

enum err study_from_options(struct study *s, const struct options *o, struct err_msg *m)
{
    double start_s = clock_s();
    enum err e = study_load(s, o->operand, o->set, o->n_set, m);

    for (size_t i = 0; !e && i < s->config.notes.n; i++)
        log_line(o, LOG_INFO, "note: %s", s->config.notes.line[i]);
    if (!e)
        log_line(o, LOG_DEBUG,
                 "configuration %s, network %s: planned %" PRIu32 " cores and %" PRIu32
                 " streams in %.3f s",
                 s->config_hash, s->network.name, s->plan.n_core, s->plan.n_stream,
                 clock_s() - start_s);
    return e;
}
