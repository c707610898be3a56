/* cli/run/tracing.c -- see tracing.h. */
#include "cli/run/tracing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/log.h"
#include "core/util.h"

enum { MOST_TIMESTEP_DIGITS = 12, MANY_MB = 50, BYTES_PER_MB = 1000000 };

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

bool tracing_is_json(const char *path)
{
    return ends_in(path, ".json") || ends_in(path, ".json.gz");
}

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
    const char *only_waves = o->trace_scope    ? "--trace-scope"
                             : o->trace_window ? "--trace-window"
                                               : NULL;
    const char *watches = o->trace ? "--trace" : o->timeline ? "--timeline" : NULL;
    uint64_t first, last;

    if (only_waves && (!o->trace || tracing_is_json(o->trace)))
        return err_set(m, ERR_INPUT, "run: %s: of waveforms only: want --trace FILE.vcd",
                       only_waves);
    if ((o->trace && strcmp(o->trace, "-") == 0) || (o->timeline && strcmp(o->timeline, "-") == 0))
        return err_set(m, ERR_INPUT, "run: %s -: want a file: standard output has the report",
                       watches);
    if (watches && o->jobs > 1)
        return err_set(m, ERR_INPUT, "run: %s with --jobs %" PRIu64 ": one chip is watched: "
                       "want --jobs 1", watches, o->jobs);
    if (o->trace_window && !read_window(o->trace_window, &first, &last))
        return err_set(m, ERR_INPUT, "run: --trace-window %s: want FROM:TO, timesteps from 0, or "
                       "clocks of elastic clocking, FROM not after TO", o->trace_window);
    return ERR_NONE;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory to watch the run");
}

/* Bytes that a core's firing takes in a trace, as measured on ResNet-32. */
static uint64_t bytes_of_firing(const char *path)
{
    bool packed = ends_in(path, ".gz");

    return tracing_is_json(path) ? (packed ? 23 : 420) : (packed ? 15 : 80);
}

void tracing_say_size(const struct options *o, uint64_t bytes)
{
    if (bytes / BYTES_PER_MB >= MANY_MB && !o->trace_scope && !o->trace_window)
        log_line(o, LOG_INFO, "%s will have some %" PRIu64 " MB: --count, --trace-window and "
                 "--trace-scope make it smaller", o->trace, bytes / BYTES_PER_MB);
}

/* A large file is said before it is there. */
static void say_size(const struct options *o, const struct plan *p)
{
    uint64_t firings = 0, n_image = max_u64(o->count, 1); // of a set without --count: unknown here

    for (uint32_t i = 0; i < p->n_layer; i++)
        firings += p->time.layer[i].firings * p->layer[i].n_core;
    uint64_t bytes = firings * n_image * bytes_of_firing(o->trace);
    if (o->images && access(o->images, R_OK) != 0)
        return; // the run refuses it
    if (o->images && o->count == 0)
        log_line(o, LOG_INFO, "%s: some %" PRIu64 " MB for each image of the set: --count, "
                 "--trace-window and --trace-scope make it smaller", o->trace,
                 max_u64(bytes / BYTES_PER_MB, 1));
    else
        tracing_say_size(o, bytes);
}

struct waves_cfg tracing_waves(const struct options *o, FILE *out)
{
    struct waves_cfg cfg = { .out = out, .scope = o->trace_scope };

    cfg.windowed = o->trace_window && read_window(o->trace_window, &cfg.first, &cfg.last);
    return cfg;
}

static enum err open_trace(struct tracing *t, const struct options *o, const struct plan *p,
                           struct err_msg *m)
{
    enum err e = outfile_open(&t->trace, o->trace, m);

    if (e)
        return e;
    if (tracing_is_json(o->trace)) {
        t->tracks = tracks_new(p, outfile_stream(t->trace));
        if (!t->tracks)
            return no_memory(m);
        t->sink[t->n_sink++] = tracks_sink(t->tracks);
        return ERR_NONE;
    }
    const struct waves_cfg cfg = tracing_waves(o, outfile_stream(t->trace));
    e = waves_new(&t->waves, p, &cfg, m);
    if (!e)
        t->sink[t->n_sink++] = waves_sink(t->waves);
    return e;
}

static enum err open_timeline(struct tracing *t, const struct options *o, const struct plan *p,
                              struct err_msg *m)
{
    enum err e = outfile_open(&t->timeline, o->timeline, m);

    if (e)
        return e;
    t->picture = picture_new(p);
    if (!t->picture)
        return no_memory(m);
    t->sink[t->n_sink++] = picture_sink(t->picture);
    return ERR_NONE;
}

enum err tracing_open(struct tracing *t, const struct options *o, const struct plan *p,
                      struct err_msg *m)
{
    enum err e = ERR_NONE;

    *t = (struct tracing){ 0 };
    if (o->trace) {
        say_size(o, p);
        e = open_trace(t, o, p, m);
    }
    if (!e && o->timeline)
        e = open_timeline(t, o, p, m);
    if (!e && t->n_sink > 0 && !(t->journal = journal_new(p, t->sink, t->n_sink)))
        e = no_memory(m);
    return e ? tracing_close(t, e, m) : ERR_NONE;
}

const struct core_probe *tracing_probe(const struct tracing *t)
{
    return t->journal ? journal_probe(t->journal) : NULL;
}

/* Writes what is left. */
static void finish(struct tracing *t)
{
    journal_end(t->journal);
    if (t->waves)
        waves_end(t->waves);
    if (t->tracks)
        tracks_end(t->tracks);
    if (t->picture)
        picture_draw(t->picture, outfile_stream(t->timeline));
}

enum err tracing_commit(struct outfile *f, enum err e, struct err_msg *m)
{
    if (!e && f)
        return outfile_commit(f, m);
    outfile_discard(f);
    return e;
}

enum err tracing_close(struct tracing *t, enum err e, struct err_msg *m)
{
    if (!e && t->journal)
        finish(t);
    e = tracing_commit(t->trace, e, m);
    e = tracing_commit(t->timeline, e, m);
    journal_free(t->journal);
    waves_free(t->waves);
    tracks_free(t->tracks);
    picture_free(t->picture);
    *t = (struct tracing){ 0 };
    return e;
}
