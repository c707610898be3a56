/* arch/tech/price_table.c -- see price_table.h. */
#include "arch/tech/price_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- one row of cells in any of the formats ---- */

struct writer {
    FILE             *out;
    enum price_format format;
    unsigned          column; // of the cell that comes next
};

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
    int width = w->column == 0 ? -22 : 14;

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

/* Whole pJ as nJ: exact. */
static void cell_nj(struct writer *w, int64_t pj)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64 ".%03" PRId64, pj / 1000, pj % 1000);
    cell(w, text);
}

static void cell_um2(struct writer *w, int64_t um2)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, um2);
    cell(w, text);
}

static void cell_number(struct writer *w, double value, const char *format)
{
    char text[48];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, value);
#pragma GCC diagnostic pop
    cell(w, text);
}

/* ---- the tables ---- */

static void block_row(struct writer *w, const struct price_report *r, const char *name,
                      int64_t energy_pj, int64_t leakage_pj, int64_t area_um2, const char *basis)
{
    double all = (double)(price_row_energy_pj(&r->total) + price_row_leakage_pj(&r->total));
    double mine = (double)(energy_pj + leakage_pj);

    cell(w, name);
    cell_nj(w, energy_pj);
    cell_nj(w, leakage_pj);
    cell_nj(w, energy_pj + leakage_pj);
    cell_number(w, all > 0 ? 100 * mine / all : 0, "%.2f");
    cell_number(w, mine / r->image_ns, "%.4g"); // pJ / ns = mW
    cell_um2(w, area_um2);
    cell_number(w, 100 * (double)area_um2 / (double)price_row_area_um2(&r->total), "%.2f");
    cell(w, basis);
    end_row(w);
}

void price_print_blocks(const struct price_report *r, enum price_format f, FILE *out)
{
    static const char *const titles[] = { "block", "dynamic nJ", "leakage nJ", "energy nJ",
                                          "share %", "power mW", "area um2", "share %",
                                          "energy is" };
    struct writer w = { out, f, 0 };

    begin_table(&w, 9);
    for (unsigned i = 0; i < 9; i++)
        cell(&w, titles[i]);
    end_heading(&w);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        block_row(&w, r, price_block_name((enum price_block)b), r->total.energy_pj[b],
                  r->total.leakage_pj[b], r->total.area_um2[b], r->basis[b]);
    block_row(&w, r, r->total.name, price_row_energy_pj(&r->total), price_row_leakage_pj(&r->total),
              price_row_area_um2(&r->total), "");
    end_table(&w);
}

static void row(struct writer *w, const struct price_row *r)
{
    cell(w, r->name);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        cell_nj(w, r->energy_pj[b]);
    cell_nj(w, price_row_leakage_pj(r));
    cell_nj(w, price_row_energy_pj(r) + price_row_leakage_pj(r));
    cell_nj(w, r->idle_pj);
    cell_um2(w, price_row_area_um2(r));
    end_row(w);
}

static void print_rows(const struct price_report *r, const char *title,
                       const struct price_row *rows, uint32_t n, enum price_format f, FILE *out)
{
    static const char *const titles[] = { "leakage", "sum nJ", "of it idle", "area um2" };
    struct writer w = { out, f, 0 };

    begin_table(&w, N_PRICE_BLOCK + 5);
    cell(&w, title);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        cell(&w, b == PRICE_CONTROLLER ? "controller" : price_block_name((enum price_block)b));
    for (unsigned i = 0; i < 4; i++)
        cell(&w, titles[i]);
    end_heading(&w);
    for (uint32_t i = 0; i < n; i++)
        row(&w, &rows[i]);
    row(&w, &r->total);
    end_table(&w);
}

void price_print_layers(const struct price_report *r, enum price_format f, FILE *out)
{
    print_rows(r, "layer", r->layer, r->n_layer, f, out);
}

void price_print_cores(const struct price_report *r, enum price_format f, FILE *out)
{
    print_rows(r, "core", r->core, r->n_core, f, out);
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

static void svg_bar(FILE *out, const struct price_row *row, double y, double scale)
{
    const double left = 90, height = 12;
    double x = left;

    svg_text(out, left - 4, y + height - 2, "end", row->name);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        double width = (double)(row->energy_pj[b] + row->leakage_pj[b]) * scale;

        fprintf(out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.0f\" fill=\"%s\"/>\n",
                x, y, width, height, colours[b]);
        x += width;
    }
}

void price_print_svg(const struct price_report *r, FILE *out)
{
    const double width = 720, bars = 600, pitch = 16, legend = 40;
    double height = legend + pitch * r->n_layer + pitch;
    int64_t most = 1;

    for (uint32_t i = 0; i < r->n_layer; i++) {
        int64_t pj = price_row_energy_pj(&r->layer[i]) + price_row_leakage_pj(&r->layer[i]);
        most = pj > most ? pj : most;
    }
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "font-family=\"sans-serif\" font-size=\"10\">\n", width, height);
    for (unsigned b = 0; b < N_PRICE_BLOCK; b++) {
        double x = 10 + b % 4 * (width / 4), y = 4 + b / 4 * pitch;

        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x, y,
                colours[b]);
        svg_text(out, x + 14, y + 9, "start", price_block_name((enum price_block)b));
    }
    for (uint32_t i = 0; i < r->n_layer; i++)
        svg_bar(out, &r->layer[i], legend + pitch * i, bars / (double)most);
    char text[64];
    snprintf(text, sizeof text, "longest bar: %.3f nJ per image", (double)most * 1e-3);
    svg_text(out, 90, height - 4, "start", text);
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

static json_t *rows_json(const struct price_row *rows, uint32_t n)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < n; i++) {
        const struct price_row *r = &rows[i];
        json_t *o = json_object();

        json_object_set_new(o, "name", json_string(r->name));
        json_object_set_new(o, "nj_per_image", json_real((double)(price_row_energy_pj(r) +
                            price_row_leakage_pj(r)) / 1e3));
        json_object_set_new(o, "idle_nj_per_image", json_real((double)r->idle_pj / 1e3));
        json_object_set_new(o, "blocks", blocks_json(r->energy_pj, r->leakage_pj, 1e3));
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
    json_object_set_new(o, "layers", rows_json(r->layer, r->n_layer));
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
