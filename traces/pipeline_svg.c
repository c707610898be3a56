/* traces/pipeline_svg.c -- see pipeline_svg.h. */
#include "traces/pipeline_svg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum { BINS = 1024, PLOT_WIDTH = 1000, LEAST_LEFT = 90, TOP = 78, ROW = 18, AREA = 14, FOOT = 40 };
enum { LETTER = 7 }; // a wide one of the names: none is cut

/* The first four of the Okabe-Ito palette that show on white (M. Okabe, K. Ito, "Color Universal
 * Design", 2008). */
static const char *const colour[PIPELINE_IMAGES] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7" };

bool pipeline_init(struct pipeline *p, uint32_t n_row)
{
    *p = (struct pipeline){ .row = calloc(n_row, sizeof *p->row), .bin_timesteps = 1 };
    for (; p->row && p->n_row < n_row; p->n_row++) {
        uint32_t **count = &p->row[p->n_row].count;
        *count = calloc((size_t)PIPELINE_IMAGES * BINS, sizeof **count);
        if (!*count)
            break;
    }
    if (p->row && p->n_row == n_row)
        return true;
    pipeline_release(p);
    return false;
}

void pipeline_release(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_row; i++)
        free(p->row[i].count);
    free(p->row);
    *p = (struct pipeline){ 0 };
}

static void double_bins(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_row; i++)
        for (uint32_t k = 0; k < PIPELINE_IMAGES; k++) {
            uint32_t *count = p->row[i].count + (size_t)k * BINS;
            for (uint32_t b = 0; b < BINS; b++)
                count[b] = b < BINS / 2 ? count[2 * b] + count[2 * b + 1] : 0;
        }
    p->bin_timesteps *= 2;
}

void pipeline_count(struct pipeline *p, uint32_t row, uint64_t image, uint64_t timestep)
{
    if (image >= PIPELINE_IMAGES)
        return;
    struct pipeline_image *at = &p->row[row].image[image];
    while (timestep / p->bin_timesteps >= BINS)
        double_bins(p);
    p->row[row].count[image * BINS + timestep / p->bin_timesteps]++;
    at->first = at->any ? at->first : timestep;
    at->last = timestep;
    at->any = true;
    at->firings++;
}

/* ---- drawing ---- */

struct frame {
    uint64_t end; // timesteps in the picture
    uint32_t left, height;
};

static double x_of(const struct frame *f, uint64_t timestep)
{
    return f->left + (double)PLOT_WIDTH * (double)timestep / (double)f->end;
}

/* Text of any origin, inside an element. */
static void put_text(const char *s, FILE *out)
{
    for (; *s; s++) {
        if (*s == '<' || *s == '&')
            fputs(*s == '<' ? "&lt;" : "&amp;", out);
        else
            fputc(*s, out);
    }
}

/* The least of 1, 2, 5, 10, 20, .. timesteps between marks so that there are at most ten. */
static uint64_t mark_distance(uint64_t end)
{
    uint64_t unit = 1;

    for (; unit * 100 < end; unit *= 10)
        ;
    return unit * 10 >= end ? unit : unit * 20 >= end ? 2 * unit : unit * 50 >= end ? 5 * unit
                                                                                   : 10 * unit;
}

static void draw_axis(const struct frame *f, uint64_t timestep_ns, FILE *out)
{
    uint64_t step = mark_distance(f->end);
    uint32_t bottom = f->height - FOOT;

    for (uint64_t t = 0; t <= f->end; t += step)
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%" PRIu32 "\" stroke=\"#ddd\"/>\n"
                "<text x=\"%.1f\" y=\"%" PRIu32 "\" text-anchor=\"middle\">%" PRIu64 "</text>\n",
                x_of(f, t), TOP, x_of(f, t), bottom, x_of(f, t), bottom + 14, t);
    fprintf(out,
            "<text x=\"%" PRIu32 "\" y=\"%" PRIu32 "\" text-anchor=\"middle\">timestep of %" PRIu64
            " ns</text>\n",
            f->left + PLOT_WIDTH / 2, bottom + 31, timestep_ns);
}

