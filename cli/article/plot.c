/* cli/article/plot.c -- see plot.h. */
#include "cli/article/plot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arch/chip.h"
#include "cli/article/article.h"
#include "cli/article/gnuplot.h"
#include "dataflow/mapping.h"
#include "report/plan_report.h"

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a figure");
}

/* What a writer writes: the caller's. */
static enum err written(output_writer *write, const void *what, char **text, struct err_msg *m)
{
    size_t size;
    FILE *out = open_memstream(text, &size);

    if (!out)
        return no_memory(m);
    enum err e = write(what, out, m);
    if (fclose(out) != 0 && !e)
        e = no_memory(m);
    if (e) {
        free(*text);
        *text = NULL;
    }
    return e;
}

static enum err table_csv(const void *table, FILE *out, struct err_msg *m)
{
    return table_print(table, TABLE_CSV, out, m);
}

/* ---- gnuplot ---- */

#define WIDTH 860
#define HEIGHT 520

/* Draws p->data, to which `commands` refer as $data. */
static enum err draw(struct plot *p, const char *commands, struct err_msg *m)
{
    char *script;
    size_t size;
    FILE *out = open_memstream(&script, &size);

    if (!out)
        return no_memory(m);
    fprintf(out,
            "set encoding utf8\n"
            "set terminal svg size %d,%d fixed font 'Helvetica,Arial,sans-serif,15' "
            "background 'white' name '%s'\n"
            "set datafile separator ','\n"
            "$data << END\n%sEND\n"
            "set border 3 lc '#444444'\n"
            "set tics nomirror out textcolor '#222222'\n"
            "set grid lc '#e4e4e4' lt 1 lw 1\n"
            "set key Left reverse textcolor '#222222' spacing 1.25 samplen 2.5\n"
            "%s", WIDTH, HEIGHT, p->name, p->data, commands);
    if (fclose(out) != 0)
        return no_memory(m);
    enum err e = gnuplot_run(script, &p->svg, m);
    free(script);
    return e;
}

/* ---- Figure 6: replicas ---- */

enum { CHANNELS = 16, KERNEL = 3, MOST_REPLICAS = 64, MOST_WIDTH = 5 }; // article 2.2.3

static struct replicas replicas_of(uint32_t n, uint32_t block_width)
{
    static const struct window window = { .kernel = { KERNEL, KERNEL }, .stride = { 1, 1 },
                                          .dilation = { 1, 1 } };
    return replicas_make(&window, n, block_width);
}

/* A row for each n, a column for each dW. */
static struct table *replica_table(bool aspect)
{
    static const struct table_column columns[] = {
        { "", "replicas" }, { "", "dw_1" }, { "", "dw_2" }, { "", "dw_3" },
        { "", "dw_4" },     { "", "dw_5" }, { 0 },
    };
    struct table *t = table_new(columns);

    for (uint32_t n = 1; n <= MOST_REPLICAS; n++) {
        table_count(t, n);
        for (uint32_t width = 1; width <= MOST_WIDTH; width++) {
            uint32_t rows = CHANNELS * replicas_of(n, width).positions;
            if (aspect)
                table_real(t, (double)rows / (n * CHANNELS), 3);
            else
                table_count(t, rows);
        }
    }
    return t;
}

/* Colours of Okabe and Ito, which people with any colour vision can tell apart. */
#define LINES_OF_5                                                                              \
    "set linetype 1 lc '#0072b2' lw 2 pt 7 ps 0.45\n"                                           \
    "set linetype 2 lc '#d55e00' lw 2 pt 7 ps 0.45\n"                                           \
    "set linetype 3 lc '#009e73' lw 2 pt 7 ps 0.45\n"                                           \
    "set linetype 4 lc '#cc79a7' lw 2 pt 7 ps 0.45\n"                                           \
    "set linetype 5 lc '#e69f00' lw 2 pt 7 ps 0.45\n"                                           \
    "set xlabel 'kernel replicas n'\n"                                                          \
    "set xrange [0:65]\n"                                                                       \
    "set xtics 8\n"
