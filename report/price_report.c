/* report/price_report.c -- see price_report.h. */
#include "report/price_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

const char *price_block_title(enum price_block b)
{
    static const char *const titles[N_PRICE_ALL] = {
        [PRICE_CROSSBAR] = "crossbar",
        [PRICE_INPUT_DRIVERS] = "input drivers",
        [PRICE_ADC] = "converters",
        [PRICE_DIGITAL] = "digital processor",
        [PRICE_INPUT_MEMORY] = "input memory",
        [PRICE_CONTROLLER] = "dataflow controller",
        [PRICE_LINKS] = "links",
        [PRICE_CLOCK] = "clock",
        [PRICE_ROUTERS] = "routers",
        [PRICE_ATTENTION] = "attention",
        [PRICE_KV_MEMORY] = "K/V memory",
        [PRICE_NORM] = "norms, tables",
        [PRICE_OFF_CHIP] = "off chip",
    };

    return titles[b];
}

/* ---- tables ---- */

/* Amounts times a scale in whole units that add up to the whole's: each is the difference of two
 * rounded running sums, so it is off by less than a unit. */
struct parts {
    double  scale;
    int64_t sum, given;
};

static int64_t part(struct parts *p, int64_t amount)
{
    int64_t before = p->given;

    p->sum += amount;
    p->given = llround((double)p->sum * p->scale);
    return p->given - before;
}

/* Columns beside the amounts themselves: % with 2 decimals, mW with 3. */
struct derived {
    struct parts energy, power, area, mac; // mac: fJ of a multiply-accumulate, with 3
};

static struct derived derived(const struct price_report *r)
{
    double pj = (double)(price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total));

    return (struct derived){ .energy.scale = 1e4 / pj,
                             .power.scale = 1e3 / r->image_ns, // pJ / ns = mW
                             .mac.scale = 2e6 / r->image_ops,  // two operations
                             .area.scale = 1e4 / (double)price_row_area_um2(&r->total) };
}

struct amounts { // of a block
    int64_t energy_pj, leakage_pj, area_um2;
};

static void nj(struct table *t, int64_t pj)
{
    table_real(t, (double)pj / 1e3, 3);
}

static void amounts(struct table *t, struct amounts a, struct derived *d)
{
    int64_t pj = a.energy_pj + a.leakage_pj;

    nj(t, a.energy_pj);
    nj(t, a.leakage_pj);
    nj(t, pj);
    table_real(t, (double)part(&d->energy, pj) / 100, 2);
    table_real(t, (double)part(&d->power, pj) / 1000, 3);
    table_real(t, (double)part(&d->mac, pj) / 1000, 3);
    table_real(t, (double)a.area_um2, 0);
    table_real(t, (double)part(&d->area, a.area_um2) / 100, 2);
}

/* 0 is not a time but the lack of one. */
static void latency(struct table *t, double ns)
{
    if (ns > 0)
        table_real(t, ns, 2);
    else
        table_none(t);
}

#define AMOUNTS                                                                                 \
    { "dynamic nJ", "dynamic_nj" }, { "leakage nJ", "leakage_nj" },                       \
    { "energy nJ", "energy_nj" }, { "energy %", "energy_percent" },                       \
    { "power mW", "power_mw" }, { "fJ/MAC", "fj_per_mac" }, { "area um2", "area_um2" },   \
    { "area %", "area_percent" }, { "latency ns", "latency_ns" }, { "energy is", "basis" }

struct table *price_block_table(const struct price_report *r)
{
    static const struct table_column columns[] = { { "block", "block" }, AMOUNTS, { 0 } };
    const struct price_row *all = &r->total;
    struct derived parts = derived(r), whole = derived(r);
    struct table *t = table_new(columns);

    table_title(t, "Energy of an image, power and area by block");
    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b)) {
        enum price_block block = (enum price_block)b;
        table_named(t, price_block_name(block), price_block_title(block));
        amounts(t, (struct amounts){ all->energy_pj[b], all->leakage_pj[b], all->area_um2[b] },
                &parts);
        latency(t, all->latency_ns[b]);
        table_text(t, r->basis[b]);
    }
    table_text(t, all->name);
    amounts(t, (struct amounts){ price_row_energy_pj(all), price_row_leakage_pj(all),
                                 price_row_area_um2(all) }, &whole);
    table_none(t);
    table_none(t);
    return t;
}

