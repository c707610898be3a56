/* noc/place_search.c -- a place for every core such that every flow is one hop: an embedding.
 *
 * Cores are taken one by one, always the one with the fewest nodes left; a node taken leaves its
 * partners only nodes joined to it, and itself to nobody; a core without nodes left means back (the
 * forward checking of Haralick and Elliott, Artificial Intelligence 14, 1980). A node is no place
 * for a core with more partners still to come than it has free neighbours. Ends with places, with
 * "impossible" and the reason where there is one, or undecided after placement.moves steps. Where
 * all was tried the shortest run of cores that has no places by itself is named, if it is short. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "noc/placement.h"

enum { NAMES_BYTE = 200, MOST_RUN = 12, RUN_STEPS = 20000, TOLD_STEPS = 256 };

struct search {
    struct placement_work *w;
    uint32_t  n_word;   // of a set of nodes
    uint64_t *to, *from; // owned; by node: the nodes that it sends to, that send to it
    uint64_t *left;     // owned; by depth and core: nodes that it may still take
    uint64_t  n_step, most_step;
    uint32_t  n_core; // to be placed
    bool     *out;           // owned; by core: it is not to be placed
};

static bool has(const uint64_t *set, uint32_t i)
{
    return set[i / 64] >> i % 64 & 1;
}

static void add(uint64_t *set, uint32_t i)
{
    set[i / 64] |= UINT64_C(1) << i % 64;
}

static uint32_t count(const uint64_t *set, uint32_t n_word)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_word; i++)
        n += (uint32_t)__builtin_popcountll(set[i]);
    return n;
}

static uint64_t *left_of(const struct search *s, uint32_t depth, uint32_t core)
{
    return &s->left[((size_t)depth * s->w->task->n_core + core) * s->n_word];
}

/* ---- reasons why there is no embedding ---- */

/* Whether an earlier flow of the core is with the same partner. */
static bool is_repeated(const struct placement_work *w, uint32_t core, uint32_t i)
{
    for (uint32_t k = w->first[core]; k < i; k++)
        if (w->partner[k].core == w->partner[i].core)
            return true;
    return false;
}

static uint32_t n_partner(const struct placement_work *w, uint32_t core)
{
    uint32_t n = 0;

    for (uint32_t i = w->first[core]; i < w->first[core + 1]; i++)
        n += w->partner[i].core != core && !is_repeated(w, core, i);
    return n;
}

static enum err check_degrees(const struct search *s, struct err_msg *m)
{
    const struct placement_task *t = s->w->task;
    uint32_t most = 0;

    for (uint32_t node = 0; node < s->w->n; node++) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < s->n_word; k++)
            n += (uint32_t)__builtin_popcountll(s->to[node * (size_t)s->n_word + k] |
                                                s->from[node * (size_t)s->n_word + k]);
        most = max_u32(most, n);
    }
    for (uint32_t i = 0; i < t->n_core; i++) {
        uint32_t core = t->order[i], n = n_partner(s->w, core);
        if (n > most)
            return err_set(m, ERR_INPUT, "placement.kind = search: impossible: %s exchanges with "
                           "%" PRIu32 " cores, and no place of fabric.kind = %s has more than %"
                           PRIu32 " links: want more of them (fabric.reach)", t->name[core], n,
                           t->fabric, most);
    }
    return ERR_NONE;
}

struct walk { // breadth first, over cores or nodes
    uint32_t *level, *before, *queue; // owned; level UINT32_MAX: not reached
};

