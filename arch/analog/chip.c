/* arch/analog/chip.c -- see chip.h. */
#include "arch/analog/chip.h"

#include <inttypes.h>
#include <stdlib.h>

#include "arch/units/kernel_matrix.h"
#include "core/pages.h"
#include "core/util.h"
#include "network/precision.h"

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

/* Sets of devices that a weight of the core has: pairs, or single ones. */
static uint32_t n_set(const struct analog_chip *c, uint32_t core)
{
    uint32_t slices = c->plan->layer[c->plan->core[core].plan_layer].array.layout.n_slice;

    return !c->spec->cut ? 1 : c->spec->alone ? slices : slices / 2;
}

/* weight[n] become what a set keeps of them: a digit, or one of either sign. */
static void cut_weights(const struct analog_chip *c, uint32_t core, uint32_t set, size_t n,
                        const int8_t *weight, int8_t *digit)
{
    const struct array_spec *s = &c->plan->layer[c->plan->core[core].plan_layer].array;
    uint32_t j = c->spec->alone ? set : 2 * set;

    for (size_t i = 0; i < n; i++) {
        int32_t d = s->cell->digit(&s->weights, j, weight[i]);
        if (!c->spec->alone)
            d -= s->cell->digit(&s->weights, j + 1, weight[i]);
        digit[i] = (int8_t)d;
    }
}

static size_t n_weight(const struct analog_chip *c, uint32_t core)
{
    return (size_t)c->plan->core[core].rows * c->plan->core[core].columns;
}

/* Numbers that are kept of the devices of a core. */
static size_t memory_of(const struct analog_chip *c, uint32_t core)
{
    if (!has_array(c->plan, core))
        return 0;
    return n_set(c, core) * analog_devices_size(c->spec, n_weight(c, core));
}

static double *new_memory(const struct analog_chip *c)
{
    size_t n = 0;

    for (uint32_t i = 0; i < c->plan->n_core; i++)
        n += memory_of(c, i);
    return pages_new(n * sizeof(double));
}

/* All sets of a core. */
static bool program_sets(struct analog_chip *c, uint32_t core, struct analog_core *what)
{
    struct analog_cells *to = &c->cells[core];
    size_t n = n_weight(c, core);
    const int8_t *weight = what->weight;
    int8_t *digit = c->spec->cut ? malloc(n) : NULL;
    bool done = digit || !c->spec->cut;

    to->set = calloc(n_set(c, core), sizeof *to->set);
    for (uint32_t i = 0; to->set && done && i < n_set(c, core); i++) {
        if (digit) {
            cut_weights(c, core, i, n, weight, digit);
            what->weight = digit;
        }
        what->set = i;
        done = analog_devices_init(&to->set[i], c->spec, what);
        to->n += done;
        what->memory += analog_devices_size(c->spec, n);
    }
    free(digit);
    return to->set && done;
}

static enum err program(struct analog_chip *c, uint64_t number, uint32_t core, double *memory,
                        struct err_msg *m)
{
    const struct plan_core *pc = &c->plan->core[core];
    const struct array_spec *array = &c->plan->layer[pc->plan_layer].array;
    struct kernel_matrix k;
    struct names n = { 0 };
    uint32_t w_max = (uint32_t)array->layout.slice[0].most; // of a digit
    enum err e = c->spec->cut ? ERR_NONE : find_w_max(c, pc, &w_max, m);

    if (e)
        return e;
    if (!kernel_matrix_init(&k, c->plan, core, 0, false))
        return no_memory(m);
    bool done = names_init(&n, &k, c->plan, core);
    struct analog_core what = {
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
        .memory = memory,
    };
    done = done && program_sets(c, core, &what);
    names_release(&n);
    kernel_matrix_release(&k);
    return done ? ERR_NONE : no_memory(m);
}

/* What is seen of a core's devices at a time. */
static bool see(struct analog_seen *to, const struct analog_matrix *m,
                const struct analog_readout *r)
{
    *to = (struct analog_seen){ m->seen_us, calloc(m->columns, sizeof *to->column_us) };
    if (!to->column_us)
        return false;
    analog_readout_see(r, m, to->column_us);
    if (r->full > 0)
        to->all_us = 0;
    for (uint32_t c = 0; r->full > 0 && c < m->columns; c++)
        to->all_us += to->column_us[c];
    return true;
}

