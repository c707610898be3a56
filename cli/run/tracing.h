/* cli/run/tracing.h -- --trace and --timeline: watching a run, into files. */
#ifndef CLI_RUN_TRACING_H
#define CLI_RUN_TRACING_H

#include "arch/watch/journal.h"
#include "arch/watch/picture.h"
#include "arch/watch/tracks.h"
#include "arch/watch/waves.h"
#include "cli/options.h"
#include "core/err.h"
#include "core/outfile.h"

struct tracing { // stays where it is while it is open
    struct outfile      *trace, *timeline; // files; NULL: not wanted
    struct waves        *waves;            // in the trace: either
    struct tracks       *tracks;           // or
    struct picture      *picture;          // in the timeline
    struct journal_sink sink[2];
    uint32_t             n_sink;
    struct journal     *journal;
};

/* Refuses options that contradict each other, before any work. */
enum err tracing_check(const struct options *o, struct err_msg *m);

/* Opens what the options ask for, maybe nothing. On error *t is zero. */
enum err tracing_open(struct tracing *t, const struct options *o, const struct plan *p,
                      struct err_msg *m);

/* For the run; NULL when nothing is asked for. */
const struct core_probe *tracing_probe(const struct tracing *t);

/* After the run: completes the files, or discards them when the run failed with `e`. Returns that
 * error or its own. */
enum err tracing_close(struct tracing *t, enum err e, struct err_msg *m);

/* ---- for all that traces ---- */

/* Whether a trace of this name is a timeline; others are waveforms. */
bool tracing_is_json(const char *path);

/* What --trace-scope and --trace-window say, which have been checked. */
struct waves_cfg tracing_waves(const struct options *o, FILE *out);

/* Says that the trace will have so many bytes, if they are many. */
void tracing_say_size(const struct options *o, uint64_t bytes);

/* A file (NULL: not wanted) after a run that ended with `e`. Returns that error or its own. */
enum err tracing_commit(struct outfile *f, enum err e, struct err_msg *m);

#endif
