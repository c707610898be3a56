/* dataflow/plan/routes.c -- which way every stream takes through the fabric, and what that means
 * for the layers. */
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"
#include "dataflow/policies.h"

/* Hops of a stream's kind into its receiver's layer; NULL where it leaves the chip or enters it:
 * the scratchpad sends as early as it takes. */
static uint32_t *hops_of(const struct plan *p, struct layer_hops *hops, const struct plan_stream *s)
{
    switch (s->kind) {
    case STREAM_FORWARD:
    case STREAM_VALID:
    case STREAM_TO_RESAMPLING:
        return &hops[p->core[s->to].plan_layer].pixels;
    case STREAM_RESIDUAL:
    case STREAM_FROM_RESAMPLING:
        return &hops[p->core[s->to].plan_layer].residual;
    case STREAM_PARTIAL_SUM:
        return &hops[p->core[s->to].plan_layer].sums;
    case STREAM_IMAGE:
    case STREAM_IMAGE_RESIDUAL:
    case STREAM_RESULT:
    case N_STREAM_KIND:
        break;
    }
    return NULL;
}

/* Every stream of a kind into a layer takes as long as the longest. */
static void level(const struct plan *p, struct structure_routes *r)
{
    for (uint32_t i = 0; i < p->n_stream; i++) {
        uint32_t *hops = hops_of(p, r->hops, &p->stream[i]);
        if (hops)
            *hops = max_u32(*hops, r->route[i].hops);
    }
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const uint32_t *hops = hops_of(p, r->hops, &p->stream[i]);
        if (hops)
            r->route[i].hops = *hops;
    }
}

enum err structure_routes(const struct plan *p, struct structure_routes *out, struct err_msg *m)
{
    const struct fabric_machine machine = stage_fabric(p->config);
    enum err e = policies_fabric(&out->fabric, p->config, m);
    if (e)
        return plan_blame(p, "fabric.kind", m);

    struct fabric_link *link = calloc(p->n_stream, sizeof *link);
    out->route = calloc(p->n_stream, sizeof *out->route);
    out->hops = calloc(p->n_layer, sizeof *out->hops);
    for (uint32_t i = 0; link && i < p->n_stream; i++)
        link[i] = stream_link(&p->stream[i]);
    e = link && out->route && out->hops
            ? out->fabric->route(&machine, link, p->n_stream, out->route, m)
            : err_set(m, ERR_MEMORY, "no memory for the plan's routes");
    if (e == ERR_INPUT)
        e = plan_blame(p, "fabric.kind", m);
    if (!e)
        level(p, out);
    free(link);
    return e;
}
