/* cli/load.c -- see load.h. */
#include "cli/load.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/prove.h"
#include "cli/log.h"
#include "cli/progress.h"
#include "cli/spare.h"
#include "core/datadir.h"
#include "core/pages.h"
#include "dataflow/plan/clocking.h"
#include "report/version.h"
#include "study/sweep/rows.h"

/* --set, and options that stand for it. */
enum { N_MORE = 3, MORE_BYTE = 1200 };
struct settings {
    const char **set; // owned
    size_t       n;
    char         text[N_MORE][MORE_BYTE];
};

static enum err settings(struct settings *s, const struct options *o, struct err_msg *m)
{
    const struct {
        const char *key, *value;
    } more[N_MORE] = {{"network.input_shape", o->input_shape},
                      {"network.random_weights", o->random_weights},
                      {"energy.activity", o->activity}};

    *s = (struct settings){.set = calloc(o->n_set + N_MORE, sizeof *s->set), .n = o->n_set};
    if (!s->set)
        return err_set(m, ERR_MEMORY, "no memory for settings");
    for (size_t i = 0; i < s->n; i++)
        s->set[i] = o->set[i];
    for (size_t i = 0; i < N_MORE; i++)
        if (more[i].value) {
            snprintf(s->text[i], MORE_BYTE, "%s=%.1100s", more[i].key, more[i].value);
            s->set[s->n++] = s->text[i];
        }
    return ERR_NONE;
}

enum err stored_from_options(struct study *s, struct run_result *r, const struct options *o,
                             struct err_msg *m)
{
    struct settings all;
    enum err e = settings(&all, o, m);

    if (!e)
        e = stored_load(s, r, o->operand, all.set, all.n, m);
    free(all.set);
    if (!e && (e = spare_config(o, &s->config, m))) {
        run_result_release(r);
        study_release(s);
    }
    return e;
}

enum loaded { AS_IT_IS, PRICED, OF_ANY_CLOCKING, TO_PLACE };

static enum err load(struct study *s, const struct options *o, enum loaded how, struct err_msg *m)
{
    double start_s = clock_s();
    struct settings all;
    enum err e = settings(&all, o, m);

    if (e)
        return e;
    e = study_load_network(s, o->operand, all.set, all.n, m);
    free(all.set);
    if (!e && (e = spare_config(o, &s->config, m)))
        study_release(s);
    if (!e && how == PRICED)
        e = study_compose(s, m);
    if (!e)
        e = how == OF_ANY_CLOCKING ? study_plan_any(s, m)
            : how == TO_PLACE      ? study_plan_to_place(s, m)
                                   : study_plan(s, m);

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

enum err study_from_options(struct study *s, const struct options *o, struct err_msg *m)
{
    return load(s, o, AS_IT_IS, m);
}

enum err study_priced_from_options(struct study *s, const struct options *o, struct err_msg *m)
{
    return load(s, o, PRICED, m);
}

enum err study_any_from_options(struct study *s, const struct options *o, struct err_msg *m)
{
    return load(s, o, OF_ANY_CLOCKING, m);
}

enum err study_to_place_from_options(struct study *s, const struct options *o, struct err_msg *m)
{
    return load(s, o, TO_PLACE, m);
}

struct from_point {
    struct study         *study;
    const char           *name;
    const struct settings *set;
    json_t              **images;
};

/* JSON is YAML. */
static enum err take_point(void *user, const char *id, const char *text, const char *images,
                           struct err_msg *m)
{
    const struct from_point *p = user;
    json_t *doc = json_loads(text, 0, NULL), *config = json_object_get(doc, "config");
    char *own = config ? json_dumps(config, JSON_REAL_PRECISION(15) | JSON_COMPACT) : NULL;
    enum err e = own ? study_load_network_text(p->study, p->name, own, p->set->set, p->set->n, m)
                     : err_set(m, ERR_INPUT, "%.400s: point %.40s has no configuration", p->name,
                               id);

    *p->images = !e && images ? json_loads(images, 0, NULL) : NULL;
    free(own);
    json_decref(doc);
    return e;
}

enum err study_from_point(struct study *s, json_t **images, const struct options *o,
                          struct err_msg *m)
{
    const char *colon = strrchr(o->from, ':');
    char db[DATADIR_BYTE];
    struct settings all;

    *images = NULL;
    if (!colon || colon == o->from || colon[1] == '\0' ||
        snprintf(db, sizeof db, "%.*s", (int)(colon - o->from), o->from) >= DATADIR_BYTE)
        return err_set(m, ERR_INPUT, "run: --from %.100s: want DB:ID, a database of `imcsim sweep` "
                       "and the id of a point, or its first digits", o->from);
    enum err e = settings(&all, o, m);
    if (e)
        return e;
    struct from_point p = { s, o->from, &all, images };
    e = rows_document(db, colon + 1, imcsim_version, take_point, &p, m);
    free(all.set);
    if (!e && (e = spare_config(o, &s->config, m)))
        study_release(s);
    if (!e)
        e = study_plan_any(s, m);
    return e;
}

enum err study_prove(const struct study *s, const struct options *o, struct err_msg *m)
{
    struct prove_result r;
    double start_s = clock_s();
    if (clocking_of(&s->config)->pass)
        return err_set(m, ERR_INPUT, "--prove: no memory keeps pixels with clocking.kind = %s, and "
                       "there is nothing to prove: want no --prove",
                       clocking_of(&s->config)->name);
    enum err e = prove(&s->plan, &r, m);

    pages_give_back(); // the values that follow take as much
    if (!e)
        log_line(o, o->prove ? LOG_ERROR : LOG_DEBUG,
                 "proved: every byte of %" PRIu64 " images came to its place, %" PRIu64
                 " channels of pixels each, in %.3f s", r.n_image, r.per_image,
                 clock_s() - start_s);
    return e;
}