/* Whether the fabric has a circle of odd length: if not, its nodes are of two colours. */
static bool has_odd_circle(const struct search *s, struct walk *walk)
{
    memset(walk->level, 0xff, s->w->n * sizeof *walk->level);
    for (uint32_t root = 0; root < s->w->n; root++) {
        uint32_t first = 0, end = 0;
        if (walk->level[root] != UINT32_MAX)
            continue;
        walk->level[root] = 0;
        walk->queue[end++] = root;
        for (; first < end; first++)
            for (uint32_t node = 0, at = walk->queue[first]; node < s->w->n; node++) {
                if (!has(&s->to[at * (size_t)s->n_word], node) &&
                    !has(&s->from[at * (size_t)s->n_word], node))
                    continue;
                if (walk->level[node] == walk->level[at])
                    return true;
                if (walk->level[node] != UINT32_MAX)
                    continue;
                walk->level[node] = walk->level[at] + 1;
                walk->queue[end++] = node;
            }
    }
    return false;
}

/* Cores from `root` on by levels; the first two of a level that exchange close an odd circle. */
static bool find_odd(const struct search *s, struct walk *walk, uint32_t root, uint32_t *a,
                     uint32_t *b)
{
    const struct placement_work *w = s->w;
    uint32_t first = 0, end = 0;

    memset(walk->level, 0xff, w->task->n_core * sizeof *walk->level);
    walk->level[root] = 0;
    walk->queue[end++] = root;
    for (; first < end; first++)
        for (uint32_t at = walk->queue[first], i = w->first[at]; i < w->first[at + 1]; i++) {
            uint32_t core = w->partner[i].core;
            if (core != at && walk->level[core] == walk->level[at]) {
                *a = at;
                *b = core;
                return true;
            }
            if (walk->level[core] != UINT32_MAX)
                continue;
            walk->level[core] = walk->level[at] + 1;
            walk->before[core] = at;
            walk->queue[end++] = core;
        }
    return false;
}

/* The circle in the order of the pipeline, by name. */
static void name_circle(const struct search *s, const struct walk *walk, uint32_t a, uint32_t b,
                        char *text)
{
    const struct placement_task *t = s->w->task;
    uint8_t *in = calloc(t->n_core, 1);
    size_t n = 0;

    text[0] = '\0';
    for (uint32_t x = a, y = b; in; x = walk->before[x], y = walk->before[y]) {
        in[x] = in[y] = 1;
        if (x == y)
            break;
    }
    for (uint32_t i = 0; in && i < t->n_core && n < NAMES_BYTE; i++)
        if (in[t->order[i]])
            n += (size_t)snprintf(text + n, NAMES_BYTE - n, "%s%s", n ? ", " : "",
                                  t->name[t->order[i]]);
    free(in);
}

/* The shortest odd circle of cores, on a fabric that has none. */
static enum err check_circles(const struct search *s, struct walk *walk, struct err_msg *m)
{
    const struct placement_task *t = s->w->task;
    uint32_t a, b, shortest = UINT32_MAX;
    char text[NAMES_BYTE] = "";

    if (has_odd_circle(s, walk))
        return ERR_NONE;
    for (uint32_t i = 0; i < t->n_core; i++) {
        if (!find_odd(s, walk, t->order[i], &a, &b) || 2 * walk->level[a] + 1 >= shortest)
            continue;
        shortest = 2 * walk->level[a] + 1;
        name_circle(s, walk, a, b, text);
    }
    if (shortest == UINT32_MAX)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "placement.kind = search: impossible: %s are a circle of %" PRIu32
                   ", and fabric.kind = %s has circles of even length only: want fabric.kind = "
                   "adjacent with a longer fabric.reach", text, shortest, t->fabric);
}

static enum err check_reasons(const struct search *s, struct err_msg *m)
{
    size_t n = max_u32(s->w->n, s->w->task->n_core);
    struct walk walk = { malloc(n * sizeof *walk.level), malloc(n * sizeof *walk.before),
                         malloc(n * sizeof *walk.queue) };
    enum err e = walk.level && walk.before && walk.queue
                     ? check_circles(s, &walk, m)
                     : err_set(m, ERR_MEMORY, "no memory for a placement");

    if (!e)
        e = check_degrees(s, m);
    free(walk.level);
    free(walk.before);
    free(walk.queue);
    return e;
}