/* A core's matrix at a time and what reads it, not yet compensated. */
static bool weights_init(struct analog_weights *w, const struct analog_chip *c, uint32_t core,
                         double t_s)
{
    *w = (struct analog_weights){ 0 };
    const struct analog_cells *cells = &c->cells[core];
    if (analog_matrix_init(&w->matrix, cells->set, cells->n, t_s) &&
        analog_readout_init(&w->readout, c->plan, core, cells->set, w->matrix.parts, t_s))
        return true;
    analog_matrix_release(&w->matrix);
    return false;
}

static void weights_release(struct analog_weights *w)
{
    analog_matrix_release(&w->matrix);
    analog_readout_release(&w->readout);
}

static enum err see_reference(struct analog_chip *c, struct err_msg *m)
{
    bool done = true;

    c->reference = calloc(c->plan->n_core, sizeof *c->reference);
    for (uint32_t i = 0; c->reference && done && i < c->plan->n_core; i++) {
        struct analog_weights w;
        if (!has_array(c->plan, i))
            continue;
        done = weights_init(&w, c, i, c->spec->reference_s);
        if (!done)
            continue;
        done = see(&c->reference[i], &w.matrix, &w.readout);
        weights_release(&w);
    }
    return c->reference && done ? ERR_NONE : no_memory(m);
}

enum err analog_chip_init(struct analog_chip *c, const struct plan *p,
                          const struct analog_spec *spec, uint64_t number, struct err_msg *m)
{
    *c = (struct analog_chip){ .plan = p, .spec = spec };
    c->cells = calloc(p->n_core, sizeof *c->cells);
    c->memory = new_memory(c);
    enum err e = c->cells && c->memory ? ERR_NONE : no_memory(m);
    double *memory = c->memory;

    for (uint32_t i = 0; !e && i < p->n_core; memory += memory_of(c, i), i++)
        if (has_array(p, i))
            e = program(c, number, i, memory, m);
    if (!e && spec->compensated)
        e = see_reference(c, m);
    if (e)
        analog_chip_release(c);
    return e;
}

void analog_chip_release(struct analog_chip *c)
{
    for (uint32_t i = 0; c->cells && i < c->plan->n_core; i++) {
        for (uint32_t k = 0; k < c->cells[i].n; k++)
            analog_devices_release(&c->cells[i].set[k]);
        free(c->cells[i].set);
    }
    for (uint32_t i = 0; c->reference && i < c->plan->n_core; i++)
        free(c->reference[i].column_us);
    free(c->cells);
    free(c->memory);
    free(c->reference);
    *c = (struct analog_chip){ 0 };
}

/* ---- at a time ---- */

/* The largest sum of |a| of a column. */
static uint64_t most_column(const struct analog_matrix *m, const int16_t *a)
{
    uint64_t most = 0;

    for (uint32_t c = 0; c < m->columns; c++) {
        uint64_t sum = 0;
        for (uint32_t r = 0; r < m->rows; r++)
            sum += (uint64_t)abs(a[(size_t)r * m->columns + c]);
        most = max_u64(most, sum);
    }
    return most;
}

static enum err refuse_sums(const struct plan *p, uint32_t core, struct err_msg *m)
{
    const struct plan_core *pc = &p->core[core];

    return err_set(m, ERR_INPUT, "%.400s: core.crossbar.rows = %u: sums of core %s, of %u rows in "
                   "1/128 of a weight, may pass 31 bits: want core.crossbar.rows = 256",
                   config_where(p->config, "core.crossbar.rows"), pc->crossbar.rows, pc->name,
                   pc->rows);
}

static bool fits(uint64_t most_column)
{
    return most_column * UINT8_MAX <= INT32_MAX - (1 << ANALOG_WEIGHT_BIT);
}

static enum err check_sums(const struct analog_chip *c, uint32_t core,
                           const struct analog_matrix *a, struct err_msg *m)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < a->parts; i++)
        most = max_u64(most, most_column(a, analog_part(a, i)));
    return fits(most) ? ERR_NONE : refuse_sums(c->plan, core, m);
}

