/* dataflow/firing.h -- which outputs one firing may hold; docs/accelerator.md, section 4.
 *
 * A copy of a layer computes its outputs in a fixed order, one firing a timestep, up to n outputs a
 * firing. A policy says what that order is and which outputs may share a firing. Policies: column,
 * free, block; each is one file and one row of firing_policies[].
 */
#ifndef DATAFLOW_FIRING_H
#define DATAFLOW_FIRING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pixel.h"

struct firing_shape {
    uint32_t height, width;       // of the output map
    uint32_t n;                   // replicas: most outputs of a firing
    uint32_t block_w, block_h;    // of a block of replicas, columns and rows
    uint32_t copies;              // cores that share the output columns (or strips)
};

struct firing_policy {
    const char *name;
    const char *doc;

    /* Whether a firing may hold outputs of several columns although replicas do not form blocks. */
    bool across_columns;

    /* The policy by which replicas in blocks wider than a column fire: itself, or another. */
    const struct firing_policy *of_blocks;

    /* Whether a copy's outputs come in scan order: column after column, each from its first row. */
    bool (*in_scan_order)(const struct firing_shape *s);

    /* Output columns that are handed out together: copy j takes every copies-th of them. */
    uint32_t (*strip_width)(const struct firing_shape *s);

    /* The output after p in the order of p's copy, which may be the first of the next image. */
    void (*next)(const struct firing_shape *s, uint32_t copy, struct pixel *p);

    /* Whether p may be computed in the firing whose first output is head (n not looked at). */
    bool (*joins)(const struct firing_shape *s, const struct pixel *head,
                  const struct pixel *p);

    /* Output that replica 0 computes in the firing of head. Replica r computes the output
     * (r / block_w) rows below and (r % block_w) columns right of it. */
    void (*origin)(const struct firing_shape *s, const struct pixel *head, uint32_t *row,
                   uint32_t *column);

    /* Firings of the busiest copy for one image when every pixel is there. */
    uint64_t (*firings)(const struct firing_shape *s);

    /* Outputs of the largest firing there can be. */
    uint32_t (*most_outputs)(const struct firing_shape *s);

    /* Whether a copy with shape a has never done fewer outputs than one with shape b, of the same
     * map, copies and block width, whenever the same pixels are there. Let g(p) be the outputs
     * done one firing after p of them were, if all are ready: it is enough that g of a is nowhere
     * below g of b, and that neither falls. */
    bool (*never_behind)(const struct firing_shape *a, const struct firing_shape *b);
};

/* A new policy is its file and a row here. */
#define FIRING_POLICIES(X) X(fire_column) X(fire_free) X(fire_block)
#define FIRING_POLICY(name) extern const struct firing_policy name;
FIRING_POLICIES(FIRING_POLICY)
#undef FIRING_POLICY
extern const struct firing_policy *const firing_policies[]; // ends with NULL

const struct firing_policy *firing_find(const char *name); // NULL when unknown

/* First output of an image in the order of a copy. Each copy has one: copies <= firing_strips(). */
struct pixel firing_first(const struct firing_policy *f, const struct firing_shape *s,
                                 uint32_t copy, uint64_t image);

/* Replica that computes output p in the firing of head; s->n when none of them does: free firing
 * may hold outputs of other columns or images, which are multiplied by themselves. */
uint32_t firing_replica(const struct firing_policy *f, const struct firing_shape *s,
                        const struct pixel *head, const struct pixel *p);

/* Whether p may be the next output of a firing that has n, the first of them head. */
static inline bool firing_joins(const struct firing_policy *f, const struct firing_shape *s,
                                const struct pixel *head, uint32_t n, const struct pixel *p)
{
    return n < s->n && f->joins(s, head, p);
}

/* Strips that the copies take in turn: the most copies that make sense. */
uint32_t firing_strips(const struct firing_policy *f, const struct firing_shape *s);

#endif
