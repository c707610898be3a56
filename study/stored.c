/* study/stored.c -- see stored.h. */
#include "study/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "core/counter.h"

struct document { // as it was asked for; borrowed
    const char        *path;
    const char *const *set;
    size_t             n_set;
};

bool stored_is(const char *path)
{
    size_t n = path ? strlen(path) : 0;
    char head[64] = "";
    struct stat st;

    if (n > 5 && strcmp(path + n - 5, ".json") == 0)
        return true;
    if (!path || stat(path, &st) || !S_ISREG(st.st_mode)) // a pipe can be read only once
        return false;
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    head[fread(head, 1, sizeof head - 1, f)] = '\0';
    fclose(f);
    return head[0] == '{' && strstr(head, "\"imcsim-run/");
}

/* A line that begins with the copy's place names the document instead. */
static void rename_place(struct err_msg *m, const char *copy, const char *document)
{
    char line[sizeof m->text];
    size_t n = strlen(copy);

    if (strncmp(m->text, copy, n) != 0)
        return;
    n += strcspn(m->text + n, " "); // and its line, which the document does not have
    snprintf(line, sizeof line, "%s", m->text + n);
    err_set(m, ERR_INPUT, "%.400s: config:%s", document, line);
}

/* JSON is YAML. */
static enum err load_config(struct study *s, const json_t *doc, const struct document *o,
                            struct err_msg *m)
{
    static const char name[] = "(config)";
    const json_t *config = json_object_get(doc, "config");

    if (!json_is_object(config))
        return err_set(m, ERR_INPUT, "%.400s: no config: want a document of `imcsim run --json`",
                       o->path);
    char *text = json_dumps(config, JSON_REAL_PRECISION(15) | JSON_COMPACT);
    if (!text)
        return err_set(m, ERR_MEMORY, "no memory to read the configuration");
    enum err e = study_load_network_text(s, name, text, o->set, o->n_set, m);
    if (!e)
        e = study_compose(s, m);
    if (!e)
        e = study_plan(s, m);
    if (e)
        rename_place(m, name, o->path);
    free(text);
    return e;
}

static enum err read_count(const json_t *object, const char *key, const char *what, uint64_t *value,
                           const struct document *o, struct err_msg *m)
{
    const json_t *number = json_object_get(object, key);

    if (!number)
        return err_set(m, ERR_INPUT, "%.400s: %s.%s is missing: want a whole number from 0",
                       o->path, what, key);
    if (json_is_integer(number) && json_integer_value(number) < 0)
        return err_set(m, ERR_INPUT, "%.400s: %s.%s = %lld: want a whole number from 0", o->path,
                       what, key, (long long)json_integer_value(number));
    if (!json_is_integer(number))
        return err_set(m, ERR_INPUT, "%.400s: %s.%s: want a whole number from 0", o->path, what,
                       key);
    *value = (uint64_t)json_integer_value(number);
    return ERR_NONE;
}

static enum err want_list(const json_t **list, const json_t *doc, const char *key, uint32_t n,
                          const struct document *o, struct err_msg *m)
{
    *list = json_object_get(doc, key);
    if (!json_is_array(*list) || json_array_size(*list) != n)
        return err_set(m, ERR_INPUT, "%.400s: %s: want the %u of the configuration's plan",
                       o->path, key, n);
    return ERR_NONE;
}

static enum err read_counters(struct run_result *r, const struct study *s, const json_t *doc,
                              const struct document *o, struct err_msg *m)
{
    const json_t *cores, *streams, *images = json_object_get(doc, "images");
    enum err e;

    if ((e = want_list(&cores, doc, "core_list", s->plan.n_core, o, m)) ||
        (e = want_list(&streams, doc, "streams", s->plan.n_stream, o, m)) ||
        (e = read_count(images, "count", "images", &r->n_image, o, m)) ||
        (e = read_count(images, "total_timesteps", "images", &r->total_timesteps, o, m)))
        return e;
    r->values = json_is_string(json_object_get(images, "set"));
    for (uint32_t i = 0; i < s->plan.n_core; i++) {
        const json_t *counters = json_object_get(json_array_get(cores, i), "counters");
        char what[48];

        snprintf(what, sizeof what, "core_list[%u].counters", i);
        for (const struct counter *c = core_counter_rows; c->name; c++) {
            uint64_t *value = (uint64_t *)(void *)((char *)&r->core[i] + c->offset);
            if (core_counter_shown(&s->plan, c) &&
                (e = read_count(counters, c->name, what, value, o, m)))
                return e;
        }
        if (r->core[i].busy_timesteps > r->total_timesteps)
            return err_set(m, ERR_INPUT, "%.400s: core_list[%u].counters.busy_timesteps = %llu: "
                           "want at most images.total_timesteps = %llu", o->path, i,
                           (unsigned long long)r->core[i].busy_timesteps,
                           (unsigned long long)r->total_timesteps);
    }
    for (uint32_t i = 0; i < s->plan.n_stream; i++) {
        char what[48];

        snprintf(what, sizeof what, "streams[%u]", i);
        if ((e = read_count(json_array_get(streams, i), "bits", what, &r->stream_bits[i], o, m)))
            return e;
    }
    return ERR_NONE;
}

static enum err read_document(struct study *s, struct run_result *r, const json_t *doc,
                              const struct document *o, struct err_msg *m)
{
    const char *format = json_string_value(json_object_get(doc, "format"));
    enum err e;

    if (!format || strcmp(format, "imcsim-run/1") != 0)
        return err_set(m, ERR_INPUT, "%.400s: format = %.40s: want imcsim-run/1", o->path,
                       format ? format : "(none)");
    if ((e = load_config(s, doc, o, m)))
        return e;
    r->core = calloc(s->plan.n_core, sizeof *r->core);
    r->stream_bits = calloc(s->plan.n_stream, sizeof *r->stream_bits);
    if (!r->core || !r->stream_bits)
        return err_set(m, ERR_MEMORY, "no memory for the counters of %u cores", s->plan.n_core);
    return read_counters(r, s, doc, o, m);
}

enum err stored_load(struct study *s, struct run_result *r, const char *path,
                     const char *const *set, size_t n_set, struct err_msg *m)
{
    const struct document o = { .path = path, .set = set, .n_set = n_set };
    json_error_t error;

    *s = (struct study){ 0 };
    *r = (struct run_result){ 0 };
    json_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    enum err e;

    if (!doc && error.line < 0)
        return err_set(m, ERR_INPUT, "%.800s", error.text);
    if (!doc)
        return err_set(m, ERR_INPUT, "%.400s:%d: %s", path, error.line, error.text);
    e = read_document(s, r, doc, &o, m);
    json_decref(doc);
    if (e) {
        run_result_release(r);
        study_release(s);
    }
    return e;
}
