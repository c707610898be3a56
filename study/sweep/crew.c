/* study/sweep/crew.c -- see crew.h. Pieces go to other ranks as numbers; a message without bytes
 * dismisses one. What they find comes back behind a struct reply. */
#include "study/sweep/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    AHEAD = 4,  // pieces that a rank has for each of its workers, so that none waits for the next
    LOOK_MS = 2 // between two looks at the link
};

struct reply {
    uint64_t piece;
    bool     found; // else the worker ended, and its mark follows
    char     reason[sizeof ((struct pool_event *)0)->reason];
};

struct crew {
    struct pool_cfg    cfg;
    const struct link *link;
    struct pool       *pool;
    uint64_t          *n_out; // owned; [n_rank] pieces that each has
    uint64_t           n_pending; // of them all
    void              *reply; // owned; the last, which the event borrows
};

static int n_ranks(const struct link *l)
{
    return l->n_rank > 1 ? l->n_rank : 1;
}

/* ---- rank 0 ---- */

enum err crew_new(struct crew **out, const struct pool_cfg *cfg, const struct link *link,
                  struct err_msg *m)
{
    struct crew *c = calloc(1, sizeof *c);

    *out = NULL;
    if (c)
        c->n_out = calloc((size_t)n_ranks(link), sizeof *c->n_out);
    if (!c || !c->n_out) {
        crew_free(c);
        return err_set(m, ERR_MEMORY, "no memory for %d ranks", n_ranks(link));
    }
    c->cfg = *cfg;
    c->link = link;
    enum err e = pool_new(&c->pool, cfg, m);
    if (e)
        crew_free(c);
    else
        *out = c;
    return e;
}

void crew_free(struct crew *c)
{
    if (!c)
        return;
    pool_free(c->pool);
    free(c->n_out);
    free(c->reply);
    free(c);
}

/* The other rank with the fewest pieces, 0 where there is none. */
static int idlest(const struct crew *c)
{
    int least = n_ranks(c->link) > 1 ? 1 : 0;

    for (int r = 2; r < n_ranks(c->link); r++)
        if (c->n_out[r] < c->n_out[least])
            least = r;
    return least;
}

static bool rank_wants(const struct crew *c, int rank)
{
    return rank > 0 && c->n_out[rank] < (uint64_t)AHEAD * c->cfg.n_worker;
}

bool crew_wants(const struct crew *c)
{
    return rank_wants(c, idlest(c)) || pool_wants(c->pool);
}

enum err crew_give(struct crew *c, uint64_t piece, struct err_msg *m)
{
    int rank = idlest(c);

    if (!rank_wants(c, rank) || (pool_wants(c->pool) && pool_pending(c->pool) <= c->n_out[rank]))
        return pool_give(c->pool, piece, m);
    c->link->send(rank, &piece, sizeof piece);
    c->n_out[rank]++;
    c->n_pending++;
    return ERR_NONE;
}

uint64_t crew_pending(const struct crew *c)
{
    return c->n_pending + pool_pending(c->pool);
}

/* What has come of another rank. */
static enum err take_reply(struct crew *c, struct pool_event *event, bool *there,
                           struct err_msg *m)
{
    struct reply r;
    size_t n;
    int from;

    free(c->reply);
    c->reply = NULL;
    *there = n_ranks(c->link) > 1 && c->link->receive(&from, &c->reply, &n);
    if (!*there)
        return ERR_NONE;
    if (n < sizeof r)
        return err_set(m, ERR_RUN, "a message of rank %d cannot be read", from);
    memcpy(&r, c->reply, sizeof r);
    const uint8_t *rest = (const uint8_t *)c->reply + sizeof r;
    if (!r.found && n - sizeof r != c->cfg.n_mark)
        return err_set(m, ERR_RUN, "a message of rank %d cannot be read", from);
    *event = (struct pool_event){ .piece = r.piece, .found = r.found ? rest : NULL,
                                  .n = n - sizeof r, .mark = r.found ? NULL : rest };
    snprintf(event->reason, sizeof event->reason, "%s", r.reason);
    c->n_out[from]--;
    c->n_pending--;
    return ERR_NONE;
}

