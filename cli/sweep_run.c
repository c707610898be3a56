/* cli/sweep_run.c -- see sweep_run.h. */
#include "cli/sweep_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/signals.h"
#include "core/datadir.h"
#include "report/point.h"
#include "report/table.h"
#include "report/version.h"

enum { BATCH_ROWS = 200, VALUE_BYTE = 1024, WAIT_MS = 100 };
#define BATCH_S 0.5
#define REFRESH_S 0.2

struct tally { // of this command's points
    uint64_t all, ran, failed, there;
};

struct running {
    const struct sweep   *sweep;
    const struct options *options;
    char                  db[DATADIR_BYTE];
    struct store         *store;
    struct pool          *pool;
    char                **key; // owned; [n_key]
    size_t                n_key;
    char                (*value)[VALUE_BYTE]; // owned; [n_key], of the row that is added
    const char          **cell;               // owned; [n_key]
    uint64_t              next;               // point to hand out
    uint32_t              n_batch;
    double                start_s, flushed_s, shown_s;
    struct tally          tally;
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for a study");
}

/* "arrays.db" of "configs/studies/arrays.yaml", in the current directory. */
static enum err name_db(char db[DATADIR_BYTE], const struct options *o, struct err_msg *m)
{
    const char *slash = strrchr(o->operand, '/'), *name = slash ? slash + 1 : o->operand;
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    int length = o->db ? snprintf(db, DATADIR_BYTE, "%s", o->db)
                       : snprintf(db, DATADIR_BYTE, "%.*s.db", (int)n, name);

    if (length < 0 || length >= DATADIR_BYTE)
        return err_set(m, ERR_INPUT, "--db: the name is too long");
    return ERR_NONE;
}

/* ---- rows ---- */

static enum err flush(struct running *r, struct err_msg *m)
{
    r->n_batch = 0;
    r->flushed_s = clock_s();
    return store_flush(r->store, m);
}

static enum err add_row(struct running *r, uint64_t i, const struct point_found *f,
                        const void *result, size_t n_result, struct err_msg *m)
{
    struct point p;
    struct store_row row = { .id = f->id, .there = f->kind == POINT_THERE,
                             .key = r->cell, .figure = f->figure,
                             .host_s = f->host_s, .result = result, .n_result = n_result,
                             .error = f->kind == POINT_FAILED ? f->error : NULL };

    sweep_point(r->sweep, i, &p);
    row.name = p.name;
    for (size_t k = 0; k < r->n_key; k++)
        r->cell[k] = sweep_value(r->sweep, &p, r->key[k], r->value[k], VALUE_BYTE) ? r->value[k]
                                                                                  : NULL;
    enum err e = store_add(r->store, &row, m);
    r->n_batch++;
    return e;
}

static enum err take(struct running *r, const struct pool_event *event, struct err_msg *m)
{
    struct point_found f;
    const void *result;
    size_t n_result;

    if (!event->found) {
        point_lost(&f, r->sweep, event);
        result = NULL;
        n_result = 0;
    } else if (!point_read(&f, &result, &n_result, event->found, event->n))
        return err_set(m, ERR_RUN, "a worker's message cannot be read");
    r->tally.there += f.kind == POINT_THERE;
    r->tally.ran += f.kind != POINT_THERE;
    r->tally.failed += f.kind == POINT_FAILED;
    return add_row(r, event->piece, &f, result, n_result, m);
}

/* ---- progress ---- */

static void show(struct running *r)
{
    double now_s = clock_s(), elapsed_s = now_s - r->start_s;
    uint64_t done = r->tally.ran + r->tally.there;

    if (r->options->log_level < LOG_INFO || !isatty(STDERR_FILENO) || done == 0 ||
        now_s - r->shown_s < REFRESH_S)
        return;
    r->shown_s = now_s;
    double rate = (double)done / elapsed_s;
    fprintf(stderr, "\r%s of %s points, %s failed, %.*f points/s, %s s left\033[K",
            format_count(done).text, format_count(r->tally.all).text,
            format_count(r->tally.failed).text, rate < 10 ? 1 : 0, rate,
            format_count((uint64_t)((double)(r->tally.all - done) / rate + 0.5)).text);
    fflush(stderr);
}

static void unshow(const struct running *r)
{
    if (r->shown_s > r->start_s)
        fputs("\r\033[K", stderr);
}

