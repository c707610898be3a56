/* lib/imcsim.c -- see imcsim.h: studies, runs and prices. Documents are made when they are first
 * asked for. */
#include "dataflow/policies.h"
#include "imcsim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/document.h"
#include "report/plan_report.h"
#include "report/report.h"
#include "study/pricing.h"
#include "study/calibrate.h"
#include "study/run.h"
#include "study/study.h"

struct imcsim_study {
    struct study    study;
    struct policies own;
    struct document plan;
};

struct imcsim_result {
    const struct imcsim_study *study; // borrowed
    struct run_result          run;
    struct price_report        price;
    bool                       priced;
    struct report              report;
    char                      *images; // owned
    struct document            document;
};

static_assert((int)IMCSIM_BAD_INPUT == (int)ERR_INPUT && (int)IMCSIM_FAILED == (int)ERR_RUN &&
              (int)IMCSIM_NO_OUTPUT == (int)ERR_OUTPUT && (int)IMCSIM_NO_MEMORY == (int)ERR_MEMORY,
              "both tell the same errors");

void tell(struct imcsim_error *to, enum err e, const struct err_msg *m)
{
    if (!to || !e)
        return;
    to->status = (enum imcsim_status)e;
    snprintf(to->text, sizeof to->text, "%s", m->text);
}

static void *no_memory(struct imcsim_error *e)
{
    struct err_msg m;

    tell(e, err_set(&m, ERR_MEMORY, "out of memory"), &m);
    return NULL;
}

/* ---- studies ---- */

static size_t count(const char *const *set)
{
    size_t n = 0;

    while (set && set[n])
        n++;
    return n;
}

static struct imcsim_study *load(const char *path, const char *text, const char *const *set,
                                 const struct imcsim_policies *own, struct imcsim_error *to)
{
    struct imcsim_study *s = calloc(1, sizeof *s);
    struct err_msg m;

    if (!s)
        return no_memory(to);
    if (own)
        s->own = (struct policies){ own->firing, own->placing, own->fabric };
    enum err e = text ? study_load_network_text(&s->study, "text", text, set, count(set), &m)
                      : study_load_network(&s->study, path, set, count(set), &m);
    if (!e) {
        config_own_policies(&s->study.config, &s->own);
        e = study_plan(&s->study, &m);
    }
    tell(to, e, &m);
    if (e) {
        free(s);
        return NULL;
    }
    return s;
}

struct imcsim_study *imcsim_load(const char *path, const char *const *set,
                                 const struct imcsim_policies *own, struct imcsim_error *e)
{
    return load(path, NULL, set, own, e);
}

struct imcsim_study *imcsim_load_text(const char *text, const char *const *set,
                                      const struct imcsim_policies *own, struct imcsim_error *e)
{
    return load(NULL, text, set, own, e);
}

void imcsim_study_free(struct imcsim_study *s)
{
    if (!s)
        return;
    document_release(&s->plan);
    study_release(&s->study);
    free(s);
}

const char *imcsim_study_json(struct imcsim_study *s, struct imcsim_error *e)
{
    return document_text(&s->plan, plan_json, &s->study, e);
}

bool imcsim_study_number(struct imcsim_study *s, const char *path, double *value,
                         struct imcsim_error *e)
{
    return imcsim_study_json(s, e) && document_number(&s->plan, path, value, e);
}

const char *imcsim_study_note(const struct imcsim_study *s, size_t i)
{
    return i < s->study.config.notes.n ? s->study.config.notes.line[i] : NULL;
}

/* ---- runs ---- */

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double peak_rss_mib(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024; // Linux counts KiB
}

static enum err run_priced(struct imcsim_result *r, const struct imcsim_run *how, struct err_msg *m)
{
    const struct study *s = &r->study->study;
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE,
                                 .images = how->images, .n_image = how->count,
                                 .jobs = how->jobs ? how->jobs : 1,
                                 .progress = how->progress, .user = how->user };
    const double begin_s = now_s();
    enum err e = run_calibrated(&s->plan, &cfg, &r->run, m);

    r->report.host.jobs = cfg.jobs;
    r->report.host.wall_s = now_s() - begin_s;
    r->report.host.peak_rss_mib = peak_rss_mib();
    if (!e && pricing_wanted(&s->config)) {
        e = pricing(&r->price, s, &r->run, m);
        r->priced = !e;
    }
    return e;
}

struct imcsim_result *imcsim_run(const struct imcsim_study *s, const struct imcsim_run *how,
                                 struct imcsim_error *to)
{
    static const struct imcsim_run plain = { 0 };
    struct imcsim_result *r = calloc(1, sizeof *r);
    struct err_msg m;

    how = how ? how : &plain;
    if (!r || (how->images && !(r->images = strdup(how->images)))) {
        free(r);
        return no_memory(to);
    }
    r->study = s;
    r->report = (struct report){ .study = &s->study, .result = &r->run, .images = r->images,
                                 .kernel = KERNEL_NATIVE };
    enum err e = run_priced(r, how, &m);
    r->report.price = r->priced ? &r->price : NULL;
    tell(to, e, &m);
    if (e) {
        imcsim_result_free(r);
        return NULL;
    }
    return r;
}

void imcsim_result_free(struct imcsim_result *r)
{
    if (!r)
        return;
    document_release(&r->document);
    price_report_release(&r->price);
    run_result_release(&r->run);
    free(r->images);
    free(r);
}

const char *imcsim_result_json(struct imcsim_result *r, struct imcsim_error *e)
{
    return document_text(&r->document, report_json, &r->report, e);
}

bool imcsim_number(struct imcsim_result *r, const char *path, double *value, struct imcsim_error *e)
{
    return imcsim_result_json(r, e) && document_number(&r->document, path, value, e);
}

uint32_t imcsim_class(const struct imcsim_result *r, uint64_t i)
{
    return r->run.predicted && i < r->run.n_image ? r->run.predicted[i] : UINT32_MAX;
}

/* ---- prices ---- */

bool imcsim_price(struct imcsim_result *r, const char *technology, const char *device,
                  const char *chip, struct imcsim_error *to)
{
    const struct study *s = &r->study->study;
    const struct energy_cfg *as = &s->config.energy;
    struct price_report report = { 0 };
    struct chip_model model;
    struct err_msg m;
    enum err e = chip_model_load(&model, technology ? technology : as->technology,
                                 device ? device : as->device, chip ? chip : as->chip, &m);

    if (!e)
        e = pricing_by(&report, &model, s, &r->run, PRICE_AS_IT_WAS, &m);
    tell(to, e, &m);
    if (e)
        return false;
    price_report_release(&r->price);
    document_release(&r->document);
    r->price = report;
    r->priced = true;
    r->report.price = &r->price;
    return true;
}
