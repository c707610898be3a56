/* traces/states_svg.c -- see states_svg.h. */
#include "traces/states_svg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum { COLUMNS = 250, COLUMN = 4, ROW = 16, AREA = 12, TOP = 80, FOOT = 40, LEAST_LEFT = 90,
       LETTER = 7, LEGEND = 96, MARKS = 10 };

bool states_init(struct states_picture *p, const struct states_kind *kind, uint32_t n_kind,
                 uint32_t n_row, uint64_t end_clk)
{
    *p = (struct states_picture){ .kind = kind, .n_kind = n_kind, .end_clk = end_clk,
                                  .column_clk = ceil_div(end_clk, COLUMNS),
                                  .row = calloc(n_row, sizeof *p->row) };
    p->n_column = (uint32_t)ceil_div(end_clk, p->column_clk);
    for (; p->row && p->n_row < n_row; p->n_row++) {
        uint64_t **clk = &p->row[p->n_row].clk;
        *clk = calloc((size_t)p->n_column * n_kind, sizeof **clk);
        if (!*clk)
            break;
    }
    if (p->row && p->n_row == n_row)
        return true;
    states_release(p);
    return false;
}

void states_release(struct states_picture *p)
{
    for (uint32_t i = 0; i < p->n_row; i++)
        free(p->row[i].clk);
    free(p->row);
    *p = (struct states_picture){ 0 };
}

void states_add(struct states_picture *p, uint32_t row, uint32_t kind, uint64_t first_clk,
                uint64_t end_clk)
{
    for (uint64_t at = first_clk, next; at < end_clk; at = next) {
        const uint64_t column = at / p->column_clk;
        next = min_u64(end_clk, (column + 1) * p->column_clk);
        p->row[row].clk[column * p->n_kind + kind] += next - at;
    }
}

/* ---- drawing ---- */

/* Text of any origin, inside an element. */
static void put_text(const char *s, FILE *out)
{
    for (; *s; s++) {
        if (*s == '<' || *s == '&' || *s == '>')
            fputs(*s == '<' ? "&lt;" : *s == '>' ? "&gt;" : "&amp;", out);
        else
            fputc(*s, out);
    }
}

/* The least of 1, 2, 5, 10, 20, .. clocks of which there are at most MARKS. */
static uint64_t mark_distance(uint64_t end)
{
    uint64_t unit = 1;

    while (unit * MARKS * 10 < end)
        unit *= 10;
    return unit * MARKS >= end       ? unit
           : 2 * unit * MARKS >= end ? 2 * unit
           : 5 * unit * MARKS >= end ? 5 * unit
                                     : 10 * unit;
}

static void put_mark(double x, uint32_t y, uint64_t clk, FILE *out)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%" PRIu32 "\" text-anchor=\"middle\">%" PRIu64 "</text>\n",
            x, y, clk);
}

static void draw_axis(const struct states_picture *p, uint32_t left, FILE *out)
{
    const uint32_t bottom = TOP + ROW * p->n_row;

    for (uint64_t t = 0; t <= p->end_clk; t += mark_distance(p->end_clk)) {
        double x = left + (double)t / (double)p->column_clk * COLUMN;
        fprintf(out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%" PRIu32
                "\" stroke=\"#ddd\"/>\n", x, TOP, x, bottom);
        put_mark(x, TOP - 6, t, out);
        put_mark(x, bottom + 14, t, out);
    }
    fprintf(out, "<text x=\"%" PRIu32 "\" y=\"%" PRIu32 "\">clocks</text>\n", left, bottom + 31);
}

static void draw_legend(const struct states_picture *p, uint32_t left, FILE *out)
{
    for (uint32_t i = 0, x = left; i < p->n_kind; i++) {
        if (!p->kind[i].colour)
            continue;
        fprintf(out,
                "<rect x=\"%" PRIu32 "\" y=\"36\" width=\"12\" height=\"12\" fill=\"%s\"/>\n"
                "<text x=\"%" PRIu32 "\" y=\"46\">%s<title>%s</title></text>\n",
                x, p->kind[i].colour, x + 18, p->kind[i].name, p->kind[i].doc);
        x += LEGEND;
    }
}

/* The first `n` kinds of a column together, in parts of AREA by ten. */
static uint32_t height(const struct states_picture *p, const struct states_row *r, uint32_t column,
                       uint32_t n)
{
    const uint64_t clk = min_u64(p->column_clk, p->end_clk - column * p->column_clk);
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += r->clk[(size_t)column * p->n_kind + i];
    return (uint32_t)(((double)sum * 10 * AREA) / (double)clk + 0.5);
}

/* What kinds up to this one fill, behind which those below are drawn. */
static void draw_area(const struct states_picture *p, const struct states_row *r, uint32_t kind,
                      uint32_t left, uint32_t base, FILE *out)
{
    uint32_t before = 0;

    fprintf(out, "<path fill=\"%s\" d=\"M%" PRIu32 " %" PRIu32, p->kind[kind].colour, left, base);
    for (uint32_t c = 0; c < p->n_column; c++) {
        const uint32_t now = height(p, r, c, kind + 1);
        if (now != before)
            fprintf(out, "H%" PRIu32 "V%.10g", left + c * COLUMN, base - now / 10.0);
        before = now;
    }
    fprintf(out, "H%" PRIu32 "V%" PRIu32 "Z\"/>\n", left + p->n_column * COLUMN, base);
}

static void draw_title(const struct states_picture *p, const struct states_row *r, FILE *out)
{
    fputs("<title>", out);
    put_text(r->name, out);
    for (uint32_t k = 0; k < p->n_kind; k++) {
        uint64_t sum = 0;
        for (uint32_t c = 0; c < p->n_column; c++)
            sum += r->clk[(size_t)c * p->n_kind + k];
        fprintf(out, "%s %" PRIu64 " clocks %s", k > 0 ? "," : ":", sum, p->kind[k].name);
    }
    fputs("</title>", out);
}

static void draw_row(const struct states_picture *p, uint32_t row, uint32_t left, FILE *out)
{
    const struct states_row *r = &p->row[row];
    const uint32_t base = TOP + ROW * (row + 1) - 2;

    fputs("<g class=\"row\">", out);
    draw_title(p, r, out);
    fprintf(out, "<text x=\"%" PRIu32 "\" y=\"%" PRIu32 "\" text-anchor=\"end\">", left - 8,
            base - 2);
    put_text(r->name, out);
    fputs("</text>\n", out);
    for (uint32_t k = p->n_kind; k-- > 0;)
        if (p->kind[k].colour)
            draw_area(p, r, k, left, base, out);
    fputs("</g>\n", out);
}

void states_draw(const struct states_picture *p, const char *title, FILE *out)
{
    uint32_t left = LEAST_LEFT;

    for (uint32_t i = 0; i < p->n_row; i++)
        left = max_u32(left, LETTER * (uint32_t)strlen(p->row[i].name) + 16);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%" PRIu32 "\" height=\"%" PRIu32
            "\" font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%" PRIu32 "\" y=\"22\" font-size=\"15\">",
            left + COLUMNS * COLUMN + 30, TOP + ROW * p->n_row + FOOT, left);
    put_text(title, out);
    fputs("</text>\n", out);
    draw_legend(p, left, out);
    draw_axis(p, left, out);
    for (uint32_t i = 0; i < p->n_row; i++)
        draw_row(p, i, left, out);
    fputs("</svg>\n", out);
}
