/* study/sweep/wishes.c -- see wishes.h. */
#include "study/sweep/wishes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/datadir.h"
#include "core/near_miss.h"

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a study");
}

/* ---- images ---- */

static const struct image_key {
    const char *key;
    bool        file;
} image_keys[] = { { "set", true },  { "labels", true }, { "shape", false },
                   { "mean", false }, { "std", false } };
enum { N_IMAGE_KEY = sizeof image_keys / sizeof *image_keys };

static enum err put_text(json_t *images, const struct image_key *key, const struct yaml *node,
                         const char *directory, struct err_msg *m)
{
    char path[DATADIR_BYTE], name[32];
    const char *text;

    snprintf(name, sizeof name, "images.%s", key->key);
    enum err e = yaml_text(node, name, &text, m);
    if (e)
        return e;
    if (key->file && datadir_join(path, directory, text) && access(path, F_OK) == 0)
        text = path;
    if (json_object_set_new(images, key->key, json_string(text)))
        return yaml_error(node, m, "%s: want UTF-8", name);
    return ERR_NONE;
}

static enum err read_image_key(json_t *images, const struct yaml *node, const char *directory,
                               struct err_msg *m)
{
    static const char *const words[] = { "set", "labels", "shape", "mean", "std", "count" };
    uint64_t count;

    for (size_t i = 0; i < N_IMAGE_KEY; i++)
        if (strcmp(node->key, image_keys[i].key) == 0)
            return put_text(images, &image_keys[i], node, directory, m);
    if (strcmp(node->key, "count") != 0)
        return yaml_error(node, m, "images.%.60s: no such key: %s (imcsim help studies)", node->key,
                          near_miss_advice(node->key, words, N_IMAGE_KEY + 1).text);
    enum err e = yaml_u64(node, "images.count", 1, 1000000000, "", &count, m);
    if (!e && json_object_set_new(images, "count", json_integer((json_int_t)count)))
        e = no_memory(m);
    return e;
}

static enum err read_images(struct wishes *w, const struct yaml *node, const char *directory,
                            struct err_msg *m)
{
    enum err e = ERR_NONE;

    w->images = json_object();
    if (!w->images)
        return no_memory(m);
    if (node->kind == YAML_SCALAR)
        return put_text(w->images, &image_keys[0], node, directory, m);
    if (node->kind != YAML_MAP || !yaml_get(node, "set"))
        return yaml_error(node, m, "images = %s: want FILE, or {set: FILE, count: N}",
                          yaml_show(node).text);
    for (size_t i = 0; !e && i < node->n_item; i++)
        e = read_image_key(w->images, &node->item[i], directory, m);
    if (!e && (yaml_get(node, "mean") || yaml_get(node, "std")) &&
        !(yaml_get(node, "mean") && yaml_get(node, "std")))
        e = yaml_error(node, m, "images: want mean and std, or none of them");
    return e;
}

struct wanted_images wanted_images(const json_t *images)
{
    const json_int_t count = json_integer_value(json_object_get(images, "count"));

    return (struct wanted_images){
        .set = json_string_value(json_object_get(images, "set")),
        .count = count > 0 ? (uint64_t)count : 0,
        .how = { .labels = json_string_value(json_object_get(images, "labels")),
                 .shape = json_string_value(json_object_get(images, "shape")),
                 .mean = json_string_value(json_object_get(images, "mean")),
                 .std = json_string_value(json_object_get(images, "std")) } };
}

/* ---- figures ---- */

static enum err name_figure(struct wish *wish, const struct yaml *node, const char *figure,
                            struct err_msg *m)
{
    char place[256];

    yaml_where(node, place, sizeof place);
    *wish = (struct wish){ .figure = strdup(figure), .place = strdup(place) };
    return wish->figure && wish->place ? ERR_NONE : no_memory(m);
}

/* The node behind {most: ...} or {least: ...}, or the node itself. */
static const struct yaml *take_way(const struct yaml *node, enum wish_way *way)
{
    static const char *const words[] = { [WISH_MOST] = "most", [WISH_LEAST] = "least" };

    *way = WISH_AS_KNOWN;
    for (enum wish_way w = WISH_MOST; w <= WISH_LEAST; w++) {
        const struct yaml *inner = node->kind == YAML_MAP && node->n_item == 1
                                       ? yaml_get(node, words[w]) : NULL;
        if (inner) {
            *way = w;
            return inner;
        }
    }
    return node;
}

static enum err read_objective(struct wishes *w, const struct yaml *node, struct err_msg *m)
{
    const bool one = node->kind != YAML_LIST;
    const size_t n = one ? 1 : node->n_item;
    enum wish_way way;
    enum err e = ERR_NONE;

    if (take_way(node, &way)->kind == YAML_MAP || n == 0 || n > WISHES_MOST_OBJECTIVES)
        return yaml_error(node, m, "objective = %s: want a figure, or a list of two or three: "
                          "FIGURE, {most: FIGURE} or {least: FIGURE}", yaml_show(node).text);
    w->objective = calloc(n, sizeof *w->objective);
    if (!w->objective)
        return no_memory(m);
    for (size_t i = 0; !e && i < n; i++) {
        const struct yaml *item = take_way(one ? node : &node->item[i], &way);
        const char *text;
        e = yaml_text(item, "objective", &text, m);
        for (size_t other = 0; !e && other < i; other++)
            if (strcmp(w->objective[other].figure, text) == 0)
                e = yaml_error(item, m, "objective: %.60s stands twice: want it once", text);
        if (!e)
            e = name_figure(&w->objective[w->n_objective++], item, text, m);
        if (!e)
            w->objective[i].way = way;
    }
    return e;
}

static enum err read_limits(struct wishes *w, const struct yaml *node, struct err_msg *m)
{
    enum err e = ERR_NONE;

    if (node->kind != YAML_MAP || node->n_item == 0)
        return yaml_error(node, m, "limits = %s: want {FIGURE: NUMBER}", yaml_show(node).text);
    w->limit = calloc(node->n_item, sizeof *w->limit);
    if (!w->limit)
        return no_memory(m);
    for (size_t i = 0; !e && i < node->n_item; i++) {
        const struct yaml *item = &node->item[i];
        char name[96];
        enum wish_way way;
        double limit;
        snprintf(name, sizeof name, "limits.%.80s", item->key);
        e = yaml_double(take_way(item, &way), name, 0, 1e18, "", &limit, m);
        if (!e)
            e = name_figure(&w->limit[w->n_limit++], item, item->key, m);
        if (!e)
            w->limit[i].limit = limit;
        if (!e)
            w->limit[i].way = way;
    }
    return e;
}

enum err wishes_read(struct wishes *w, const struct wishes_nodes *nodes, const char *directory,
                     struct err_msg *m)
{
    enum err e = nodes->images ? read_images(w, nodes->images, directory, m) : ERR_NONE;

    if (!e && nodes->objective)
        e = read_objective(w, nodes->objective, m);
    if (!e && nodes->limits)
        e = read_limits(w, nodes->limits, m);
    return e;
}

static void release(struct wish *wish, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(wish[i].figure);
        free(wish[i].place);
    }
    free(wish);
}

void wishes_release(struct wishes *w)
{
    json_decref(w->images);
    release(w->objective, w->n_objective);
    release(w->limit, w->n_limit);
    *w = (struct wishes){ .images = NULL };
}
