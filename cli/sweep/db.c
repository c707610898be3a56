/* cli/sweep/db.c -- see db.h. */
#include "cli/sweep/db.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "report/figures.h"
#include "report/table.h"
#include "report/version.h"
#include "study/sweep/explore.h"
#include "study/sweep/rows.h"
#include "study/sweep/store.h"

/* ---- status ---- */

static uint64_t count_at(const json_t *progress, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(progress, key));

    return value > 0 ? (uint64_t)value : 0;
}

static void print_progress(const struct rows *rows, const char *db)
{
    json_t *p = rows->progress ? json_loads(rows->progress, 0, NULL) : NULL;
    uint64_t all = count_at(p, "points"), done = count_at(p, "done"), new = count_at(p, "new");
    double elapsed_s = json_number_value(json_object_get(p, "elapsed_s"));
    long long ago_s = (long long)time(NULL) - (long long)count_at(p, "at");

    if (!p) {
        printf("%s: %s points are there, %s of them failed\n", db, format_count(rows->n).text,
               format_count(rows->n_failed).text);
        return;
    }
    printf("%s: %s of %s points are there, %s of them failed", db, format_count(done).text,
           format_count(all).text, format_count(count_at(p, "failed")).text);
    if (new > 0 && elapsed_s > 0) {
        double rate = (double)new / elapsed_s;
        printf("; %.*f points/s", rate < 10 ? 1 : 0, rate);
        if (done < all)
            printf(", %s s left", format_count((uint64_t)((double)(all - done) / rate + 0.5)).text);
    }
    printf("; written %s s ago\n", format_count(ago_s > 0 ? (uint64_t)ago_s : 0).text);
    json_decref(p);
}

/* A line for each figure of the objective. */
static void print_best(const struct rows *rows)
{
    json_t *objective = rows->objective ? json_loads(rows->objective, 0, NULL) : NULL;

    for (size_t f = 0; f < json_array_size(objective); f++) {
        const char *key = json_string_value(json_array_get(objective, f));
        enum figure q = key ? figure_find(key) : N_FIGURE;
        size_t best = 0;
        if (q == N_FIGURE)
            continue;
        for (size_t i = 1; i < rows->n; i++)
            if (explore_better(rows->row[i].figure[q], rows->row[best].figure[q],
                               figure_rows[q].more))
                best = i;
        if (isnan(rows->row[best].figure[q]))
            continue;
        printf("best %s: %.6g, point %.8s:", key, rows->row[best].figure[q], rows->row[best].id);
        for (size_t k = 0; k < rows->n_key; k++)
            if (rows->row[best].key[k])
                printf(" %s=%s", rows->key[k], rows->row[best].key[k]);
        putchar('\n');
    }
    json_decref(objective);
}

enum err sweep_status(const struct options *o, struct err_msg *m)
{
    const char *figure[N_FIGURE];
    struct rows rows;

    for (int q = 0; q < N_FIGURE; q++)
        figure[q] = figure_rows[q].key;
    enum err e = rows_read(&rows, o->operand, imcsim_version, figure, N_FIGURE, m);
    if (e)
        return e;
    print_progress(&rows, o->operand);
    print_best(&rows);
    rows_release(&rows);
    return ERR_NONE;
}

/* ---- merge ---- */

enum err sweep_merge(const struct options *o, struct err_msg *m)
{
    const struct store_columns none = { .n_key = 0 };
    uint64_t n, read = 0;
    int64_t there = 0;
    struct store *s;

    if (!o->db)
        return err_set(m, ERR_INPUT, "sweep: --merge without --db: want the database to join "
                       "into: --merge a.db b.db --db all.db");
    enum err e = store_open(&s, o->db, imcsim_version, &none, m);
    for (size_t i = 0; !e && i < o->n_operand; i++, read += n)
        e = store_merge(s, o->operands[i], &n, m);
    if (!e)
        e = store_count(s, &there, m);
    store_close(s);
    if (!e)
        printf("%s: %s points are there, joined from %s in %s databases\n", o->db,
               format_count((uint64_t)there).text, format_count(read).text,
               format_count(o->n_operand).text);
    return e;
}