enum err crew_next(struct crew *c, int wait_ms, struct pool_event *event, bool *there,
                   struct err_msg *m)
{
    enum err e = take_reply(c, event, there, m);

    if (e || *there)
        return e;
    return pool_next(c->pool, n_ranks(c->link) > 1 ? LOOK_MS : wait_ms, event, there, m);
}

void crew_greet(const struct link *link, const void *bytes, size_t n)
{
    for (int r = 1; r < n_ranks(link); r++)
        link->send(r, bytes, n);
}

void crew_dismiss(const struct link *link)
{
    crew_greet(link, NULL, 0);
    if (link->n_rank > 0)
        link->close();
}

/* ---- the others ---- */

void crew_wait(const struct link *link, void **bytes, size_t *n, int (*stop)(void))
{
    int from;

    *bytes = NULL;
    while (!stop() && !link->receive(&from, bytes, n))
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000L }, NULL);
    if (*bytes && *n == 0) {
        free(*bytes);
        *bytes = NULL;
    }
}

struct serving {
    const struct pool_cfg *cfg;
    const struct link     *link;
    struct pool           *pool;
    uint64_t              *piece; // owned; [AHEAD * n_worker] that wait
    size_t                 n_piece;
    bool                   dismissed;
};

/* Takes the pieces that have come. */
static enum err take_pieces(struct serving *s, struct err_msg *m)
{
    void *bytes;
    size_t n;
    int from;

    while (!s->dismissed && s->link->receive(&from, &bytes, &n)) {
        s->dismissed = n == 0;
        bool known = n == 0 || (n == sizeof *s->piece &&
                                s->n_piece < (size_t)AHEAD * s->cfg->n_worker);
        if (known && n > 0)
            memcpy(&s->piece[s->n_piece++], bytes, n);
        free(bytes);
        if (!known)
            return err_set(m, ERR_RUN, "a message of rank 0 cannot be read");
    }
    return ERR_NONE;
}

static enum err reply(const struct serving *s, const struct pool_event *event, struct err_msg *m)
{
    struct reply r = { .piece = event->piece, .found = event->found != NULL };
    struct message whole = { NULL, 0, 0 };

    memcpy(r.reason, event->reason, sizeof r.reason);
    bool fits = message_add(&whole, &r, sizeof r) &&
                (r.found ? message_add(&whole, event->found, event->n)
                         : message_add(&whole, event->mark, s->cfg->n_mark));
    if (fits)
        s->link->send(0, whole.byte, whole.n);
    message_release(&whole);
    return fits ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for a result");
}

static enum err serve(struct serving *s, int (*stop)(void), struct err_msg *m)
{
    struct pool_event event;
    bool there;
    enum err e = ERR_NONE;

    while (!e && !s->dismissed && !stop()) {
        e = take_pieces(s, m);
        while (!e && s->n_piece > 0 && pool_wants(s->pool)) {
            e = pool_give(s->pool, s->piece[0], m);
            memmove(s->piece, s->piece + 1, --s->n_piece * sizeof *s->piece);
        }
        if (!e && !s->dismissed)
            e = pool_next(s->pool, LOOK_MS, &event, &there, m);
        if (!e && !s->dismissed && there)
            e = reply(s, &event, m);
    }
    return e;
}

enum err crew_serve(const struct pool_cfg *cfg, const struct link *link, int (*stop)(void),
                    struct err_msg *m)
{
    struct serving s = { .cfg = cfg, .link = link,
                         .piece = calloc((size_t)AHEAD * cfg->n_worker, sizeof *s.piece) };
    enum err e = s.piece ? pool_new(&s.pool, cfg, m)
                         : err_set(m, ERR_MEMORY, "no memory for pieces");

    if (!e)
        e = serve(&s, stop, m);
    pool_free(s.pool);
    free(s.piece);
    return e;
}