/* ---- the search ---- */

/* Free neighbours of a node: those that somebody who is not placed might take. */
static uint32_t n_free(const struct search *s, uint32_t node)
{
    const uint64_t *to = &s->to[node * (size_t)s->n_word];
    const uint64_t *from = &s->from[node * (size_t)s->n_word];
    uint32_t n = 0;

    for (uint32_t k = 0; k < s->n_word; k++)
        for (uint64_t left = to[k] | from[k]; left; left &= left - 1)
            n += s->w->core[64 * k + (uint32_t)__builtin_ctzll(left)] == PLACEMENT_NOBODY;
    return n;
}

/* Partners that are not placed yet. */
static uint32_t n_to_come(const struct search *s, uint32_t core)
{
    const struct placement_work *w = s->w;
    uint32_t n = 0;

    for (uint32_t i = w->first[core]; i < w->first[core + 1]; i++) {
        uint32_t other = w->partner[i].core;
        n += other != core && !s->out[other] && w->node[other] == PLACEMENT_NOBODY &&
             !is_repeated(w, core, i);
    }
    return n;
}

/* Takes the node from everybody and leaves the core's partners what is joined to it. False when
 * somebody has no node left. */
static bool narrow(const struct search *s, uint32_t depth, uint32_t core, uint32_t node)
{
    const struct placement_work *w = s->w;
    size_t all = (size_t)w->task->n_core * s->n_word;

    memcpy(left_of(s, depth + 1, 0), left_of(s, depth, 0), all * sizeof *s->left);
    for (uint32_t i = w->first[core]; i < w->first[core + 1]; i++) {
        const struct placement_partner *p = &w->partner[i];
        const uint64_t *joined = &(p->sends ? s->from : s->to)[node * (size_t)s->n_word];
        uint64_t *left = left_of(s, depth + 1, p->core);
        for (uint32_t k = 0; p->core != core && k < s->n_word; k++)
            left[k] &= joined[k];
    }
    for (uint32_t other = 0; other < w->task->n_core; other++) {
        uint64_t *left = left_of(s, depth + 1, other);
        if (s->out[other] || w->node[other] != PLACEMENT_NOBODY)
            continue;
        left[node / 64] &= ~(UINT64_C(1) << node % 64);
        if (count(left, s->n_word) == 0)
            return false;
    }
    return true;
}

/* The core with the fewest nodes left; of equals the one with more partners to come. */
static uint32_t next_core(const struct search *s, uint32_t depth)
{
    const struct placement_task *t = s->w->task;
    uint32_t best = PLACEMENT_NOBODY, fewest = UINT32_MAX, most = 0;

    for (uint32_t i = 0; i < t->n_core; i++) {
        uint32_t core = t->order[i];
        if (s->out[core] || s->w->node[core] != PLACEMENT_NOBODY)
            continue;
        uint32_t n = count(left_of(s, depth, core), s->n_word), partners = n_to_come(s, core);
        if (n > fewest || (n == fewest && partners <= most && best != PLACEMENT_NOBODY))
            continue;
        best = core;
        fewest = n;
        most = partners;
    }
    return best;
}

static bool descend(struct search *s, uint32_t depth)
{
    struct placement_work *w = s->w;

    if (depth == s->n_core)
        return true;
    uint32_t core = next_core(s, depth), partners = n_to_come(s, core);
    for (uint32_t node = 0; node < w->n && s->n_step < s->most_step; node++) {
        if (!has(left_of(s, depth, core), node) || n_free(s, node) < partners)
            continue;
        s->n_step++;
        if (w->task->progress && s->n_step % TOLD_STEPS == 0)
            w->task->progress(w->task->user, s->n_step, s->most_step);
        placement_put(w, core, node);
        if (narrow(s, depth, core, node) && descend(s, depth + 1))
            return true;
        w->node[core] = PLACEMENT_NOBODY;
        w->core[node] = PLACEMENT_NOBODY;
    }
    return false;
}

