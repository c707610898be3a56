/* arch/core/look_up.c -- the stage of a digital layer, which has no array: what its windows hold
 * goes to the digital processor; see stages.h. */
#include "arch/core/fire.h"
#include "arch/core/proof.h"

/* What a plane's window of an output of the group holds; origin at output (row, column). */
static void look_up_window(struct imc_core *c, uint32_t row, uint32_t column, uint32_t q,
                           uint32_t plane, int32_t *acc)
{
    const struct layer *l = c->spec->layer;
    const uint8_t **window = c->scratch.window;
    uint32_t n_pixel = kernel_matrix_pixels(&c->matrix, row, column, q, plane, window);
    uint32_t out_n = c->spec->out_n, first = c->spec->pc->out_first;

    if (l->kind == LAYER_MAX_POOL)
        digital_max(out_n, window, n_pixel, c->spec->in_signed, l->in_zero, acc);
    else
        digital_sum(out_n, window, n_pixel, c->spec->in_signed, l->in_zero, acc);
    for (uint32_t o = 0; l->negated && o < out_n; o++)
        acc[o] = l->negated[first + o] ? -acc[o] : acc[o];
}

/* The same of a stream whose values have two planes. */
static void look_up_wide(struct imc_core *c, uint32_t row, uint32_t column, uint32_t q,
                         uint32_t plane, int32_t *acc)
{
    const struct layer *l = c->spec->layer;
    const uint8_t **low = c->scratch.window, **high = low + c->matrix.patch_n;
    uint32_t n_pixel = kernel_matrix_pixels(&c->matrix, row, column, q, plane, low);
    uint32_t first = c->spec->pc->out_first;

    kernel_matrix_pixels(&c->matrix, row, column, q, plane + 1, high);
    for (uint32_t o = 0; o < c->spec->out_n; o++) {
        int64_t sum = 0;
        for (uint32_t i = 0; i < n_pixel; i++) {
            int32_t v = wide_value(low[i] + o, high[i] + o, c->spec->in_signed) - l->in_zero;
            sum = l->kind != LAYER_MAX_POOL ? sum + v : i == 0 || v > sum ? v : sum;
        }
        sum = l->negated && l->negated[first + o] ? -sum : sum;
        wide_sum_set(acc + o, c->acc_plane, sum);
    }
}

struct window_at { // origin of the group, replica, plane
    uint32_t row, column, q, plane;
};

static void prove_window(struct imc_core *c, const struct core_now *now, const struct pixel *place,
                         struct window_at at, int32_t *acc)
{
    uint32_t n =
        kernel_matrix_pixels(&c->matrix, at.row, at.column, at.q, at.plane, c->scratch.window);

    proof_window(c, now->cyc, place, at.plane, c->scratch.window, n, acc);
}

static void look_up(struct imc_core *c, const struct core_now *now, const struct pixel *place,
                    uint32_t n, int32_t *acc)
{
    const struct firing_shape *shape = &c->controller.shape;
    const struct firing_policy *firing = c->spec->pl->firing;
    uint32_t out_n = c->spec->out_n, row, column;

    firing->origin(shape, &place[0], &row, &column);
    for (uint32_t i = 0; i < n; i++) {
        if (c->spec->layer->kind != LAYER_SCALE)
            c->base.report.counters.pool_ops +=
                core_weight(c, place[i].image) * core_pixels_inside(c, &place[i]) * out_n;
        uint32_t q = firing_replica(firing, shape, &place[0], &place[i]);
        for (uint32_t p = 0; p < c->spec->planes.n; p++) {
            int32_t *to = acc + p * c->acc_plane + (size_t)i * out_n;
            if (c->spec->planes.wide) {
                if (p % 2 == 0)
                    look_up_wide(c, row, column, q, p, to);
            } else if (c->spec->proof)
                prove_window(c, now, &place[i], (struct window_at){ row, column, q, p }, to);
            else
                look_up_window(c, row, column, q, p, to);
        }
    }
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    return core_fire(c, now, look_up);
}

const struct core_stage stage_look_up = {
    .name = "look_up", .act = act, .describe = core_fire_describe,
};
