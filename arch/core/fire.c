/* arch/core/fire.c -- a core's firing: rows from the memory, the crossbar; see imc_core.h. */
#include <string.h>

#include "arch/core/stages.h"

static uint64_t load_rows(struct imc_core *c, const struct pixel *head, uint64_t now_cyc)
{
    uint64_t n_word = 0;

    for (uint32_t i = 0; i < c->registers.n_read; i++) {
        struct row_read r = c->registers.read[i];
        if (c->pl->flat && !plan_flat_read(c->plan, c->pc, r.x, &r.y, &r.columns))
            continue;
        uint64_t column = head->image * c->pl->in_width + r.y, missing;
        uint8_t *to = c->planes.n ? kernel_matrix_row(&c->matrix, &r) : NULL;
        uint32_t words = memory_read_row(&c->memory, r.x, column, r.columns, to,
                                         c->matrix.strip_bytes, &missing);
        if (words == 0)
            imc_core_fail(c, now_cyc, "not in the memory when it is read:",
                          &(struct pixel){ missing / c->pl->in_width, r.x,
                                                  (uint32_t)(missing % c->pl->in_width) });
        n_word += words;
    }
    c->counters.words_read += core_weight(c, head->image) * n_word;
    return n_word;
}

/* Writes used[n], the replicas that compute place[n]. Whether they are the first n, in order. */
static bool find_replicas(struct imc_core *c, const struct pixel *place, uint32_t n,
                          uint32_t x, uint32_t y)
{
    bool in_order = true;

    for (uint32_t i = 0; i < n; i++) {
        c->used[i] = (place[i].x - x) * c->controller.shape.block_w + place[i].y - y;
        in_order &= c->used[i] == i;
    }
    return in_order;
}

/* What the outputs of a product were given to, in a plane: sums in the order of the outputs, less what
 * the input's zero point adds to them. */
static void gather(const struct imc_core *c, const int32_t *sum, uint32_t n, int32_t *acc)
{
    size_t bytes = c->pc->out_n * sizeof *acc;

    for (uint32_t i = 0; sum != acc && i < n; i++)
        memcpy(acc + (size_t)i * c->pc->out_n, sum + (size_t)c->used[i] * c->pc->out_n, bytes);
    for (uint32_t i = 0; c->zero_sum && i < n; i++)
        for (uint32_t o = 0; o < c->pc->out_n; o++)
            acc[(size_t)i * c->pc->out_n + o] -= c->zero_sum[o];
}

/* In a timing run plane 0 stands for the product, as in planes_counting(). */
static void count_product(struct imc_core *c, const struct array_product *product)
{
    struct array_counts n = { 0 };

    for (uint32_t p = 0; p == 0 || p < c->planes.n; p++)
        if (plane_counts(&c->planes, p, product->output[0].image))
            c->array->kind->count(c->array, product, p, &n);
    c->counters.driven_rows += n.driven_rows;
    c->counters.conversions += n.conversions;
    c->counters.active_rows += n.in.active_rows;
    c->counters.sum_abs_x += n.in.sum_abs_x;
    c->counters.sum_abs_xw += n.in.sum_abs_xw;
}

/* Multiplies for outputs of one group; acc[i] gets those of place[i], plane p's acc_plane behind
 * plane p - 1's. */
static void multiply(struct imc_core *c, const struct pixel *place, uint32_t n, int32_t *acc)
{
    uint32_t x, y;

    c->pl->firing->origin(&c->controller.shape, &place[0], &x, &y);
    bool in_order = find_replicas(c, place, n, x, y);
    const struct array_product product = {
        .output = place,
        .replica = c->used,
        .n_output = n,
        .driven_rows = kernel_matrix_driven(&c->matrix, c->used, n),
        .planes = c->planes.n,
        .in = c->planes.n > 0 ? c->in : NULL,
        .sum = in_order ? acc : c->acc,
        .apart = in_order ? c->acc_plane : c->array->n_write,
    };
    for (uint32_t p = 0; p < c->planes.n; p++)
        c->in[p] = kernel_matrix_vector(&c->matrix, x, y, c->used, n, p);
    if (c->planes.n > 0)
        c->array->kind->multiply(c->array, &product);
    for (uint32_t p = 0; p < c->planes.n; p++)
        gather(c, product.sum + p * product.apart, n, acc + p * c->acc_plane);
    count_product(c, &product);
}

