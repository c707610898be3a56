/* study/price_table.c -- see price_table.h. */
#include "study/price_table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <jansson.h>

/* ---- one row of cells in any of the formats ---- */

struct writer {
    FILE             *out;
    enum price_format format;
    unsigned          column; // of the cell that comes next
    int               name;   // width of the first column, as text
};

/* Wide enough for every layer and block. */
static int name_width(const struct price_report *r)
{
    size_t longest = 20;

    for (uint32_t i = 0; i < r->n_layer; i++)
        longest = strlen(r->layer[i].name) > longest ? strlen(r->layer[i].name) : longest;
    return (int)longest + 2;
}

static void begin_table(struct writer *w, unsigned n_column)
{
    if (w->format != PRICE_LATEX)
        return;
    fputs("\\begin{tabular}{l", w->out);
    for (unsigned i = 1; i < n_column; i++)
        fputc('r', w->out);
    fputs("}\n\\hline\n", w->out);
}

static void end_table(struct writer *w)
{
    if (w->format == PRICE_LATEX)
        fputs("\\hline\n\\end{tabular}\n", w->out);
}

/* Names may hold what a format gives a meaning to. */
static void put_text(struct writer *w, const char *text)
{
    const char *special = w->format == PRICE_LATEX    ? "_%&#${}"
                          : w->format == PRICE_MARKDOWN ? "|_*"
                                                        : "";

    if (w->format == PRICE_CSV && strpbrk(text, ",\"\n")) {
        fputc('"', w->out);
        for (; *text; text++)
            fprintf(w->out, *text == '"' ? "\"\"" : "%c", *text);
        fputc('"', w->out);
        return;
    }
    for (; *text; text++) {
        if (strchr(special, *text))
            fputc('\\', w->out);
        fputc(*text, w->out);
    }
}

static void cell(struct writer *w, const char *text)
{
    static const char *const separators[] = { "", ",", " | ", " & " };
    int width = w->column == 0 ? -w->name : 14;

    if (w->format == PRICE_TEXT) {
        fprintf(w->out, "%*s", width, text);
    } else {
        fputs(w->column > 0 ? separators[w->format] : w->format == PRICE_MARKDOWN ? "| " : "",
              w->out);
        put_text(w, text);
    }
    w->column++;
}

static void end_row(struct writer *w)
{
    static const char *const ends[] = { "\n", "\n", " |\n", " \\\\\n" };

    fputs(ends[w->format], w->out);
    w->column = 0;
}

static void end_heading(struct writer *w)
{
    unsigned n = w->column;

    end_row(w);
    if (w->format == PRICE_LATEX)
        fputs("\\hline\n", w->out);
    if (w->format != PRICE_MARKDOWN)
        return;
    fputs("|---|", w->out);
    for (unsigned i = 1; i < n; i++)
        fputs("---:|", w->out);
    fputc('\n', w->out);
}

/* units / 10^decimals, exactly. */
static void cell_decimal(struct writer *w, int64_t units, int decimals)
{
    char text[40];
    int64_t one = 1;

    for (int i = 0; i < decimals; i++)
        one *= 10;
    if (decimals == 0)
        snprintf(text, sizeof text, "%" PRId64, units);
    else
        snprintf(text, sizeof text, "%" PRId64 ".%0*" PRId64, units / one, decimals, units % one);
    cell(w, text);
}

static void cell_nj(struct writer *w, int64_t pj)
{
    cell_decimal(w, pj, 3);
}

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
    struct parts energy, power, area;
};

static struct derived derived(const struct price_report *r)
{
    double pj = (double)(price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total));

    return (struct derived){ .energy.scale = 1e4 / pj,
                             .power.scale = 1e3 / r->image_ns, // pJ / ns = mW
                             .area.scale = 1e4 / (double)price_row_area_um2(&r->total) };
}

static void print_titles(struct writer *w, const char *const *titles, unsigned n)
{
    begin_table(w, n);
    for (unsigned i = 0; i < n; i++)
        cell(w, titles[i]);
    end_heading(w);
}

/* ---- the tables ---- */

struct amounts { // of a block
    int64_t energy_pj, leakage_pj, area_um2;
};

