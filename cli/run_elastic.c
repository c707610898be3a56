/* cli/run_elastic.c -- see run_elastic.h. */
#include "cli/run_elastic.h"

#include "cli/results.h"
#include "report/elastic_report.h"

enum { IMAGES = 2 }; // the least with an interval

static enum err check_options(const struct options *o, struct err_msg *m)
{
    const struct {
        const char *name;
        bool        given;
    } other[] = {
        { "--images", o->images != NULL },   { "--inputs", o->inputs != NULL },
        { "--outputs", o->outputs != NULL }, { "--stats", o->stats != NULL },
        { "--trace", o->trace != NULL },     { "--timeline", o->timeline != NULL },
        { "--jobs", o->jobs > 1 },
    };

    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (other[i].given)
            return err_set(m, ERR_INPUT, "run: %s: clocking.kind = elastic is timing only so far: "
                           "want no %s, or --set clocking.kind=timestep", other[i].name,
                           other[i].name);
    return ERR_NONE;
}

enum err run_elastic(const struct options *o, const struct study *s, struct err_msg *m)
{
    const struct output outputs[] = { { o->write_config, study_write_config, s } };
    const struct elastic_cfg_run cfg = {
        .n_image = o->count > 0 ? o->count : IMAGES,
        .kernel = (enum kernel_kind)o->kernel,
        .mode = KERNEL_SKIP_IDLE,
    };
    struct elastic_result result;
    const struct elastic_report report = { s, &result, cfg.kernel };
    enum err e = check_options(o, m);

    if (!e)
        e = results_check(&elastic_form, o, outputs, 1, m);
    if (!e)
        e = elastic_run(&s->plan, &cfg, &result, m);
    if (e)
        return e;
    e = results_write(&elastic_form, o, &report, outputs, 1, m);
    elastic_result_release(&result);
    return e;
}
