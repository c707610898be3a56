/* cli/article/article.c -- see article.h. */
#include "cli/article/article.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/mapping.h"
#include "memory/input_memory.h"
#include "report/plan_report.h"
#include "report/table.h"
#include "study/run.h"
#include "study/study.h"

/* ---- figures ---- */

/* A number as printed, thousands separated; NaN when the text is no number. */
static double number_of(const char *text)
{
    char digits[32];
    size_t n = 0;
    char *end;

    for (; *text && n + 1 < sizeof digits; text++)
        if (*text != ',')
            digits[n++] = *text;
    digits[n] = '\0';
    double value = strtod(digits, &end);
    return *end == '\0' && end != digits ? value : (double)NAN;
}

enum figure_status figure_status(const struct figure *f)
{
    if (!f->printed)
        return FIGURE_OURS_ALONE;
    bool same = strcmp(f->ours, f->printed) == 0;
    if (f->deviation)
        return same ? FIGURE_DIFFERS : FIGURE_DEVIATES;
    if (same)
        return FIGURE_AGREES;
    double printed = number_of(f->printed);
    return fabs(number_of(f->ours) - printed) <= f->tolerance * printed ? FIGURE_WITHIN
                                                                        : FIGURE_DIFFERS;
}

size_t figures_differing(const struct figure_table *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_row; i++)
        for (size_t j = 0; j < t->row[i].n_figure; j++)
            n += figure_status(&t->row[i].figure[j]) == FIGURE_DIFFERS;
    return n;
}

static void add_cell(struct table *t, const struct figure *f)
{
    enum figure_status s = figure_status(f);
    char both[64];

    if (s == FIGURE_OURS_ALONE || s == FIGURE_AGREES)
        snprintf(both, sizeof both, "%s", f->ours);
    else
        snprintf(both, sizeof both, "%s (%s)", f->ours, f->printed);
    table_text(t, both);
}

static const char *row_verdict(const struct figure_row *r)
{
    const char *verdict = ""; // nothing printed

    for (size_t i = 0; i < r->n_figure; i++) {
        enum figure_status s = figure_status(&r->figure[i]);
        if (s == FIGURE_DIFFERS)
            return "DIFFERS";
        if (s == FIGURE_DEVIATES)
            verdict = r->figure[i].deviation;
        else if (s != FIGURE_OURS_ALONE && !verdict[0])
            verdict = "agrees";
    }
    return verdict;
}

struct table *figure_table_make(const struct figure_table *f)
{
    struct table_column columns[MAX_FIGURE + 3] = { { .title = f->row_title, .key = "row" } };
    size_t n = 1;

    for (size_t i = 0; i < f->row[0].n_figure; i++, n++)
        columns[n].title = columns[n].key = f->row[0].figure[i].quantity;
    columns[n] = (struct table_column){ .title = "printed figures", .key = "status" };

    struct table *t = table_new(columns);
    table_title(t, f->title);
    for (size_t i = 0; i < f->n_row; i++) {
        table_text(t, f->row[i].name);
        for (size_t j = 0; j < f->row[i].n_figure; j++)
            add_cell(t, &f->row[i].figure[j]);
        table_text(t, row_verdict(&f->row[i]));
    }
    return t;
}

static enum err new_rows(struct figure_table *t, size_t n, struct err_msg *m)
{
    t->row = calloc(n, sizeof *t->row);
    t->n_row = t->row ? n : 0;
    return t->row ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the article's tables");
}

void figure_table_release(struct figure_table *t)
{
    free(t->row);
    *t = (struct figure_table){0};
}

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static struct figure *add(struct figure_row *r, const char *quantity, const char *printed,
                          const char *ours, ...)
{
    assert(r->n_figure < MAX_FIGURE);
    struct figure *f = &r->figure[r->n_figure++];
    va_list args;

    *f = (struct figure){ .quantity = quantity, .printed = printed };
    va_start(args, ours);
    vsnprintf(f->ours, sizeof f->ours, ours, args);
    va_end(args);
    return f;
}

/* ---- section 2.2.3: replicas ---- */

#define REPLICA_CHANNELS 16

static const struct replica_row {
    uint32_t    n, block_width;
    const char *printed[3]; // rows, columns, their ratio
} replica_rows[] = {
    { 1, 1, { NULL, NULL, "9" } },
    { 20, 1, { "1,056", NULL, NULL } },
    { 20, 5, { "672", NULL, NULL } },
};

