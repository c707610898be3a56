/* arch/analog/chip.c -- see chip.h. */
#include "arch/analog/chip.h"

#include <stdlib.h>

#include "arch/units/kernel_matrix.h"
#include "core/util.h"

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the devices of a chip");
}

static bool has_array(const struct plan *p, uint32_t core)
{
    return !layer_is_digital(plan_network_layer(p, p->core[core].plan_layer));
}

static uint32_t largest_weight(const struct layer *l)
{
    size_t n = (size_t)l->out.channels * layer_kernel_rows(l);
    int most = 1;

    for (size_t i = 0; i < n; i++)
        most = abs(l->weight[i]) > most ? abs(l->weight[i]) : most;
    return (uint32_t)most;
}

/* Weight that a layer's largest conductance stands for. */
static enum err find_w_max(const struct analog_chip *c, const struct plan_core *pc,
                           uint32_t *w_max, struct err_msg *m)
{
    const struct layer *l = plan_network_layer(c->plan, pc->plan_layer);
    uint32_t largest = largest_weight(l);

    *w_max = c->spec->w_max == 0 ? largest : c->spec->w_max;
    if (largest <= *w_max)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%.400s: core.crossbar.w_max = %u: layer %s has a weight of %u, "
                   "more than a device keeps: want core.crossbar.w_max = layer",
                   config_where(c->plan->config, "core.crossbar.w_max"), *w_max, l->name, largest);
}

struct names { // of a core's matrix, and its weights
    uint64_t *row, *replica; // owned
    int8_t   *weight;        // owned
};

static bool names_init(struct names *n, const struct kernel_matrix *k, const struct plan *p,
                       uint32_t core)
{
    const struct plan_core *pc = &p->core[core];

    n->row = calloc(pc->rows, sizeof *n->row);
    n->replica = calloc(k->replicas, sizeof *n->replica);
    n->weight = calloc(pc->rows, pc->columns);
    if (!n->row || !n->replica || !n->weight)
        return false;
    kernel_matrix_names(k, p, core, n->row, n->replica);
    kernel_matrix_weights(k, p, core, n->weight);
    return true;
}

static void names_release(struct names *n)
{
    free(n->row);
    free(n->replica);
    free(n->weight);
}

static enum err program(struct analog_chip *c, uint64_t number, uint32_t core, struct err_msg *m)
{
    const struct plan_core *pc = &c->plan->core[core];
    struct kernel_matrix k;
    struct names n = { 0 };
    uint32_t w_max;
    enum err e = find_w_max(c, pc, &w_max, m);

    if (e)
        return e;
    if (!kernel_matrix_init(&k, c->plan, core, 0))
        return no_memory(m);
    bool done = names_init(&n, &k, c->plan, core);
    const struct analog_core what = {
        .chip = number,
        .layer = c->plan->layer[pc->plan_layer].layer,
        .copy = pc->copy,
        .group = pc->split,
        .part = pc->part,
        .rows = pc->rows,
        .replicas = k.replicas,
        .outputs = k.outputs,
        .row = n.row,
        .replica = n.replica,
        .weight = n.weight,
        .w_max = w_max,
    };
    done = done && analog_devices_init(&c->devices[core], c->spec, &what);
    names_release(&n);
    kernel_matrix_release(&k);
    return done ? ERR_NONE : no_memory(m);
}

static enum err see_reference(struct analog_chip *c, struct err_msg *m)
{
    c->reference_us = calloc(c->plan->n_core, sizeof *c->reference_us);
    if (!c->reference_us)
        return no_memory(m);
    for (uint32_t i = 0; i < c->plan->n_core; i++) {
        struct analog_matrix seen;
        if (!has_array(c->plan, i))
            continue;
        if (!analog_matrix_init(&seen, &c->devices[i], c->spec->reference_s))
            return no_memory(m);
        c->reference_us[i] = seen.seen_us;
        analog_matrix_release(&seen);
    }
    return ERR_NONE;
}

enum err analog_chip_init(struct analog_chip *c, const struct plan *p,
                          const struct analog_spec *spec, uint64_t number, struct err_msg *m)
{
    *c = (struct analog_chip){ .plan = p, .spec = spec };
    c->devices = calloc(p->n_core, sizeof *c->devices);
    enum err e = c->devices ? ERR_NONE : no_memory(m);

    for (uint32_t i = 0; !e && i < p->n_core; i++)
        if (has_array(p, i))
            e = program(c, number, i, m);
    if (!e && spec->compensated)
        e = see_reference(c, m);
    if (e)
        analog_chip_release(c);
    return e;
}

void analog_chip_release(struct analog_chip *c)
{
    for (uint32_t i = 0; c->devices && i < c->plan->n_core; i++)
        analog_devices_release(&c->devices[i]);
    free(c->devices);
    free(c->reference_us);
    *c = (struct analog_chip){ 0 };
}

/* ---- at a time ---- */

/* The largest sum of |a| of a column. */
static uint64_t most_column(const struct analog_matrix *a)
{
    uint64_t most = 0;

    for (uint32_t c = 0; c < a->columns; c++) {
        uint64_t sum = 0;
        for (uint32_t r = 0; r < a->rows; r++)
            sum += (uint64_t)abs(a->a[(size_t)r * a->columns + c]);
        most = max_u64(most, sum);
    }
    return most;
}

static enum err check_sums(const struct analog_chip *c, uint32_t core,
                           const struct analog_matrix *a, struct err_msg *m)
{
    const struct plan_core *pc = &c->plan->core[core];

    if (most_column(a) * UINT8_MAX <= INT32_MAX - (1 << ANALOG_WEIGHT_BIT))
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%.400s: core.crossbar.rows = %u: sums of core %s, of %u rows in "
                   "1/128 of a weight, may pass 31 bits: want core.crossbar.rows = 256",
                   config_where(c->plan->config, "core.crossbar.rows"), pc->crossbar.rows,
                   pc->name, pc->rows);
}

enum err analog_state_init(struct analog_state *s, const struct analog_chip *c, double t_s,
                           struct err_msg *m)
{
    *s = (struct analog_state){ .plan = c->plan };
    s->core = calloc(c->plan->n_core, sizeof *s->core);
    enum err e = s->core ? ERR_NONE : no_memory(m);

    for (uint32_t i = 0; !e && i < c->plan->n_core; i++) {
        struct analog_weights *w = &s->core[i];
        w->k = UINT32_C(1) << ANALOG_SCALE_BIT;
        if (!has_array(c->plan, i))
            continue;
        if (!analog_matrix_init(&w->matrix, &c->devices[i], t_s))
            e = no_memory(m);
        else
            e = check_sums(c, i, &w->matrix, m);
        if (!e && c->reference_us)
            w->k = analog_scale(c->reference_us[i], w->matrix.seen_us);
    }
    if (e)
        analog_state_release(s);
    return e;
}

void analog_state_release(struct analog_state *s)
{
    for (uint32_t i = 0; s->core && i < s->plan->n_core; i++)
        analog_matrix_release(&s->core[i].matrix);
    free(s->core);
    *s = (struct analog_state){ 0 };
}
