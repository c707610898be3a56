/* arch/core/multiply.c -- the stage that multiplies in the array; see stages.h. */
#include <string.h>

#include "arch/core/fire.h"
#include "arch/core/proof.h"

/* Writes used[n], the replicas that compute place[n]. Whether they are the first n, in order. */
static bool find_replicas(struct imc_core *c, const struct pixel *place, uint32_t n, uint32_t row,
                          uint32_t column)
{
    uint32_t *used = c->scratch.used;
    bool in_order = true;

    for (uint32_t i = 0; i < n; i++) {
        used[i] = (place[i].row - row) * c->controller.shape.block_w + place[i].column - column;
        in_order &= used[i] == i;
    }
    return in_order;
}

/* Sums of a plane's product in the order of its outputs, less what the input's zero point adds. */
static void gather(const struct imc_core *c, const int32_t *sum, uint32_t n, int32_t *acc)
{
    uint32_t out_n = c->spec->out_n;

    for (uint32_t i = 0; sum != acc && i < n; i++)
        memcpy(acc + (size_t)i * out_n, sum + (size_t)c->scratch.used[i] * out_n,
               out_n * sizeof *acc);
    if (c->spec->planes.wide || !c->zero_sum)
        return;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t o = 0; o < out_n; o++)
            acc[(size_t)i * out_n + o] -= (int32_t)c->zero_sum[o];
}

/* The last of that, of sums in two planes. */
static void take_zeros_off(const struct imc_core *c, uint32_t n, int32_t *acc)
{
    uint32_t out_n = c->spec->out_n;

    for (uint32_t i = 0; c->zero_sum && i < n * out_n; i++)
        wide_sum_set(acc + i, c->acc_plane, wide_sum(acc + i, c->acc_plane) -
                                                c->zero_sum[i % out_n]);
}

/* In a timing run plane 0 stands for the product, as often as its image counts. */
static void count_timing(struct imc_core *c, const struct array_product *product)
{
    struct core_counters *count = &c->base.report.counters;
    uint64_t weight = core_weight(c, product->output[0].image);
    struct array_counts n = { 0 };

    c->array->kind->count(c->array, product, 0, &n);
    count->driven_rows += weight * n.driven_rows;
    count->conversions += weight * n.conversions;
    count->reads += weight * n.reads;
    count->shift_adds += weight * n.shift_adds;
}

static void count_values(struct imc_core *c, const struct array_product *product)
{
    struct core_counters *count = &c->base.report.counters;
    struct array_counts n = { 0 };

    for (uint32_t p = 0; p < planes_streams(&c->spec->planes); p++)
        if (plane_counts(&c->spec->planes, p, product->output[0].image))
            c->array->kind->count(c->array, product, p, &n);
    count->driven_rows += n.driven_rows;
    count->conversions += n.conversions;
    count->reads += n.reads;
    count->shift_adds += n.shift_adds;
    count->clipped += n.clipped;
    count->active_rows += n.in.active_rows;
    count->sum_abs_x += n.in.sum_abs_x;
    count->sum_abs_xw += n.in.sum_abs_xw;
    count->sum_digits += n.sum_digits;
}

static void multiply(struct imc_core *c, const struct core_now *now, const struct pixel *place,
                     uint32_t n, int32_t *acc)
{
    const struct imc_spec *s = c->spec;
    uint32_t planes = s->planes.n, row = place[0].row, column = place[0].column;
    bool in_order = true; // of one replica, used[0] stays 0

    if (s->pl->replicas.n > 1) {
        s->pl->firing->origin(&c->controller.shape, &place[0], &row, &column);
        in_order = find_replicas(c, place, n, row, column);
    }
    const struct array_product product = {
        .output = place,
        .replica = c->scratch.used,
        .n_output = n,
        .driven_rows = kernel_matrix_driven(&c->matrix, c->scratch.used, n),
        .planes = planes_streams(&s->planes),
        .in = planes > 0 ? c->scratch.in : NULL,
        .sum = in_order ? acc : c->scratch.acc,
        .apart = in_order ? c->acc_plane : c->array->n_write,
    };
    if (planes == 0) {
        count_timing(c, &product);
        return;
    }
    for (uint32_t p = 0; p < planes; p++)
        c->scratch.in[p] = kernel_matrix_vector(&c->matrix, row, column, c->scratch.used, n, p);
    if (s->proof) {
        proof_product(c, now->cyc, place, n, acc);
        return;
    }
    c->array->kind->multiply(c->array, &product);
    for (uint32_t p = 0; p < planes; p++)
        gather(c, product.sum + p * product.apart, n, acc + p * c->acc_plane);
    for (uint32_t p = 0; s->planes.wide && p < planes; p += 2)
        take_zeros_off(c, n, acc + p * c->acc_plane);
    count_values(c, &product);
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    return core_fire(c, now, multiply);
}

const struct core_stage stage_multiply = {
    .name = "multiply", .act = act, .describe = core_fire_describe,
};
