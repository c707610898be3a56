/* arch/core/fire.h -- what the stages that compute have in common: when they fire, and the rows
 * that they read from the memory. Functions are inline, so that each stage gets a copy with its own
 * way to compute in place of a call.
 */
#ifndef ARCH_CORE_FIRE_H
#define ARCH_CORE_FIRE_H

#include "arch/core/stages.h"
#include "core/util.h"

/* Computes the sums of n outputs of one group: acc[i] gets those of place[i], plane p's acc_plane
 * behind plane p - 1's. Their rows have been read. */
typedef void core_compute(struct imc_core *c, const struct core_now *now,
                          const struct pixel *place, uint32_t n, int32_t *acc);

/* Returns the words read. */
static inline uint64_t core_load_rows(struct imc_core *c, const struct pixel *head,
                                      uint64_t now_cyc)
{
    const struct imc_spec *s = c->spec;
    uint32_t width = s->in_width;
    uint64_t n_word = 0;

    for (uint32_t i = 0; i < c->registers.n_read; i++) {
        struct row_read r = c->registers.read[i];
        if (s->pl->flat && !plan_flat_read(s->plan, s->pc, r.row, &r.first_column, &r.columns))
            continue;
        uint64_t column = head->image * width + r.first_column, missing;
        uint8_t *to = s->planes.n ? kernel_matrix_row(&c->matrix, &r) : NULL;
        uint32_t words = memory_read_row(&c->memory, r.row, column, r.columns, to,
                                         c->matrix.strip_bytes, &missing);
        if (words == 0) {
            const struct pixel lost = { missing / width, r.row, (uint32_t)(missing % width) };
            core_fail(&c->base, now_cyc, "not in the memory when it is read:", &lost);
        }
        n_word += words;
        c->base.report.counters.words_read +=
            core_words_read(c, r.row, column, r.columns, head->image, words);
    }
    return n_word;
}

/* The outputs from place[0] on that share the registers: of one group. Returns how many of n. */
static inline uint32_t core_take_group(struct imc_core *c, const struct pixel *place, uint32_t n)
{
    const struct firing_shape *shape = &c->controller.shape;
    bool fresh = registers_begin(&c->registers, &place[0]);
    uint32_t k = 0;

    do
        registers_need(&c->registers, &place[k++]);
    while (k < n && firing_replica(c->spec->pl->firing, shape, &place[0], &place[k]) < shape->n);
    if (c->spec->planes.n > 0 && fresh)
        kernel_matrix_begin_strip(&c->matrix, place[0].column, c->registers.strip_width);
    return k;
}

static inline void core_count_firing(struct imc_core *c, const struct pixel *place, uint32_t n,
                         uint64_t timestep)
{
    struct core_report *r = &c->base.report;

    uint64_t weight = core_weight(c, place[0].image);

    r->counters.firings += c->array ? weight : 0;
    r->counters.busy_timesteps += weight;
    for (uint32_t i = 0; i < n; i++) {
        r->counters.outputs += core_weight(c, place[i].image);
        if (place[i].image != c->spec->first_image)
            continue;
        if (!r->any_fired)
            r->first_fired = timestep;
        r->any_fired = true;
        r->last_fired = timestep;
    }
}

/* The outputs of *own, whose patches are there. */
static inline void core_fire_outputs(struct imc_core *c, const struct core_now *now,
                                     struct core_sums *own, core_compute *compute)
{
    const uint32_t out_n = c->spec->out_n;
    uint64_t words = 0;

    for (uint32_t from = 0, k; from < own->n; from += k) {
        const struct pixel *place = &own->place[from];
        k = core_take_group(c, place, own->n - from);
        words += core_load_rows(c, place, now->cyc);
        compute(c, now, place, k, own->acc + (size_t)from * out_n);
    }
    core_count_firing(c, own->place, own->n, now->timestep);
    core_tell_pixels(c, CORE_FIRED, now->timestep, own->n, own->place, words);
    own->passed = 0;
    c->state.next_timestep = now->timestep + 1;
    c->state.sums_n++;
    c->state.sums_complete += c->ports.partial_in.chan == NULL;
}

static inline void core_try_to_fire(struct imc_core *c, const struct core_now *now,
                                    core_compute *compute)
{
    const struct imc_state *state = &c->state;
    struct core_sums *own = &c->sums[(state->sums_head + state->sums_n) % c->spec->sums_room];

    if (state->sums_n < c->spec->sums_room) {
        own->n = controller_fire(&c->controller, now->timestep, own->place);
        if (own->n > 0)
            core_fire_outputs(c, now, own, compute);
    } else if (controller_ready(&c->controller, now->timestep)) {
        core_fail(&c->base, now->cyc, "no room for the sums of", &c->controller.next);
    }
}

/* Of struct core_stage: fires, if the next outputs can be computed. */
static inline uint64_t core_fire(struct imc_core *c, const struct core_now *now,
                                 core_compute *compute)
{
    if (!now->between && now->timestep >= c->state.next_timestep)
        core_try_to_fire(c, now, compute);
    uint64_t may = max_u64(c->state.next_timestep, controller_paced_timestep(&c->controller));
    may = max_u64(may, now->timestep + 1);
    return controller_ready(&c->controller, may) ? may : CYC_NEVER;
}

/* Of struct core_stage. */
void core_fire_describe(const struct imc_core *c, FILE *out);

#endif
