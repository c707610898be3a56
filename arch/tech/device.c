/* arch/tech/device.c -- see device.h. */
#include "arch/tech/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arch/tech/facts.h"
#include "core/datadir.h"

/* Files of before say kOhm. */
enum { RESISTIVE = 1, SRAM = 2, MEAN = 4, OHM = 8, KOHM = 16, PROGRAM = 32,
       BOTH = RESISTIVE | SRAM };

#define ROW(field, unit, least, most, when, doc) \
    { #field, unit, offsetof(struct device, field), least, most, doc, when }

static const struct fact_row rows[] = {
    ROW(r_on_ohm,      "Ohm",  10,   1e9,  OHM,   "resistance of the most conducting state"),
    ROW(r_off_ohm,     "Ohm",  10,   1e12, OHM,   "resistance of the least conducting state"),
    { "on_kohm", "kOhm", offsetof(struct device, r_on_ohm), 0.01, 1e6,
      "resistance of the most conducting state", KOHM },
    { "off_kohm", "kOhm", offsetof(struct device, r_off_ohm), 0.01, 1e9,
      "resistance of the least conducting state", KOHM },
    ROW(level_step,    "",     1e-6, 1,    RESISTIVE, "least distance of two levels"),
    ROW(mean_us,       "uS",   1e-6, 1e6,  MEAN,  "mean conductance"),
    ROW(bits,          "bit",  1,    8,    BOTH,  "bits per cell"),
    ROW(read_v,        "V",    0.01, 5,    BOTH,  "read voltage"),
    ROW(select_v,      "V",    0.1,  5,    RESISTIVE, "gate voltage of a selected cell"),
    ROW(write_v,       "V",    0.1,  20,   RESISTIVE, "write voltage"),
    ROW(cell_height_f, "F",    1,    1e4,  RESISTIVE, "height of a cell"),
    ROW(cell_width_f,  "F",    1,    1e4,  RESISTIVE, "width of a cell"),
    ROW(program_pj,    "pJ",   1e-9, 1e9,  PROGRAM, "energy to program a cell once"),
    FACT_END
};

static const double ohm_per_kohm = 1e3, us_per_s = 1e6;

/* What rows a device of this kind of cell has; 0: there is no such kind. */
static unsigned mask_of(const char *cell)
{
    if (strcmp(cell, "sram") == 0)
        return SRAM;
    return strcmp(cell, "resistive") == 0 ? RESISTIVE | MEAN | OHM : 0;
}

static enum err check(const struct device *d, const struct yaml *root, const char *path,
                      struct err_msg *m)
{
    const struct yaml *off = yaml_get(root, "r_off_ohm");

    if (!d->sram && d->r_off_ohm <= d->r_on_ohm)
        return yaml_error(off ? off : root, m, "%sr_off_ohm = %g: want more than r_on_ohm = %g",
                          path, d->r_off_ohm, d->r_on_ohm);
    return device_check_bits(d, d->bits, m);
}

static enum err read_model(const struct yaml *root, const char *path, struct device *d,
                           struct err_msg *m)
{
    const struct yaml *node = yaml_get(root, "model");
    char name[128];
    const char *text;

    snprintf(name, sizeof name, "%smodel", path);
    enum err e = node ? yaml_text(node, name, &text, m) : ERR_NONE;
    if (node && !e)
        snprintf(d->model, sizeof d->model, "%s", text);
    return e;
}

static void read_program_basis(const struct yaml *root, struct device *d)
{
    const char *origin = facts_origin(root, "program_pj");

    if (!yaml_get(root, "program_pj"))
        return;
    d->program_basis = !origin                       ? "stated"
                       : strcmp(origin, "fit") == 0  ? "calibrated"
                       : strcmp(origin, "source") == 0 ? "cited" : "assumed";
}

/* ---- files ---- */

static enum err read_device(const struct yaml *root, struct device *d, struct err_msg *m)
{
    static const char *const others[] = { "format", "name", "cell", NULL };
    static const char *const known[] = { "format", "name", "cell", "model", NULL };
    const struct yaml *cell = yaml_get(root, "cell");
    struct facts_missing missing = { 0 };
    const char *text[3];

    unsigned mask = cell && cell->kind == YAML_SCALAR ? mask_of(cell->text) : 0;
    if (mask & OHM && (yaml_get(root, "on_kohm") || yaml_get(root, "off_kohm")))
        mask ^= OHM | KOHM;
    if (mask & RESISTIVE && yaml_get(root, "program_pj")) // not all state it
        mask |= PROGRAM;
    enum err e = mask ? facts_check_known(root, "", rows, mask, known, m) : ERR_NONE;

    facts_missing_add(&missing, root, "", rows, mask, others);
    if (!e)
        e = facts_missing_check(&missing, root, m);
    for (unsigned i = 0; !e && i < 3; i++)
        e = yaml_text(yaml_get(root, others[i]), others[i], &text[i], m);
    if (e)
        return e;
    if (strcmp(text[0], "imcsim-device/1") != 0)
        return yaml_error(root, m, "format = %s: want imcsim-device/1", text[0]);
    if (!mask)
        return yaml_error(cell, m, "cell = %s: want resistive or sram", text[2]);
    snprintf(d->name, sizeof d->name, "%s", text[1]);
    d->sram = mask == SRAM;
    e = read_model(root, "", d, m);
    if (!e)
        e = facts_read(root, "", rows, mask, known, d, m);
    read_program_basis(root, d);
    if (mask & KOHM) {
        d->r_on_ohm *= ohm_per_kohm;
        d->r_off_ohm *= ohm_per_kohm;
    }
    return e ? e : check(d, root, "", m);
}

enum err device_load(struct device *d, const char *path, struct err_msg *m)
{
    struct yaml root;
    enum err e;

    *d = (struct device){ 0 };
    if ((e = yaml_load(&root, path, m)))
        return e;
    if ((e = read_device(&root, d, m)))
        *d = (struct device){ 0 };
    yaml_release(&root);
    return e;
}

static enum err load_word(struct device *d, const char *word, const char *key, struct err_msg *m)
{
    char path[DATADIR_BYTE];
    enum err e = datadir_find(path, "devices", word, m);

    if (e)
        err_prefix(m, key);
    return e ? e : device_load(d, path, m);
}

/* ---- maps ---- */

struct map { // of a configuration
    const struct yaml *root;
    const char        *key, *path; // "energy.device", "energy.device."
};

static enum err read_word(const struct map *map, const char *name, const char **word,
                          struct err_msg *m)
{
    const struct yaml *node = yaml_get(map->root, name);
    char place[128];

    snprintf(place, sizeof place, "%s%s", map->path, name);
    return node ? yaml_text(node, place, word, m) : ERR_NONE;
}

/* A device all of whose numbers the map has to state. */
static enum err begin_own(struct device *d, const struct map *map, struct err_msg *m)
{
    struct facts_missing missing = { 0 };
    const char *cell = "resistive", *name = "own";
    enum err e = read_word(map, "cell", &cell, m);

    if (!e)
        e = read_word(map, "name", &name, m);
    if (e)
        return e;
    unsigned mask = mask_of(cell);
    if (!mask)
        return yaml_error(map->root, m, "%scell = %.40s: want resistive or sram", map->path, cell);
    d->sram = mask == SRAM;
    snprintf(d->name, sizeof d->name, "%s", name);
    facts_missing_add(&missing, map->root, "", rows, mask & ~(unsigned)MEAN, NULL);
    if (facts_missing_check(&missing, map->root, m))
        return yaml_error(map->root, m, "%s: %s%s%s: want %s, or file: NAME to begin with",
                          map->key, missing.n > 1 ? missing.keys : "", missing.n > 1 ? " and " : "",
                          missing.last, missing.n > 1 ? "them" : "it");
    return ERR_NONE;
}

static enum err begin_with_file(struct device *d, const struct map *map, struct err_msg *m)
{
    const char *word;
    enum err e = read_word(map, "file", &word, m);

    if (!e)
        e = load_word(d, word, map->key, m);
    if (!e) {
        size_t n = strcspn(d->name, ",");
        snprintf(d->name + n, sizeof d->name - n, ", changed");
    }
    return e;
}

/* Where the mean lies between the least and the largest conductance, 0 to 1. */
static double share_of_mean(const struct device *d)
{
    double on_us = us_per_s / d->r_on_ohm, off_us = us_per_s / d->r_off_ohm;

    return d->r_on_ohm > 0 ? fmin(1, fmax(0, (d->mean_us - off_us) / (on_us - off_us))) : 0.5;
}

static enum err read_map(struct device *d, const struct map *map, struct err_msg *m)
{
    static const char *const changes[] = { "file", "model", NULL };
    static const char *const own[] = { "cell", "name", "model", NULL };
    bool file = yaml_get(map->root, "file");
    enum err e = file ? begin_with_file(d, map, m) : begin_own(d, map, m);

    if (e)
        return e;
    double share = share_of_mean(d);
    unsigned mask = d->sram ? mask_of("sram") : mask_of("resistive") | PROGRAM;
    e = read_model(map->root, map->path, d, m);
    if (!e)
        e = facts_change(map->root, map->path, rows, mask, file ? changes : own, d, m);
    if (e)
        return e;
    read_program_basis(map->root, d);
    if (!d->sram && !yaml_get(map->root, "mean_us"))
        d->mean_us = us_per_s * (share / d->r_on_ohm + (1 - share) / d->r_off_ohm);
    return check(d, map->root, map->path, m);
}

/* Takes "device:1: ", the place in the map's text, off a message. */
static void drop_place(struct err_msg *m, const char *source)
{
    struct err_msg whole = *m;
    size_t n = strlen(source);

    if (strncmp(whole.text, source, n) == 0 && whole.text[n] == ':')
        err_set(m, ERR_INPUT, "%s", strstr(whole.text, ": ") + 2);
}

enum err device_read(struct device *d, const char *word, const char *key, struct err_msg *m)
{
    static const char source[] = "map of a device";
    char path[96];
    struct yaml root;
    const struct map map = { &root, key, path };
    enum err e;

    *d = (struct device){ 0 };
    if (word[0] != '{')
        return load_word(d, word, key, m);
    snprintf(path, sizeof path, "%s.", key);
    e = yaml_load_text(&root, source, word, strlen(word), m);
    if (!e)
        e = read_map(d, &map, m);
    if (e) {
        drop_place(m, source);
        *d = (struct device){ 0 };
    }
    yaml_release(&root);
    return e;
}

enum err device_check_bits(const struct device *d, double bits, struct err_msg *m)
{
    double window = d->sram ? 1 : 1 - d->r_on_ohm / d->r_off_ohm;
    double most = d->sram ? 1 : floor(log2(1 + window / d->level_step) + 1e-9);

    if (bits >= 1 && bits <= most)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%s: %g bits in a cell: on/off ratio %.4g with steps of %g of the "
                   "largest conductance holds at most %g", d->name, bits,
                   d->sram ? HUGE_VAL : d->r_off_ohm / d->r_on_ohm, d->level_step, most);
}
