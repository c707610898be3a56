/* arch/core/add_sums.c -- the stage that adds the sums of the part before; see stages.h. */
#include <string.h>

#include "arch/core/stages.h"

static void add_plane(const int32_t *add, uint32_t n, int32_t *acc, size_t apart)
{
    (void)apart;
    for (uint32_t o = 0; o < n; o++)
        acc[o] += add[o];
}

/* Of sums in two planes: of those added n apart, of the core's own `apart`. */
static void add_wide(const int32_t *add, uint32_t n, int32_t *acc, size_t apart)
{
    for (uint32_t o = 0; o < n; o++)
        wide_sum_set(acc + o, apart, wide_sum(acc + o, apart) + wide_sum(add + o, n));
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    const struct port *port = &c->ports.partial_in;
    struct imc_state *state = &c->state;
    uint32_t out_n = c->spec->out_n;
    const struct token *t;

    if (state->sums_complete == state->sums_n || !(t = port_take(port, now->cyc)))
        return CYC_NEVER;
    struct core_sums *own =
        &c->sums[(state->sums_head + state->sums_complete++) % c->spec->sums_room];
    if (t->n != own->n || memcmp(t->pixel, own->place, t->n * sizeof *own->place) != 0) {
        core_fail(&c->base, now->cyc, "the parts of the layer did not fire together for",
                  &t->pixel[0]);
        return CYC_NEVER;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        const int32_t *add =
            (const int32_t *)(const void *)token_values_const(t, i, port->value_bytes);
        c->base.report.counters.partial_sum_ops += core_weight(c, t->pixel[i].image) * out_n;
        for (uint32_t p = 0; p < c->spec->planes.n; p += c->spec->planes.wide ? 2 : 1)
            (c->spec->planes.wide ? add_wide : add_plane)(
                add + (size_t)p * out_n, out_n, own->acc + p * c->acc_plane + (size_t)i * out_n,
                c->acc_plane);
    }
    return CYC_NEVER;
}

static bool needed(const struct imc_core *c)
{
    return c->spec->pc->part > 0;
}

const struct core_stage stage_add_sums = { .name = "add_sums", .needed = needed, .act = act };