#define PLOT_5                                                                                  \
    "plot for [w=1:5] $data skip 1 using 1:(column(w + 1)) with linespoints lt w "              \
    "title w == 1 ? 'ΔW = 1 (Method 1)' : sprintf('ΔW = %d', w)"

static enum err plot_replicas(struct plot *p, bool aspect, const char *commands,
                              struct err_msg *m)
{
    struct table *t = replica_table(aspect);
    enum err e = written(table_csv, t, &p->data, m);

    table_free(t);
    return e ? e : draw(p, commands, m);
}

static enum err plot_6a(struct plot *p, struct err_msg *m)
{
    return plot_replicas(p, true,
        LINES_OF_5
        "set ylabel 'aspect ratio: rows / columns'\n"
        "set yrange [0:9.5]\n"
        "set ytics 1\n"
        "set arrow from 0,3 to 65,3 nohead dt 2 lc '#777777'\n"
        "set label 'F = 3: limit of Method 1, eq. 2' at 64,2.7 right textcolor '#555555'\n"
        "set arrow from 0,1 to 65,1 nohead dt 2 lc '#777777'\n"
        "set label '1: limit of all, eq. 3' at 64,0.7 right textcolor '#555555'\n"
        PLOT_5 "\n", m);
}

static enum err plot_6b(struct plot *p, struct err_msg *m)
{
    return plot_replicas(p, false,
        LINES_OF_5
        "set ylabel 'crossbar rows'\n"
        "set yrange [0:*]\n"
        "set key top left\n"
        "set arrow from 20,0 to 20,1056 nohead dt 2 lc '#777777'\n"
        "set label '1,056' at 19.4,1130 right textcolor '#0072b2' front\n"
        "set label '672' at 20.7,560 left textcolor '#b07800' front\n"
        PLOT_5 ", '-' using 1:2 with points pt 6 ps 1.3 lw 2 lc '#222222' notitle\n"
        "20,1056\n20,672\ne\n", m);
}

/* ---- Figure 9: the plan on its grid ---- */

static enum err plot_9(struct plot *p, struct err_msg *m)
{
    struct study s;
    enum err e = study_load(&s, NULL, NULL, 0, m);

    if (e)
        return e;
    e = written(plan_grid_csv, &s, &p->data, m);
    if (!e)
        e = written(plan_grid_svg, &s, &p->svg, m);
    study_release(&s);
    return e;
}

/* ---- Figure 10: activations computed ---- */

struct growth { // of a first image
    const struct plan *plan;
    uint64_t         **computed; // owned; [layer][timestep]: pixels computed in it
};

static void note_firing(void *user, uint32_t core, const struct core_event *e)
{
    const struct growth *g = user;
    const struct plan *p = g->plan;
    const struct plan_core *pc = &p->core[core];

    if (e->kind != CORE_FIRED || pc->part > 0 || pc->split > 0)
        return;
    assert(e->timestep - p->time.lead < p->time.first_result);
    g->computed[pc->plan_layer][e->timestep - p->time.lead] += e->n;
}

/* Runs one image, timing only, to its result. */
static enum err run_watched(struct growth *g, struct err_msg *m)
{
    const struct core_probe probe = { .event = note_firing, .user = g };
    const struct chip_cfg cfg = { .plan = g->plan, .probe = &probe };
    struct chip *chip = chip_new(&cfg);

    if (!chip)
        return no_memory(m);
    chip_inject(chip, NULL);
    enum err e = chip_run(chip, (int64_t)g->plan->time.first_result - 1, m);
    chip_free(chip);
    return e;
}

static void growth_release(struct growth *g)
{
    for (uint32_t i = 0; g->computed && i < g->plan->n_layer; i++)
        free(g->computed[i]);
    free(g->computed);
}

static enum err growth_make(struct growth *g, const struct plan *p, struct err_msg *m)
{
    *g = (struct growth){ p, calloc(p->n_layer, sizeof *g->computed) };
    bool there = g->computed;

