/* study/codes_cost.c -- see codes_cost.h. */
#include "study/codes_cost.h"

#include <stdlib.h>
#include <string.h>

#include "network/values/values.h"
#include "study/values.h"

struct visit { // of images, VALUE_LANES at a time
    struct values           *values;
    struct value_lanes      *lanes;
    uint8_t                 *image; // owned, as the next; [VALUE_LANES]
    int64_t                 *value; // [VALUE_LANES][classes]
    uint32_t                 classes;
    const struct run_result *run;
    struct codes_cost       *cost;
};

bool codes_cost_wanted(const struct plan *p, const struct run_result *r)
{
    return r->label && r->predicted && !plan_is_exact(p) && !network_is_spiking(p->network);
}

/* The n images that end with number `end` - 1. */
static void take(struct visit *v, uint64_t end, uint32_t n)
{
    value_lanes_run(v->lanes, v->image, n, v->value, NULL);
    for (uint32_t k = 0; k < n; k++) {
        const uint64_t i = end - n + k;
        bool exact = largest_value(v->value + k * v->classes, v->classes) == v->run->label[i];
        bool coded = v->run->predicted[i] == v->run->label[i];
        v->cost->n_correct += exact;
        v->cost->to_right += !exact && coded;
        v->cost->to_wrong += exact && !coded;
    }
}

static enum err visit(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    struct visit *v = user;
    const size_t bytes = values_image_bytes(v->values);
    const uint32_t held = (uint32_t)(i % VALUE_LANES) + 1;

    (void)m;
    memcpy(v->image + (held - 1) * bytes, image, bytes);
    if (held == VALUE_LANES || i + 1 == v->run->n_image)
        take(v, i + 1, held);
    return ERR_NONE;
}

enum err codes_cost(struct codes_cost *c, const struct plan *p, const struct run_cfg *cfg,
                    const struct run_result *r, struct err_msg *m)
{
    struct visit v = { .run = r, .cost = c,
                       .classes = layer_delivers(network_result(p->network)).channels };

    *c = (struct codes_cost){ 0 };
    v.values = values_new(p->network, cfg->simd);
    v.lanes = v.values ? value_lanes_new(v.values) : NULL;
    v.image = v.lanes ? calloc(VALUE_LANES, values_image_bytes(v.values)) : NULL;
    v.value = calloc((size_t)VALUE_LANES * v.classes, sizeof *v.value);
    enum err e = v.image && v.value ? run_visit_images(p, cfg, 0, r->n_image, visit, &v, m)
                                    : err_set(m, ERR_MEMORY, "no memory for exact codes");
    free(v.value);
    free(v.image);
    value_lanes_free(v.lanes);
    values_free(v.values);
    return e;
}