/* Places n cores of the pipeline from `first` on, and no other. */
static bool search(struct search *s, uint32_t first, uint32_t n, uint64_t most_step)
{
    const struct placement_task *t = s->w->task;

    s->n_step = 0;
    s->most_step = most_step;
    s->n_core = n;
    for (uint32_t i = 0; i < t->n_core; i++)
        s->out[t->order[i]] = i < first || i >= first + n;
    for (uint32_t core = 0; core < t->n_core; core++) {
        s->w->node[core] = PLACEMENT_NOBODY;
        for (uint32_t node = 0; node < s->w->n; node++)
            add(left_of(s, 0, core), node);
    }
    for (uint32_t node = 0; node < s->w->n; node++)
        s->w->core[node] = PLACEMENT_NOBODY;
    return descend(s, 0);
}

/* The shortest run of the pipeline that finds no places even by itself: who looks at these alone
 * sees why. False when there is none as short. */
static bool find_run(struct search *s, uint32_t *first, uint32_t *n)
{
    const uint32_t n_core = s->w->task->n_core;

    for (*n = 3; *n <= MOST_RUN && *n < n_core; ++*n)
        for (*first = 0; *first + *n <= n_core; ++*first)
            if (!search(s, *first, *n, RUN_STEPS) && s->n_step < RUN_STEPS)
                return true;
    return false;
}

static enum err refuse(struct search *s, struct err_msg *m)
{
    const struct placement_task *t = s->w->task;
    const uint64_t n_step = s->n_step;
    char text[NAMES_BYTE] = "";
    uint32_t first, n;
    size_t at = 0;

    if (find_run(s, &first, &n))
        for (uint32_t i = first; i < first + n && at < sizeof text; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i > first ? ", " : "",
                                   t->name[t->order[i]]);
    return err_set(m, ERR_INPUT, "placement.kind = search: impossible: no places put every flow"
                   "%s%s on a link of fabric.kind = %s (all tried in %" PRIu64 " steps): want more "
                   "places or a longer fabric.reach", at ? " of " : "", text, t->fabric, n_step);
}

static void join_nodes(struct search *s)
{
    for (uint32_t a = 0; a < s->w->n; a++)
        for (uint32_t b = 0; b < s->w->n; b++)
            if (a != b && s->w->distance[(size_t)a * s->w->n + b] == 1) {
                add(&s->to[a * (size_t)s->n_word], b);
                add(&s->from[b * (size_t)s->n_word], a);
            }
}

static enum err find(struct search *s, struct err_msg *m)
{
    const struct placement_task *t = s->w->task;

    join_nodes(s);
    enum err e = check_reasons(s, m);
    if (e)
        return e;
    if (search(s, 0, t->n_core, t->moves))
        return ERR_NONE;
    if (s->n_step >= t->moves)
        return err_set(m, ERR_INPUT, "placement.kind = search: undecided after %" PRIu64
                       " steps: want more placement.moves", s->n_step);
    return refuse(s, m);
}

static enum err place(struct placement_work *w, struct err_msg *m)
{
    size_t n = w->n, n_word = ceil_div(w->n, 64), n_core = w->task->n_core;
    struct search s = { .w = w,
                        .n_word = (uint32_t)n_word,
                        .to = calloc(n, n_word * sizeof *s.to),
                        .from = calloc(n, n_word * sizeof *s.from),
                        .left = calloc((n_core + 1) * n_core, n_word * sizeof *s.left),
                        .out = calloc(n_core, sizeof *s.out) };
    enum err e = s.to && s.from && s.left && s.out ? find(&s, m)
                                          : err_set(m, ERR_MEMORY, "no memory for a placement");
    free(s.to);
    free(s.from);
    free(s.left);
    free(s.out);
    return e;
}

const struct placement_policy placement_search = {
    .name = "search", .doc = "every flow on a link, or why not",
    .keys = "placement.moves", .place = place,
};
