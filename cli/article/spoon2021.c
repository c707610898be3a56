/* cli/article/spoon2021.c -- K. Spoon et al., Front. Comput. Neurosci. 15:675741 (2021):
 * attention's share f of BERT-base's multiply-accumulates, and what all of them take where one of
 * attention takes r times one of an array,
 *
 *     (1 - f) + f r,     in integers of 6 bit (1 - f) + f r / 11.3
 *
 * with r of bfloat16. The article states the ratio of 11.3 and no r. */
#include <stdio.h>
#include <stdlib.h>

#include "arch/cost/relative.h"
#include "cli/article/article.h"
#include "report/plan_report.h"
#include "study/study.h"

static const struct length {
    unsigned    sequence;
    const char *share, *deviation; // printed, in per cent
    const char *arrays;            // of another chip, which does ALBERT: the rest
} lengths[] = {
    { .sequence = 16 }, { .sequence = 32 }, { .sequence = 64, .arrays = "98" },
    { .sequence = 128, .share = "5", .deviation = "D25" }, { .sequence = 256 }, { .sequence = 512 },
};
enum { N_LENGTH = sizeof lengths / sizeof *lengths };

static const struct {
    double      r;
    const char *bf16, *int6;
} prices[] = { { 10, "r = 10", "r = 10, INT6" }, { 100, "r = 100", "r = 100, INT6" } };

static struct figure *add(struct figure_row *row, const char *quantity, double value, int digits)
{
    struct figure *f = &row->figure[row->n_figure++];

    *f = (struct figure){ .quantity = quantity };
    snprintf(f->ours, sizeof f->ours, "%.*f", digits, value);
    return f;
}

static enum err share_of(unsigned sequence, double *share, struct err_msg *m)
{
    char text[48];
    const char *const set[] = { "network.family=transformer", "network.layers=12",
                                "network.hidden=768", "network.heads=12", "network.ffn=3072",
                                "network.classes=0", text };
    struct study s;

    snprintf(text, sizeof text, "network.sequence=%u", sequence);
    enum err e = study_load_network(&s, NULL, set, sizeof set / sizeof *set, m);
    if (e)
        return e;
    *share = attention_share(&s.network);
    study_release(&s);
    return ERR_NONE;
}

static void fill(struct figure_row *row, const struct length *l, double share, double less)
{
    snprintf(row->name, sizeof row->name, "%u", l->sequence);
    struct figure *f = add(row, "attention %", 100 * share, 2);
    f->printed = l->share;
    f->deviation = l->deviation;
    f = add(row, "arrays %", 100 * (1 - share), 2);
    f->printed = l->arrays;
    f->tolerance = 0.01; // printed without decimals
    for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
        add(row, prices[i].bf16, 1 - share + share * prices[i].r, 3);
        add(row, prices[i].int6, 1 - share + share * prices[i].r / less, 3);
    }
}

enum err article_spoon2021(struct figure_table *t, struct err_msg *m)
{
    struct relative ratio;
    enum err e = relative_load(&ratio, "spoon2021", 6, m);

    *t = (struct figure_table){
        .name = "spoon2021", .row_title = "tokens",
        .title = "Spoon et al. 2021: attention in BERT-base, and all by a product of arrays (98 %: "
                 "of ALBERT)",
        .row = calloc(N_LENGTH, sizeof *t->row), .n_row = N_LENGTH };
    if (!t->row)
        return err_set(m, ERR_MEMORY, "no memory for the article's tables");
    for (size_t i = 0; i < N_LENGTH && !e; i++) {
        double share = 0;
        e = share_of(lengths[i].sequence, &share, m);
        if (!e)
            fill(&t->row[i], &lengths[i], share, ratio.energy_less);
    }
    if (e)
        figure_table_release(t);
    return e;
}
