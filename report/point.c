/* report/point.c -- see point.h. */
#include "report/point.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "arch/prove.h"
#include "report/elastic_report.h"
#include "report/event_report.h"
#include "report/json.h"
#include "report/report.h"

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a point");
}

/* ---- configurations ---- */

/* The name of a point that has a configuration and images, as JSON or NULL; and its machine: all of
 * it but `energy`; the caller's. */
static enum err name_point(struct store_id *id, char **machine, const struct config *c,
                           const char *images, struct err_msg *m)
{
    json_t *json = config_to_json(c);
    char *whole = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_object_del(json, "energy");
    *machine = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (whole && *machine)
        store_id_add(id, whole);
    if (whole && *machine && images)
        store_id_add(id, images);
    free(whole);
    return *machine ? ERR_NONE : no_memory(m);
}

/* Of one whose configuration cannot be read: by what it was to be. */
static void name_wrong(struct store_id *id, const struct sweep *s, const struct point *p)
{
    char *base = json_dumps(s->base_config, JSON_COMPACT);

    store_id_add(id, base ? base : "");
    for (size_t i = 0; i < p->n_set; i++) {
        store_id_add(id, "\n");
        store_id_add(id, p->set[i]);
    }
    free(base);
}

/* ---- running ---- */

static void forget(struct point_worker *w)
{
    measured_release(&w->measured);
    study_release(&w->study);
    free(w->machine);
    w->machine = NULL;
}

void point_worker_release(struct point_worker *w)
{
    forget(w);
    study_release(&w->network);
    packer_release(&w->packer);
    contents_release(&w->contents);
}

/* The network of the study, of the worker's where it is the same; else the worker gets it. */
static enum err network_of(struct point_worker *w, struct study *s, const struct point *p,
                           struct err_msg *m)
{
    const size_t n = sizeof s->config.network;

    if (memcmp(&s->config.network, &w->network.config.network, n) != 0) {
        study_release(&w->network);
        enum err e = study_config_of(&w->network, &w->sweep->base_file, p->set, p->n_set, m);
        if (!e)
            e = study_network(&w->network, NULL, m);
        if (e) {
            study_release(s);
            return e;
        }
    }
    return study_network(s, &w->network, m);
}

/* Plans and runs the study, whose configuration is `next`, to be what the worker has. */
static enum err run_anew(struct point_worker *w, struct study *next, const struct point *p,
                         char *machine, struct err_msg *m)
{
    const struct wanted_images images = wanted_images(w->sweep->wishes.images);
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .images = images.set, .images_how = images.how,
                                 .n_image = images.count };

    forget(w); // before the network, which it may borrow
    w->study = *next; // nothing points into a study that has no plan
    *next = (struct study){ .mapping_chosen = false };
    enum err e = network_of(w, &w->study, p, m);
    const bool events = w->study.config.core_kind == CORE_EVENT;
    if (!e)
        e = study_plan_any(&w->study, m);
    if (!e && run_has_values(&cfg) && !events)
        e = prove(&w->study.plan, NULL, m);
    if (!e)
        e = measured_run(&w->measured, &w->study, &cfg, m);
    if (!e)
        w->machine = strdup(machine);
    return e;
}

/* As run_anew() of a machine that has run, but for its prices. */
static enum err take_prices(struct point_worker *w, struct study *next, struct err_msg *m)
{
    price_report_release(&w->measured.price);
    enum err e = study_prices_of(&w->study, next, m);
    study_release(next);
    return e;
}

static bool mapper_asks_prices(const struct study *s)
{
    return s->config.mapping.optimize == OPTIMIZE_EDP;
}

static enum err measure(struct point_worker *w, struct study *next, const struct point *p,
                        char *machine, struct err_msg *m)
{
    bool same = w->machine && strcmp(w->machine, machine) == 0 && !mapper_asks_prices(next) &&
                !mapper_asks_prices(&w->study);
    enum err e = same ? take_prices(w, next, m) : run_anew(w, next, p, machine, m);

    return e ? e : measured_price(&w->measured, &w->study, m);
}

