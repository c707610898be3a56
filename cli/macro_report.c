/* cli/macro_report.c -- see macro_report.h. */
#include "cli/macro_report.h"

#include <stdbool.h>

#include "arch/cost/macro.h"
#include "cli/results.h"
#include "report/json.h"
#include "report/table.h"
#include "report/version.h"

enum { MOST_ROW = 2 * N_MACRO_MODULE + 3 };

struct macro_row {
    const char *part, *quantity, *unit;
    int         decimals;
    struct macro_cell calibrated;
    double      predicted; // neither fit nor factor
};

struct macro_lines {
    struct macro_row row[MOST_ROW];
    size_t           n_row;
};

/* Neither circuits nor factors have a part in it. */
static bool is_cited(const struct macro_row *r)
{
    return r->calibrated.cited && r->calibrated.ours == r->predicted;
}

static const char *basis(const struct macro_row *r)
{
    if (is_cited(r))
        return "cited";
    return r->calibrated.ours == r->predicted ? "predicted" : "calibrated";
}

static void add(struct macro_lines *l, struct macro_row row)
{
    l->row[l->n_row++] = row;
}

static struct macro_lines lines(const struct macro_preset *p)
{
    const struct calibration none = calibration_none();
    struct macro ours = macro(&p->fitted, &p->factors), off = macro(&p->plain, &none);
    struct macro_lines l = { .n_row = 0 };

    for (unsigned i = 0; i < N_MACRO_MODULE; i++)
        add(&l, (struct macro_row){ macro_module_name((enum macro_module)i), "area", "um2", 0,
                                    ours.module[i].area_um2, off.module[i].area_um2.ours });
    for (unsigned i = 0; i < N_MACRO_MODULE; i++)
        add(&l, (struct macro_row){ macro_module_name((enum macro_module)i), "energy", "pJ", 2,
                                    ours.module[i].energy_pj, off.module[i].energy_pj.ours });
    add(&l, (struct macro_row){ "cycle", "delay", "ns", 2, ours.sensing_ns, off.sensing_ns.ours });
    add(&l, (struct macro_row){ "whole array before layout", "energy", "pJ", 1, ours.pre_layout_pj,
                                off.pre_layout_pj.ours });
    add(&l, (struct macro_row){ "whole array after layout", "energy", "pJ", 1, ours.post_layout_pj,
                                off.post_layout_pj.ours });
    return l;
}

static void error_cell(struct table *t, double value, double chip)
{
    if (chip > 0)
        table_share(t, value / chip - 1, 1);
    else
        table_none(t);
}

static struct table *module_table(const void *lines)
{
    static const struct table_column columns[] = {
        { "module", "module" },       { "quantity", "quantity" },   { "unit", "unit" },
        { "chip", "chip" },           { "article", "article" },     { "ours", "ours" },
        { "error", "error" },         { "basis", "basis" },         { "predicted", "predicted" },
        { "error", "predicted_error" }, { 0 },
    };
    const struct macro_lines *l = lines;
    struct table *t = table_new(columns);

    table_title(t, "The 40 nm RRAM macro of Lu et al. 2021");
    table_note(t, "ours       fitted capacitances and the seven factors; predicted: neither\n"
                  "cited      the article's figure, whose design kit is not public; sums contain "
                  "it");
    for (const struct macro_row *r = l->row; r < l->row + l->n_row; r++) {
        table_text(t, r->part);
        table_text(t, r->quantity);
        table_text(t, r->unit);
        if (r->calibrated.chip > 0)
            table_real(t, r->calibrated.chip, r->decimals);
        else
            table_none(t);
        table_real(t, r->calibrated.article, r->decimals);
        table_real(t, r->calibrated.ours, r->decimals);
        error_cell(t, r->calibrated.ours, r->calibrated.chip);
        table_text(t, basis(r));
        if (is_cited(r)) {
            table_none(t);
            table_none(t);
            continue;
        }
        table_real(t, r->predicted, r->decimals);
        error_cell(t, r->predicted, r->calibrated.chip);
    }
    return t;
}

static enum err macro_json(const void *rows, FILE *out, struct err_msg *m)
{
    const struct macro_lines *l = rows;
    json_t *o = json_object(), *list = json_array();

    for (const struct macro_row *r = l->row; r < l->row + l->n_row; r++) {
        json_t *j = json_object();
        json_put_text(&j, "module", r->part);
        json_put_text(&j, "quantity", r->quantity);
        json_put_text(&j, "unit", r->unit);
        if (r->calibrated.chip > 0)
            json_put_real(&j, "chip", r->calibrated.chip);
        json_put_real(&j, "article", r->calibrated.article);
        json_put_real(&j, "ours", r->calibrated.ours);
        json_put_text(&j, "basis", basis(r));
        if (!is_cited(r))
            json_put_real(&j, "predicted", r->predicted);
        json_add(&list, j);
    }
    json_put_text(&o, "format", "imcsim-macro/1");
    json_put_text(&o, "version", imcsim_version);
    json_put(&o, "modules", list);
    return json_print(o, out, m);
}

static const struct sheet sheets[] = { { "modules", false, module_table }, { 0 } };
static const struct form form = { sheets, NULL, NULL, macro_json };

enum err macro_report(const struct options *o, struct err_msg *m)
{
    struct macro_lines l;
    struct macro_preset preset;
    enum err e;

    if (o->svg || o->images || o->count || o->n_set)
        return err_set(m, ERR_INPUT, "%.400s: a macro has no images, keys or picture: want --json, "
                       "--csv or --format", o->operand);
    if ((e = results_check(&form, o, NULL, 0, m)) || (e = macro_load(&preset, o->operand, m)))
        return e;
    l = lines(&preset);
    return results_write(&form, o, &l, NULL, 0, m);
}
