/* study/sweep/points.c -- see points.h. */
#include "study/sweep/points.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/near_miss.h"
#include "core/rng.h"
#include "core/yaml.h"
#include "dataflow/config.h"
#include "study/sweep/values.h"
#include "study/sweep/where.h"

enum { MOST_AXES = 64, MOST_SAMPLES = 1000000 };

struct reading {
    struct sweep *s;
    char          directory[DATADIR_BYTE]; // of the study
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the points of a study");
}

static enum err want(const struct yaml *node, const char *name, enum yaml_kind kind,
                     struct err_msg *m)
{
    if (node->kind == kind && node->n_item > 0)
        return ERR_NONE;
    return yaml_error(node, m, "%s = %s: want a %s that is not empty", name, yaml_show(node).text,
                      kind == YAML_LIST ? "list" : "map");
}

/* Refuses words of a map that are none of `words`, which end with NULL. */
static enum err check_words(const struct yaml *map, const char *name, const char *const *words,
                            struct err_msg *m)
{
    size_t n = 0;

    while (words[n])
        n++;
    for (size_t i = 0; i < map->n_item; i++) {
        size_t k = 0;
        while (k < n && strcmp(words[k], map->item[i].key) != 0)
            k++;
        if (k < n)
            continue;
        return yaml_error(&map->item[i], m, "%s.%.60s: no such key: %s (imcsim help studies)", name,
                          map->item[i].key, near_miss_advice(map->item[i].key, words, n).text);
    }
    return ERR_NONE;
}

/* ---- axes ---- */

/* A key stands on one axis, and not beside the map that it is in. */
static enum err check_once(const struct sweep *s, const struct yaml *node, struct err_msg *m)
{
    size_t n = strlen(node->key);

    for (size_t a = 0; a < s->n_axis; a++)
        for (size_t k = 0; k < s->axis[a].n_key && s->axis[a].n_place > 0; k++) {
            const char *set = s->axis[a].set[k];
            size_t other = strcspn(set, "=");
            size_t both = n < other ? n : other;
            if (strncmp(node->key, set, both) != 0)
                continue;
            if (n == other || (n < other ? set[n] : node->key[other]) == '.')
                return yaml_error(node, m, "%.100s varies twice, here and as %.*s: want it once",
                                  node->key, (int)other, set);
        }
    return ERR_NONE;
}

/* A new axis of n_place places without settings. The product is checked before memory is taken. */
static enum err add_axis(struct sweep *s, const struct yaml *node, size_t n_key, uint64_t n_place,
                         struct err_msg *m)
{
    size_t keys = n_key;

    for (size_t a = 0; a < s->n_axis; a++)
        keys += s->axis[a].n_key;
    if (s->n_axis == MOST_AXES || keys > SWEEP_MOST_KEYS)
        return yaml_error(node, m, "more than %d axes or %d keys vary: want fewer", MOST_AXES,
                          SWEEP_MOST_KEYS);
    if (n_place > SWEEP_MOST_POINTS / s->n_grid)
        return yaml_error(node, m, "%.100s: %" PRIu64 " x %" PRIu64 " points with it: want at most "
                          "%d; a sample of them may do", node->key ? node->key : "zip",
                          s->n_grid, n_place, SWEEP_MOST_POINTS);
    struct axis *a = &s->axis[s->n_axis];
    *a = (struct axis){ .n_key = n_key, .set = calloc(n_place * n_key, sizeof *a->set) };
    if (!a->set)
        return no_memory(m);
    a->n_place = n_place;
    s->n_grid *= n_place;
    s->n_axis++;
    return ERR_NONE;
}

/* The keys of `map`, of equally many values, go together. */
static enum err add_lists(struct reading *r, const struct yaml *map, const struct yaml *first,
                          size_t n_key, struct err_msg *m)
{
    uint64_t n_place = 0, n;
    enum err e = ERR_NONE;

    for (size_t k = 0; !e && k < n_key; k++) {
        e = check_once(r->s, &first[k], m);
        if (!e)
            e = values_count(&n, first[k].key, &first[k], m);
        if (!e && k > 0 && n != n_place)
            e = yaml_error(&first[k], m, "zip: %.100s has %" PRIu64 " values, %.100s has %" PRIu64
                           ": want equally many", first[k].key, n, first[0].key, n_place);
        n_place = n;
    }
    if (!e)
        e = add_axis(r->s, n_key > 1 ? map : first, n_key, n_place, m);
    if (e)
        return e;
    const struct axis *a = &r->s->axis[r->s->n_axis - 1];
    for (uint64_t i = 0; !e && i < n_place; i++)
        for (size_t k = 0; !e && k < n_key; k++)
            e = values_setting(&a->set[i * n_key + k], first[k].key, &first[k], i, r->directory, m);
    return e;
}

