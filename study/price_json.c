/* study/price_json.c -- see price_json.h. */
#include "study/price_json.h"

#include <jansson.h>

static json_t *blocks_json(const struct price_report *r, const int64_t *dynamic,
                           const int64_t *leakage, double unit)
{
    json_t *o = json_object();

    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b))
        json_object_set_new(o, price_block_name((enum price_block)b),
                            json_real((double)dynamic[b] / unit));
    if (leakage) {
        int64_t sum = 0;

        for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b))
            sum += leakage[b];
        json_object_set_new(o, "leakage", json_real((double)sum / unit));
    }
    return o;
}

static json_t *latency_json(const struct price_report *p, const struct price_row *r)
{
    json_t *o = json_object();

    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(p, b))
        if (r->latency_ns[b] > 0)
            json_object_set_new(o, price_block_name((enum price_block)b),
                                json_real(r->latency_ns[b]));
    return o;
}

static json_t *layers_json(const struct price_report *r)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < r->n_layer; i++) {
        const struct price_row *l = &r->layer[i];
        double pj = (double)(price_row_energy_pj(l) + price_row_leakage_pj(l));
        json_t *o = json_object();

        json_object_set_new(o, "name", json_string(l->name));
        json_object_set_new(o, "nj_per_image", json_real(pj / 1e3));
        json_object_set_new(o, "idle_nj_per_image", json_real((double)l->idle_pj / 1e3));
        json_object_set_new(o, "mean_power_mw", json_real(pj / r->image_ns));
        json_object_set_new(o, "blocks", blocks_json(r, l->energy_pj, l->leakage_pj, 1e3));
        json_object_set_new(o, "latency_ns", latency_json(r, l));
        json_object_set_new(o, "area_mm2", json_real((double)price_row_area_um2(l) / 1e6));
        json_object_set_new(o, "area_blocks", blocks_json(r, l->area_um2, NULL, 1e6));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *unused_json(const struct price_report *r)
{
    return json_pack("{s:I, s:f, s:f}", "count", (json_int_t)r->n_unused, "leakage_nj_per_image",
                     (double)price_row_leakage_pj(&r->unused) / 1e3, "area_mm2",
                     (double)price_row_area_um2(&r->unused) / 1e6);
}

static json_t *fabric_json(const struct price_report *r)
{
    const struct price_row *f = &r->fabric;

    return json_pack("{s:o, s:f, s:o}", "blocks", blocks_json(r, f->energy_pj, f->leakage_pj, 1e3),
                     "area_mm2", (double)price_row_area_um2(f) / 1e6, "area_blocks",
                     blocks_json(r, f->area_um2, NULL, 1e6));
}

static json_t *basis_json(const struct price_report *r)
{
    json_t *o = json_object();

    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b))
        json_object_set_new(o, price_block_name((enum price_block)b), json_string(r->basis[b]));
    return o;
}

static json_t *peak_json(const struct core_peak *p)
{
    return json_pack("{s:f, s:f, s:f, s:s}", "tops", p->tops, "tops_per_w", p->tops_per_w,
                     "tops_per_mm2", p->tops_per_mm2, "operations",
                     "2 per cell of one core's full array");
}

static json_t *attention_peak_json(const struct core_peak *p)
{
    return json_pack("{s:f, s:f, s:f, s:s}", "tops", p->tops, "tops_per_w", p->tops_per_w,
                     "tops_per_mm2", p->tops_per_mm2, "operations",
                     "2 per lane and clock of one attention core");
}

struct json_t *price_energy_json(const struct price_report *r)
{
    int64_t pj = price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total);
    json_t *o = json_object();

    json_object_set_new(o, "total_nj_per_image", json_real((double)pj / 1e3));
    json_object_set_new(o, "blocks", blocks_json(r, r->total.energy_pj, r->total.leakage_pj, 1e3));
    json_object_set_new(o, "leakage", blocks_json(r, r->total.leakage_pj, NULL, 1e3));
    json_object_set_new(o, "basis", basis_json(r));
    json_object_set_new(o, "mean_power_mw", json_real((double)pj / r->image_ns));
    json_object_set_new(o, "tops_per_w", json_real(r->tops_per_w));
    json_object_set_new(o, "tops", json_real(r->tops));
    json_object_set_new(o, "operations_per_image", json_real(r->image_ops));
    json_object_set_new(o, "technology", json_string(r->technology));
    json_object_set_new(o, "device", json_string(r->device));
    json_object_set_new(o, "crossbar_follows_values", json_boolean(r->values));
    if (r->warning[0])
        json_object_set_new(o, "warning", json_string(r->warning));
    json_object_set_new(o, "peak", peak_json(&r->peak));
    if (r->attention_peak.tops > 0) {
        json_object_set_new(o, "attention_peak", attention_peak_json(&r->attention_peak));
        json_object_set_new(o, "attention_operations_per_image", json_real(r->attention_ops));
    }
    json_object_set_new(o, "latency_ns", latency_json(r, &r->total));
    json_object_set_new(o, "fill_and_drain_nj", json_real((double)r->fill_pj / 1e3));
    if (r->total.program_pj > 0) {
        json_object_set_new(o, "programming_nj", json_real((double)r->total.program_pj / 1e3));
        json_object_set_new(o, "programming_basis", json_string(r->program_basis));
    }
    json_object_set_new(o, "interval_ns", json_real(r->image_ns));
    json_object_set_new(o, "unused_cores", unused_json(r));
    if (r->has_fabric)
        json_object_set_new(o, "fabric", fabric_json(r));
    json_object_set_new(o, "layers", layers_json(r));
    return o;
}

struct json_t *price_area_json(const struct price_report *r)
{
    json_t *o = json_object();

    json_object_set_new(o, "total_mm2", json_real((double)price_row_area_um2(&r->total) / 1e6));
    json_object_set_new(o, "blocks", blocks_json(r, r->total.area_um2, NULL, 1e6));
    json_object_set_new(o, "tops_per_mm2", json_real(r->tops_per_mm2));
    return o;
}
