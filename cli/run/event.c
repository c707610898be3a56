/* cli/run/event.c -- see event.h. */
#include "cli/run/event.h"

#include "cli/progress.h"
#include "cli/results.h"
#include "cli/run/notes.h"
#include "report/event_report.h"

static enum err check_options(const struct options *o, struct err_msg *m)
{
    const struct {
        const char *name;
        bool        given;
    } other[] = {
        { "--outputs", o->outputs != NULL }, { "--stats", o->stats != NULL },
        { "--trace", o->trace != NULL },     { "--timeline", o->timeline != NULL },
        { "--svg", o->svg != NULL },         { "--neurons", o->neurons != NULL },
        { "--values timed", o->values > 0 }, { "--timing chip", o->timing > 0 },
    };

    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (other[i].given)
            return err_set(m, ERR_INPUT, "run: %s: core.kind = event has none so far: want no %s, "
                           "or --set core.kind=imc", other[i].name, other[i].name);
    return ERR_NONE;
}

enum err run_event(const struct options *o, const struct study *s, struct err_msg *m)
{
    const struct output outputs[] = { { o->write_config, study_write_config, s } };
    struct progress p;
    const struct run_cfg cfg = { .kernel = (enum kernel_kind)o->kernel, .mode = KERNEL_SKIP_IDLE,
                                 .images = o->images, .images_how = o->how, .inputs = o->inputs,
                                 .n_image = o->count, .jobs = (uint32_t)o->jobs,
                                 .progress = progress_show, .user = &p };
    struct measured d = { .on_analog = false };
    enum err e = check_options(o, m);

    if (!e)
        e = results_check(&event_form, o, outputs, 1, m);
    if (e)
        return e;
    progress_start(&p, o->log_level >= LOG_INFO);
    e = run(&s->plan, &cfg, &d.run, m);
    progress_end(&p);
    if (!e)
        note_cut_values(o, &d.run);
    if (!e)
        e = measured_price(&d, s, m);
    if (e)
        return e;
    struct report r = { .study = s, .images = o->images ? o->images : o->inputs,
                        .kernel = (enum kernel_kind)o->kernel };
    report_measured(&r, &d);
    e = results_write(&event_form, o, &r, outputs, 1, m);
    measured_release(&d);
    return e;
}
