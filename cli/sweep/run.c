/* cli/sweep/run.c -- see run.h. */
#include "cli/sweep/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/signals.h"
#include "core/datadir.h"
#include "core/near_miss.h"
#include "report/json.h"
#include "report/point.h"
#include "report/table.h"
#include "report/version.h"
#include "study/sweep/crew.h"

enum { BATCH_ROWS = 200, VALUE_BYTE = 1024, WAIT_MS = 100, MOST_SHARDS = 1000000 };
#define BATCH_S 0.5
#define REFRESH_S 0.2

struct tally { // of this command's points
    uint64_t all, ran, failed, there;
};

struct shard { // point i is of it where i % n == at
    uint64_t at, n;
};

struct running {
    const struct sweep   *sweep;
    const struct options *options;
    char                  db[DATADIR_BYTE];
    struct store         *store;
    struct link           link;
    struct crew          *crew;
    struct shard          shard;
    char                 *images; // owned; of the sweep, as JSON, or NULL
    enum figure           best;   // of the objective; N_FIGURE: none
    double                best_value;
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

static enum err read_shard(struct shard *s, const char *text, struct err_msg *m)
{
    char *slash, *end;

    *s = (struct shard){ 0, 1 };
    if (!text)
        return ERR_NONE;
    bool digits = strspn(text, "0123456789/") == strlen(text) && *text != '/';
    unsigned long long at = strtoull(text, &slash, 10);
    unsigned long long n = *slash == '/' && slash[1] ? strtoull(slash + 1, &end, 10) : 0;
    if (!digits || n == 0 || *end || n > MOST_SHARDS || at == 0 || at > n)
        return err_set(m, ERR_INPUT, "sweep: --shard %.60s: want I/N, I from 1 to N: 1/3, 2/3, 3/3",
                       text);
    *s = (struct shard){ at - 1, n };
    return ERR_NONE;
}

/* "arrays.db" of "configs/studies/arrays.yaml", in the current directory; "arrays.2of3.db" of a
 * shard. */
static enum err name_db(char db[DATADIR_BYTE], const struct options *o, const struct shard *shard,
                        struct err_msg *m)
{
    char part[64] = "";

    const char *slash = strrchr(o->operand, '/'), *name = slash ? slash + 1 : o->operand;
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    if (o->shard)
        snprintf(part, sizeof part, ".%" PRIu64 "of%" PRIu64, shard->at + 1, shard->n);
    int length = o->db ? snprintf(db, DATADIR_BYTE, "%s", o->db)
                       : snprintf(db, DATADIR_BYTE, "%.*s%s.db", (int)n, name, part);

    if (length < 0 || length >= DATADIR_BYTE)
        return err_set(m, ERR_INPUT, "--db: the name is too long");
    return ERR_NONE;
}

/* ---- rows ---- */

/* For --status, in another process. */
static enum err say_progress(struct running *r, struct err_msg *m)
{
    char text[256];

