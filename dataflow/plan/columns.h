/* dataflow/plan/columns.h -- times of maps, column by column.
 *
 * The columns of a map are mostly alike: the rows of one come as those of another, only later. So
 * how rows come is kept once for all columns that are alike, and of each column only when it
 * begins. A plan then takes memory and work by the column and not by the pixel, but where columns
 * differ. Maps share their kinds of columns, so that layers that do the same, later, show as such.
 */
#ifndef DATAFLOW_PLAN_COLUMNS_H
#define DATAFLOW_PLAN_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

struct column_times { // row r: row[r] + later
    const int64_t *row; // the same array means: alike
    int64_t        later;
};

static inline int64_t column_time(const struct column_times *c, uint32_t row)
{
    return c->row[row] + c->later;
}

enum { COLUMN_BUCKETS = 256 };

struct column_kinds { // zero: none
    struct column_kind *bucket[COLUMN_BUCKETS]; // owned; lists, by a hash of their rows
};

void column_kinds_release(struct column_kinds *k); // takes a zeroed one

struct map_times { // of a map, for its first images
    uint32_t             height, width, n_image;
    struct column_times *column; // owned; [n_image][width]; rows are those of kinds
};

void map_times_init(struct map_times *m, uint32_t height, uint32_t width); // of no images
void map_times_release(struct map_times *m); // takes a zeroed one

/* Room for so many images. False when the host has no memory. */
bool map_times_grow(struct map_times *m, uint32_t n_image);

/* Column of an image, an interval later for each image behind the last. */
static inline struct column_times map_times_at(const struct map_times *m, uint64_t image,
                                               uint32_t column, uint64_t interval)
{
    uint64_t kept = image < m->n_image ? image : m->n_image - 1;
    struct column_times c = m->column[kept * m->width + column];

    c.later += (int64_t)((image - kept) * interval);
    return c;
}

/* Writes time[height]: its kind is among *kinds then, which outlives the map. False when the host
 * has no memory. */
bool map_times_put(struct map_times *m, struct column_kinds *kinds, uint32_t image, uint32_t column,
                   const int64_t *time);

/* The same of a column that is another of this map, or of one of the same kinds, later. */
static inline void map_times_repeat(struct map_times *m, uint32_t image, uint32_t column,
                                    struct column_times c)
{
    m->column[(uint64_t)image * m->width + column] = c;
}

/* Whether an image is the one before it, an interval later. */
bool map_times_repeats(const struct map_times *m, uint32_t image, uint64_t interval);

#endif
