/* dataflow/mapper/search.c -- see search.h. */
#include "dataflow/mapper/search.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapper/cores.h"

enum {
    MOST_BUCKETS = 64,     // of states, by the cores they use
    MOST_WIDTH = 1024,     // states in a bucket
    MOST_BYTES = 1 << 28,  // of times
    OUTPUTS_OF_EFFORT = 1000000
};

enum diagram { RESTRICTED, RELAXED };

struct state {
    uint32_t cores;
    uint32_t parent, option; // in the frontier before; of this layer
    int64_t  last, sum;      // of this layer's times: which states are kept
};

struct frontier { // states after one layer: bucket b holds state[b * width] .. + count[b]
    struct state *state; // owned
    uint32_t     *count; // owned
    int64_t      *times; // owned; [state][stride]: the layers that are read later
    size_t        stride;
    size_t       *offset; // owned; of a layer's times in a state; NOT_KEPT
};

#define NOT_KEPT SIZE_MAX

struct search {
    const struct mapper *mp;
    struct mapper_times *times;
    enum diagram         diagram;
    uint64_t             interval; // of options
    uint32_t             cores;    // of the mapping
    uint64_t             least_firings; // of layers that read the image
    bool                 careful;
    uint32_t             buckets, width;
    struct frontier      now, next;
    uint32_t            *after;   // owned; [layer]: fewest cores of the layers behind it
    uint32_t            *fewest;  // owned; [layer]: of its cheapest option
    uint32_t           **forced;  // owned; [layer][option]: how many more they take for its sake
    struct state       **history; // owned; [layer]: its states
    const int64_t      **done;    // owned; [layer]: times of the state looked at
    int64_t             *child;   // owned; times of the state being made
    int64_t             *own;     // owned; of the layer itself
};

/* What a state keeps of a layer: its times, and the parts that layers which read it need at least.
 * Fewer and earlier is better of all of it. */
static size_t kept_size(const struct search *s, uint32_t layer)
{
    return (size_t)mapper_times_size(s->mp, layer) + 1;
}

static int64_t *need_parts(const struct search *s, uint32_t layer, int64_t *kept)
{
    return kept + mapper_times_size(s->mp, layer);
}

/* A dominated option is of use only where the better one does not fit the memories. Options that
 * other layers must suit seldom pay: bounds hold for them, mappings do without. */
static bool usable(const struct search *s, uint32_t layer, const struct mapper_option *o)
{
    const struct mapper_option *all = s->mp->layer[layer].option, *better = &all[o->dominator];

    bool sound = !o->unsure && o->need_parts == 1;

    return !o->doubtful && !o->refused && (o == better || better->refused) &&
           o->least_interval <= s->interval && (sound || s->diagram == RELAXED) &&
           (s->mp->plan.layer[layer].feed != FEED_SCRATCHPAD || o->firings >= s->least_firings);
}

/* ---- size ---- */

static size_t most_stride(const struct search *s)
{
    size_t most = 1;

    for (uint32_t layer = 0; layer < s->mp->n_layer; layer++) {
        size_t stride = 0;
        for (uint32_t i = 0; i <= layer; i++)
            if (mapper_times_last_reader(s->times, i) > layer)
                stride += kept_size(s, i);
        most = stride > most ? stride : most;
    }
    return most;
}

/* As many states as the effort times under all their options. */
static void choose_size(struct search *s, uint32_t searches, size_t stride)
{
    const struct mapper *mp = s->mp;
    uint64_t slack = s->cores - mp->least_cores, each = 1;

    for (uint32_t i = 0; i < mp->n_layer; i++)
        for (uint32_t k = 0; k < mp->layer[i].n_option; k++)
            if (usable(s, i, &mp->layer[i].option[k]))
                each += mapper_times_size(mp, i);
    uint64_t states = (uint64_t)mp->config->mapping.effort * OUTPUTS_OF_EFFORT /
                      (each * searches * 2); // two diagrams
    states = max_u64(1, min_u64(states, MOST_BYTES / (stride * sizeof(int64_t))));
    s->buckets = (uint32_t)min_u64(min_u64(slack + 1, MOST_BUCKETS), states);
    s->width = (uint32_t)min_u64(states / s->buckets, MOST_WIDTH);
}

/* ---- memory ---- */

static bool frontier_init(const struct search *s, struct frontier *f, size_t stride)
{
    size_t n = (size_t)s->buckets * s->width;

    f->state = NULL;
    f->count = calloc(s->buckets, sizeof *f->count);
    f->times = calloc(n * stride, sizeof *f->times);
    f->offset = calloc(s->mp->n_layer, sizeof *f->offset);
    return f->count && f->times && f->offset;
}

