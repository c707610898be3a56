/* report/converter_report.c -- see converter_report.h. */
#include "report/converter_report.h"

struct core_codes {
    struct codes_reached range;
    uint64_t          conversions, clipped;
};

/* False: a core without converters, or whose sums nobody knows. */
static bool codes_of(const struct report *r, uint32_t core, struct core_codes *c)
{
    const struct plan *p = &r->study->plan;
    const struct array_spec *a = &p->layer[p->core[core].plan_layer].array;
    const struct core_counters *n = &r->result->core[core];

    if (a->adc_bits == 0 || r->analog || !r->result->values || n->conversions == 0)
        return false;
    *c = (struct core_codes){ { a->range, a->range }, n->conversions, n->clipped };
    if (a->calibrated && r->result->range)
        c->range = r->result->range[core];
    return true;
}

static double clipped_share(const struct core_codes *c)
{
    return (double)c->clipped / (double)c->conversions;
}

json_t *converter_json(const struct report *r, uint32_t core)
{
    struct core_codes c;
    json_t *o;

    if (!codes_of(r, core, &c))
        return NULL;
    o = json_object();
    json_put_count(&o, "range_least", (uint64_t)c.range.least);
    json_put_count(&o, "range_most", (uint64_t)c.range.most);
    json_put_real(&o, "clipped_share", clipped_share(&c));
    return o;
}

struct codes_clipped codes_clipped(const struct report *r)
{
    struct codes_clipped all = { 0 };
    struct core_codes c;

    for (uint32_t i = 0; i < r->study->plan.n_core; i++)
        if (codes_of(r, i, &c)) {
            all.conversions += c.conversions;
            all.clipped += c.clipped;
        }
    return all;
}

struct table *converter_table(const void *report)
{
    static const struct table_column columns[] = {
        { "core", "core" }, { "range from", "range_least" }, { "to", "range_most" },
        { "conversions", "conversions" }, { "clipped", "clipped" }, { "share", "clipped_share" },
        { 0 },
    };
    const struct report *r = report;
    struct table *t = table_new(columns);
    struct core_codes c;

    for (uint32_t i = 0; i < r->study->plan.n_core; i++) {
        if (!codes_of(r, i, &c))
            continue;
        table_text(t, r->study->plan.core[i].name);
        table_count(t, (uint64_t)c.range.least);
        table_count(t, (uint64_t)c.range.most);
        table_count(t, c.conversions);
        table_count(t, c.clipped);
        table_share(t, clipped_share(&c), 3);
    }
    table_title(t, "Converters of each core, all images");
    table_note(t, "range      largest sum, weight x input, that a code of its columns reaches\n"
                  "clipped    codes at their end, whose sum is beyond");
    return t;
}