static void print_end(const struct running *r)
{
    printf("%s: %s of %s points are there: %s new, %s of these failed; %s were there before\n",
           r->db, format_count(r->tally.ran + r->tally.there).text,
           format_count(r->tally.all).text, format_count(r->tally.ran).text,
           format_count(r->tally.failed).text, format_count(r->tally.there).text);
}

/* ---- the study ---- */

static enum err count_kept(struct running *r, struct err_msg *m)
{
    const struct sweep *s = r->sweep;
    struct point p;

    r->tally.all = s->n_where == 0 ? s->n_point : 0;
    for (uint64_t i = 0; s->n_where > 0 && i < s->n_point && !signals_kept(); i++) {
        bool kept;
        sweep_point(s, i, &p);
        enum err e = sweep_keeps(s, &p, &kept, m);
        if (e)
            return e;
        r->tally.all += kept;
    }
    return ERR_NONE;
}

/* Hands out points as long as workers want some. */
static enum err hand_out(struct running *r, struct err_msg *m)
{
    struct point p;
    enum err e = ERR_NONE;

    for (; !e && r->next < r->sweep->n_point && pool_wants(r->pool); r->next++) {
        bool kept;
        sweep_point(r->sweep, r->next, &p);
        e = sweep_keeps(r->sweep, &p, &kept, m);
        if (!e && kept)
            e = pool_give(r->pool, r->next, m);
    }
    return e;
}

static enum err run_all(struct running *r, struct err_msg *m)
{
    struct pool_event event;
    enum err e = ERR_NONE;
    bool there;

    while (!e && !signals_kept()) {
        e = hand_out(r, m);
        if (e || pool_pending(r->pool) == 0)
            break;
        e = pool_next(r->pool, WAIT_MS, &event, &there, m);
        if (!e && there)
            e = take(r, &event, m);
        if (!e && (r->n_batch >= BATCH_ROWS || clock_s() - r->flushed_s > BATCH_S))
            e = flush(r, m);
        show(r);
    }
    unshow(r);
    enum err last = flush(r, m); // also of what came before a mistake
    return e ? e : last;
}

static enum err work(struct running *r, struct err_msg *m)
{
    struct store_ids done;
    enum err e = store_ids(r->store, true, &done, m);

    if (e)
        return e;
    struct point_worker worker = { .sweep = r->sweep, .done = &done };
    const struct pool_cfg cfg = { .n_worker = (uint32_t)r->options->jobs,
                                  .limit_s = (double)r->options->limit,
                                  .work = point_work,
                                  .n_mark = sizeof(struct point_mark),
                                  .user = &worker };
    r->start_s = r->flushed_s = r->shown_s = clock_s();
    e = count_kept(r, m);
    if (!e)
        e = pool_new(&r->pool, &cfg, m);
    if (!e)
        e = run_all(r, m);
    pool_free(r->pool);
    store_ids_release(&done);
    return e;
}

static enum err begin(struct running *r, struct err_msg *m)
{
    const char *figure[N_FIGURE];
    enum err e = name_db(r->db, r->options, m);

    if (e)
        return e;
    r->key = sweep_keys(r->sweep, &r->n_key);
    r->value = calloc(r->n_key + 1, sizeof *r->value);
    r->cell = calloc(r->n_key + 1, sizeof *r->cell);
    if (!r->key || !r->value || !r->cell)
        return no_memory(m);
    for (int q = 0; q < N_FIGURE; q++)
        figure[q] = figure_rows[q].key;
    const struct store_columns columns = { (const char *const *)r->key, r->n_key, figure,
                                           N_FIGURE };
    return store_open(&r->store, r->db, imcsim_version, &columns, m);
}

static void release(struct running *r)
{
    store_close(r->store);
    sweep_keys_free(r->key, r->key ? r->n_key : 0);
    free(r->value);
    free(r->cell);
}

enum err sweep_run(const struct sweep *s, const struct options *o, struct err_msg *m)
{
    struct running r = { .sweep = s, .options = o };
    char how[256];
    enum err e = begin(&r, m);

    if (!e) {
        signals_keep();
        e = work(&r, m);
    }
    release(&r);
    if (e)
        return e;
    if (signals_kept()) {
        snprintf(how, sizeof how, " with %s of %s points in %.100s: the same command goes on",
                 format_count(r.tally.ran + r.tally.there).text, format_count(r.tally.all).text,
                 r.db);
        signals_exit(signals_kept(), how);
    }
    print_end(&r);
    return ERR_NONE;
}
