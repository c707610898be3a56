/* dataflow/plan/structure.h -- the passes that make a plan's structure, in the order in which
 * plan_make() takes them. Each reads what the ones before it returned and returns its own part,
 * owned by the caller, also on error: what was made until then. */
#ifndef DATAFLOW_PLAN_STRUCTURE_H
#define DATAFLOW_PLAN_STRUCTURE_H

#include "dataflow/plan/clocking.h"
#include "dataflow/plan/plan.h"

/* ERR_INPUT with a line that says where the key that does not fit was given. */
#define PLAN_REFUSE(p, key, m, ...) (err_set(m, ERR_INPUT, __VA_ARGS__), plan_blame(p, key, m))
enum err plan_blame(const struct plan *p, const char *key, struct err_msg *m);

/* make.c: plan_make() of a checked network that keeps on error what it has made, for
 * plan_release(). */
struct plan_wish {
    uint64_t      interval; // between images, at least
    enum thorough thorough;
};
enum err plan_try(struct plan *p, const struct network *network, const struct config *config,
                  const struct plan_wish *wish, struct err_msg *m);

/* layers.c: every key of the mapping tables means something (the error says where it stands). */
enum err structure_check_keys(const struct plan *p, struct err_msg *m);

/* Layers with replicas, splits, feeds and residuals. */
struct structure_layers {
    struct plan_layer *layer;
    uint32_t           n;
};
enum err structure_layers(const struct plan *p, struct structure_layers *out, struct err_msg *m);

/* The largest over all layers of what one image takes when every pixel is there; of a layer that
 * makes one output of the image itself, what it takes to write that. */
uint64_t structure_interval(const struct plan *p);

/* cores.c: cores with their channels. */
struct structure_cores {
    struct plan_core *core;
    uint32_t          n;
};
/* How many they are; ERR_INPUT when the chip has fewer. */
enum err structure_count_cores(const struct plan *p, uint64_t *n, struct err_msg *m);
enum err structure_cores(const struct plan *p, struct structure_cores *out, struct err_msg *m);

/* biases.c: whether rows that are kept for biases hold them. */
enum err structure_check_biases(const struct plan *p, struct err_msg *m);

/* Positions [*first, *end), row by row of the map, of channel in_first + index of a flat layer's
 * part. */
void plan_flat_positions(const struct plan *p, const struct plan_core *core, uint32_t index,
                         uint32_t *first, uint32_t *end);

/* Whether a core stores none of the channels [first, first + n) of its layer's input. */
bool plan_lacks(const struct plan_core *core, uint32_t first, uint32_t n);

/* streams.c: links, who reads back for whom, and layers that a scratchpad feeds. */
struct structure_streams {
    struct plan_stream *stream; // without their routes
    struct read_back   *read_back;
    struct image_feed  *image_feed;
    uint32_t            n, n_read_back, n_image_feed;
};
enum err structure_streams(const struct plan *p, struct structure_streams *out, struct err_msg *m);

/* routes.c: the way of every stream through the fabric. */
struct structure_routes {
    const struct fabric *fabric;
    struct fabric_route *route; // of each stream
    struct layer_hops   *hops;  // of each layer
};
enum err structure_routes(const struct plan *p, struct structure_routes *out, struct err_msg *m);

/* Placing of pixels of so many values in words that hold so many; NULL when there is none of that
 * name, which is refused. */
const struct placing *plan_placing(const struct memory_cfg *memory, uint32_t values,
                                   uint32_t word_values);
enum err plan_refuse_placing(const struct plan *p, struct err_msg *m);

#endif
