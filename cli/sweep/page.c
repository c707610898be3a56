/* cli/sweep/page.c -- see page.h. */
#include "cli/sweep/page.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "core/datadir.h"
#include "core/outfile.h"
#include "report/figures.h"
#include "report/json.h"
#include "report/table.h"

enum { MOST_FILE_BYTE = 1 << 24 };

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a page");
}

/* ---- columns ---- */

static json_t *text_or_null(const char *text)
{
    return text ? json_text(text) : json_null();
}

/* A number where the text is one. */
static json_t *value_of(const char *text)
{
    char *end;

    if (!text || *text == '\0')
        return text_or_null(text);
    double value = strtod(text, &end);
    return *end == '\0' && isfinite(value) ? json_real(value) : json_text(text);
}

static json_t *keys_of(const struct rows *rows)
{
    json_t *keys = json_array();

    for (size_t k = 0; k < rows->n_key; k++) {
        json_t *o = json_object(), *values = json_array();
        json_put_text(&o, "name", rows->key[k]);
        for (size_t i = 0; i < rows->n; i++)
            json_add(&values, value_of(rows->row[i].key[k]));
        json_put(&o, "value", values);
        json_add(&keys, o);
    }
    return keys;
}

static bool is_there(const struct rows *rows, int q)
{
    for (size_t i = 0; i < rows->n; i++)
        if (!isnan(rows->row[i].figure[q]))
            return true;
    return false;
}

static json_t *figures_of_rows(const struct rows *rows)
{
    json_t *figures = json_array();

    for (int q = 0; q < N_FIGURE; q++) {
        if (!is_there(rows, q))
            continue;
        json_t *o = json_object(), *values = json_array();
        json_put_text(&o, "key", figure_rows[q].key);
        json_put_text(&o, "unit", figure_rows[q].unit);
        json_put(&o, "more", json_boolean(figure_rows[q].more));
        for (size_t i = 0; i < rows->n; i++) {
            double value = rows->row[i].figure[q];
            json_add(&values, isnan(value) ? json_null() : json_real(value));
        }
        json_put(&o, "value", values);
        json_add(&figures, o);
    }
    return figures;
}

/* ---- documents ---- */

struct gathering {
    const struct rows *rows;
    size_t  at;        // row that the next document is of, or one behind it
    json_t *config;    // of the first
    json_t *changes;   // of each row: [[path, value], ...]
    json_t *timelines, *timeline, *layers; // what there is; which each row has
    json_t *seen;      // owned; where each of these stands, by its text
};

/* Adds what `own` has other than `base`, both maps at `path`. What it lacks is null. */
static void add_changes(json_t *changes, const json_t *path, const json_t *base, const json_t *own)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)own, key, value) {
        const json_t *was = json_object_get(base, key);
        json_t *deeper = json_copy((json_t *)(uintptr_t)path);
        json_array_append_new(deeper, json_string(key));
        if (json_is_object(value) && json_is_object(was))
            add_changes(changes, deeper, was, value);
        else if (!was || !json_equal(was, value))
            json_array_append_new(changes, json_pack("[OO]", deeper, value));
        json_decref(deeper);
    }
    json_object_foreach((json_t *)(uintptr_t)base, key, value)
        if (!json_object_get(own, key)) {
            json_t *deeper = json_copy((json_t *)(uintptr_t)path);
            json_array_append_new(deeper, json_string(key));
            json_array_append_new(changes, json_pack("[On]", deeper));
            json_decref(deeper);
        }
}

/* Where `value`, which is taken over, stands in the list; each stands there once. */
static json_int_t once(struct gathering *g, json_t *list, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    const json_t *there = text ? json_object_get(g->seen, text) : NULL;
    json_int_t index = there ? json_integer_value(there) : (json_int_t)json_array_size(list);

    if (text && !there) {
        json_object_set_new(g->seen, text, json_integer(index));
        json_array_append(list, value);
    }
    free(text);
    json_decref(value);
    return index;
}

static json_int_t timeline_of(struct gathering *g, const json_t *doc)
{
    json_t *names = json_array(), *first = json_array(), *last = json_array(), *o = json_object();
    size_t l;
    json_t *layer;

    json_array_foreach(json_object_get(doc, "layers"), l, layer) {
        json_array_append(names, json_object_get(layer, "name"));
        json_array_append(first, json_object_get(layer, "first_timestep"));
        json_array_append(last, json_object_get(layer, "last_timestep"));
    }
    json_object_set_new(o, "layers", json_integer(once(g, g->layers, names)));
    json_object_set_new(o, "first", first);
    json_object_set_new(o, "last", last);
    return once(g, g->timelines, o);
}

static enum err take(void *user, const char *id, const char *text, const char *images,
                     struct err_msg *m)
{
    struct gathering *g = user;
    json_t *doc = json_loads(text, 0, NULL), *config = json_object_get(doc, "config");

    (void)images;
    if (!json_is_object(config)) {
        json_decref(doc);
        return err_set(m, ERR_INPUT, "point %.40s has no configuration: want it run again", id);
    }
    if (!g->config)
        g->config = json_incref(config);
    while (g->at < g->rows->n && strcmp(g->rows->row[g->at].id, id) < 0)
        g->at++;
    if (g->at < g->rows->n && strcmp(g->rows->row[g->at].id, id) == 0) {
        json_t *changes = json_array(), *path = json_array();
        add_changes(changes, path, g->config, config);
        json_array_set_new(g->changes, g->at, changes);
        json_array_set_new(g->timeline, g->at, json_integer(timeline_of(g, doc)));
        json_decref(path);
    }
    json_decref(doc);
    return ERR_NONE;
}

