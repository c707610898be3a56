/* arch/tech/facts.c -- see facts.h. */
#include "arch/tech/facts.h"

#include <stdio.h>
#include <string.h>

#include "core/near_miss.h"

static const char *const origins[] = { "source", "fit", "assumed" };

static enum err check_leaf(const struct yaml *leaf, const char *name, struct err_msg *m)
{
    size_t n_origin = 0;

    if (leaf->kind != YAML_MAP || !yaml_get(leaf, "value"))
        return yaml_error(leaf, m, "%s: want {value: number, source|fit|assumed: \"...\"}", name);
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        const struct yaml *origin = yaml_get(leaf, origins[i]);
        const char *text;
        enum err e;

        if (!origin)
            continue;
        if ((e = yaml_text(origin, name, &text, m)))
            return e;
        n_origin++;
    }
    if (n_origin != 1 || leaf->n_item != 2)
        return yaml_error(leaf, m, "%s: want value and one of source, fit, assumed", name);
    return ERR_NONE;
}

static enum err read_number(const struct yaml *map, const char *path, const struct fact_row *row,
                            bool bare, void *base, struct err_msg *m)
{
    const struct yaml *leaf = yaml_get(map, row->key);
    double *out = (double *)(void *)((char *)base + row->offset);
    char name[96];

    snprintf(name, sizeof name, "%s%s", path, row->key);
    bare = bare && leaf->kind == YAML_SCALAR;
    enum err e = bare ? ERR_NONE : check_leaf(leaf, name, m);
    return e ? e : yaml_double(bare ? leaf : yaml_get(leaf, "value"), name, row->least, row->most,
                               row->unit, out, m);
}

static void add_missing(struct facts_missing *f, const char *path, const char *key,
                        const struct fact_row *row)
{
    size_t n = strlen(f->keys);

    if (f->n > 0)
        snprintf(f->keys + n, sizeof f->keys - n, "%s%s", f->n > 1 ? ", " : "", f->last);
    snprintf(f->last, sizeof f->last, "%s%s", path, key);
    f->row = row;
    f->n++;
}

void facts_missing_add(struct facts_missing *f, const struct yaml *map, const char *path,
                       const struct fact_row *rows, unsigned mask, const char *const *others)
{
    for (; others && *others; others++)
        if (!yaml_get(map, *others))
            add_missing(f, path, *others, NULL);
    for (; rows->key; rows++)
        if (rows->when & mask && !yaml_get(map, rows->key))
            add_missing(f, path, rows->key, rows);
}

enum err facts_missing_check(const struct facts_missing *f, const struct yaml *map,
                             struct err_msg *m)
{
    if (f->n == 0)
        return ERR_NONE;
    if (f->n > 1)
        return yaml_error(map, m, "%s and %s are missing: want them all", f->keys, f->last);
    if (!f->row)
        return yaml_error(map, m, "%s is missing", f->last);
    return yaml_error(map, m, "%s is missing: want %s (%s)", f->last, f->row->doc,
                      *f->row->unit ? f->row->unit : "a ratio");
}

enum { MOST_KNOWN = 128 }; // keys of a map

enum err facts_check_known(const struct yaml *map, const char *path, const struct fact_row *rows,
                           unsigned mask, const char *const *others, struct err_msg *m)
{
    const char *known[MOST_KNOWN];
    size_t n = 0;

    for (; rows->key && n < MOST_KNOWN; rows++)
        if (rows->when & mask)
            known[n++] = rows->key;
    for (; *others && n < MOST_KNOWN; others++)
        known[n++] = *others;
    for (size_t i = 0; i < map->n_item; i++) {
        const char *key = map->item[i].key, *meant = near_miss(key, known, n);
        if (meant && strcmp(meant, key) == 0)
            continue;
        return yaml_error(&map->item[i], m, "%s%.64s: unknown key%s%s%s", path, key,
                          meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
    }
    return ERR_NONE;
}

enum err facts_read(const struct yaml *map, const char *path, const struct fact_row *rows,
                    unsigned mask, const char *const *others, void *base, struct err_msg *m)
{
    struct facts_missing missing = { 0 };

    if (map->kind != YAML_MAP)
        return yaml_error(map, m, "want a map of numbers with their sources");
    enum err e = facts_check_known(map, path, rows, mask, others, m);
    facts_missing_add(&missing, map, path, rows, mask, NULL);
    if (!e)
        e = facts_missing_check(&missing, map, m);
    for (const struct fact_row *r = rows; !e && r->key; r++)
        if (r->when & mask)
            e = read_number(map, path, r, false, base, m);
    return e;
}

enum err facts_change(const struct yaml *map, const char *path, const struct fact_row *rows,
                      unsigned mask, const char *const *others, void *base, struct err_msg *m)
{
    enum err e = facts_check_known(map, path, rows, mask, others, m);

    for (const struct fact_row *r = rows; !e && r->key; r++)
        if (r->when & mask && yaml_get(map, r->key))
            e = read_number(map, path, r, true, base, m);
    return e;
}

const char *facts_origin(const struct yaml *map, const char *key)
{
    const struct yaml *leaf = yaml_get(map, key);

    for (size_t i = 0; leaf && leaf->kind == YAML_MAP && i < sizeof origins / sizeof *origins; i++)
        if (yaml_get(leaf, origins[i]))
            return origins[i];
    return NULL;
}

bool facts_fitted(const struct yaml *map, const char *key)
{
    const char *origin = facts_origin(map, key);

    return origin && strcmp(origin, "fit") == 0;
}