/* ---- what was found ---- */

static enum err add_document(struct message *to, struct point_worker *w, struct err_msg *m)
{
    struct report r = { .study = &w->study, .kernel = KERNEL_NATIVE, .seed = w->study.analog.seed,
                        .images = wanted_images(w->sweep->wishes.images).set };
    char *text = NULL;
    size_t n = 0;

    report_measured(&r, &w->measured);
    const struct elastic_report elastic = {
        .study = &w->study, .result = w->measured.run.elastic, .run = &r,
        .places = w->measured.places.graph ? &w->measured.places : NULL,
    };
    json_t *document = elastic.result    ? elastic_document(&elastic)
                       : r.result->event ? event_document(&r)
                                         : report_document(&r);
    enum err e = json_bytes(document, &text, &n, m);
    if (!e)
        e = packed_add(&w->packer, to, text, n, m);
    free(text);
    return e;
}

static void take_figures(struct point_found *f, const struct point_worker *w)
{
    struct figures figures;

    figures_of(&figures, &w->study, &w->measured);
    for (int q = 0; q < N_FIGURE; q++)
        if (figures.there[q])
            f->figure[q] = figures.value[q];
}

/* Adds the document behind the head, which the caller writes. */
static enum err find(struct point_worker *w, const struct point *p, struct point_found *f,
                     struct message *found, struct point_mark *mark, struct err_msg *m)
{
    struct study next;
    char *machine = NULL;
    enum err e = study_config_of(&next, &w->sweep->base_file, p->set, p->n_set, m);

    if (e) {
        name_wrong(&f->id, w->sweep, p);
        return e;
    }
    e = name_point(&f->id, &machine, &next.config, w->images, m);
    if (!e)
        e = contents_add(&w->contents, &f->id, &next.config, w->sweep->wishes.images, m);
    *mark = (struct point_mark){ true, f->id };
    if (!e && store_ids_have(w->done, &f->id)) {
        f->kind = POINT_THERE;
        study_release(&next);
        free(machine);
        return ERR_NONE;
    }
    if (!e)
        e = measure(w, &next, p, machine, m);
    if (!e) {
        take_figures(f, w);
        e = add_document(found, w, m);
    } else {
        study_release(&next);
        forget(w);
    }
    free(machine);
    return e;
}

void point_work(void *worker, uint64_t i, struct message *found, void *mark)
{
    struct point_worker *w = worker;
    struct point_found f = { .kind = POINT_RAN };
    struct err_msg m = { "" };
    struct point p;
    double start_s = now_s();
    size_t head = found->n;

    for (int q = 0; q < N_FIGURE; q++)
        f.figure[q] = NAN;
    if (!message_add(found, &f, sizeof f))
        abort();
    sweep_point(w->sweep, i, &p);
    if (find(w, &p, &f, found, mark, &m)) {
        f.kind = store_ids_have(w->done, &f.id) ? POINT_THERE : POINT_FAILED;
        found->n = head + sizeof f;
        memcpy(f.error, m.text, sizeof f.error);
    }
    f.host_s = now_s() - start_s;
    memcpy(found->byte + head, &f, sizeof f);
}

void point_lost(struct point_found *f, const struct sweep *s, const struct pool_event *event)
{
    const struct point_mark *mark = event->mark;
    struct point p;

    *f = (struct point_found){ .kind = POINT_FAILED, .id = mark->id };
    for (int q = 0; q < N_FIGURE; q++)
        f->figure[q] = NAN;
    sweep_point(s, event->piece, &p);
    if (!mark->named)
        name_wrong(&f->id, s, &p);
    snprintf(f->error, sizeof f->error, "%s", event->reason);
}

bool point_read(struct point_found *f, const void **result, size_t *n_result,
                const uint8_t *message, size_t n)
{
    if (n < sizeof *f)
        return false;
    memcpy(f, message, sizeof *f);
    f->error[sizeof f->error - 1] = '\0';
    *n_result = n - sizeof *f;
    *result = *n_result > 0 ? message + sizeof *f : NULL;
    return true;
}