/* The largest sum of |w| of a column, or of its weights of one sign. */
static uint64_t most_weights(const int8_t *weight, uint32_t rows, uint32_t columns, bool apart)
{
    uint64_t most = 0;

    for (uint32_t c = 0; c < columns; c++) {
        uint64_t plus = 0, minus = 0;
        for (uint32_t r = 0; r < rows; r++) {
            int w = weight[(size_t)r * columns + c];
            *(w > 0 ? &plus : &minus) += (uint64_t)abs(w);
        }
        most = max_u64(most, apart ? max_u64(plus, minus) : plus + minus);
    }
    return most;
}

enum err analog_chip_check(const struct plan *p, const struct analog_spec *spec,
                           struct err_msg *m)
{
    bool none = !p->network->has_values || network_is_wide(p->network) || spec->cut;

    for (uint32_t i = 0; !none && i < p->n_core; i++) {
        const struct plan_core *pc = &p->core[i];
        struct kernel_matrix k;
        struct names n = { 0 };
        if (!has_array(p, i))
            continue;
        if (!kernel_matrix_init(&k, p, i, 0, false))
            return no_memory(m);
        bool done = names_init(&n, &k, p, i);
        bool good = !done || fits((uint64_t)most_weights(n.weight, pc->rows, pc->columns,
                                                         spec->apart) << ANALOG_WEIGHT_BIT);
        names_release(&n);
        kernel_matrix_release(&k);
        if (!done || !good)
            return done ? refuse_sums(p, i, m) : no_memory(m);
    }
    return ERR_NONE;
}

/* Codes of all parts of an output are added up in 31 bits, with what else there is. */
static enum err check_codes(const struct analog_chip *c, uint32_t core,
                            const struct analog_readout *r, struct err_msg *m)
{
    const int64_t most = INT64_C(1) << 30;
    const struct plan_core *pc = &c->plan->core[core];
    int64_t parts = c->plan->layer[pc->plan_layer].parts;

    if (analog_readout_most(r) <= most / parts)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%.400s: core.readout.range = %" PRId64 ": codes of core %s, of "
                   "%" PRId64 " parts, may pass 31 bits together: want core.readout.range = full",
                   config_where(c->plan->config, "core.readout.range"),
                   r->converter->code.step * r->converter->code.most >> ANALOG_WEIGHT_BIT,
                   pc->name, parts);
}

static enum err compensate(struct analog_weights *w, const struct analog_chip *c, uint32_t core,
                           struct err_msg *m)
{
    const struct analog_seen *reference = &c->reference[core];
    struct analog_seen now;
    bool done = see(&now, &w->matrix, &w->readout);

    if (done && c->spec->column_by_column)
        done = analog_readout_scale_columns(&w->readout, reference->column_us, now.column_us);
    else if (done)
        w->readout.k = analog_scale(reference->all_us, now.all_us);
    free(now.column_us);
    return done ? ERR_NONE : no_memory(m);
}

enum err analog_state_init(struct analog_state *s, const struct analog_chip *c, double t_s,
                           struct err_msg *m)
{
    *s = (struct analog_state){ .plan = c->plan };
    s->core = calloc(c->plan->n_core, sizeof *s->core);
    enum err e = s->core ? ERR_NONE : no_memory(m);

    for (uint32_t i = 0; !e && i < c->plan->n_core; i++) {
        struct analog_weights *w = &s->core[i];
        if (!has_array(c->plan, i))
            continue;
        e = weights_init(w, c, i, t_s) ? check_sums(c, i, &w->matrix, m) : no_memory(m);
        if (!e && c->reference)
            e = compensate(w, c, i, m);
        if (!e)
            e = check_codes(c, i, &w->readout, m);
    }
    if (e)
        analog_state_release(s);
    return e;
}

enum err analog_state_exact(struct analog_state *s, const struct plan *p, struct err_msg *m)
{
    const struct analog_spec off = { .device = &analog_ideal, .g_max_us = 1 };
    struct analog_chip chip;
    enum err e = analog_chip_init(&chip, p, &off, 0, m);

    *s = (struct analog_state){ 0 };
    if (!e)
        e = analog_state_init(s, &chip, 1, m);
    analog_chip_release(&chip);
    return e;
}

void analog_state_release(struct analog_state *s)
{
    for (uint32_t i = 0; s->core && i < s->plan->n_core; i++)
        weights_release(&s->core[i]);
    free(s->core);
    *s = (struct analog_state){ 0 };
}