/* What a plane's window of an output of the group holds; origin at output (x, y). */
static void look_up_window(struct imc_core *c, uint32_t x, uint32_t y, uint32_t q, uint32_t plane,
                           int32_t *acc)
{
    bool is_signed = c->plan->network->layer[c->layer->input[0]].out_signed;
    uint32_t n_pixel = kernel_matrix_pixels(&c->matrix, x, y, q, plane, c->window);

    if (c->layer->kind == LAYER_MAX_POOL)
        digital_max(c->pc->out_n, c->window, n_pixel, is_signed, c->layer->in_zero, acc);
    else
        digital_sum(c->pc->out_n, c->window, n_pixel, is_signed, c->layer->in_zero, acc);
    for (uint32_t o = 0; c->layer->negated && o < c->pc->out_n; o++)
        acc[o] = c->layer->negated[c->pc->out_first + o] ? -acc[o] : acc[o];
}

/* What a digital layer has for a crossbar: acc[i] gets what the window of place[i] holds. */
static void look_up_windows(struct imc_core *c, const struct pixel *place, uint32_t n,
                            int32_t *acc)
{
    const struct firing_shape *shape = &c->controller.shape;
    uint32_t x, y;

    c->pl->firing->origin(shape, &place[0], &x, &y);
    for (uint32_t i = 0; i < n; i++) {
        if (c->layer->kind != LAYER_SCALE)
            c->counters.pool_ops +=
                core_weight(c, place[i].image) * core_pixels_inside(c, &place[i]) * c->pc->out_n;
        uint32_t q = firing_replica(c->pl->firing, shape, &place[0], &place[i]);
        for (uint32_t p = 0; p < c->planes.n; p++)
            look_up_window(c, x, y, q, p, acc + p * c->acc_plane + (size_t)i * c->pc->out_n);
    }
}

static void count_firing(struct imc_core *c, const struct pixel *place, uint32_t n,
                         uint64_t timestep)
{
    struct core_counters *count = &c->counters;

    count->firings += c->is_digital ? 0 : core_weight(c, place[0].image);
    count->busy_timesteps += core_weight(c, place[0].image);
    for (uint32_t i = 0; i < n; i++) {
        count->outputs += core_weight(c, place[i].image);
        if (place[i].image != c->first_image)
            continue;
        if (!c->any_fired)
            c->first_fired = timestep;
        c->any_fired = true;
        c->last_fired = timestep;
    }
}

void imc_core_fire(struct imc_core *c, uint64_t now_cyc, uint64_t timestep)
{
    uint32_t n = controller_fire(&c->controller, timestep, c->place);

    if (n == 0)
        return;
    const struct firing_shape *shape = &c->controller.shape;
    struct core_sums *own = &c->sums[(c->sums_head + c->sums_n) % c->sums_room];
    if (c->sums_n == c->sums_room) {
        imc_core_fail(c, now_cyc, "no room for the sums of", &c->place[0]);
        return;
    }
    uint64_t words = 0;
    for (uint32_t from = 0, to; from < n; from = to) {
        bool fresh = registers_begin(&c->registers, &c->place[from]);
        to = from;
        do
            registers_need(&c->registers, &c->place[to++]);
        while (to < n &&
               firing_replica(c->pl->firing, shape, &c->place[from], &c->place[to]) < shape->n);
        if (c->planes.n > 0 && fresh)
            kernel_matrix_begin_strip(&c->matrix, c->place[from].y, c->registers.strip_width);
        words += load_rows(c, &c->place[from], now_cyc);
        int32_t *acc = own->acc + (size_t)from * c->pc->out_n;
        if (c->is_digital)
            look_up_windows(c, &c->place[from], to - from, acc);
        else
            multiply(c, &c->place[from], to - from, acc);
    }
    count_firing(c, c->place, n, timestep);
    imc_core_tell(c, CORE_FIRED, timestep, n, c->place, words);
    c->next_timestep = timestep + 1;
    own->n = n;
    own->passed = 0;
    memcpy(own->place, c->place, n * sizeof *c->place);
    c->sums_n++;
    c->sums_complete += c->partial_in.chan == NULL;
}
