/* cli/tracing.c -- see tracing.h. */
#include "cli/tracing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TIMESTEP_DIGITS = 12 };

/* "FROM:TO", whole numbers, in order. */
static bool read_window(const char *text, uint64_t *first, uint64_t *last)
{
    size_t n = strspn(text, "0123456789"), n_last;

    if (n < 1 || n > MOST_TIMESTEP_DIGITS || text[n] != ':')
        return false;
    n_last = strspn(text + n + 1, "0123456789");
    if (n_last < 1 || n_last > MOST_TIMESTEP_DIGITS || text[n + 1 + n_last] != '\0')
        return false;
    *first = strtoull(text, NULL, 10);
    *last = strtoull(text + n + 1, NULL, 10);
    return *first <= *last;
}

enum err tracing_check(const struct options *o, struct err_msg *m)
{
    const char *orphan = o->trace_scope ? "--trace-scope" : "--trace-window";
    uint64_t first, last;

    if (!o->trace && (o->trace_scope || o->trace_window))
        return err_set(m, ERR_INPUT, "run: %s without --trace", orphan);
    if (o->trace && strcmp(o->trace, "-") == 0)
        return err_set(m, ERR_INPUT, "run: --trace -: want a file: standard output has the report");
    if (o->trace && o->jobs > 1)
        return err_set(m, ERR_INPUT, "run: --trace with --jobs %" PRIu64 ": one chip is watched: "
                       "want --jobs 1", o->jobs);
    if (o->trace_window && !read_window(o->trace_window, &first, &last))
        return err_set(m, ERR_INPUT, "run: --trace-window %s: want FROM:TO, timesteps from 0, FROM "
                       "not after TO", o->trace_window);
    return ERR_NONE;
}

static enum err open_waves(struct tracing *t, const struct options *o, const struct plan *p,
                           struct err_msg *m)
{
    struct waves_cfg cfg = { .out = outfile_stream(t->file), .scope = o->trace_scope };

    cfg.windowed = o->trace_window &&
                   read_window(o->trace_window, &cfg.first_timestep, &cfg.last_timestep);
    enum err e = waves_new(&t->waves, p, &cfg, m);
    if (!e)
        t->sink = waves_sink(t->waves);
    return e;
}

enum err tracing_open(struct tracing *t, const struct options *o, const struct plan *p,
                      struct err_msg *m)
{
    *t = (struct tracing){ 0 };
    if (!o->trace)
        return ERR_NONE;
    enum err e = outfile_open(&t->file, o->trace, m);
    if (!e)
        e = open_waves(t, o, p, m);
    if (!e && !(t->activity = activity_new(p, &t->sink, 1)))
        e = err_set(m, ERR_MEMORY, "no memory to watch the run");
    return e ? tracing_close(t, e, m) : ERR_NONE;
}

const struct core_probe *tracing_probe(const struct tracing *t)
{
    return t->activity ? activity_probe(t->activity) : NULL;
}

enum err tracing_close(struct tracing *t, enum err e, struct err_msg *m)
{
    if (!e && t->activity) {
        activity_end(t->activity);
        waves_end(t->waves);
        e = outfile_commit(t->file, m);
    } else {
        outfile_discard(t->file);
    }
    activity_free(t->activity);
    waves_free(t->waves);
    *t = (struct tracing){ 0 };
    return e;
}
