/* arch/core/core.c -- see core.h. */
#include "arch/core/core.h"

#include <inttypes.h>

#define ROW(...) COUNTER_ROW(struct core_counters, __VA_ARGS__)
const struct counter core_counter_rows[] = { CORE_COUNTERS(ROW) COUNTER_END };

const char *core_site_name(const struct plan *p, uint32_t site)
{
    return site < p->n_core ? p->core[site].name
                            : plan_layer_name(p, p->image_feed[site - p->n_core].layer);
}

/* Of the layer that the core is part of. */
static uint32_t image_site(const struct plan *p, uint32_t core)
{
    uint32_t i = 0;

    while (p->image_feed[i].layer != p->core[core].plan_layer)
        i++;
    return p->n_core + i;
}

uint32_t core_stream_from(const struct plan *p, uint32_t stream)
{
    const struct plan_stream *st = &p->stream[stream];

    return stream_is_of_image(st->kind) ? image_site(p, st->to) : st->from;
}

uint32_t core_stream_to(const struct plan *p, uint32_t stream)
{
    const struct plan_stream *st = &p->stream[stream];

    return st->kind == STREAM_RESULT ? core_n_site(p) : st->to;
}

struct err_msg *core_fault(const struct core *c, uint64_t now_cyc)
{
    struct fault *f = c->fault;

    if (f->set && (f->cyc < now_cyc || (f->cyc == now_cyc && f->site <= c->site)))
        return NULL;
    f->set = true;
    f->cyc = now_cyc;
    f->site = c->site;
    return &f->msg;
}

void core_fail(const struct core *c, uint64_t now_cyc, const char *what, const struct pixel *pixel)
{
    const struct plan *p = c->plan;
    struct err_msg *m = core_fault(c, now_cyc);

    if (m)
        err_set(m, ERR_RUN,
                "%s: timestep %" PRId64 ": %s pixel (%" PRIu32 ", %" PRIu32 ") of image %" PRIu64,
                c->base.path, (int64_t)(now_cyc / p->timestep_clk) - (int64_t)p->time.lead, what,
                pixel->row, pixel->column, pixel->image);
}