static void frontier_release(struct frontier *f)
{
    free(f->count);
    free(f->times);
    free(f->offset);
}

static void search_release(struct search *s)
{
    for (uint32_t i = 0; s->history && i < s->mp->n_layer; i++)
        free(s->history[i]);
    for (uint32_t i = 0; s->forced && i < s->mp->n_layer; i++)
        free(s->forced[i]);
    free(s->forced);
    free(s->fewest);
    free(s->history);
    free(s->after);
    free(s->done);
    free(s->child);
    free(s->own);
    frontier_release(&s->now);
    frontier_release(&s->next);
    mapper_times_free(s->times);
}

/* Of the layers behind each, and of each layer by itself. */
static enum err count_cores(struct search *s, struct err_msg *m)
{
    const struct mapper *mp = s->mp;
    struct mapper_cores c;
    enum err e = mapper_cores_init(&c, mp, s->interval, CORES_OF_ANY, m);

    if (e)
        return e;
    for (uint32_t i = 0; i < mp->n_layer; i++) {
        const struct mapper_layer *l = &mp->layer[i];
        uint32_t k = 0;
        s->after[i] = (uint32_t)mapper_cores_after(&c, i);
        while (l->option[k].least_interval > s->interval || l->option[k].doubtful)
            k++;
        s->fewest[i] = l->option[k].cores;
        for (k = 0; k < l->n_option; k++) { // more than there are: it cannot be had
            uint64_t forced = mapper_cores_forced(&c, i, &l->option[k]);
            s->forced[i][k] = (uint32_t)min_u64(forced, (uint64_t)s->cores + 1);
        }
    }
    mapper_cores_release(&c);
    return ERR_NONE;
}

static enum err search_init(struct search *s, uint32_t searches, struct err_msg *m)
{
    const struct mapper *mp = s->mp;
    size_t most = 1;
    enum err e = mapper_times_new(&s->times, mp, m);

    if (e)
        return e;
    for (uint32_t i = 0; i < mp->n_layer; i++) {
        size_t size = kept_size(s, i);
        most = size > most ? size : most;
    }
    size_t stride = most_stride(s);
    choose_size(s, searches, stride);
    s->history = calloc(mp->n_layer, sizeof *s->history);
    s->after = calloc(mp->n_layer, sizeof *s->after);
    s->fewest = calloc(mp->n_layer, sizeof *s->fewest);
    s->forced = calloc(mp->n_layer, sizeof *s->forced);
    s->done = calloc(mp->n_layer, sizeof *s->done);
    s->child = calloc(stride, sizeof *s->child);
    s->own = calloc(most, sizeof *s->own);
    bool there = s->history && s->after && s->fewest && s->forced && s->done && s->child &&
                 s->own && frontier_init(s, &s->now, stride) &&
                 frontier_init(s, &s->next, stride);
    for (uint32_t i = 0; there && i < mp->n_layer; i++) {
        s->history[i] = calloc((size_t)s->buckets * s->width, sizeof *s->history[i]);
        s->forced[i] = calloc(mp->layer[i].n_option, sizeof *s->forced[i]);
        there = s->history[i] && s->forced[i];
    }
    if (!there)
        return err_set(m, ERR_MEMORY, "no memory for the mapper");
    return count_cores(s, m);
}

/* ---- states ---- */

static int64_t *times_of(const struct frontier *f, uint32_t state)
{
    return f->times + state * f->stride;
}

/* Which layers' times a state holds after `layer`. */
static void lay_out(const struct search *s, struct frontier *f, uint32_t layer)
{
    f->stride = 0;
    f->state = s->history[layer];
    memset(f->count, 0, s->buckets * sizeof *f->count);
    for (uint32_t i = 0; i <= layer; i++) {
        f->offset[i] = NOT_KEPT;
        if (mapper_times_last_reader(s->times, i) <= layer)
            continue;
        f->offset[i] = f->stride;
        f->stride += kept_size(s, i);
    }
}

/* Whether no time of a is later than b's. The last ones tell most states apart. */
static bool no_later(const int64_t *a, const int64_t *b, size_t n)
{
    while (n-- > 0)
        if (a[n] > b[n])
            return false;
    return true;
}

static bool state_dominates(const struct state *a, const int64_t *a_times, const struct state *b,
                            const int64_t *b_times, size_t n)
{
    return a->cores <= b->cores && a->last <= b->last && no_later(a_times, b_times, n);
}

static bool is_later(const struct state *a, const struct state *b)
{
    if (a->last != b->last)
        return a->last > b->last;
    return a->sum != b->sum ? a->sum > b->sum : a->cores > b->cores;
}

static void put(struct frontier *f, uint32_t at, const struct state *st, const int64_t *times)
{
    f->state[at] = *st;
    memcpy(times_of(f, at), times, f->stride * sizeof *times);
}