    snprintf(text, sizeof text, "{\"points\":%" PRIu64 ",\"done\":%" PRIu64 ",\"new\":%" PRIu64
             ",\"failed\":%" PRIu64 ",\"elapsed_s\":%.3f,\"at\":%lld}", r->tally.all,
             r->tally.ran + r->tally.there, r->tally.ran, r->tally.failed,
             clock_s() - r->start_s, (long long)time(NULL));
    return store_say(r->store, "progress", text, m);
}

static enum err flush(struct running *r, struct err_msg *m)
{
    r->n_batch = 0;
    r->flushed_s = clock_s();
    enum err e = say_progress(r, m);
    return e ? e : store_flush(r->store, m);
}

static enum err add_row(struct running *r, uint64_t i, const struct point_found *f,
                        const void *result, size_t n_result, struct err_msg *m)
{
    struct point p;
    struct store_row row = { .id = f->id, .there = f->kind == POINT_THERE,
                             .key = r->cell, .figure = f->figure,
                             .host_s = f->host_s, .result = result, .n_result = n_result,
                             .images = r->images,
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
    if (r->best < N_FIGURE && (isnan(r->best_value) ||
                               (figure_rows[r->best].more ? f.figure[r->best] > r->best_value
                                                          : f.figure[r->best] < r->best_value)))
        r->best_value = f.figure[r->best];
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
    fprintf(stderr, "\r%s of %s points, %s failed, %.*f points/s, %s s left",
            format_count(done).text, format_count(r->tally.all).text,
            format_count(r->tally.failed).text, rate < 10 ? 1 : 0, rate,
            format_count((uint64_t)((double)(r->tally.all - done) / rate + 0.5)).text);
    if (r->best < N_FIGURE && !isnan(r->best_value))
        fprintf(stderr, ", best %s %.6g", figure_rows[r->best].key, r->best_value);
    fputs("\033[K", stderr);
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
    const struct shard *of = &r->shard;
    struct point p;

    r->tally.all = s->n_where == 0 && of->at < s->n_point
                       ? (s->n_point - of->at - 1) / of->n + 1 : 0;
    for (uint64_t i = of->at; s->n_where > 0 && i < s->n_point && !signals_kept(); i += of->n) {
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

    for (; !e && r->next < r->sweep->n_point && crew_wants(r->crew); r->next += r->shard.n) {
        bool kept;
        sweep_point(r->sweep, r->next, &p);
        e = sweep_keeps(r->sweep, &p, &kept, m);
        if (!e && kept)
            e = crew_give(r->crew, r->next, m);
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
        if (e || crew_pending(r->crew) == 0)
            break;
        e = crew_next(r->crew, WAIT_MS, &event, &there, m);
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

static struct pool_cfg pool_of(struct point_worker *worker, const struct options *o)
{
    return (struct pool_cfg){ .n_worker = (uint32_t)o->jobs, .limit_s = (double)o->limit,
                              .work = point_work, .n_mark = sizeof(struct point_mark),
                              .user = worker };
}

/* Tells the other ranks what is there: a byte before it, so that nothing is a message too. */
static enum err greet(const struct running *r, const struct store_ids *done, struct err_msg *m)
{
    struct message whole = { NULL, 0, 0 };

    if (r->link.n_rank < 2)
        return ERR_NONE;
    bool fits = message_add(&whole, "", 1) &&
                message_add(&whole, done->id, done->n * sizeof *done->id);
    if (fits)
        crew_greet(&r->link, whole.byte, whole.n);
    message_release(&whole);
    return fits ? ERR_NONE : no_memory(m);
}

static enum err work(struct running *r, struct err_msg *m)
{
    struct store_ids done;
    enum err e = store_ids(r->store, !r->options->retry, &done, m);

    if (e)
        return e;
    struct point_worker worker = { .sweep = r->sweep, .done = &done, .images = r->images };
    const struct pool_cfg cfg = pool_of(&worker, r->options);
    r->start_s = r->flushed_s = r->shown_s = clock_s();
    r->next = r->shard.at;
    e = count_kept(r, m);
    if (!e && r->tally.all == 0 && r->shard.n == 1 && !signals_kept())
        e = err_set(m, ERR_INPUT, "%.400s: where drops all of its points: want conditions that "
                    "some point meets; --dry-run lists them", r->options->operand);
    if (!e)
        e = greet(r, &done, m);
    if (!e)
        e = crew_new(&r->crew, &cfg, &r->link, m);
    if (!e)
        e = run_all(r, m);
    crew_free(r->crew);
    store_ids_release(&done);
    return e;
}

/* ---- what the study wants ---- */

static enum err find_figures(const struct sweep *s, struct err_msg *m)
{
    const struct wishes *w = &s->wishes;

    for (size_t i = 0; i < w->n_objective + w->n_limit; i++) {
        bool limit = i >= w->n_objective;
        const struct wish *wish = limit ? &w->limit[i - w->n_objective] : &w->objective[i];
        const enum figure found = figure_find(wish->figure);
        if (found < N_FIGURE) {
            bool more = figure_rows[found].more; // is better; at most so much will do of the others
            if (wish->way == WISH_AS_KNOWN || (wish->way == WISH_MOST) == (more != limit))
                continue;
            return err_set(m, ERR_INPUT, "%.300s: %s: of %.60s %s is better: want {%s: ...}",
                           wish->place, limit ? "limits" : "objective", wish->figure,
                           more ? "more" : "less", more != limit ? "most" : "least");
        }
        const char *key[N_FIGURE];
        for (int q = 0; q < N_FIGURE; q++)
            key[q] = figure_rows[q].key;
        const char *meant = near_miss(wish->figure, key, N_FIGURE);
        return err_set(m, ERR_INPUT, "%.300s: %s: %.60s is no figure: %s%s", wish->place,
                       limit ? "limits" : "objective", wish->figure,
                       meant ? "did you mean " : "want cores, latency_us or another column of "
                                                 "`imcsim compare --csv`", meant ? meant : "");
    }
    return ERR_NONE;
}

static enum err say_wishes(struct running *r, struct err_msg *m)
{
    const struct wishes *w = &r->sweep->wishes;
    json_t *objective = json_array(), *limits = json_object();

    for (size_t i = 0; i < w->n_objective; i++)
        json_add(&objective, json_text(w->objective[i].figure));
    for (size_t i = 0; i < w->n_limit; i++)
        json_put_real(&limits, w->limit[i].figure, w->limit[i].limit);
    char *o = json_dumps(objective, JSON_COMPACT);
    char *l = json_dumps(limits, JSON_COMPACT | JSON_REAL_PRECISION(15));
    enum err e = o && l ? ERR_NONE : no_memory(m);
    if (!e)
        e = store_say(r->store, "objective", w->n_objective > 0 ? o : NULL, m);
    if (!e)
        e = store_say(r->store, "limits", w->n_limit > 0 ? l : NULL, m);
    if (w->n_objective > 0)
        r->best = figure_find(w->objective[0].figure);
    json_decref(objective);
    json_decref(limits);
    free(o);
    free(l);
    return e;
}

/* ---- beginning and end ---- */

static enum err take_images(struct running *r, struct err_msg *m)
{
    const json_t *images = r->sweep->wishes.images;

    r->images = images ? json_dumps(images, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    return !images || r->images ? ERR_NONE : no_memory(m);
}

static enum err begin(struct running *r, struct err_msg *m)
{
    const char *figure[N_FIGURE];
    enum err e = name_db(r->db, r->options, &r->shard, m);

    if (!e)
        e = find_figures(r->sweep, m);
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
    signals_keep(); // from now on there is a file to be closed
    e = store_open(&r->store, r->db, imcsim_version, &columns, m);
    return e ? e : say_wishes(r, m);
}

static void release(struct running *r)
{
    store_close(r->store);
    sweep_keys_free(r->key, r->key ? r->n_key : 0);
    free(r->value);
    free(r->cell);
    free(r->images);
}

/* Rank 0, or the only one there is. */
static enum err lead(struct running *r, struct err_msg *m)
{
    char how[256];
    enum err e = begin(r, m);

    if (!e)
        e = work(r, m);
    release(r);
    if (!e && signals_kept()) {
        snprintf(how, sizeof how, " with %s of %s points in %.100s: the same command goes on",
                 format_count(r->tally.ran + r->tally.there).text,
                 format_count(r->tally.all).text, r->db);
        signals_exit(signals_kept(), how);
    }
    crew_dismiss(&r->link);
    if (!e)
        print_end(r);
    return e;
}

/* Another rank: rank 0 tells what there is to tell. */
static enum err follow(struct running *r, struct err_msg *m)
{
    void *greeting;
    size_t n;
    enum err e = ERR_NONE;

    signals_keep();
    crew_wait(&r->link, &greeting, &n, signals_kept);
    if (greeting) {
        struct store_ids own = { malloc(n), (n - 1) / sizeof *own.id };
        if (own.id)
            memcpy(own.id, (const char *)greeting + 1, n - 1);
        struct point_worker worker = { .sweep = r->sweep, .done = &own, .images = r->images };
        const struct pool_cfg cfg = pool_of(&worker, r->options);
        e = own.id ? crew_serve(&cfg, &r->link, signals_kept, m) : no_memory(m);
        store_ids_release(&own);
        free(greeting);
    }
    release(r);
    if (signals_kept())
        _exit(128 + signals_kept()); // rank 0 says how to go on
    if (!e)
        r->link.close();
    return e;
}

enum err sweep_run(const struct sweep *s, const struct options *o, const struct link *link,
                   struct err_msg *m)
{
    struct running r = { .sweep = s, .options = o, .link = *link, .best = N_FIGURE,
                         .best_value = NAN };
    enum err e = read_shard(&r.shard, o->shard, m);

    if (!e)
        e = take_images(&r, m);
    if (!e)
        return link->rank > 0 ? follow(&r, m) : lead(&r, m);
    sweep_give_up(link);
    return e;
}

void sweep_give_up(const struct link *link)
{
    void *greeting = NULL;
    size_t n;

    if (link->rank == 0) {
        crew_dismiss(link);
        return;
    }
    crew_wait(link, &greeting, &n, signals_kept);
    if (!greeting) {
        link->close();
        _exit(0); // another status would have mpirun end rank 0, which has yet to say why
    }
    free(greeting);
}