static void layer_row(struct table *t, const struct price_report *all, const struct price_row *r,
                      struct derived *d)
{
    int64_t pj = price_row_energy_pj(r) + price_row_leakage_pj(r);

    table_text(t, r->name);
    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(all, b))
        nj(t, r->energy_pj[b]);
    nj(t, price_row_leakage_pj(r));
    nj(t, pj);
    nj(t, r->idle_pj);
    table_real(t, (double)part(&d->energy, pj) / 100, 2);
    table_real(t, (double)part(&d->power, pj) / 1000, 3);
    table_real(t, (double)part(&d->mac, pj) / 1000, 3);
    table_real(t, (double)price_row_area_um2(r), 0);
}

struct table *price_layer_table(const struct price_report *r)
{
    static const struct table_column last[] = {
        { "leakage", "leakage_nj" },    { "sum", "energy_nj" },      { "of it idle", "idle_nj" },
        { "energy %", "energy_percent" }, { "power mW", "power_mw" },
        { "fJ/MAC", "fj_per_mac" },     { "area um2", "area_um2" },
    };
    struct table_column columns[N_PRICE_ALL + 9] = { { "layer", "layer" } };
    struct derived parts = derived(r), whole = derived(r);
    unsigned n = 0;

    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b))
        columns[1 + n++] = (struct table_column){ .title = price_block_title((enum price_block)b),
                                                  .key = price_block_name((enum price_block)b) };
    memcpy(&columns[1 + r->n_block], last, sizeof last);
    struct table *t = table_new(columns);
    table_title(t, "Energy of an image by layer, nJ");
    for (uint32_t i = 0; i < r->n_layer; i++)
        layer_row(t, r, &r->layer[i], &parts);
    if (r->n_unused > 0)
        layer_row(t, r, &r->unused, &parts);
    if (r->has_fabric)
        layer_row(t, r, &r->fabric, &parts);
    layer_row(t, r, &r->total, &whole);
    return t;
}

static void item_rows(struct table *t, const struct price_report *r, const struct price_row *c,
                      const char *layer, struct derived *parts)
{
    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b)) {
        table_text(t, layer);
        table_text(t, c->name);
        table_named(t, price_block_name((enum price_block)b),
                    price_block_title((enum price_block)b));
        amounts(t, (struct amounts){ c->energy_pj[b], c->leakage_pj[b], c->area_um2[b] }, parts);
        latency(t, c->latency_ns[b]);
        table_text(t, r->basis[b]);
    }
}

struct table *price_item_table(const struct price_report *r)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "core", "core" }, { "block", "block" }, AMOUNTS, { 0 },
    };
    struct derived parts = derived(r);
    struct table *t = table_new(columns);

    table_title(t, "Energy of an image, power and area by core and block");
    for (uint32_t i = 0; i < r->n_core; i++)
        item_rows(t, r, &r->core[i], r->layer[r->core[i].layer].name, &parts);
    if (r->n_unused > 0)
        item_rows(t, r, &r->unused, "", &parts);
    if (r->has_fabric)
        item_rows(t, r, &r->fabric, "", &parts);
    return t;
}

/* ---- sums ---- */

static void sum_row(struct table *t, const struct price_row *r, struct derived *d)
{
    int64_t pj = price_row_energy_pj(r) + price_row_leakage_pj(r), um2 = price_row_area_um2(r);

    nj(t, pj);
    table_real(t, (double)part(&d->energy, pj) / 100, 2);
    table_real(t, (double)part(&d->mac, pj) / 1000, 3);
    nj(t, price_row_leakage_pj(r));
    table_real(t, (double)um2, 0);
    table_real(t, (double)part(&d->area, um2) / 100, 2);
}