static void block_row(struct writer *w, const char *name, struct amounts a, struct derived *d)
{
    cell(w, name);
    cell_nj(w, a.energy_pj);
    cell_nj(w, a.leakage_pj);
    cell_nj(w, a.energy_pj + a.leakage_pj);
    cell_decimal(w, part(&d->energy, a.energy_pj + a.leakage_pj), 2);
    cell_decimal(w, part(&d->power, a.energy_pj + a.leakage_pj), 3);
    cell_decimal(w, a.area_um2, 0);
    cell_decimal(w, part(&d->area, a.area_um2), 2);
}

/* 0 is not a time but the lack of one. */
static void cell_latency(struct writer *w, double ns)
{
    char text[40] = "";

    if (ns > 0)
        snprintf(text, sizeof text, "%.2f", ns);
    cell(w, text);
}

void price_print_blocks(const struct price_report *r, enum price_format f, FILE *out)
{
    static const char *const titles[] = { "block", "dynamic nJ", "leakage nJ", "energy nJ",
                                          "energy %", "power mW", "area um2", "area %",
                                          "latency ns", "energy is" };
    const struct price_row *t = &r->total;
    struct derived parts = derived(r), whole = derived(r);
    struct writer w = { out, f, 0, name_width(r) };

    print_titles(&w, titles, sizeof titles / sizeof *titles);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        block_row(&w, price_block_name((enum price_block)b),
                  (struct amounts){ t->energy_pj[b], t->leakage_pj[b], t->area_um2[b] }, &parts);
        cell_latency(&w, t->latency_ns[b]);
        cell(&w, r->basis[b]);
        end_row(&w);
    }
    block_row(&w, t->name, (struct amounts){ price_row_energy_pj(t), price_row_leakage_pj(t),
                                             price_row_area_um2(t) }, &whole);
    cell(&w, "");
    cell(&w, "");
    end_row(&w);
    end_table(&w);
}

static void layer_row(struct writer *w, const struct price_row *r, struct derived *d)
{
    int64_t pj = price_row_energy_pj(r) + price_row_leakage_pj(r);

    cell(w, r->name);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        cell_nj(w, r->energy_pj[b]);
    cell_nj(w, price_row_leakage_pj(r));
    cell_nj(w, pj);
    cell_nj(w, r->idle_pj);
    cell_decimal(w, part(&d->energy, pj), 2);
    cell_decimal(w, part(&d->power, pj), 3);
    cell_decimal(w, price_row_area_um2(r), 0);
    end_row(w);
}

void price_print_layers(const struct price_report *r, enum price_format f, FILE *out)
{
    const char *titles[N_PRICE_BLOCK + 7] = { "layer" };
    static const char *const last[] = { "leakage", "sum nJ", "of it idle", "energy %", "power mW",
                                        "area um2" };
    struct derived parts = derived(r), whole = derived(r);
    struct writer w = { out, f, 0, name_width(r) };

    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        titles[1 + b] = b == PRICE_CONTROLLER ? "controller"
                                              : price_block_name((enum price_block)b);
    memcpy(&titles[1 + N_PRICE_BLOCK], last, sizeof last);
    print_titles(&w, titles, sizeof titles / sizeof *titles);
    for (uint32_t i = 0; i < r->n_layer; i++)
        layer_row(&w, &r->layer[i], &parts);
    layer_row(&w, &r->total, &whole);
    end_table(&w);
}

void price_print_items(const struct price_report *r, FILE *out)
{
    static const char *const titles[] = { "layer", "core", "block", "dynamic_nj", "leakage_nj",
                                          "energy_nj", "energy_percent", "power_mw", "area_um2",
                                          "area_percent", "latency_ns", "basis" };
    struct derived parts = derived(r);
    struct writer w = { out, PRICE_CSV, 0, 0 };

    print_titles(&w, titles, sizeof titles / sizeof *titles);
    for (uint32_t i = 0; i < r->n_core; i++)
        for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
            const struct price_row *c = &r->core[i];

            cell(&w, r->layer[c->layer].name);
            cell(&w, c->name);
            block_row(&w, price_block_name((enum price_block)b),
                      (struct amounts){ c->energy_pj[b], c->leakage_pj[b], c->area_um2[b] },
                      &parts);
            cell_latency(&w, c->latency_ns[b]);
            cell(&w, r->basis[b]);
            end_row(&w);
        }
}

/* ---- SVG ---- */

