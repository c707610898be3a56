/* study/activity.c -- see activity.h. */
#include "study/activity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct layer_activity { // of a layer, summed over its cores
    double driven, active, abs, digits, products;
};

struct source { // borrowed
    const char   *path;
    const json_t *doc;
    bool          digits; // of the same slices as the machine's
    double        images;
};

static double number(const json_t *object, const char *key)
{
    double value = json_number_value(json_object_get(object, key)); // 0: not there

    return value > 0 ? value : 0;
}

/* What the document says of the layer; driven is 0 where it has no such layer. */
static struct layer_activity find_layer(const struct source *s, const char *name)
{
    struct layer_activity a = { 0 };
    const json_t *core;
    size_t i;

    json_array_foreach(json_object_get(s->doc, "core_list"), i, core) {
        const char *layer = json_string_value(json_object_get(core, "layer"));
        const json_t *n = json_object_get(core, "counters");
        if (!layer || strcmp(layer, name) != 0)
            continue;
        a.driven += number(n, "driven_rows");
        a.active += number(n, "active_rows");
        a.abs += number(n, "sum_abs_x");
        a.digits += number(n, s->digits ? "sum_digits" : "sum_abs_x");
        a.products += number(n, "sum_abs_xw");
    }
    return a;
}

/* Cells that a core drives: rows, each with the columns that are read. */
static double cells(const struct core_counters *n)
{
    return n->firings > 0 ? (double)n->driven_rows * (double)n->outputs / (double)n->firings : 0;
}

static uint64_t scaled(double rate, double amount)
{
    double x = rate * amount;

    return x < 9e18 ? (uint64_t)llround(x) : UINT64_C(9000000000000000000);
}

static void fill(struct core_counters *n, const struct layer_activity *a, double products)
{
    double rows = (double)n->driven_rows / a->driven;

    n->active_rows = scaled(rows, a->active);
    n->sum_abs_x = scaled(rows, a->abs);
    n->sum_digits = scaled(rows, a->digits);
    n->sum_abs_xw = scaled(1, products);
}

static enum err apply_layer(struct core_counters *core, const struct plan *p, uint32_t layer,
                            uint64_t n_image, const struct source *s, struct err_msg *m)
{
    const struct plan_layer *pl = &p->layer[layer];
    struct layer_activity a = find_layer(s, plan_layer_name(p, layer));
    double all = 0, images = (double)n_image / s->images;

    if (layer_is_digital(plan_network_layer(p, layer)))
        return ERR_NONE;
    if (a.driven < 1 || a.active > a.driven)
        return err_set(m, ERR_INPUT, "%.400s: has no inputs of layer %.64s: want the result of a "
                       "run of this network with images", s->path, plan_layer_name(p, layer));
    for (uint32_t i = 0; i < pl->n_core; i++)
        all += cells(&core[pl->first_core + i]);
    for (uint32_t i = 0; i < pl->n_core; i++) {
        struct core_counters *n = &core[pl->first_core + i];
        fill(n, &a, all > 0 ? a.products * images * cells(n) / all : 0);
    }
    return ERR_NONE;
}

static const json_t *config_of(const json_t *doc, const char *section, const char *key)
{
    const json_t *core = json_object_get(json_object_get(doc, "config"), "core");

    return json_object_get(json_object_get(core, section), key);
}

/* Slices are written where they were given; else a pulse of 8 bits. */
static enum err check_slices(struct source *s, const struct study *study, struct err_msg *m)
{
    const json_t *given = config_of(s->doc, "crossbar", "input_slice_bits");
    uint32_t want = study->config.crossbar.input_slice_bits;
    json_int_t has = given ? json_integer_value(given) : 8;
    const json_t *first = json_array_get(json_object_get(s->doc, "core_list"), 0);

    s->digits = json_object_get(json_object_get(first, "counters"), "sum_digits") != NULL;
    if (!plan_is_read(&study->plan) || (s->digits && has == want) || (has >= 8 && want >= 8))
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%.400s: has inputs in slices of %lld bits, this machine of "
                   "core.crossbar.input_slice_bits = %u: want a run with images of such slices",
                   s->path, (long long)has, want);
}

static enum err apply(struct core_counters *core, const struct study *study, uint64_t n_image,
                      struct source *s, struct err_msg *m)
{
    const char *format = json_string_value(json_object_get(s->doc, "format"));
    const json_t *images = json_object_get(s->doc, "images");
    enum err e;

    if (!format || strcmp(format, "imcsim-run/1") != 0)
        return err_set(m, ERR_INPUT, "%.400s: format = %.40s: want the result of imcsim run "
                       "--images SET --json FILE", s->path, format ? format : "(none)");
    s->images = number(images, "count");
    if (!json_is_string(json_object_get(images, "set")) || s->images < 1)
        return err_set(m, ERR_INPUT, "%.400s: is of a run without images, whose inputs are not "
                       "known: want imcsim run --images SET --json FILE", s->path);
    if ((e = check_slices(s, study, m)))
        return e;
    for (uint32_t i = 0; !e && i < study->plan.n_layer; i++)
        e = apply_layer(core, &study->plan, i, n_image, s, m);
    return e;
}

enum err activity_apply(struct core_counters *core, const struct study *study, uint64_t n_image,
                        const char *path, struct err_msg *m)
{
    json_error_t error;
    struct source s = { .path = path,
                        .doc = json_load_file(path, JSON_REJECT_DUPLICATES, &error) };

    if (!s.doc && error.line < 0)
        return err_set(m, ERR_INPUT, "%.800s", error.text);
    if (!s.doc)
        return err_set(m, ERR_INPUT, "%.400s:%d: %s", path, error.line, error.text);
    enum err e = apply(core, study, n_image, &s, m);
    json_decref((json_t *)s.doc);
    return e;
}