static enum err read_vary(struct reading *r, const struct yaml *node, struct err_msg *m)
{
    enum err e = want(node, "vary", YAML_MAP, m);

    for (size_t i = 0; !e && i < node->n_item; i++)
        e = add_lists(r, node, &node->item[i], 1, m);
    return e;
}

static enum err read_zip(struct reading *r, const struct yaml *node, struct err_msg *m)
{
    enum err e = want(node, "zip", YAML_LIST, m);

    for (size_t i = 0; !e && i < node->n_item; i++) {
        e = want(&node->item[i], "zip[]", YAML_MAP, m);
        if (!e)
            e = add_lists(r, &node->item[i], node->item[i].item, node->item[i].n_item, m);
    }
    return e;
}

/* ---- samples ---- */

struct draw {
    uint64_t count, seed;
    bool     latin;
};

/* Where each draw of a key lies in 0 .. 1, the caller's; NULL without memory. */
static double *draw_shares(const struct draw *d, const char *key)
{
    struct rng place = rng_at(d->seed, key), order = rng_in(place, 1);
    double *share = calloc(d->count, sizeof *share);

    for (uint64_t i = 0; share && i < d->count; i++)
        share[i] = d->latin ? ((double)i + rng_double(place, i)) / (double)d->count
                            : rng_double(place, i);
    for (uint64_t i = d->count; share && d->latin && i > 1; i--) { // Fisher and Yates
        uint64_t other = rng_u64(order, i) % i;
        double was = share[i - 1];
        share[i - 1] = share[other];
        share[other] = was;
    }
    return share;
}

static enum err draw_key(const struct draw *d, const struct axis *a, size_t k,
                         const struct yaml *node, struct err_msg *m)
{
    double end[2];
    bool log;
    enum err e = values_ends(end, &log, node->key, node, m);
    double *share = e ? NULL : draw_shares(d, node->key);

    if (!e && !share)
        e = no_memory(m);
    for (uint64_t i = 0; !e && i < d->count; i++)
        e = value_number(&a->set[i * a->n_key + k], node->key, node,
                         values_between(end, log, share[i]), m);
    free(share);
    return e;
}

static enum err read_draw(struct draw *d, const struct yaml *node, struct err_msg *m)
{
    static const char *const words[] = { "count", "seed", "kind", "keys", NULL };
    const struct yaml *count = yaml_get(node, "count"), *seed = yaml_get(node, "seed"),
                      *kind = yaml_get(node, "kind");
    const char *word = "random";
    enum err e = check_words(node, "sample", words, m);

    if (!e && !count)
        e = yaml_error(node, m, "sample.count is not there: want 1 to %d", MOST_SAMPLES);
    if (!e)
        e = yaml_u64(count, "sample.count", 1, MOST_SAMPLES, "", &d->count, m);
    if (!e && seed)
        e = yaml_u64(seed, "sample.seed", 0, INT64_MAX, "", &d->seed, m);
    if (!e && kind)
        e = yaml_text(kind, "sample.kind", &word, m);
    d->latin = strcmp(word, "latin_hypercube") == 0;
    if (!e && !d->latin && strcmp(word, "random") != 0)
        e = yaml_error(kind, m, "sample.kind = %.60s: want random or latin_hypercube", word);
    return e;
}

static enum err read_sample(struct reading *r, const struct yaml *node, struct err_msg *m)
{
    struct draw d = {0};
    enum err e = want(node, "sample", YAML_MAP, m);

    if (!e)
        e = read_draw(&d, node, m);
    const struct yaml *keys = e ? NULL : yaml_get(node, "keys");
    if (!e && !keys)
        e = yaml_error(node, m, "sample.keys is not there: want {KEY: [least, most]}");
    if (!e)
        e = want(keys, "sample.keys", YAML_MAP, m);
    for (size_t k = 0; !e && k < keys->n_item; k++)
        e = check_once(r->s, &keys->item[k], m);
    if (!e)
        e = add_axis(r->s, keys, keys->n_item, d.count, m);
    for (size_t k = 0; !e && k < keys->n_item; k++)
        e = draw_key(&d, &r->s->axis[r->s->n_axis - 1], k, &keys->item[k], m);
    return e;
}

