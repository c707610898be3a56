/* cli/run/stage_tracing.c -- see stage_tracing.h. */
#include "cli/run/stage_tracing.h"

#include <string.h>

#include "arch/watch/stage_picture.h"
#include "arch/watch/stage_tracks.h"
#include "arch/watch/stage_waves.h"
#include "cli/progress.h"
#include "cli/run/tracing.h"
#include "core/outfile.h"

enum { TOLD_CHANGES = 4096 };

struct watching { // stays where it is
    struct outfile       *trace, *timeline;
    struct stage_waves   *waves;  // in the trace: either
    struct stage_tracks  *tracks; // or
    struct stage_picture *picture;
    struct stages_sink    sink[2];
    uint32_t              n_sink;
    struct stages        *stages;
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory to watch the run");
}

/* As measured on ResNet-32, of a firing with all that comes with it. */
static uint64_t bytes_of_firing(const char *path)
{
    const size_t n = strlen(path);
    const bool packed = n > 3 && strcmp(path + n - 3, ".gz") == 0;

    return tracing_is_json(path) ? (packed ? 47 : 840) : (packed ? 17 : 125);
}

static void say_size(const struct options *o, const struct plan *p,
                     const struct elastic_result *ended)
{
    uint64_t firings = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        firings += ended->core[i].firings;
    tracing_say_size(o, firings * bytes_of_firing(o->trace));
}

static enum err open_trace(struct watching *w, const struct options *o, const struct plan *p,
                           const struct elastic_result *ended, struct err_msg *m)
{
    enum err e = outfile_open(&w->trace, o->trace, m);

    if (e)
        return e;
    say_size(o, p, ended);
    if (tracing_is_json(o->trace)) {
        w->tracks = stage_tracks_new(p, ended, outfile_stream(w->trace));
        if (!w->tracks)
            return no_memory(m);
        w->sink[w->n_sink++] = stage_tracks_sink(w->tracks);
        return ERR_NONE;
    }
    const struct waves_cfg cfg = tracing_waves(o, outfile_stream(w->trace));
    e = stage_waves_new(&w->waves, p, ended, &cfg, m);
    if (!e)
        w->sink[w->n_sink++] = stage_waves_sink(w->waves);
    return e;
}

static enum err open_timeline(struct watching *w, const struct options *o, const struct plan *p,
                              const struct elastic_result *ended, struct err_msg *m)
{
    enum err e = outfile_open(&w->timeline, o->timeline, m);

    if (e)
        return e;
    w->picture = stage_picture_new(p, ended);
    if (!w->picture)
        return no_memory(m);
    w->sink[w->n_sink++] = stage_picture_sink(w->picture);
    return ERR_NONE;
}

/* Someone who watches a terminal is told, too. */
struct told {
    const struct elastic_watch *watch;
    struct progress             progress; // of clocks
    uint64_t                    n_clk, n_change;
};

static void tell_state(void *user, uint64_t clk, uint32_t stage, const struct elastic_cause *cause)
{
    struct told *t = user;

    if (++t->n_change % TOLD_CHANGES == 0)
        progress_show(&t->progress, clk, t->n_clk);
    t->watch->state(t->watch->user, clk, stage, cause);
}

static void tell_fill(void *user, uint64_t clk, uint32_t buffer, uint32_t pixels)
{
    struct told *t = user;

    t->watch->fill(t->watch->user, clk, buffer, pixels);
}

static enum err run_again(struct watching *w, const struct options *o, const struct plan *p,
                          const struct elastic_cfg_run *run, const struct elastic_result *ended,
                          struct err_msg *m)
{
    struct elastic_cfg_run cfg = *run;
    struct told told = { .n_clk = ended->elapsed };
    const struct elastic_watch watch = { tell_state, tell_fill, &told };
    struct elastic_result r;

    w->stages = stages_new(ended, w->sink, w->n_sink);
    if (!w->stages)
        return no_memory(m);
    told.watch = stages_watch(w->stages);
    cfg.watch = &watch;
    progress_start(&told.progress, o->log_level >= LOG_INFO);
    told.progress.things = "clocks";
    enum err e = elastic_run(p, &cfg, &r, m);
    progress_end(&told.progress);
    if (!e) {
        stages_end(w->stages);
        elastic_result_release(&r);
    }
    return e;
}

/* Writes what is left. */
static void finish(struct watching *w)
{
    if (w->waves)
        stage_waves_end(w->waves);
    if (w->tracks)
        stage_tracks_end(w->tracks);
    if (w->picture)
        stage_picture_end(w->picture, outfile_stream(w->timeline));
}

enum err stage_tracing(const struct options *o, const struct plan *p,
                       const struct elastic_cfg_run *run, const struct elastic_result *ended,
                       struct err_msg *m)
{
    struct watching w = { .n_sink = 0 };
    enum err e = o->trace ? open_trace(&w, o, p, ended, m) : ERR_NONE;

    if (!e && o->timeline)
        e = open_timeline(&w, o, p, ended, m);
    if (!e && w.n_sink > 0)
        e = run_again(&w, o, p, run, ended, m);
    if (!e)
        finish(&w);
    e = tracing_commit(w.trace, e, m);
    e = tracing_commit(w.timeline, e, m);
    stages_free(w.stages);
    stage_waves_free(w.waves);
    stage_tracks_free(w.tracks);
    stage_picture_free(w.picture);
    return e;
}
