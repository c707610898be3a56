/* arch/core/gather.c -- the stage of a core of a layer of tokens: it gathers what the window of the
 * next output sees and works on it, for as many timesteps as that takes; see stages.h and
 * dataflow/plan/tokens.h.
 *
 * Each token is read from where it was stored, its queries, keys and values side by side; one that
 * is not there stops the run. Values of tokens are computed by layer, beside the chip. */
#include "arch/core/fire.h"
#include "arch/core/proof.h"
#include "arch/core/token_counts.h"
#include "core/util.h"

static void lost(struct imc_core *c, const struct core_now *now, uint64_t image, uint32_t row,
                 uint64_t missing)
{
    const uint32_t width = c->spec->in_width;
    const struct pixel at = { image, row, (uint32_t)(missing % width) };

    core_fail(&c->base, now->cyc, "not in the memory when it is read:", &at);
}

/* Reads tokens [first, last] of a row, and looks at each in proof. Returns how many were there. */
static uint32_t read_row(struct imc_core *c, const struct core_now *now, uint64_t image,
                         uint32_t row, uint32_t first, uint32_t last)
{
    uint64_t column = image * c->spec->in_width + first, missing;
    uint32_t n = last - first + 1;

    if (!c->spec->proof) {
        if (memory_read_row(&c->memory, row, column, n, NULL, 0, &missing) > 0)
            return n;
        lost(c, now, image, row, missing);
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct pixel at = { image, row, first + i };
        if (memory_read_row(&c->memory, row, column + i, 1, c->scratch.pixel, c->spec->in_n,
                            &missing) == 0) {
            lost(c, now, image, row, missing);
            return i;
        }
        proof_token(c, now->cyc, &at, c->scratch.pixel);
    }
    return n;
}

/* What the window sees; returns how many tokens. */
static uint64_t gather(struct imc_core *c, const struct core_now *now, const struct pixel *at)
{
    const struct plan_layer *pl = c->spec->pl;
    const struct window *w = &pl->window;
    uint64_t n = 0;

    if (window_inside(w, 0, at->row, pl->in_height) == 0 ||
        window_inside(w, 1, at->column, pl->in_width) == 0)
        return 0; // what is stored for it
    for (uint32_t row = window_first(w, 0, at->row, pl->in_height);
         row <= window_last(w, 0, at->row, pl->in_height); row++)
        n += read_row(c, now, at->image, row, window_first(w, 1, at->column, pl->in_width),
                      window_last(w, 1, at->column, pl->in_width));
    return n;
}

static void begin(struct imc_core *c, const struct core_now *now, struct core_sums *own)
{
    const struct pixel *at = &own->place[0];
    const uint64_t lasts = plan_lasts(c->spec->plan, c->spec->pc->plan_layer, at->row, at->column);
    const uint64_t seen = gather(c, now, at);

    if (c->spec->proof)
        proof_gathered(c, at, own->acc);
    token_count(c->spec->plan, c->spec->index, seen, core_weight(c, at->image),
                &c->base.report.counters);
    core_count_firing(c, own->place, 1, now->timestep);
    c->base.report.counters.busy_timesteps += (lasts - 1) * core_weight(c, at->image);
    core_tell_pixels(c, CORE_FIRED, now->timestep, 1, at, 0);
    own->passed = 0;
    c->state.next_timestep = now->timestep + lasts;
    c->state.next_sum_timestep = now->timestep + lasts - 1;
    c->state.sums_n++;
    c->state.sums_complete++;
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    const struct imc_state *state = &c->state;

    if (!now->between && now->timestep >= state->next_timestep) {
        struct core_sums *own = &c->sums[(state->sums_head + state->sums_n) % c->spec->sums_room];
        own->n = controller_fire(&c->controller, now->timestep, own->place);
        if (own->n > 0)
            begin(c, now, own);
    }
    uint64_t may = max_u64(state->next_timestep, controller_paced_timestep(&c->controller));
    may = max_u64(may, now->timestep + 1);
    return controller_ready(&c->controller, may) ? may : CYC_NEVER;
}

const struct core_stage stage_gather = {
    .name = "gather", .act = act, .describe = core_fire_describe,
};