/* ---- points with a name, conditions ---- */

static enum err read_named(struct reading *r, struct named_point *p, const struct yaml *node,
                           struct err_msg *m)
{
    static const char *const words[] = { "name", "set", NULL };
    const struct yaml *name = yaml_get(node, "name"), *set = yaml_get(node, "set");
    const char *text;
    enum err e = want(node, "points[]", YAML_MAP, m);

    if (!e)
        e = check_words(node, "points[]", words, m);
    if (!e && (!name || !set))
        e = yaml_error(node, m, "points[]: want {name: NAME, set: {KEY: VALUE}}");
    if (!e)
        e = yaml_text(name, "points[].name", &text, m);
    if (!e && (set->kind != YAML_MAP || set->n_item > SWEEP_MOST_KEYS))
        e = yaml_error(set, m, "points[].set = %s: want a map of at most %d keys",
                       yaml_show(set).text, SWEEP_MOST_KEYS);
    if (e)
        return e;
    p->name = strdup(text);
    p->set = calloc(set->n_item + 1, sizeof *p->set);
    if (!p->name || !p->set)
        return no_memory(m);
    for (; !e && p->n_set < set->n_item; p->n_set++)
        e = value_setting(&p->set[p->n_set], set->item[p->n_set].key, &set->item[p->n_set],
                          r->directory, m);
    return e;
}

static enum err read_points(struct reading *r, const struct yaml *node, struct err_msg *m)
{
    enum err e = want(node, "points", YAML_LIST, m);

    if (!e) {
        r->s->named = calloc(node->n_item, sizeof *r->s->named);
        e = r->s->named ? ERR_NONE : no_memory(m);
    }
    for (size_t i = 0; !e && i < node->n_item; i++) {
        r->s->n_named++;
        e = read_named(r, &r->s->named[i], &node->item[i], m);
    }
    return e;
}

static enum err read_where(struct reading *r, const struct yaml *node, struct err_msg *m)
{
    struct sweep *s = r->s;
    enum err e = want(node, "where", YAML_LIST, m);
    struct point p;
    bool kept;

    if (!e) {
        s->where = calloc(node->n_item, sizeof *s->where);
        e = s->where ? ERR_NONE : no_memory(m);
    }
    for (size_t i = 0; !e && i < node->n_item; i++) {
        const char *text;
        e = yaml_text(&node->item[i], "where[]", &text, m);
        if (e)
            break;
        s->where[i] = strdup(text);
        if (!s->where[i])
            return no_memory(m);
        s->n_where++;
        sweep_point(s, 0, &p);
        e = sweep_keeps(s, &p, &kept, m);
        if (e == ERR_INPUT) {
            char place[256];
            yaml_where(&node->item[i], place, sizeof place);
            err_prefix(m, place);
        }
    }
    return e;
}

/* ---- the study ---- */

static enum err read_base(struct reading *r, const struct yaml *root, const struct yaml *node,
                          struct err_msg *m)
{
    struct config c;
    char beside[DATADIR_BYTE], place[256];
    const char *text;

    if (!node)
        return yaml_error(root, m, "base is not there: want base: CONFIG");
    enum err e = yaml_text(node, "base", &text, m);
    if (e)
        return e;
    if (!datadir_join(beside, r->directory, text))
        return yaml_error(node, m, "base = %.60s: the path is too long", text);
    FILE *f = fopen(beside, "r");
    datadir_open_name(r->s->base, f || datadir_is_path(text) ? beside : text);
    if (f)
        fclose(f);
    e = config_file_load(&r->s->base_file, r->s->base, m);
    if (!e)
        e = config_of_file(&c, &r->s->base_file, NULL, 0, m);
    if (e) {
        yaml_where(node, place, sizeof place);
        err_prefix(m, place);
        return e;
    }
    r->s->base_config = config_to_json(&c);
    config_release(&c);
    return r->s->base_config ? ERR_NONE : no_memory(m);
}

static enum err read_axes(struct reading *r, const struct yaml *root, struct err_msg *m)
{
    static const struct {
        const char *key;
        enum err (*read)(struct reading *r, const struct yaml *node, struct err_msg *m);
    } parts[] = { { "vary", read_vary }, { "zip", read_zip }, { "sample", read_sample },
                  { "points", read_points } };
    struct sweep *s = r->s;
    enum err e = ERR_NONE;

