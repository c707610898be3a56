/* noc/place_anneal.c -- simulated annealing (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983) in
 * whole numbers, from the snake.
 *
 * A move exchanges what two nodes hold; what costs k temperatures more is taken with probability
 * 2^-k. A round begins with the best seen and a share of a core's mean cost, which is halved a few
 * times. Numbers are drawn by key: seed and number of the move. */
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "noc/placement.h"

enum { ROUNDS = 8, HALVINGS = 5, HOT_SHARE = 4, TOLD_MOVES = 1 << 16 };

struct annealing {
    struct rng exchange, accept;
    uint64_t   hot; // the temperature that a round begins with
    uint64_t   cost, least, busiest; // of the placement, and of the best seen
    uint32_t  *best; // owned; nodes by core
};

static void exchange(struct placement_work *w, uint32_t a, uint32_t b)
{
    uint32_t ca = w->core[a], cb = w->core[b];

    w->core[a] = cb;
    w->core[b] = ca;
    if (ca != PLACEMENT_NOBODY)
        w->node[ca] = b;
    if (cb != PLACEMENT_NOBODY)
        w->node[cb] = a;
}

/* What two nodes' cores add to what all others cost: one beside the other, then that without it. */
static uint64_t cost_around(struct placement_work *w, uint32_t a, uint32_t b)
{
    uint32_t ca = w->core[a], cb = w->core[b];

    if (ca == PLACEMENT_NOBODY)
        return cb == PLACEMENT_NOBODY ? 0 : placement_cost_at(w, cb, b);
    uint64_t cost = placement_cost_at(w, ca, a);
    if (cb == PLACEMENT_NOBODY || cb == ca)
        return cost;
    w->node[ca] = PLACEMENT_NOBODY;
    cost += placement_cost_at(w, cb, b);
    w->node[ca] = a;
    return cost;
}

/* k or more with probability 2^-k. */
static uint64_t leading_zeros(uint64_t random)
{
    return random ? (uint64_t)__builtin_clzll(random) : 64;
}

static void keep(struct placement_work *w, struct annealing *s)
{
    uint64_t most = placement_loads(w);

    if (s->cost == s->least && most >= s->busiest)
        return;
    s->least = s->cost;
    s->busiest = most;
    memcpy(s->best, w->node, w->task->n_core * sizeof *s->best);
}

static void try_exchange(struct placement_work *w, struct annealing *s, uint64_t i,
                         uint64_t temperature)
{
    uint64_t random = rng_u64(s->exchange, i);
    uint32_t a = w->node[(random >> 32) % w->task->n_core], b = (uint32_t)random % w->n;
    uint64_t before = cost_around(w, a, b);

    exchange(w, a, b);
    uint64_t after = cost_around(w, a, b);
    if (after > before + temperature * leading_zeros(rng_u64(s->accept, i))) {
        exchange(w, a, b);
        return;
    }
    s->cost = s->cost + after - before;
    if (s->cost <= s->least && after != before)
        keep(w, s);
}

static void take_best(struct placement_work *w, struct annealing *s)
{
    memset(w->core, 0xff, w->n * sizeof *w->core); // PLACEMENT_NOBODY
    for (uint32_t core = 0; core < w->task->n_core; core++)
        placement_put(w, core, s->best[core]);
    s->cost = s->least;
}

static enum err place(struct placement_work *w, struct err_msg *m)
{
    const uint64_t moves = w->task->moves;
    struct annealing s = { .exchange = rng_at(w->task->seed, "placement: exchange"),
                           .accept = rng_at(w->task->seed, "placement: accept"),
                           .best = malloc((w->task->n_core + 1) * sizeof *s.best) };
    enum err e = placement_snake.place(w, m);

    if (!s.best)
        return err_set(m, ERR_MEMORY, "no memory for a placement");
    memcpy(s.best, w->node, w->task->n_core * sizeof *s.best);
    s.cost = s.least = placement_cost(w);
    s.busiest = placement_loads(w);
    s.hot = s.cost / w->task->n_core / HOT_SHARE;
    for (uint64_t round = 0, i = 0; !e && round < ROUNDS; round++) {
        uint64_t begin = i, end = moves * (round + 1) / ROUNDS;
        for (; i < end; i++) {
            try_exchange(w, &s, i, s.hot >> (i - begin) * HALVINGS / (end - begin));
            if (w->task->progress && i % TOLD_MOVES == 0)
                w->task->progress(w->task->user, i, moves);
        }
        take_best(w, &s);
    }
    free(s.best);
    return e;
}

const struct placement_policy placement_anneal = {
    .name = "anneal", .doc = "exchanges at random, colder and colder",
    .keys = "placement.seed placement.moves", .place = place,
};
