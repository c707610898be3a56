/* dataflow/plan/strips.c -- see strips.h. */
#include "dataflow/plan/strips.h"

#include <stdlib.h>

#include "core/util.h"
#include "memory/registers.h"

/* The order of a map that is one strip. */
static void list_places(struct strip_form *f, const struct firing_policy *policy,
                        const struct firing_shape *s)
{
    struct firing_shape alone = *s;

    alone.width = f->columns;
    alone.copies = 1;
    struct pixel at = firing_first(policy, &alone, 0, 0);
    for (; at.image == 0; policy->next(&alone, 0, &at))
        f->place[f->n_place++] = (struct strip_place){ at.row, at.column };
}

/* Whether the pixels of b follow those of a, which come before it in the list. */
static bool follows(const struct strip_read *a, const struct strip_read *b)
{
    return a->row == b->row && a->first + a->columns == b->first;
}

static bool append(struct strip_form *f, uint32_t *room, struct strip_read read, uint32_t *newest)
{
    if (f->n_read == *room) {
        *room = max_u32(2 * *room, 64);
        struct strip_read *more = realloc(f->read, *room * sizeof *more);
        if (!more)
            return false;
        f->read = more;
    }
    uint32_t before = newest[read.row];
    read.before = before < f->n_read && follows(&f->read[before], &read) ? before : f->n_read;
    newest[read.row] = f->n_read;
    f->read[f->n_read++] = read;
    return true;
}

/* On a map so wide that no column of the windows lies outside it. */
static bool list_reads(struct strip_form *f, const struct plan_layer *pl)
{
    struct window w = pl->window;
    uint32_t width, room = 0;
    struct input_registers reg;
    uint32_t *newest = calloc(pl->in_height, sizeof *newest);

    w.pad_before[1] = w.pad_after[1] = w.again[1] = w.skip[1] = 0;
    width = (f->columns - 1) * w.stride[1] + (w.kernel[1] - 1) * w.dilation[1] + 1;
    bool done = newest && registers_init(&reg, &w, pl->in_height, width, f->columns);
    if (!done) {
        free(newest);
        return false;
    }
    for (uint32_t r = 0; r < pl->in_height; r++)
        newest[r] = UINT32_MAX;
    for (uint32_t i = 0; done && i < f->n_place; i++) {
        struct pixel at = { 0, f->place[i].row, f->place[i].column };
        registers_begin(&reg, &at);
        registers_need(&reg, &at);
        for (uint32_t k = 0; done && k < reg.n_read; k++)
            done = append(f, &room,
                          (struct strip_read){ .place = i, .row = reg.read[k].row,
                                               .first = reg.read[k].first_column,
                                               .columns = reg.read[k].columns }, newest);
    }
    registers_release(&reg);
    free(newest);
    return done;
}

static bool make_form(struct strip_form *f, uint32_t columns, const struct strips *s,
                      const struct plan_layer *pl)
{
    *f = (struct strip_form){ .columns = columns };
    if (columns == 0)
        return true;
    f->place = calloc((size_t)s->shape.height * columns, sizeof *f->place);
    if (!f->place)
        return false;
    list_places(f, pl->firing, &s->shape);
    return list_reads(f, pl);
}

bool strips_init(struct strips *s, const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];

    *s = (struct strips){ .shape = plan_firing_shape(p, layer) };
    s->width = pl->firing->strip_width(&s->shape);
    uint32_t whole = min_u32(s->width, s->shape.width);
    uint32_t last = s->shape.width < s->width ? s->shape.width : s->shape.width % s->width;
    if (make_form(&s->whole, whole, s, pl) && make_form(&s->last, last, s, pl))
        return true;
    strips_release(s);
    return false;
}

void strips_release(struct strips *s)
{
    free(s->whole.place);
    free(s->whole.read);
    free(s->last.place);
    free(s->last.read);
    *s = (struct strips){ 0 };
}

void strip_read_columns(const struct plan_layer *pl, const struct strip_read *read, uint32_t left,
                        uint32_t *first, uint32_t *columns)
{
    int64_t from = window_begin(&pl->window, 1, left) + read->first, end = from + read->columns;

    from = from < 0 ? 0 : from;
    end = end > pl->in_width ? pl->in_width : end;
    *first = (uint32_t)from;
    *columns = from < end ? (uint32_t)(end - from) : 0;
}
