/* cli/run/elastic.c -- see elastic.h. */
#include "cli/run/elastic.h"

#include <string.h>

#include "arch/elastic/faster.h"
#include "cli/log.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "cli/run/notes.h"
#include "cli/run/stage_tracing.h"
#include "report/elastic_report.h"
#include "study/calibrate.h"
#include "study/pricing.h"

/* For --table faster, which costs a run a row. */
static bool climbs(const struct options *o)
{
    return o->table && strcmp(o->table, "faster") == 0;
}

static enum err check_options(const struct options *o, const struct study *s, struct err_msg *m)
{
    const struct {
        const char *name;
        bool        given;
    } other[] = {
        { "--outputs", o->outputs != NULL }, { "--stats", o->stats != NULL },
        { "--values timed", o->values > 0 }, { "--svg", o->svg != NULL },
        { "--neurons", o->neurons != NULL },
    };

    if (climbs(o) && s->plan.fabric->graph)
        return err_set(m, ERR_INPUT, "run: --table faster: on fabric.kind = %s links share what "
                       "would be faster: want another --table, or --set "
                       "fabric.kind=point_to_point", s->config.fabric.kind);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (other[i].given)
            return err_set(m, ERR_INPUT, "run: %s: clocking.kind = elastic has none so far: want "
                           "no %s, or --set clocking.kind=timestep", other[i].name, other[i].name);
    if (!s->analog.device || (!o->images && !o->inputs))
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "run: %s: clocking.kind = elastic runs images with exact weights: "
                   "want core.crossbar.device = ideal, or --set clocking.kind=timestep",
                   o->images ? "--images" : "--inputs");
}

/* Of groups of what is there only firings and words are counted: too little for a price. */
static enum err price_it(struct measured *d, const struct options *o, const struct study *s,
                         struct err_msg *m)
{
    if (!run_counts_all(&s->plan) && pricing_wanted(&s->config))
        log_line(o, LOG_INFO, "note: energy.chip = %s: with mapping.replicas nothing is priced "
                 "under elastic.group = any: want elastic.group = full", s->config.energy.chip);
    return measured_price(d, s, m);
}

/* Of a machine that stands still, each stage that has work. */
static void say_waits(void *user, const char *line)
{
    log_line(user, LOG_ERROR, "%s", line);
}

static struct run_cfg run_cfg_of(const struct options *o)
{
    return (struct run_cfg){
        .kernel = (enum kernel_kind)o->kernel,
        .mode = KERNEL_SKIP_IDLE,
        .images = o->images,
        .images_how = o->how,
        .inputs = o->inputs,
        .n_image = o->count,
        .jobs = (uint32_t)o->jobs,
        .progress = progress_show,
        .waits = say_waits,
        .waits_user = (void *)o,
    };
}

/* Of ranges that calibration images have, if any. */
static enum err run_it(struct measured *d, const struct options *o, const struct study *s,
                       struct ranges *ranges, struct err_msg *m)
{
    struct progress p;
    struct run_cfg cfg = run_cfg_of(o);
    const bool calibrated = run_has_values(&cfg) && calibrate_wanted(&s->plan);

    cfg.user = &p;
    cfg.ranges = ranges;
    *d = (struct measured){ .on_analog = false };
    enum err e = calibrated ? calibrate(ranges, &s->plan, &cfg, m) : ERR_NONE;
    progress_start(&p, o->log_level >= LOG_INFO);
    p.things = "moves";
    if (!e)
        e = measured_place(d, s, &cfg, progress_show, &p, m);
    progress_end(&p);
    if (!e) {
        progress_start(&p, o->log_level >= LOG_INFO);
        e = run(&s->plan, &cfg, &d->run, m);
        progress_end(&p);
    }
    if (!e)
        note_cut_values(o, &d->run);
    if (!e && calibrated)
        e = calibrate_keep(&d->run, &s->plan, ranges, m);
    d->has_codes = !e && run_counts_all(&s->plan) && codes_cost_wanted(&s->plan, &d->run);
    if (d->has_codes)
        e = codes_cost(&d->codes, &s->plan, &cfg, &d->run, m);
    if (!e)
        e = price_it(d, o, s, m);
    if (e)
        measured_release(d);
    return e;
}

enum err run_elastic(const struct options *o, const struct study *s, struct err_msg *m)
{
    const struct output outputs[] = {
        { o->write_config, study_write_config, s },
        { o->trace, NULL, NULL }, // these two are written by stage_tracing()
        { o->timeline, NULL, NULL },
    };
    const size_t n = sizeof outputs / sizeof *outputs, n_result = n - 2;
    struct ranges ranges = { 0 };
    struct measured d;
    enum err e = check_options(o, s, m);

    if (!e)
        e = results_check(&elastic_form, o, outputs, n, m);
    if (!e)
        e = run_it(&d, o, s, &ranges, m);
    if (e) {
        ranges_release(&ranges);
        return e;
    }
    const struct elastic_places *places = d.places.graph ? &d.places : NULL;
    struct report run = { .study = s, .images = o->images ? o->images : o->inputs,
                          .kernel = (enum kernel_kind)o->kernel };
    struct run_cfg images = run_cfg_of(o);
    struct run_reads *reads;
    struct progress p;
    images.ranges = &ranges;
    images.user = &p;
    progress_start(&p, o->log_level >= LOG_INFO);
    e = run_reads_open(&reads, &s->plan, &images, d.run.n_image, m);
    const struct elastic_cfg_run cfg = { .places = places, .reads = run_reads_of(reads),
                                         .n_image = d.run.n_image * plan_steps(&s->plan) };
    struct elastic_ladder ladder = { .n = 0 };
    const struct elastic_report report = { .study = s, .result = d.run.elastic, .run = &run,
                                           .places = places,
                                           .ladder = climbs(o) ? &ladder : NULL };
    report_measured(&run, &d);
    if (!e && climbs(o))
        e = elastic_climb(&ladder, &s->plan, &cfg, d.run.elastic, m);
    progress_end(&p);
    if (!e)
        e = stage_tracing(o, &s->plan, &cfg, d.run.elastic, m);
    if (!e)
        e = results_write(&elastic_form, o, &report, outputs, n_result, m);
    run_reads_close(reads);
    ranges_release(&ranges);
    measured_release(&d);
    return e;
}