struct table *price_kind_table(const struct price_report *r)
{
    static const struct table_column columns[] = {
        { "kind of core", "kind" }, { "cores", "cores" }, { "energy nJ", "energy_nj" },
        { "energy %", "energy_percent" }, { "fJ/MAC", "fj_per_mac" },
        { "of it leakage", "leakage_nj" }, { "area um2", "area_um2" },
        { "area %", "area_percent" }, { 0 },
    };
    static const char *const kinds[N_PRICE_KIND][2] = {
        [PRICE_ARRAY_CORE] = { "array", "with an array" },
        [PRICE_DIGITAL_CORE] = { "digital", "digital" },
        [PRICE_TOKEN_CORE] = { "tokens", "of tokens" },
    };
    struct derived parts = derived(r), whole = derived(r);
    struct table *t = table_new(columns);

    table_title(t, "Energy of an image and area by kind of core");
    for (unsigned k = 0; k < N_PRICE_KIND; k++)
        if (r->n_kind[k] > 0) {
            table_named(t, kinds[k][0], kinds[k][1]);
            table_count(t, r->n_kind[k]);
            sum_row(t, &r->kind[k], &parts);
        }
    if (r->n_unused > 0) {
        table_named(t, "unused", "without a layer");
        table_count(t, r->n_unused);
        sum_row(t, &r->unused, &parts);
        table_note(t, "chip.cores = %" PRIu32 " is a chip without the cores that hold no layer.",
                   r->n_core);
    }
    if (r->has_fabric) {
        table_named(t, "fabric", "none: the fabric");
        table_count(t, 0);
        sum_row(t, &r->fabric, &parts);
    }
    table_text(t, r->total.name);
    table_count(t, (uint64_t)r->n_core + r->n_unused);
    sum_row(t, &r->total, &whole);
    return t;
}

/* The blocks whose energy rests on `basis`; their names, with commas. */
static int64_t basis_pj(const struct price_report *r, const char *basis, char names[256])
{
    int64_t pj = 0;

    names[0] = '\0';
    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b)) {
        size_t n = strlen(names);
        if (strcmp(r->basis[b], basis) != 0)
            continue;
        snprintf(names + n, 256 - n, "%s%s", n > 0 ? ", " : "",
                 price_block_title((enum price_block)b));
        pj += r->total.energy_pj[b] + r->total.leakage_pj[b];
    }
    return pj;
}

struct table *price_basis_table(const struct price_report *r)
{
    static const struct table_column columns[] = {
        { "energy is", "basis" }, { "energy nJ", "energy_nj" }, { "energy %", "energy_percent" },
        { "fJ/MAC", "fj_per_mac" }, { "blocks", "blocks" }, { 0 },
    };
    static const char *const bases[] = { "calibrated", "cited", "scaled", "predicted" };
    struct derived parts = derived(r);
    struct table *t = table_new(columns);
    char names[256];

    table_title(t, "What the energy of an image rests on");
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        int64_t pj = basis_pj(r, bases[i], names);
        if (names[0] == '\0')
            continue;
        table_text(t, bases[i]);
        nj(t, pj);
        table_real(t, (double)part(&parts.energy, pj) / 100, 2);
        table_real(t, (double)part(&parts.mac, pj) / 1000, 3);
        table_text(t, names);
    }
    return t;
}

struct efficiency {
    double tops_per_w, tops, tops_per_mm2;
};

static void efficiency_row(struct table *t, const char *key, const char *what, struct efficiency e,
                           const char *counts)
{
    table_named(t, key, what);
    table_real(t, e.tops_per_w, 4);
    table_real(t, 2e3 / e.tops_per_w, 3);
    table_real(t, e.tops, 5);
    table_real(t, e.tops_per_mm2, 5);
    table_text(t, counts);
}

struct table *price_efficiency_table(const struct price_report *r)
{
    static const struct table_column columns[] = {
        { "efficiency", "efficiency" }, { "TOPS/W", "tops_per_w" }, { "fJ/MAC", "fj_per_mac" },
        { "TOPS", "tops" }, { "TOPS/mm2", "tops_per_mm2" }, { "counts", "counts" }, { 0 },
    };
    struct table *t = table_new(columns);