    for (uint32_t i = 0; there && i < p->n_layer; i++)
        there = (g->computed[i] = calloc(p->time.first_result, sizeof **g->computed)) != NULL;
    enum err e = there ? run_watched(g, m) : no_memory(m);
    if (e)
        growth_release(g);
    return e;
}

/* A row for each elapsed timestep, a column for each layer: pixels computed until then. */
static enum err growth_csv(const void *growth, FILE *out, struct err_msg *m)
{
    const struct growth *g = growth;
    const struct plan *p = g->plan;
    uint64_t *sum = calloc(p->n_layer, sizeof *sum);

    if (!sum)
        return no_memory(m);
    fputs("timesteps", out);
    for (uint32_t i = 0; i < p->n_layer; i++)
        fprintf(out, ",%s", plan_layer_name(p, i));
    for (uint64_t t = 0; t <= p->time.first_result; t++) {
        fprintf(out, "\n%" PRIu64, t);
        for (uint32_t i = 0; i < p->n_layer; i++) {
            sum[i] += t > 0 ? g->computed[i][t - 1] : 0;
            fprintf(out, ",%" PRIu64, sum[i]);
        }
    }
    fputc('\n', out);
    free(sum);
    return ERR_NONE;
}

/* The article's colours: layers of one map size are a group; light to dark along it. */
static const struct {
    const char *name;
    int         light[3], dark[3];
} groups[] = {
    { "red", { 250, 170, 150 }, { 165, 15, 21 } },
    { "blue", { 150, 190, 235 }, { 8, 48, 130 } },
    { "green", { 150, 215, 150 }, { 0, 90, 40 } },
};

static bool is_drawn(const struct plan *p, uint32_t i)
{
    return plan_network_layer(p, i)->kind == LAYER_CONV && p->layer[i].feed != FEED_READ_BACK;
}

/* Layers drawn whose map has this height, and how many of them stand before `layer`. */
static void count_group(const struct plan *p, uint32_t layer, uint32_t *n, uint32_t *before)
{
    *n = *before = 0;
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (is_drawn(p, i) &&
            plan_network_layer(p, i)->out.height == plan_network_layer(p, layer)->out.height) {
            *before += i < layer;
            ++*n;
        }
}

static void print_curves(const struct plan *p, FILE *out)
{
    const char *separator = "plot ";
    size_t group = 0;

    for (uint32_t i = 0; i < p->n_layer; i++) {
        uint32_t n, before;
        if (!is_drawn(p, i))
            continue;
        const struct layer *l = plan_network_layer(p, i);
        count_group(p, i, &n, &before);
        group += i > 0 && before == 0;
        assert(group < sizeof groups / sizeof *groups);
        int colour[3];
        for (int c = 0; c < 3; c++)
            colour[c] = groups[group].light[c] + (groups[group].dark[c] - groups[group].light[c]) *
                                                     (int)before / (int)(n > 1 ? n - 1 : 1);
        fprintf(out, "%s$data skip 1 every ::%" PRIu64 "::%" PRIu64 " using 1:%" PRIu32
                " with lines lw 1.7 lc '#%02x%02x%02x'", separator, p->time.layer[i].first_timestep,
                p->time.layer[i].last_timestep + 1, i + 2, (unsigned)colour[0], (unsigned)colour[1],
                (unsigned)colour[2]);
        if (before == n / 2)
            fprintf(out, " title '%" PRIu32 "×%" PRIu32 " pixels, %" PRIu32 " a timestep'",
                    l->out.height, l->out.width, p->layer[i].replicas.n);
        else
            fputs(" notitle", out);
        separator = ", \\\n  ";
    }
    fputc('\n', out);
}

static enum err growth_script(const void *growth, FILE *out, struct err_msg *m)
{
    const struct plan *p = ((const struct growth *)growth)->plan;