static enum err gather(json_t **page, const struct study_page *p, struct err_msg *m)
{
    struct gathering g = { .rows = p->rows, .changes = json_array(), .timelines = json_array(),
                           .timeline = json_array(), .layers = json_array(),
                           .seen = json_object() };

    for (size_t i = 0; i < p->rows->n; i++) {
        json_array_append_new(g.changes, json_null());
        json_array_append_new(g.timeline, json_null());
    }
    enum err e = rows_documents(p->db, p->rows->version, take, &g, m);
    json_put(page, "config", g.config ? g.config : json_object());
    json_put(page, "changes", g.changes);
    json_put(page, "layers", g.layers);
    json_put(page, "timelines", g.timelines);
    json_put(page, "timeline", g.timeline);
    json_decref(g.seen);
    return e;
}

/* ---- the page ---- */

static json_t *about(const struct study_page *p)
{
    const struct rows *rows = p->rows;
    size_t n_beyond = 0;
    char text[256];

    for (size_t i = 0; i < rows->n; i++)
        n_beyond += p->beyond[i];
    snprintf(text, sizeof text, "%s points, %s failed, %s beyond the study's limits; imcsim %.40s",
             format_count(rows->n).text, format_count(rows->n_failed).text,
             format_count(n_beyond).text, rows->version);
    return json_text(text);
}

static enum err points_json(char **text, const struct study_page *p, struct err_msg *m)
{
    const struct rows *rows = p->rows;
    json_t *page = json_object(), *id = json_array(), *name = json_array(),
           *error = json_array(), *beyond = json_array(),
           *objective = rows->objective ? json_loads(rows->objective, 0, NULL) : NULL;

    for (size_t i = 0; i < rows->n; i++) {
        json_add(&id, json_text(rows->row[i].id));
        json_add(&name, text_or_null(rows->row[i].name));
        json_add(&error, text_or_null(rows->row[i].error));
        json_add(&beyond, json_integer(p->beyond[i]));
    }
    json_put_text(&page, "title", p->db);
    json_put(&page, "about", about(p));
    json_put(&page, "objective", objective ? objective : json_array());
    json_put(&page, "keys", keys_of(rows));
    json_put(&page, "figures", figures_of_rows(rows));
    json_put(&page, "id", id);
    json_put(&page, "name", name);
    json_put(&page, "error", error);
    json_put(&page, "beyond", beyond);
    enum err e = gather(&page, p, m);
    *text = !e && page ? json_dumps(page, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(page);
    return e || *text ? e : no_memory(m);
}

/* A file that comes with imcsim, the caller's. */
static enum err read_part(char **text, const char *name, struct err_msg *m)
{
    char directory[DATADIR_BYTE], path[DATADIR_BYTE];
    enum err e = datadir(directory, m);
    FILE *f = !e && datadir_join(path, directory, name) ? fopen(path, "rb") : NULL;

    *text = NULL;
    if (e)
        return e;
    if (!f)
        return err_set(m, ERR_INPUT, "%.300s/%s: cannot open: want imcsim installed whole",
                       directory, name);
    size_t size = 0, n;
    FILE *all = open_memstream(text, &size);
    char bytes[4096];
    while (all && size < MOST_FILE_BYTE && (n = fread(bytes, 1, sizeof bytes, f)) > 0)
        fwrite(bytes, 1, n, all);
    fclose(f);
    return all && fclose(all) == 0 ? ERR_NONE : no_memory(m);
}

/* Nothing in it ends the script that it stands in. */
static void put_data(FILE *out, const char *json)
{
    for (; *json; json++)
        if (*json == '<')
            fputs("\\u003c", out);
        else
            fputc(*json, out);
}

static const struct part { // stands where a line of the page is its mark
    const char *mark, *file;
} parts[] = {
    { "@uPlot.css@", "third_party/uPlot-1.6.32.min.css" },
    { "@uPlot.js@", "third_party/uPlot-1.6.32.min.js" },
    { "@study.css@", "report/page/study.css" },
    { "@study.js@", "report/page/study.js" },
};

static enum err put_line(FILE *out, const char *line, size_t n, const char *data,
                         struct err_msg *m)
{
    if (n == strlen("@data@") && strncmp(line, "@data@", n) == 0) {
        put_data(out, data);
        fputc('\n', out);
        return ERR_NONE;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (n == strlen(parts[i].mark) && strncmp(line, parts[i].mark, n) == 0) {
            char *text;
            enum err e = read_part(&text, parts[i].file, m);
            if (!e)
                fputs(text, out);
            free(text);
            return e;
        }
    fprintf(out, "%.*s\n", (int)n, line);
    return ERR_NONE;
}

static enum err put_page(FILE *out, const char *data, struct err_msg *m)
{
    char *page;
    enum err e = read_part(&page, "report/page/study.html", m);

    for (const char *line = page; !e && *line;) {
        size_t n = strcspn(line, "\n");
        e = put_line(out, line, n, data, m);
        line += n + (line[n] == '\n');
    }
    free(page);
    return e;
}

enum err study_page_write(const char *dir, const struct study_page *p, struct err_msg *m)
{
    char path[DATADIR_BYTE], *data = NULL;
    struct outfile *f;

    if (snprintf(path, sizeof path, "%s/index.html", dir) >= DATADIR_BYTE)
        return err_set(m, ERR_INPUT, "--html: the name is too long");
    enum err e = points_json(&data, p, m);
    if (!e && mkdir(dir, 0777) != 0 && errno != EEXIST)
        e = err_set(m, ERR_OUTPUT, "%.400s: %s: want a directory that exists or can be "
                    "made", dir, strerror(errno));
    if (!e)
        e = outfile_open(&f, path, m);
    if (!e) {
        e = put_page(outfile_stream(f), data, m);
        if (e)
            outfile_discard(f);
        else
            e = outfile_commit(f, m);
    }
    free(data);
    return e;
}
