/* arch/tech/facts.c -- see facts.h. */
#include "arch/tech/facts.h"

#include <stdio.h>
#include <string.h>

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

enum err facts_number(const struct yaml *map, const char *path, const struct fact_row *row,
                      double *out, struct err_msg *m)
{
    const struct yaml *leaf = yaml_get(map, row->key);
    char name[96];
    enum err e;

    snprintf(name, sizeof name, "%s%s", path, row->key);
    if (!leaf)
        return yaml_error(map, m, "%s is missing: want %s (%s)", name, row->doc,
                          *row->unit ? row->unit : "a ratio");
    if ((e = check_leaf(leaf, name, m)))
        return e;
    return yaml_double(yaml_get(leaf, "value"), name, row->least, row->most, row->unit, out, m);
}

static bool is_known(const char *key, const struct fact_row *rows, unsigned mask,
                     const char *const *others)
{
    for (; rows->key; rows++)
        if (rows->when & mask && strcmp(rows->key, key) == 0)
            return true;
    for (; *others; others++)
        if (strcmp(*others, key) == 0)
            return true;
    return false;
}

enum err facts_read(const struct yaml *map, const char *path, const struct fact_row *rows,
                    unsigned mask, const char *const *others, void *base, struct err_msg *m)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, m, "want a map of numbers with their sources");
    for (size_t i = 0; i < map->n_item; i++)
        if (!is_known(map->item[i].key, rows, mask, others))
            return yaml_error(&map->item[i], m, "%s%s: unknown key", path, map->item[i].key);
    for (const struct fact_row *r = rows; r->key; r++) {
        double *out = (double *)(void *)((char *)base + r->offset);
        enum err e;

        if (r->when & mask && (e = facts_number(map, path, r, out, m)))
            return e;
    }
    return ERR_NONE;
}

bool facts_fitted(const struct yaml *map, const char *key)
{
    const struct yaml *leaf = yaml_get(map, key);

    return leaf && yaml_get(leaf, "fit");
}