    table_title(t, "Efficiency");
    efficiency_row(t, "peak", "peak",
                   (struct efficiency){ r->peak.tops_per_w, r->peak.tops, r->peak.tops_per_mm2 },
                   "one core, all cells busy");
    if (r->attention_peak.tops > 0)
        efficiency_row(t, "attention_peak", "peak of attention",
                       (struct efficiency){ r->attention_peak.tops_per_w, r->attention_peak.tops,
                                            r->attention_peak.tops_per_mm2 },
                       "one attention core, all lanes busy, their energy alone");
    efficiency_row(t, "delivered", "delivered",
                   (struct efficiency){ r->tops_per_w, r->tops, r->tops_per_mm2 },
                   "all cores, what the network needs");
    table_note(t, "An operation is a multiplication or an addition: two a MAC. Peak energy is that "
               "of crossbar,\ndrivers, converters and digital processor; delivered is all, leakage "
               "included.");
    return t;
}

/* ---- programming ---- */

static void programming_row(struct table *t, const struct price_report *p,
                            const struct price_row *r)
{
    table_text(t, r->name);
    table_real(t, (double)r->cells, 0);
    nj(t, r->program_pj);
    table_text(t, p->program_basis);
}

struct table *price_programming_table(const struct price_report *r)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "cells", "cells" }, { "energy nJ", "energy_nj" },
        { "energy is", "basis" }, { 0 },
    };
    double image_pj = (double)(price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total));
    struct table *t = table_new(columns);

    table_title(t, "What programming the weights takes, once");
    for (uint32_t i = 0; r->total.program_pj > 0 && i < r->n_layer; i++)
        if (r->layer[i].cells > 0)
            programming_row(t, r, &r->layer[i]);
    if (r->total.program_pj > 0) {
        programming_row(t, r, &r->total);
        table_note(t, "As much as %.3g images take.%s", (double)r->total.program_pj / image_pj,
                   strcmp(r->program_basis, "assumed") == 0
                       ? "\nAssumed: program_pj of this device has no published source. Pulses and "
                         "checks of a cell\ndiffer by several times from array to array."
                       : "");
    } else {
        table_note(t, "Not known: device %s states no program_pj.", r->device);
    }
    return t;
}

/* ---- inputs ---- */

void price_say_inputs(const struct price_report *r, const char *activity, char *text, size_t size)
{
    if (r->values)
        snprintf(text, size, "crossbar and drivers follow the values of %s",
                 activity[0] ? activity : "the run");
    else
        snprintf(text, size, "timing only, so the crossbar's input is the chip's stated mean: of "
                 "trained networks such means were off by up to 9.7 times in drivers, 1.3 in "
                 "crossbars");
}

static void input_row(struct table *t, const struct price_row *r, uint64_t n_image)
{
    table_text(t, r->name);
    table_real(t, r->in.driven / (double)n_image, 0);
    table_share(t, r->in.active / r->in.driven, 2);
    table_share(t, r->in.digits / r->in.most, 2);
}

struct table *price_input_table(const struct price_report *r)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "rows driven", "driven_rows" }, { "not 0", "active_percent" },
        { "of full scale", "digits_percent" }, { 0 },
    };
    struct table *t = table_new(columns);

    table_title(t, "Inputs of an image by layer");
    for (uint32_t i = 0; i < r->n_layer; i++)
        if (r->layer[i].in.driven > 0)
            input_row(t, &r->layer[i], r->n_image);
    if (r->total.in.driven > 0)
        input_row(t, &r->total, r->n_image);
    table_note(t, "Full scale: every bit is 1, or every pulse the longest.");
    return t;
}

static void zeros_row(struct table *t, int64_t pj, int64_t without_pj)
{
    nj(t, pj);
    nj(t, without_pj);
    nj(t, without_pj - pj);
    table_share(t, without_pj > 0 ? 1 - (double)pj / (double)without_pj : 0, 2);
}