/* The merged state is no later and takes no more cores than either. */
static void merge(struct frontier *f, uint32_t into, const struct state *st, const int64_t *times)
{
    struct state *to = &f->state[into];
    int64_t *at = times_of(f, into);

    to->cores = min_u32(to->cores, st->cores);
    to->last = st->last < to->last ? st->last : to->last;
    to->sum = st->sum < to->sum ? st->sum : to->sum;
    for (size_t i = 0; i < f->stride; i++)
        at[i] = times[i] < at[i] ? times[i] : at[i];
}

static uint32_t latest(const struct frontier *f, uint32_t first, uint32_t n, uint32_t but)
{
    uint32_t at = first == but ? first + 1 : first;

    for (uint32_t i = first; i < first + n; i++)
        if (i != but && is_later(&f->state[i], &f->state[at]))
            at = i;
    return at;
}

/* A full bucket: the latest state leaves it, or is merged into the next latest. */
static void make_do(const struct search *s, struct frontier *f, uint32_t first,
                    const struct state *st, const int64_t *times)
{
    uint32_t worst = latest(f, first, s->width, UINT32_MAX);
    bool stays = is_later(&f->state[worst], st);

    if (s->diagram == RELAXED && (!stays || s->width == 1)) {
        merge(f, worst, st, times);
    } else if (stays) {
        if (s->diagram == RELAXED)
            merge(f, latest(f, first, s->width, worst), &f->state[worst], times_of(f, worst));
        put(f, worst, st, times);
    }
}

static void insert(const struct search *s, struct frontier *f, uint32_t bucket,
                   const struct state *st, const int64_t *times)
{
    uint32_t first = bucket * s->width;

    for (uint32_t b = 0; b <= bucket; b++)
        for (uint32_t i = b * s->width; i < b * s->width + f->count[b]; i++)
            if (state_dominates(&f->state[i], times_of(f, i), st, times, f->stride))
                return;
    for (uint32_t i = first; i < first + f->count[bucket];) {
        if (!state_dominates(st, times, &f->state[i], times_of(f, i), f->stride)) {
            i++;
            continue;
        }
        uint32_t end = first + --f->count[bucket];
        if (i != end)
            put(f, i, &f->state[end], times_of(f, end));
    }
    if (f->count[bucket] < s->width)
        put(f, first + f->count[bucket]++, st, times);
    else
        make_do(s, f, first, st, times);
}

/* ---- layers ---- */

static void keep_times(struct search *s, uint32_t layer, const int64_t *own)
{
    for (uint32_t i = 0; i <= layer; i++)
        if (s->next.offset[i] != NOT_KEPT)
            memcpy(s->child + s->next.offset[i], i == layer ? own : s->done[i],
                   kept_size(s, i) * sizeof *own);
}

static void add_child(struct search *s, uint32_t layer, struct state *st, uint32_t fewest)
{
    uint64_t slack = s->cores - s->after[layer] - fewest;

    st->last = INT64_MIN;
    st->sum = 0;
    for (uint32_t i = 0; i < mapper_times_size(s->mp, layer); i++) {
        st->last = s->own[i] > st->last ? s->own[i] : st->last;
        st->sum += s->own[i];
    }
    keep_times(s, layer, s->own);
    insert(s, &s->next, (uint32_t)((st->cores - fewest) * (uint64_t)s->buckets / (slack + 1)), st,
           s->child);
}

/* Fewest parts with which the layer's links carry what the layer before it fires; of several such
 * layers the plan knows. */
static int64_t least_parts(const struct search *s, uint32_t layer)
{
    uint32_t from = mapper_read_by(s->mp, layer);

    return from == s->mp->n_layer ? 1 : s->done[from][mapper_times_size(s->mp, from)];
}

/* The successors of one state. Where an option computes every output at once, none with more cores,
 * as many parts and as many needs is earlier. */
static void expand(struct search *s, uint32_t layer, uint32_t parent, uint32_t cores,
                   uint32_t fewest)
{
    const struct mapper_layer *l = &s->mp->layer[layer];
    const struct mapper_option *at_once = NULL;
    int64_t parts = least_parts(s, layer);

    mapper_times_inputs(s->times, layer, s->done);
    for (uint32_t k = 0; k < l->n_option; k++) {
        const struct mapper_option *o = &l->option[k];
        struct state st = { .cores = cores + o->cores, .parent = parent, .option = k };
        if (st.cores + s->after[layer] > s->cores)
            break; // so do all behind it
        if (!usable(s, layer, o) || o->parts < parts ||
            st.cores + s->after[layer] + s->forced[layer][k] > s->cores ||
            (at_once && o->parts >= at_once->parts && o->need_parts >= at_once->need_parts))
            continue;
        if (!mapper_times_layer(s->times, o, s->diagram == RELAXED, s->own))
            at_once = o;
        *need_parts(s, layer, s->own) = o->need_parts;
        if (s->diagram == RELAXED || mapper_times_fits(s->times, o, s->careful))
            add_child(s, layer, &st, fewest);
    }
}