    s->axis = calloc(MOST_AXES, sizeof *s->axis);
    if (!s->axis)
        return no_memory(m);
    s->n_grid = 1;
    for (size_t i = 0; !e && i < sizeof parts / sizeof *parts; i++) {
        const struct yaml *node = yaml_get(root, parts[i].key);
        if (node)
            e = parts[i].read(r, node, m);
    }
    if (s->n_axis == 0)
        s->n_grid = 0;
    s->n_point = s->n_grid + s->n_named;
    if (!e && s->n_point == 0)
        e = yaml_error(root, m, "no points: want vary, zip, sample or points");
    return e;
}

static enum err read_study(struct reading *r, const struct yaml *root, struct err_msg *m)
{
    static const char *const words[] = { "base", "vary", "zip", "sample", "points", "where",
                                         "images", "objective", "limits", NULL };
    const struct yaml *where = yaml_get(root, "where");
    const struct wishes_nodes wishes = { yaml_get(root, "images"), yaml_get(root, "objective"),
                                         yaml_get(root, "limits") };
    enum err e = want(root, "the study", YAML_MAP, m);

    if (!e)
        e = check_words(root, "study", words, m);
    if (!e)
        e = read_base(r, root, yaml_get(root, "base"), m);
    if (!e)
        e = read_axes(r, root, m);
    if (!e && where)
        e = read_where(r, where, m);
    return e ? e : wishes_read(&r->s->wishes, &wishes, r->directory, m);
}

/* Takes over the tree. */
static enum err load_tree(struct sweep *s, struct yaml *root, const char *path, struct err_msg *m)
{
    struct reading r = { .s = s };

    datadir_of(r.directory, path);
    enum err e = read_study(&r, root, m);
    yaml_release(root);
    if (e)
        sweep_release(s);
    return e;
}

enum err sweep_load(struct sweep *s, const char *path, struct err_msg *m)
{
    char found[DATADIR_BYTE];
    struct yaml root;

    *s = (struct sweep){0};
    datadir_open_name(found, path);
    enum err e = yaml_load(&root, found, m);
    return e ? e : load_tree(s, &root, found, m);
}

enum err sweep_load_text(struct sweep *s, const char *path, const char *text, struct err_msg *m)
{
    struct yaml root;

    *s = (struct sweep){0};
    enum err e = yaml_load_text(&root, path, text, strlen(text), m);
    return e ? e : load_tree(s, &root, path, m);
}

static void free_texts(char **text, size_t n)
{
    for (size_t i = 0; text && i < n; i++)
        free(text[i]);
    free(text);
}

void sweep_release(struct sweep *s)
{
    for (size_t i = 0; i < s->n_axis; i++)
        free_texts(s->axis[i].set, s->axis[i].n_place * s->axis[i].n_key);
    for (size_t i = 0; i < s->n_named; i++) {
        free(s->named[i].name);
        free_texts(s->named[i].set, s->named[i].n_set);
    }
    free_texts(s->where, s->n_where);
    free(s->axis);
    free(s->named);
    json_decref(s->base_config);
    config_file_release(&s->base_file);
    wishes_release(&s->wishes);
    *s = (struct sweep){0};
}

void sweep_point(const struct sweep *s, uint64_t i, struct point *p)
{
    p->n_set = 0;
    p->name = NULL;
    if (i >= s->n_grid) {
        const struct named_point *named = &s->named[i - s->n_grid];
        p->name = named->name;
        for (; p->n_set < named->n_set; p->n_set++)
            p->set[p->n_set] = named->set[p->n_set];
        return;
    }
    uint64_t places = s->n_grid;
    for (size_t a = 0; a < s->n_axis; a++) {
        const struct axis *axis = &s->axis[a];
        places /= axis->n_place;
        uint64_t place = i / places;
        i %= places;
        for (size_t k = 0; k < axis->n_key; k++)
            p->set[p->n_set++] = axis->set[place * axis->n_key + k];
    }
}

/* ---- conditions ---- */

struct scope {
    const struct sweep *s;
    const struct point *p;
};

static enum err number_of(const char *key, const char *text, double *value, struct err_msg *m)
{
    char *end;

    *value = strtod(text, &end);
    if (end == text || *end != '\0')
        return err_set(m, ERR_INPUT, "where: %.100s = %.60s: want a key that is a number", key,
                       text);
    return ERR_NONE;
}

