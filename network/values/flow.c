/* network/values/flow.c -- the order in which columns of maps are made.
 *
 * Where there are layers of tokens, which wait for all of them anyway, maps are made one after the
 * other, whole, so that weights are read once for many pixels. In other networks a column is made
 * as soon as what it is computed from is there, by the last step that can make one: so that it is
 * read while it is near, and forgotten soon. A map keeps as many columns as were ever wanted at
 * once.
 */
#include <assert.h>
#include <stdlib.h>

#include "core/util.h"
#include "network/values/prepared.h"

struct flow { // while the order is made
    struct values *v;
    uint32_t      *made;  // owned; [n_spec]: columns
    uint32_t      *maker; // owned; [n_spec]: steps
    uint32_t      *last;  // owned; [n_spec]: the last step that reads it, or its maker
};

uint32_t value_window_end(const struct window *w, int axis, uint32_t at, uint32_t size,
                          uint32_t *first)
{
    int64_t begin = window_begin(w, axis, at);
    int64_t end = begin + (int64_t)(w->kernel[axis] - 1) * w->dilation[axis] + 1;

    *first = begin < 0 ? 0 : (uint32_t)min_u64((uint64_t)begin, size);
    return end < *first ? *first : (uint32_t)min_u64((uint64_t)end, size);
}

/* Calls read() for each map that a step reads for its column y, with the columns: [first, end). */
static void each_input(const struct values *v, const struct value_step *s, uint32_t y,
                       void (*read)(void *user, uint32_t spec, uint32_t first, uint32_t end),
                       void *user)
{
    const struct layer *l = &v->network->layer[s->layer];
    const struct value_layer *own = &v->layer[s->layer];
    uint32_t first, end;

    switch (s->task) {
    case VALUE_SPREAD:
        return;
    case VALUE_CONCATENATE:
        for (uint32_t i = 0; i < v->spec[s->spec].n_input; i++)
            read(user, v->spec[s->spec].input[i], y, y + 1);
        return;
    case VALUE_COMPUTE:
        end = value_window_end(&l->window, 1, y, l->in.width, &first);
        read(user, own->in, first, end);
        if (l->has_residual)
            read(user, l->residual, y, y + 1);
        return;
    case VALUE_POOL:
        read(user, own->pooled, 0, l->out.width);
        return;
    case N_VALUE_TASK:
        break;
    }
    assert(false);
}

struct asked { // of a step: what of its inputs?
    struct flow *flow;
    uint32_t     step;        // it
    uint32_t     spec, first; // the first column wanted of this map
    bool         there;       // what is wanted, of all of them
};

static void mark_last(void *user, uint32_t spec, uint32_t first, uint32_t end)
{
    struct asked *a = user;

    (void)first, (void)end;
    a->flow->last[spec] = a->step; // so far
}

static void find_readers(struct flow *f)
{
    for (uint32_t i = 0; i < f->v->n_step; i++) {
        const struct value_step *s = &f->v->step[i];
        f->maker[s->spec] = f->last[s->spec] = i;
        each_input(f->v, s, 0, mark_last, &(struct asked){ .flow = f, .step = i });
    }
}

static void is_there(void *user, uint32_t spec, uint32_t first, uint32_t end)
{
    struct asked *a = user;

    (void)first;
    a->there = a->there && a->flow->made[spec] >= end;
}

static void note_first(void *user, uint32_t spec, uint32_t first, uint32_t end)
{
    struct asked *a = user;

    (void)end;
    if (spec == a->spec)
        a->first = min_u32(a->first, first);
}

static bool is_done(const struct flow *f, const struct value_step *s)
{
    return f->made[s->spec] == f->v->spec[s->spec].map.shape.width;
}

static bool can_make(struct flow *f, const struct value_step *s)
{
    struct asked a = { .flow = f, .there = !is_done(f, s) };

    if (a.there)
        each_input(f->v, s, f->made[s->spec], is_there, &a);
    return a.there;
}

/* A column of a map has just been made: how many are wanted now? */
static void note_kept(struct flow *f, uint32_t spec)
{
    struct value_map *m = &f->v->spec[spec].map;
    struct asked a = { .flow = f, .spec = spec, .first = f->made[spec] - 1 };

    for (uint32_t i = f->maker[spec] + 1; i <= f->last[spec]; i++)
        if (!is_done(f, &f->v->step[i]))
            each_input(f->v, &f->v->step[i], f->made[f->v->step[i].spec], note_first, &a);
    m->kept = max_u32(m->kept, f->made[spec] - a.first);
}

static void make_columns(struct flow *f, size_t turns)
{
    struct values *v = f->v;
    uint32_t at = 0; // no step behind it can make a column

    while (v->n_turn < turns) {
        while (!can_make(f, &v->step[at])) {
            assert(at > 0);
            at--;
        }
        uint32_t spec = v->step[at].spec;
        v->turn[v->n_turn++] = (struct value_turn){ at, f->made[spec]++, 1 };
        note_kept(f, spec);
        at = f->last[spec];
    }
}

static void make_whole(struct flow *f)
{
    struct values *v = f->v;

    for (uint32_t i = 0; i < v->n_step; i++) {
        struct value_spec *s = &v->spec[v->step[i].spec];
        const uint32_t last = f->last[v->step[i].spec];
        s->map.kept = s->map.shape.width;
        s->made = i;
        s->last = last > i ? last : UINT32_MAX; // what no step reads is a result
        v->turn[v->n_turn++] = (struct value_turn){ i, 0, s->map.shape.width };
    }
}

bool value_flow(struct values *v)
{
    const bool whole = network_has_tokens(v->network);
    struct flow f = { .v = v,
                      .made = calloc(v->n_spec, sizeof *f.made),
                      .maker = calloc(v->n_spec, sizeof *f.maker),
                      .last = calloc(v->n_spec, sizeof *f.last) };
    size_t turns = 0;

    for (uint32_t i = 0; i < v->n_step; i++) {
        turns += whole ? 1 : v->spec[v->step[i].spec].map.shape.width;
        v->spec[v->step[i].spec].last = UINT32_MAX;
    }
    v->turn = calloc(turns, sizeof *v->turn);
    bool done = f.made && f.maker && f.last && v->turn;
    if (done) {
        find_readers(&f);
        if (whole)
            make_whole(&f);
        else
            make_columns(&f, turns);
    }
    free(f.made);
    free(f.maker);
    free(f.last);
    return done;
}
