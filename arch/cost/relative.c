/* arch/cost/relative.c -- see relative.h. */
#include "arch/cost/relative.h"

#include <stddef.h>
#include <string.h>

#include "arch/tech/facts.h"
#include "core/datadir.h"
#include "core/yaml.h"

static const char format[] = "imcsim-relative/1";

struct ratios {
    double node_nm;
    double energy6, area6, energy8, area8, energy10, area10;
};

enum { OF_6 = 1, OF_8 = 2, OF_10 = 4, OF_ANY = OF_6 | OF_8 | OF_10 };

#define ROW(key, field, unit, most, when, doc) \
    { key, unit, offsetof(struct ratios, field), 1, most, doc, when }

static const struct fact_row rows[] = {
    ROW("node_nm",           node_nm,  "nm", 1e3, OF_ANY, "node of the ratios"),
    ROW("int6_energy_less",  energy6,  "",   1e3, OF_6,   "energy of bfloat16 by that of 6 bit"),
    ROW("int6_area_less",    area6,    "",   1e3, OF_6,   "area of bfloat16 by that of 6 bit"),
    ROW("int8_energy_less",  energy8,  "",   1e3, OF_8,   "energy of bfloat16 by that of 8 bit"),
    ROW("int8_area_less",    area8,    "",   1e3, OF_8,   "area of bfloat16 by that of 8 bit"),
    ROW("int10_energy_less", energy10, "",   1e3, OF_10,  "energy of bfloat16 by that of 10 bit"),
    ROW("int10_area_less",   area10,   "",   1e3, OF_10,  "area of bfloat16 by that of 10 bit"),
    FACT_END
};

static const char *const others[] = { "format", NULL };

static bool has_format(const struct yaml *root)
{
    const struct yaml *f = yaml_get(root, "format");

    return f && f->kind == YAML_SCALAR && strcmp(f->text, format) == 0;
}

static enum err load(struct yaml *root, char path[DATADIR_BYTE], const char *technology,
                     struct err_msg *m)
{
    enum err e = datadir_find(path, "tech", technology, m);

    *root = (struct yaml){ 0 };
    return e ? e : yaml_load(root, path, m);
}

bool relative_is(const char *technology)
{
    char path[DATADIR_BYTE];
    struct err_msg m;
    struct yaml root;
    const bool is = load(&root, path, technology, &m) == ERR_NONE && has_format(&root);

    yaml_release(&root);
    return is;
}

static enum err read_ratios(struct ratios *r, const struct yaml *root, unsigned mask,
                            struct err_msg *m)
{
    struct facts_missing missing = { 0 };
    enum err e = facts_check_known(root, "", rows, OF_ANY, others, m);

    facts_missing_add(&missing, root, "", rows, mask, NULL);
    if (!e)
        e = facts_missing_check(&missing, root, m);
    if (e)
        return e;
    return facts_change(root, "", rows, OF_ANY, others, r, m);
}

enum err relative_load(struct relative *r, const char *technology, uint32_t bits,
                       struct err_msg *m)
{
    char path[DATADIR_BYTE];
    struct ratios all = { 0 };
    struct yaml root;
    enum err e = load(&root, path, technology, m);

    *r = (struct relative){ 0 };
    if (e)
        return e;
    e = read_ratios(&all, &root, bits == 6 ? OF_6 : bits == 8 ? OF_8 : OF_10, m);
    yaml_release(&root);
    *r = (struct relative){
        .node_nm = all.node_nm,
        .energy_less = bits == 6 ? all.energy6 : bits == 8 ? all.energy8 : all.energy10,
        .area_less = bits == 6 ? all.area6 : bits == 8 ? all.area8 : all.area10,
    };
    return e;
}