/* Colours, and what height and width of an area mean. */
static void draw_legend(const struct pipeline *p, const struct frame *f, FILE *out)
{
    for (uint32_t i = 0; i < PIPELINE_IMAGES; i++) {
        if (!p->row[0].image[i].any)
            continue;
        uint32_t x = f->left + 90 * i;
        fprintf(out,
                "<rect x=\"%" PRIu32 "\" y=\"36\" width=\"12\" height=\"12\" fill=\"%s\"/>\n"
                "<text x=\"%" PRIu32 "\" y=\"46\">image %" PRIu32 "</text>\n",
                x, colour[i], x + 18, i);
    }
    fprintf(out, "<text x=\"%" PRIu32 "\" y=\"64\" fill=\"#555\">A row is a layer. Its area is as "
                 "long as the layer works on an image, and as high as the share of the time in "
                 "which it fires: full height is a firing each timestep.</text>\n", f->left);
}

/* The area of an image in a row: as high as the share of the bin in which the row fires. */
static void draw_area(const struct pipeline *p, const struct frame *f, uint32_t row, uint32_t image,
                      FILE *out)
{
    const struct pipeline_row *r = &p->row[row];
    const struct pipeline_image *at = &r->image[image];
    const uint32_t *count = r->count + (size_t)image * BINS;
    uint64_t first = at->first / p->bin_timesteps, last = at->last / p->bin_timesteps;
    uint32_t base = TOP + ROW * (row + 1) - 2, before = 0;

    fprintf(out, "<path class=\"area\" fill=\"%s\" d=\"M%.1f %" PRIu32, colour[image],
            x_of(f, first * p->bin_timesteps), base);
    for (uint64_t b = first; b <= last + 1; b++) {
        uint32_t n = b <= last ? count[b] : 0;
        double share = (double)n / ((double)r->most * (double)p->bin_timesteps);
        if (n != before)
            fprintf(out, "H%.1fV%.1f", x_of(f, b * p->bin_timesteps), base - AREA * share);
        before = n;
    }
    fprintf(out, "Z\"><title>%s, image %" PRIu32 ": %" PRIu64 " firings, timesteps %" PRIu64
            " to %" PRIu64 "</title></path>\n", r->name, image, at->firings, at->first, at->last);
}

static void draw_row(const struct pipeline *p, const struct frame *f, uint32_t row, FILE *out)
{
    uint32_t base = TOP + ROW * (row + 1) - 2;

    fprintf(out, "<text class=\"layer\" x=\"%" PRIu32 "\" y=\"%" PRIu32 "\" text-anchor=\"end\">",
            f->left - 8,
            base - 2);
    put_text(p->row[row].name, out);
    fprintf(out,
            "</text>\n<line x1=\"%" PRIu32 "\" y1=\"%" PRIu32 "\" x2=\"%" PRIu32
            "\" y2=\"%" PRIu32 "\" stroke=\"#bbb\" stroke-width=\"0.5\"/>\n",
            f->left, base, f->left + PLOT_WIDTH, base);
    for (uint32_t i = 0; i < PIPELINE_IMAGES; i++)
        if (p->row[row].image[i].any)
            draw_area(p, f, row, i, out);
}

void pipeline_draw(const struct pipeline *p, const char *title, uint64_t timestep_ns, FILE *out)
{
    struct frame f = { .end = 1, .left = LEAST_LEFT, .height = TOP + ROW * p->n_row + FOOT };

    for (uint32_t i = 0; i < p->n_row; i++)
        f.left = max_u32(f.left, LETTER * (uint32_t)strlen(p->row[i].name) + 16);
    for (uint32_t i = 0; i < p->n_row; i++)
        for (uint32_t k = 0; k < PIPELINE_IMAGES; k++)
            if (p->row[i].image[k].any) // whole bins
                f.end = max_u64(f.end, round_up(p->row[i].image[k].last + 1, p->bin_timesteps));
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%" PRIu32 "\" height=\"%" PRIu32
            "\" font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%" PRIu32 "\" y=\"22\" font-size=\"15\">",
            f.left + PLOT_WIDTH + 30, f.height, f.left);
    put_text(title, out);
    fputs("</text>\n", out);
    draw_legend(p, &f, out);
    draw_axis(&f, timestep_ns, out);
    for (uint32_t i = 0; i < p->n_row; i++)
        draw_row(p, &f, i, out);
    fputs("</svg>\n", out);
}