enum err article_replicas(struct figure_table *t, struct err_msg *m)
{
    static const struct window window = {
        .kernel = { 3, 3 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad_before = { 1, 1 },
        .pad_after = { 1, 1 },
    };

    *t = (struct figure_table){
        .name = "replicas",
        .title = "Section 2.2.3: replicas of a 3x3 kernel, 16 channels in and out",
        .row_title = "replicas",
    };
    enum err e = new_rows(t, sizeof replica_rows / sizeof *replica_rows, m);
    for (size_t i = 0; i < t->n_row; i++) {
        const struct replica_row *r = &replica_rows[i];
        struct replicas replicas = replicas_make(&window, r->n, r->block_width);
        uint32_t rows = REPLICA_CHANNELS * replicas.positions, columns = REPLICA_CHANNELS * r->n;
        snprintf(t->row[i].name, sizeof t->row[i].name, "n = %" PRIu32 ", dW = %" PRIu32, r->n,
                 r->block_width);
        add(&t->row[i], "rows", r->printed[0], "%s", format_count(rows).text);
        add(&t->row[i], "columns", r->printed[1], "%s", format_count(columns).text);
        add(&t->row[i], "rows / columns", r->printed[2], "%.3g", (double)rows / columns);
    }
    return e;
}

/* ---- Table 1: the placings ---- */

static const struct table_1_row {
    uint32_t    channels, height, word_bits;
    const char *placing;
    int         decimals[2]; // of the printed memory and share
    const char *printed[4];  // KB, % empty, read, write
    const char *deviation[4];
} table_1[] = {
    { 3, 32, 128, "iwap", { 3, 0 }, { "0.288", "0", "[1, 2]", "[1, 2]" }, { 0 } },
    { 3, 32, 128, "klip", { 3, 0 }, { "0.505", "43", "1", "1" }, { 0 } },
    { 3, 32, 128, "plip", { 3, 1 }, { "1.523", "82.1", "3", "1" }, { 0, "D2", 0, 0 } },
    { 56, 8, 160, "iwap", { 3, 0 }, { "1.344", "0", "[9, 10]", "[3, 4]" }, { 0 } },
    { 56, 8, 160, "klip", { 3, 1 }, { "1.427", "5.9", "9", "[3, 4]" }, { "D2", 0, 0, 0 } },
    { 56, 8, 160, "plip", { 3, 1 }, { "1.436", "6.4", "9", "3" }, { 0 } },
    { 56, 8, 128, "iwap", { 3, 0 }, { "1.344", "0", "11", "4" }, { 0 } },
    { 56, 8, 128, "klip", { 1, 0 }, { "1.4", "4", "11", "4" }, { 0 } },
    { 56, 8, 128, "plip", { 3, 0 }, { "1.528", "12", "12", "4" }, { 0 } },
};

#define TABLE_1_KERNEL 3

static struct figure *add_range(struct figure_row *r, const char *quantity, const char *printed,
                                uint32_t least, uint32_t most)
{
    if (least == most)
        return add(r, quantity, printed, "%" PRIu32, least);
    return add(r, quantity, printed, "[%" PRIu32 ", %" PRIu32 "]", least, most);
}

static void fill_table_1_row(struct figure_row *r, const struct table_1_row *t)
{
    const struct memory_shape shape = { .pixel_values = t->channels,
                                        .height = t->height,
                                        .columns = TABLE_1_KERNEL,
                                        .kernel_columns = TABLE_1_KERNEL,
                                        .word_values = t->word_bits / 8 };
    struct memory_layout layout;

    memory_layout_init(&layout, &shape, placing_find(t->placing));
    struct memory_metrics metrics = memory_metrics(&layout);
    snprintf(r->name, sizeof r->name, "N=%" PRIu32 " H=%" PRIu32 " WL=%" PRIu32 " %s", t->channels,
             t->height, t->word_bits, t->placing);
    add(r, "KB", t->printed[0], "%.*f", t->decimals[0], (double)metrics.used_values / 1000);
    add(r, "% empty", t->printed[1], "%.*f", t->decimals[1], metrics.empty_percent);
    add_range(r, "read", t->printed[2], metrics.read_least, metrics.read_most);
    add_range(r, "write", t->printed[3], metrics.write_least, metrics.write_most);
    for (size_t i = 0; i < 4; i++)
        r->figure[i].deviation = t->deviation[i];
}

enum err article_table_1(struct figure_table *t, struct err_msg *m)
{
    *t = (struct figure_table){
        .name = "table1",
        .title = "Table 1: memory and words (clocks) to read a kernel row and to write a pixel",
        .row_title = "placing",
    };
    enum err e = new_rows(t, sizeof table_1 / sizeof *table_1, m);
    for (size_t i = 0; i < t->n_row; i++)
        fill_table_1_row(&t->row[i], &table_1[i]);
    return e;
}

/* ---- studies ---- */

#define MAX_SET 8

static enum err load(struct study *s, const char *const *set, struct err_msg *m)
{
    size_t n = 0;

