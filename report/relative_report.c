/* report/relative_report.c -- see relative_report.h. */
#include "report/relative_report.h"

#include <inttypes.h>

#include "report/plan_report.h"

static const char *name_of(const struct relative_row *row, const struct plan *p)
{
    return row->layer < p->n_layer ? plan_layer_name(p, row->layer) : "total";
}

static void put_row(struct table *t, const struct relative_price *r,
                    const struct relative_row *row, const struct plan *p)
{
    table_text(t, name_of(row, p));
    table_count(t, row->macs);
    table_real(t, (double)row->macs / r->ratio.energy_less, 1);
    table_count(t, row->lanes);
    table_real(t, (double)row->lanes / r->ratio.area_less, 1);
}

struct table *relative_table(const struct relative_price *r, const struct plan *p)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "energy, bfloat16", "energy_bf16" },
        { "energy, integers", "energy_integers" }, { "area, bfloat16", "area_bf16" },
        { "area, integers", "area_integers" }, { 0 },
    };
    struct table *t = table_new(columns);

    table_title(t, "Multiply-adds of attention, an image, relative: one of bfloat16 is 1");
    for (uint32_t i = 0; i < r->n_row; i++)
        put_row(t, r, &r->row[i], p);
    put_row(t, r, &r->all, p);
    table_note(t, "Relative, no joules: of %g nm, one of %" PRIu32 " bit takes 1/%.4g of the "
               "energy and 1/%.4g of the area.\nArea is that of all lanes. Attention is %.3f %% of "
               "all multiply-accumulates (f): with arrays\nthe total is (1 - f) + f r, r the "
               "energy of one here by one of an array; integers divide f r by %.4g.",
               r->ratio.node_nm, r->bits, r->ratio.energy_less, r->ratio.area_less,
               100 * attention_share(p->network), r->ratio.energy_less);
    return t;
}

static json_t *row_json(const struct relative_price *r, const struct relative_row *row,
                        const struct plan *p)
{
    json_t *o = json_object();

    json_put_text(&o, "layer", name_of(row, p));
    json_put_count(&o, "energy_bf16", row->macs);
    json_put_real(&o, "energy_integers", (double)row->macs / r->ratio.energy_less);
    json_put_count(&o, "area_bf16", row->lanes);
    json_put_real(&o, "area_integers", (double)row->lanes / r->ratio.area_less);
    return o;
}

json_t *relative_json(const struct relative_price *r, const struct plan *p)
{
    json_t *o = json_object(), *layers = json_array();

    for (uint32_t i = 0; i < r->n_row; i++)
        json_add(&layers, row_json(r, &r->row[i], p));
    json_put_text(&o, "unit", "a multiply-add of bfloat16 is 1");
    json_put_count(&o, "bits", r->bits);
    json_put_real(&o, "node_nm", r->ratio.node_nm);
    json_put_real(&o, "energy_less", r->ratio.energy_less);
    json_put_real(&o, "area_less", r->ratio.area_less);
    json_put(&o, "layers", layers);
    json_put(&o, "total", row_json(r, &r->all, p));
    return o;
}