static const char *const colours[N_PRICE_BLOCK] = {
    "#4c72b0", "#55a868", "#c44e52", "#8172b3", "#ccb974", "#64b5cd", "#937860", "#8c8c8c",
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

enum { SVG_BAR = 12, SVG_PITCH = 16, SVG_BARS = 600, SVG_HEAD = 56 }; // pixels

static void svg_bar(FILE *out, const struct price_row *row, double left, double y, double scale)
{
    char text[32];
    double x = left;

    svg_text(out, left - 4, y + SVG_BAR - 2, "end", row->name);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        double width = (double)(row->energy_pj[b] + row->leakage_pj[b]) * scale;

        fprintf(out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n",
                x, y, width, SVG_BAR, colours[b]);
        x += width;
    }
    snprintf(text, sizeof text, "%.3f",
             (double)(price_row_energy_pj(row) + price_row_leakage_pj(row)) * 1e-3);
    svg_text(out, x + 4, y + SVG_BAR - 2, "start", text);
}

static void svg_legend(FILE *out, double width)
{
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        double x = 10 + b % 4 * (width / 4), y = 20 + b / 4 * SVG_PITCH;

        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x, y,
                colours[b]);
        svg_text(out, x + 14, y + 9, "start", price_block_name((enum price_block)b));
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
    double left = fmax(90, letter * (double)longest + 8), width = left + SVG_BARS + 80;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "font-family=\"sans-serif\" font-size=\"10\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            width, SVG_HEAD + SVG_PITCH * (double)r->n_layer + 4);
    snprintf(title, sizeof title,
             "energy of each layer, nJ an image, leakage with its block; %s, %s", r->technology,
             r->device);
    svg_text(out, 10, 12, "start", title);
    svg_legend(out, width);
    for (uint32_t i = 0; i < r->n_layer; i++)
        svg_bar(out, &r->layer[i], left, SVG_HEAD + SVG_PITCH * (double)i,
                SVG_BARS / (double)most);
    fputs("</svg>\n", out);
}

/* ---- JSON ---- */

static json_t *blocks_json(const int64_t *dynamic, const int64_t *leakage, double unit)
{
    json_t *o = json_object();

    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        json_object_set_new(o, price_block_name((enum price_block)b),
                            json_real((double)dynamic[b] / unit));
    if (leakage) {
        int64_t sum = 0;

        for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
            sum += leakage[b];
        json_object_set_new(o, "leakage", json_real((double)sum / unit));
    }
    return o;
}

static json_t *latency_json(const struct price_row *r)
{
    json_t *o = json_object();

    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
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
        json_object_set_new(o, "blocks", blocks_json(l->energy_pj, l->leakage_pj, 1e3));
        json_object_set_new(o, "latency_ns", latency_json(l));
        json_object_set_new(o, "area_mm2", json_real((double)price_row_area_um2(l) / 1e6));
        json_object_set_new(o, "area_blocks", blocks_json(l->area_um2, NULL, 1e6));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *basis_json(const struct price_report *r)
{
    json_t *o = json_object();

    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        json_object_set_new(o, price_block_name((enum price_block)b), json_string(r->basis[b]));
    return o;
}

static json_t *peak_json(const struct core_peak *p)
{
    return json_pack("{s:f, s:f, s:f, s:s}", "tops", p->tops, "tops_per_w", p->tops_per_w,
                     "tops_per_mm2", p->tops_per_mm2, "operations",
                     "2 per cell of one core's full array");
}

struct json_t *price_energy_json(const struct price_report *r)
{
    int64_t pj = price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total);
    json_t *o = json_object();

    json_object_set_new(o, "total_nj_per_image", json_real((double)pj / 1e3));
    json_object_set_new(o, "blocks", blocks_json(r->total.energy_pj, r->total.leakage_pj, 1e3));
    json_object_set_new(o, "leakage", blocks_json(r->total.leakage_pj, NULL, 1e3));
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
    json_object_set_new(o, "latency_ns", latency_json(&r->total));
    json_object_set_new(o, "layers", layers_json(r));
    return o;
}

struct json_t *price_area_json(const struct price_report *r)
{
    json_t *o = json_object();

    json_object_set_new(o, "total_mm2", json_real((double)price_row_area_um2(&r->total) / 1e6));
    json_object_set_new(o, "blocks", blocks_json(r->total.area_um2, NULL, 1e6));
    json_object_set_new(o, "tops_per_mm2", json_real(r->tops_per_mm2));
    return o;
}
