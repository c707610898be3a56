/* test/plan_rig.h -- plans for tests: a configuration given as "key=value" strings over the
 * defaults, and a network, either the member of the family that the configuration names or one made
 * by hand, layer by layer, without values. Whatever goes wrong but the plan itself fails the test.
 */
#ifndef TEST_PLAN_RIG_H
#define TEST_PLAN_RIG_H

#include "dataflow/config.h"
#include "dataflow/plan/plan.h"
#include "network/network.h"

struct plan_rig {
    struct config  config;
    struct network network;
    struct plan    plan;
    struct err_msg msg; // why there is no plan
};

/* Reads the strings, up to NULL, over the defaults. */
void rig_config(struct plan_rig *r, const char *const *set);

/* The network of the configuration. */
void rig_family(struct plan_rig *r);

/* A network by hand: the image, then layers, each reading an earlier one (0: the image). */
void rig_image(struct plan_rig *r, uint32_t height, uint32_t width, uint32_t channels);
struct layer *rig_layer(struct plan_rig *r, uint32_t input, uint32_t channels,
                        const struct window *w);

/* The same with a square kernel padded so that stride 1 keeps the map. */
struct layer *rig_conv(struct plan_rig *r, uint32_t input, uint32_t channels, uint32_t kernel,
                       uint32_t stride);

/* Lets the last layer read `input`, too, its channels behind those it has. */
void rig_concat(struct plan_rig *r, uint32_t input);

/* Makes the plan; another one may have been made before. */
enum err rig_plan(struct plan_rig *r);

/* All of it for a member of the family; the caller releases it. */
enum err rig_make(struct plan_rig *r, const char *const *set);

void rig_release(struct plan_rig *r);

/* Index of a layer in the plan, of a core by its name. They must exist. */
uint32_t rig_plan_layer(const struct plan_rig *r, const char *name);
uint32_t rig_core(const struct plan_rig *r, const char *name);

#endif
