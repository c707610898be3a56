/* dataflow/plan/columns.c -- see columns.h. */
#include "dataflow/plan/columns.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS_LOOKED_AT = 16 }; // of a bucket with many

struct column_kind {
    struct column_kind *next;
    uint64_t            hash;
    uint32_t            height;
    int64_t             row[]; // [height], from the first one on
};

void column_kinds_release(struct column_kinds *kinds)
{
    for (size_t i = 0; i < COLUMN_BUCKETS; i++)
        for (struct column_kind *k = kinds->bucket[i], *next; k; k = next) {
            next = k->next;
            free(k);
        }
    *kinds = (struct column_kinds){ 0 };
}

void map_times_init(struct map_times *m, uint32_t height, uint32_t width)
{
    *m = (struct map_times){ .height = height, .width = width };
}

void map_times_release(struct map_times *m)
{
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

static uint64_t hash_rows(const int64_t *time, uint32_t height)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15); // Knuth's
    uint64_t hash = height;

    for (uint32_t r = 1; r < height; r++)
        hash = (hash + (uint64_t)(time[r] - time[0])) * odd;
    return hash;
}

static bool alike(const struct column_kind *k, const int64_t *time)
{
    for (uint32_t r = 0; r < k->height; r++)
        if (k->row[r] != time[r] - time[0])
            return false;
    return true;
}

static struct column_kind *new_kind(const int64_t *time, uint32_t height)
{
    struct column_kind *k = malloc(sizeof *k + height * sizeof k->row[0]);

    for (uint32_t r = 0; k && r < height; r++)
        k->row[r] = time[r] - time[0];
    return k;
}

bool map_times_put(struct map_times *m, struct column_kinds *kinds, uint32_t image, uint32_t column,
                   const int64_t *time)
{
    uint64_t hash = hash_rows(time, m->height);
    struct column_kind **bucket = &kinds->bucket[hash >> 32 & (COLUMN_BUCKETS - 1)], *k = *bucket;

    for (int i = 1; k && (k->hash != hash || k->height != m->height || !alike(k, time)); i++)
        k = i < KINDS_LOOKED_AT ? k->next : NULL;
    if (!k) {
        k = new_kind(time, m->height);
        if (!k)
            return false;
        k->next = *bucket;
        k->hash = hash;
        k->height = m->height;
        *bucket = k;
    }
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