    while (set[n])
        n++;
    return study_load(s, NULL, set, n, m);
}

/* ---- Table 2: the layers ---- */

static const struct table_2_row {
    const char *name;        // as printed
    const char *first, *last; // layers that it stands for
    const char *printed[9];
    const char *deviation[9];
} table_2[] = {
    { "1", "conv1", "conv1", { "32x32", "32x32", "1", "3", "16", "3x3", "27", "16", "24" }, { 0 } },
    { "2/11", "conv2", "conv11",
      { "32x32", "32x32", "1", "16", "16", "3x3", "144", "16", "128" }, { 0 } },
    { "RS1", "rs1", "rs1", { "32x32", "16x16", "2", "16", "28", "1x1", "16", "28", "128" }, { 0 } },
    { "12", "conv12", "conv12",
      { "32x32", "16x16", "2", "28", "28", "3x3", "252", "28", "224" },
      { 0, 0, 0, "D1", 0, 0, "D1", 0, "D1" } },
    { "13/21", "conv13", "conv21",
      { "16x16", "16x16", "1", "28", "28", "3x3", "252", "28", "224" }, { 0 } },
    { "RS2", "rs2", "rs2", { "16x16", "8x8", "2", "28", "56", "1x1", "28", "56", "224" }, { 0 } },
    { "22", "conv22", "conv22",
      { "16x16", "8x8", "2", "56", "56", "3x3", "504", "56", "448" },
      { 0, 0, 0, "D1", 0, 0, "D1", 0, "D1" } },
    { "23/31", "conv23", "conv31",
      { "8x8", "8x8", "1", "56", "56", "3x3", "504", "56", "448" }, { 0 } },
    { "FC", "fc", "fc", { "1x1", "1x1", "2", "56", "10", "/", "56", "10", "448" },
      { 0, 0, "D12", 0, 0, 0, 0, 0, 0 } },
};

static void fill_table_2_row(struct figure_row *r, const struct table_2_row *t,
                             const struct plan_layer *pl, const struct layer *l)
{
    const char *const *printed = t->printed;

    snprintf(r->name, sizeof r->name, "%s", t->name);
    r->n_figure = 0;
    add(r, "in", printed[0], "%" PRIu32 "x%" PRIu32, l->in.height, l->in.width);
    add(r, "out", printed[1], "%" PRIu32 "x%" PRIu32, l->out.height, l->out.width);
    add(r, "stride", printed[2], "%" PRIu32, l->window.stride[0]);
    add(r, "C_in", printed[3], "%" PRIu32, l->in.channels);
    add(r, "C_out", printed[4], "%" PRIu32, l->out.channels);
    if (l->kind == LAYER_GEMM)
        add(r, "kernel", printed[5], "/");
    else
        add(r, "kernel", printed[5], "%" PRIu32 "x%" PRIu32, l->window.kernel[0],
            l->window.kernel[1]);
    add(r, "rows", printed[6], "%" PRIu32, pl->rows);
    add(r, "columns", printed[7], "%" PRIu32, pl->columns);
    add(r, "pixel bits", printed[8], "%" PRIu32, 8 * l->in.channels);
    for (size_t i = 0; i < r->n_figure; i++)
        r->figure[i].deviation = t->deviation[i];
}

/* The layer of a row that agrees least with it, so that a row speaks for all of its layers. */
static void fill_worst(struct figure_row *r, const struct table_2_row *t, const struct plan *p)
{
    uint32_t first = network_find(p->network, t->first), last = network_find(p->network, t->last);

    assert(first < p->network->n_layer && last < p->network->n_layer);
    for (uint32_t i = first; i <= last; i++) {
        fill_table_2_row(r, t, &p->layer[i - 1], &p->network->layer[i]);
        if (figures_differing(&(struct figure_table){ .row = r, .n_row = 1 }) > 0)
            return;
    }
}

enum err article_table_2(struct figure_table *t, struct err_msg *m)
{
    static const char *const set[] = { NULL };
    struct study s;

