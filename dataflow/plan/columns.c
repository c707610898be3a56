/* dataflow/plan/columns.c -- see columns.h. */
#include "dataflow/plan/columns.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS_LOOKED_AT = 8 }; // of a map with many

struct column_kind {
    struct column_kind *next;
    int64_t             row[]; // [height], from the first one on
};

void map_times_init(struct map_times *m, uint32_t height, uint32_t width)
{
    *m = (struct map_times){ .height = height, .width = width };
}

void map_times_release(struct map_times *m)
{
    for (struct column_kind *k = m->kind, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    free(m->column);
    *m = (struct map_times){ 0 };
}

bool map_times_grow(struct map_times *m, uint32_t n_image)
{
    struct column_times *more =
        realloc(m->column, (size_t)n_image * m->width * sizeof *more);

    if (!more)
        return false;
    m->column = more;
    m->n_image = n_image;
    return true;
}

static bool alike(const struct map_times *m, const int64_t *row, const int64_t *time)
{
    for (uint32_t r = 0; r < m->height; r++)
        if (row[r] != time[r] - time[0])
            return false;
    return true;
}

static struct column_kind *new_kind(struct map_times *m, const int64_t *time)
{
    struct column_kind *k = malloc(sizeof *k + m->height * sizeof k->row[0]);

    if (!k)
        return NULL;
    for (uint32_t r = 0; r < m->height; r++)
        k->row[r] = time[r] - time[0];
    k->next = m->kind;
    m->kind = k;
    return k;
}

bool map_times_put(struct map_times *m, uint32_t image, uint32_t column, const int64_t *time)
{
    struct column_kind *k = m->kind;

    for (int i = 0; k && i < KINDS_LOOKED_AT && !alike(m, k->row, time); i++)
        k = i + 1 < KINDS_LOOKED_AT ? k->next : NULL;
    if (!k)
        k = new_kind(m, time);
    if (!k)
        return false;
    map_times_repeat(m, image, column, (struct column_times){ k->row, time[0] });
    return true;
}

static bool same_times(const struct map_times *m, const struct column_times *a,
                       const struct column_times *b, int64_t later)
{
    if (a->row == b->row)
        return a->later == b->later + later;
    for (uint32_t r = 0; r < m->height; r++)
        if (column_time(a, r) != column_time(b, r) + later)
            return false;
    return true;
}

bool map_times_repeats(const struct map_times *m, uint32_t image, uint64_t interval)
{
    const struct column_times *now = m->column + (size_t)image * m->width;

    for (uint32_t c = 0; c < m->width; c++)
        if (!same_times(m, &now[c], &now[c] - m->width, (int64_t)interval))
            return false;
    return true;
}