    (void)m;
    fprintf(out,
            "set xlabel 'timesteps'\n"
            "set ylabel 'pixels computed'\n"
            "set xrange [0:%" PRIu64 "]\n"
            "set yrange [0:1080]\n"
            "set ytics 128\n"
            "set key tmargin center horizontal maxrows 1 width -3\n"
            "set arrow from %" PRIu64 ",0 to %" PRIu64 ",800 nohead dt 2 lc '#777777'\n"
            "set label '%s' at %" PRIu64 ",840 right textcolor '#222222'\n",
            p->time.last_conv + p->time.last_conv / 40, p->time.last_conv, p->time.last_conv,
            format_count(p->time.last_conv).text, p->time.last_conv);
    print_curves(p, out);
    return ERR_NONE;
}

static enum err plot_growth(struct plot *p, const char *const *set, size_t n_set,
                            struct err_msg *m)
{
    struct study s;
    struct growth g;
    char *commands;
    enum err e = study_load(&s, NULL, set, n_set, m);

    if (e)
        return e;
    e = growth_make(&g, &s.plan, m);
    if (!e) {
        e = written(growth_csv, &g, &p->data, m);
        if (!e)
            e = written(growth_script, &g, &commands, m);
        if (!e) {
            e = draw(p, commands, m);
            free(commands);
        }
        growth_release(&g);
    }
    study_release(&s);
    return e;
}

static enum err plot_10a(struct plot *p, struct err_msg *m)
{
    return plot_growth(p, NULL, 0, m);
}

static enum err plot_10b(struct plot *p, struct err_msg *m)
{
    static const char *const set[] = { ARTICLE_ARRAY_512, ARTICLE_SPEED_UP,
                                       "mapping.firing=free" };
    return plot_growth(p, set, sizeof set / sizeof *set, m);
}

/* ---- all of them ---- */

static const struct {
    const char *name, *title, *caption;
    enum err (*make)(struct plot *p, struct err_msg *m);
} plots[N_PLOT] = {
    { "figure6a", "Figure 6A: aspect ratio of n replicas of a kernel",
      "3×3 kernels, 16 channels in and out, in blocks at most ΔW columns wide.", plot_6a },
    { "figure6b", "Figure 6B: crossbar rows of n replicas of a kernel",
      "The same kernels. Ringed: the two figures that the text of section 2.2.3 gives for n = 20.",
      plot_6b },
    { "figure9", "Figure 9: ResNet-32 on an 8-by-6 array of cores",
      "Every core with the rows and columns of its crossbar that hold weights; every stream on a "
      "link of its own.", plot_9 },
    { "figure10a", "Figure 10A: activations computed, plain run",
      "Cumulated over the first image, from a run of the chip. A curve for each convolution, light "
      "to dark along each group.", plot_10a },
    { "figure10b", "Figure 10B: activations computed, speed-up",
      "The same with 4, 2 and 1 pixels per timestep, on crossbars of 512×512; free firing, as the "
      "article counts.", plot_10b },
};

enum err article_plots(struct plot plot[N_PLOT], struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (size_t i = 0; i < N_PLOT; i++)
        plot[i] = (struct plot){ 0 };
    for (size_t i = 0; i < N_PLOT && !e; i++) {
        plot[i].name = plots[i].name;
        plot[i].title = plots[i].title;
        plot[i].caption = plots[i].caption;
        e = plots[i].make(&plot[i], m);
    }
    if (e)
        plots_release(plot);
    return e;
}

void plots_release(struct plot plot[N_PLOT])
{
    for (size_t i = 0; i < N_PLOT; i++) {
        free(plot[i].data);
        free(plot[i].svg);
        plot[i] = (struct plot){ 0 };
    }
}

enum err plot_data(const void *plot, FILE *out, struct err_msg *m)
{
    (void)m;
    fputs(((const struct plot *)plot)->data, out);
    return ERR_NONE;
}

enum err plot_svg(const void *plot, FILE *out, struct err_msg *m)
{
    (void)m;
    fputs(((const struct plot *)plot)->svg, out);
    return ERR_NONE;
}