static const json_t *base_node(const struct sweep *s, const char *key)
{
    const json_t *at = s->base_config;
    char part[256];

    for (const char *from = key; at && *from;) {
        const json_t *whole = json_object_get(at, from); // free keys may hold dots
        if (whole)
            return whole;
        size_t n = strcspn(from, ".");
        snprintf(part, sizeof part, "%.*s", (int)n, from);
        at = json_object_get(at, part);
        from += n + (from[n] == '.');
    }
    return at;
}

static enum err base_number(const struct sweep *s, const char *key, double *value,
                            struct err_msg *m)
{
    const json_t *at = base_node(s, key);

    if (!json_is_number(at))
        return err_set(m, ERR_INPUT, "where: %.100s: %s: want a key that is a number", key,
                       at ? "is none" : "no point sets it, and the base has no such number");
    *value = json_number_value(at);
    return ERR_NONE;
}

/* As the point sets it, by the last of its settings; else the base's. A map that a point sets whole
 * takes the place of the base's, and is not looked into. */
static enum err key_value(const void *user, const char *key, double *value, struct err_msg *m)
{
    const struct scope *scope = user;

    for (size_t i = scope->p->n_set; i-- > 0;) {
        const char *set = scope->p->set[i];
        size_t n = strcspn(set, "=");
        if (strncmp(set, key, n) != 0)
            continue;
        if (key[n] == '\0')
            return number_of(key, set + n + 1, value, m);
        if (key[n] == '.')
            return err_set(m, ERR_INPUT, "where: %.100s: a point sets %.*s whole: want the key "
                           "varied by itself", key, (int)n, set);
    }
    return base_number(scope->s, key, value, m);
}

enum err sweep_keeps(const struct sweep *s, const struct point *p, bool *kept, struct err_msg *m)
{
    const struct scope scope = { s, p };
    enum err e = ERR_NONE;

    *kept = true;
    for (size_t i = 0; !e && *kept && i < s->n_where; i++) {
        double value;
        e = where_value(s->where[i], key_value, &scope, &value, m);
        *kept = value != 0;
    }
    return e;
}

/* ---- keys ---- */

static bool add_key(char **key, size_t *n, const char *set)
{
    size_t length = strcspn(set, "=");

    for (size_t i = 0; i < *n; i++)
        if (strncmp(key[i], set, length) == 0 && key[i][length] == '\0')
            return true;
    key[*n] = strndup(set, length);
    return key[*n] && ++*n > 0;
}

char **sweep_keys(const struct sweep *s, size_t *n)
{
    size_t most = 1;
    bool ok = true;

    for (size_t a = 0; a < s->n_axis; a++)
        most += s->axis[a].n_key;
    for (size_t i = 0; i < s->n_named; i++)
        most += s->named[i].n_set;
    char **key = calloc(most, sizeof *key);
    *n = 0;
    for (size_t a = 0; key && a < s->n_axis; a++)
        for (size_t k = 0; ok && k < s->axis[a].n_key; k++)
            ok = add_key(key, n, s->axis[a].set[k]);
    for (size_t i = 0; key && i < s->n_named; i++)
        for (size_t k = 0; ok && k < s->named[i].n_set; k++)
            ok = add_key(key, n, s->named[i].set[k]);
    if (key && !ok) {
        sweep_keys_free(key, *n);
        return NULL;
    }
    return key;
}

void sweep_keys_free(char **key, size_t n)
{
    free_texts(key, n);
}

static bool base_text(const struct sweep *s, const char *key, char *text, size_t size)
{
    const json_t *at = base_node(s, key);
    char *dump;

    if (!at)
        return false;
    if (json_is_string(at)) {
        snprintf(text, size, "%s", json_string_value(at));
        return true;
    }
    dump = json_dumps(at, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    snprintf(text, size, "%s", dump ? dump : "");
    free(dump);
    return dump != NULL;
}

bool sweep_value(const struct sweep *s, const struct point *p, const char *key, char *text,
                 size_t size)
{
    size_t n = strlen(key);

    for (size_t i = p->n_set; i-- > 0;)
        if (strncmp(p->set[i], key, n) == 0 && p->set[i][n] == '=') {
            snprintf(text, size, "%s", p->set[i] + n + 1);
            return true;
        }
    return base_text(s, key, text, size);
}
