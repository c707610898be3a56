/* dataflow/plan/strips.h -- the outputs of a strip in order, and what each of them reads.
 *
 * Strips of as many columns are computed alike: in the same order, each output reading the same of
 * the columns from where the strip's first window begins, as far as they lie in the map. Only the
 * last strip of a map may have fewer columns.
 */
#ifndef DATAFLOW_PLAN_STRIPS_H
#define DATAFLOW_PLAN_STRIPS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/plan/plan.h"

struct strip_place { // of an output
    uint32_t row, column; // from the strip's first column on
};

struct strip_read { // neighbouring pixels of a row, for one output
    uint32_t place; // of the output, in order
    uint32_t row;
    uint32_t first, columns; // from where the strip's first window begins
    uint32_t before; // the read of the pixels before them, which one firing does at once with it;
                     // the read itself: none
};

struct strip_form {
    uint32_t            columns;
    uint32_t            n_place, n_read;
    struct strip_place *place; // owned
    struct strip_read  *read;  // owned; by place
};

struct strips { // of a layer
    struct firing_shape shape;
    uint32_t            width;       // columns of a strip, but for the last
    struct strip_form   whole, last; // last.columns is 0 where the map has whole strips only
};

/* False when the host has no memory; then *s is zero. */
bool strips_init(struct strips *s, const struct plan *p, uint32_t layer);
void strips_release(struct strips *s); // takes a zeroed one

/* The strip that begins with a column. A copy's first begins with copy * width, each other
 * strips_apart() columns behind the one before. */
static inline const struct strip_form *strip_at(const struct strips *s, uint32_t left)
{
    return s->shape.width - left < s->width ? &s->last : &s->whole;
}
static inline uint32_t strips_apart(const struct strips *s)
{
    return s->width * s->shape.copies;
}

/* The columns of the map that a read of the strip beginning with `left` takes; 0 when none lies in
 * the map. */
void strip_read_columns(const struct plan_layer *pl, const struct strip_read *read, uint32_t left,
                        uint32_t *first, uint32_t *columns);

#endif