static void expand_all(struct search *s, uint32_t layer, uint32_t fewest)
{
    for (uint32_t b = 0; b < s->buckets; b++)
        for (uint32_t k = b * s->width; k < b * s->width + s->now.count[b]; k++) {
            for (uint32_t i = 0; i < layer; i++)
                s->done[i] = s->now.offset[i] == NOT_KEPT ? NULL
                                                          : times_of(&s->now, k) + s->now.offset[i];
            expand(s, layer, k, s->now.state[k].cores, fewest);
        }
}

static void search_layers(struct search *s)
{
    const struct mapper *mp = s->mp;
    uint32_t fewest = 0;

    for (uint32_t layer = 0; layer < mp->n_layer; layer++) {
        fewest += s->fewest[layer];
        lay_out(s, &s->next, layer);
        if (layer == 0)
            expand(s, 0, 0, 0, fewest);
        else
            expand_all(s, layer, fewest);
        struct frontier done = s->now;
        s->now = s->next;
        s->next = done;
    }
}

/* ---- the front ---- */

/* The state of least latency among those of at most so many cores; fewest cores of several. */
static const struct state *best_within(const struct search *s, uint32_t cores)
{
    const struct state *best = NULL;

    for (uint32_t b = 0; b < s->buckets; b++)
        for (uint32_t i = b * s->width; i < b * s->width + s->now.count[b]; i++) {
            const struct state *st = &s->now.state[i];
            if (st->cores <= cores && (!best || st->last < best->last ||
                                       (st->last == best->last && st->cores < best->cores)))
                best = st;
        }
    return best;
}

static bool add_point(const struct search *s, const struct state *st, struct mapper_front *f)
{
    uint32_t *choice = calloc(s->mp->n_layer, sizeof *choice);

    if (!choice)
        return false;
    f->point[f->n_point++] = (struct mapper_point){ .cores = st->cores,
                                                    .first_result = (uint64_t)st->last + 1,
                                                    .choice = choice };
    for (uint32_t i = s->mp->n_layer; i-- > 0;) {
        choice[i] = st->option;
        if (i > 0)
            st = &s->history[i - 1][st->parent];
    }
    return true;
}

static enum err read_front(const struct search *s, struct mapper_front *f, struct err_msg *m)
{
    const struct state *st = best_within(s, s->cores);
    bool done;

    f->point = calloc((size_t)s->buckets * s->width, sizeof *f->point);
    for (done = f->point != NULL; done && st; st = best_within(s, st->cores - 1))
        done = add_point(s, st, f);
    for (uint32_t i = 0; i < f->n_point / 2; i++) { // by cores
        struct mapper_point p = f->point[i];
        f->point[i] = f->point[f->n_point - 1 - i];
        f->point[f->n_point - 1 - i] = p;
    }
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the mapper");
}

static uint64_t bound_within(const struct search *s, uint32_t cores)
{
    const struct state *best = best_within(s, cores);

    return best ? (uint64_t)best->last + 1 : UINT64_MAX;
}

static void read_bounds(const struct search *s, struct mapper_front *f)
{
    for (uint32_t i = 0; i < f->n_point; i++)
        f->point[i].bound = bound_within(s, f->point[i].cores);
    f->bound = bound_within(s, s->cores);
}

enum err mapper_search(const struct mapper *mp, const struct mapper_search_cfg *cfg,
                       struct mapper_front *f, struct err_msg *m)
{
    static const enum diagram diagrams[] = { RESTRICTED, RELAXED };
    enum err e = ERR_NONE;

    *f = (struct mapper_front){ 0 };
    for (int i = 0; i < 2 && !e; i++) {
        struct search s = { .mp = mp, .diagram = diagrams[i], .interval = cfg->interval,
                            .cores = cfg->cores,
                            .careful = cfg->careful,
                            .least_firings = cfg->least_firings };
        e = search_init(&s, cfg->searches, m);
        if (!e)
            search_layers(&s);
        if (!e && s.diagram == RESTRICTED)
            e = read_front(&s, f, m);
        else if (!e)
            read_bounds(&s, f);
        search_release(&s);
    }
    if (e)
        mapper_front_release(f);
    return e;
}

void mapper_front_release(struct mapper_front *f)
{
    for (uint32_t i = 0; i < f->n_point; i++)
        free(f->point[i].choice);
    free(f->point);
    *f = (struct mapper_front){ 0 };
}