struct table *price_zeros_table(const struct price_report *r, const struct price_report *without)
{
    static const struct table_column columns[] = {
        { "block", "block" }, { "dynamic nJ", "dynamic_nj" },
        { "without zeros", "without_zeros_nj" }, { "saved nJ", "saved_nj" },
        { "saved", "saved_percent" }, { 0 },
    };
    struct table *t = table_new(columns);

    table_title(t, "What inputs of 0 save of an image");
    for (unsigned b = 0; r->values && b <= PRICE_DIGITAL; b++) {
        table_named(t, price_block_name((enum price_block)b),
                    price_block_title((enum price_block)b));
        zeros_row(t, r->total.energy_pj[b], without->total.energy_pj[b]);
    }
    if (r->values) {
        table_text(t, "all blocks");
        zeros_row(t, price_row_energy_pj(&r->total), price_row_energy_pj(&without->total));
    }
    table_note(t, "Without zeros: rows whose input is 0 take what the others take in the mean.");
    return t;
}

/* ---- SVG ---- */

static const char *const colours[N_PRICE_ALL] = {
    "#4c72b0", "#55a868", "#c44e52", "#8172b3", "#ccb974", "#64b5cd", "#937860", "#8c8c8c",
    "#da8bc3", "#dd8452", "#2f4b7c", "#bcbd22", "#17202a",
};

static void svg_text(FILE *out, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc(*text, out);
        }
    fputs("</text>\n", out);
}

enum { SVG_BAR = 12, SVG_PITCH = 16, SVG_BARS = 600, SVG_HEAD = 24 }; // pixels

static void svg_bar(FILE *out, const struct price_report *r, const struct price_row *row,
                    double left, double y, double scale)
{
    char text[32];
    double x = left;

    svg_text(out, left - 4, y + SVG_BAR - 2, "end", row->name);
    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b)) {
        double width = (double)(row->energy_pj[b] + row->leakage_pj[b]) * scale;

        fprintf(out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n",
                x, y, width, SVG_BAR, colours[b]);
        x += width;
    }
    double nj = (double)(price_row_energy_pj(row) + price_row_leakage_pj(row)) * 1e-3;
    if (nj < 1000)
        snprintf(text, sizeof text, "%#.4g", nj);
    else
        snprintf(text, sizeof text, "%s", format_count((uint64_t)(nj + 0.5)).text);
    svg_text(out, x + 4, y + SVG_BAR - 2, "start", text);
}

static void svg_legend(FILE *out, const struct price_report *r, double width)
{
    unsigned n = 0;

    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(r, b), n++) {
        double x = 10 + n % 4 * (width / 4), y = 20 + n / 4 * SVG_PITCH;

        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x, y,
                colours[b]);
        svg_text(out, x + 14, y + 9, "start", price_block_title((enum price_block)b));
    }
}

void price_print_svg(const struct price_report *r, FILE *out)
{
    const double letter = 6;
    size_t longest = 0;
    int64_t most = 1;
    char title[160];

    for (uint32_t i = 0; i < r->n_layer; i++) {
        int64_t pj = price_row_energy_pj(&r->layer[i]) + price_row_leakage_pj(&r->layer[i]);

        most = pj > most ? pj : most;
        longest = strlen(r->layer[i].name) > longest ? strlen(r->layer[i].name) : longest;
    }
    const double head = SVG_HEAD + SVG_PITCH * ceil(r->n_block / 4.0); // four to a line
    double left = fmax(90, letter * (double)longest + 8), width = left + SVG_BARS + 80;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "font-family=\"sans-serif\" font-size=\"10\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            width, head + SVG_PITCH * (double)r->n_layer + 4);
    snprintf(title, sizeof title,
             "energy of each layer, nJ an image, leakage with its block; %s, %s", r->technology,
             r->device);
    svg_text(out, 10, 12, "start", title);
    svg_legend(out, r, width);
    for (uint32_t i = 0; i < r->n_layer; i++)
        svg_bar(out, r, &r->layer[i], left, head + SVG_PITCH * (double)i,
                SVG_BARS / (double)most);
    fputs("</svg>\n", out);
}