    *t = (struct figure_table){ .name = "table2",
                                .title = "Table 2: the layers of ResNet-32",
                                .row_title = "layers" };
    enum err e = load(&s, set, m);
    if (e)
        return e;
    e = new_rows(t, sizeof table_2 / sizeof *table_2, m);
    for (size_t i = 0; i < t->n_row; i++)
        fill_worst(&t->row[i], &table_2[i], &s.plan);
    study_release(&s);
    return e;
}

/* ---- timing, sections 3.1.1, 3.1.3 and 3.1.4 ---- */

enum { CORES, LAST_CONV, LAST_CONV_US, FIRST_RESULT, FIRST_RESULT_US, RATE, N_TIMING };

static const struct timing_row {
    const char *name;
    const char *set[MAX_SET]; // on the defaults, which are the article's plain machine
    const char *printed[N_TIMING];
    const char *deviation[N_TIMING];
} timing[] = {
    { "plain", { NULL },
      { [CORES] = "43", [FIRST_RESULT] = "1,628", [FIRST_RESULT_US] = "161.8", [RATE] = "9,650" },
      { [FIRST_RESULT_US] = "D5" } },
    { "plain, partial sums free", { "fabric.partial_sum_hops=0", NULL },
      { [CORES] = "43", [LAST_CONV_US] = "161.8" }, { 0 } },
    { "4/2/1 pixels, 512x512, free",
      { ARTICLE_ARRAY_512, ARTICLE_SPEED_UP, "mapping.firing=free", NULL },
      { [LAST_CONV] = "526", [RATE] = "38,600" }, { 0 } },
    { "4/2/1 pixels, 512x512, column", { ARTICLE_ARRAY_512, ARTICLE_SPEED_UP, NULL },
      { [LAST_CONV] = "526" }, { [LAST_CONV] = "D6" } },
    { "4/2/1 pixels, 256x256, column", { ARTICLE_SPEED_UP, "fabric.link_gbps=5.12", NULL },
      { [LAST_CONV] = "526" }, { [LAST_CONV] = "D7" } },
    { "4/2/1 pixels, 256x256, free",
      { ARTICLE_SPEED_UP, "fabric.link_gbps=5.12", "mapping.firing=free", NULL },
      { [LAST_CONV] = "526" }, { [LAST_CONV] = "D7" } },
};

#define ROUNDED 0.002 // relative: the article gives throughputs to two or three digits

static void fill_timing_row(struct figure_row *r, const struct timing_row *t,
                            const struct plan *p, const struct run_result *result)
{
    snprintf(r->name, sizeof r->name, "%s", t->name);
    add(r, "cores", t->printed[CORES], "%" PRIu32, p->n_core);
    add(r, "last conv", t->printed[LAST_CONV], "%s", format_count(result->last_conv).text);
    add(r, "us", t->printed[LAST_CONV_US], "%.1f", timesteps_us(p, result->last_conv));
    add(r, "first result", t->printed[FIRST_RESULT], "%s", format_count(result->first_result).text);
    add(r, "us", t->printed[FIRST_RESULT_US], "%.1f", timesteps_us(p, result->first_result));
    double rate = batch_throughput(p, result->first_result, p->config->batch);
    add(r, "images/s", t->printed[RATE], "%s", format_count((uint64_t)(rate + 0.5)).text)
        ->tolerance = ROUNDED;
    for (size_t i = 0; i < N_TIMING; i++)
        r->figure[i].deviation = t->deviation[i];
    add(r, "interval", NULL, "%s", format_count(p->interval).text);
    add(r, "batch", NULL, "%" PRIu32, p->config->batch);
}

static enum err run_timing_row(struct figure_row *r, const struct timing_row *t, struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1 };
    struct study s;
    struct run_result result;
    enum err e = load(&s, t->set, m);

    if (e)
        return e;
    e = run(&s.plan, &cfg, &result, m);
    if (!e)
        fill_timing_row(r, t, &s.plan, &result);
    if (!e)
        run_result_release(&result);
    study_release(&s);
    return e;
}

enum err article_timing(struct figure_table *t, struct err_msg *m)
{
    *t = (struct figure_table){ .name = "timing",
                                .title = "Sections 3.1.3 and 3.1.4: timesteps of ResNet-32",
                                .row_title = "run" };
    enum err e = new_rows(t, sizeof timing / sizeof *timing, m);
    for (size_t i = 0; i < t->n_row && !e; i++)
        e = run_timing_row(&t->row[i], &timing[i], m);
    if (e)
        figure_table_release(t);
    return e;
}
