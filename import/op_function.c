/* import/op_function.c -- Sigmoid, LeakyRelu, HardSwish and their like, of a rounded map: the
 * reader makes tables of them. Sign, of sums too, of which it makes steps. */
#include <string.h>

#include "import/walk.h"

static enum err visit_function(const struct import_walk *w, bool positive)
{
    struct import_value *x;
    enum err e = import_take_map(w, 0, &x);

    if (e)
        return e;
    import_add_node(w, IMPORT_COPY, x, NULL);
    import_new_draft(w, positive);
    return ERR_NONE;
}

/* By a constant, which goes with it. */
static enum err visit_power(const struct import_walk *w)
{
    const struct array *exponent = import_constant(w, 1);

    if (!exponent || exponent->n != 1)
        return IMPORT_REFUSE(w, "is not by one constant: want that");
    enum err e = import_check_finite(w, "exponent", exponent);
    if (!e)
        e = visit_function(w, import_input(w, 0)->positive);
    if (e)
        return e;
    struct import_node *n = &w->im->node[w->im->n_node - 1];
    if (!array_init(&n->weight, exponent->type, 0, NULL))
        return import_no_memory(w);
    n->weight.real[0] = exponent->real[0];
    return ERR_NONE;
}

/* With slopes, one or one for each channel, which go with it. */
static enum err visit_prelu(const struct import_walk *w)
{
    const struct array *slope = import_constant(w, 1);

    if (!slope)
        return IMPORT_REFUSE(w, "its slopes are not constant: want one, or one for each channel");
    enum err e = import_check_finite(w, "slope", slope);
    if (!e)
        e = visit_function(w, false);
    if (e)
        return e;
    struct array *to = &w->im->node[w->im->n_node - 1].weight;
    if (!array_init(to, slope->type, slope->n_dim, slope->dim))
        return import_no_memory(w);
    memcpy(to->real, slope->real, slope->n * sizeof *slope->real);
    return ERR_NONE;
}

/* Of sums as they are: one that is rounded to 0 has none. */
static enum err visit_sign(const struct import_walk *w)
{
    struct import_value *x = import_input(w, 0);

    if (!import_is_open(x))
        return visit_function(w, false);
    import_add_node(w, IMPORT_COPY, x, NULL);
    struct import_value *v = import_replace(w, x);
    v->positive = false;
    v->cut = true;
    return ERR_NONE;
}

static enum err visit_signed(const struct import_walk *w) { return visit_function(w, false); }
static enum err visit_positive(const struct import_walk *w) { return visit_function(w, true); }

const struct import_operator import_ops_function[] = {
    {"Abs",         visit_positive},
    {"Celu",        visit_signed},
    {"Cos",         visit_signed},
    {"Elu",         visit_signed},
    {"Erf",         visit_signed},
    {"Exp",         visit_positive},
    {"Gelu",        visit_signed},
    {"HardSigmoid", visit_positive},
    {"HardSwish",   visit_signed},
    {"LeakyRelu",   visit_signed},
    {"Log",         visit_signed},
    {"Mish",        visit_signed},
    {"Neg",         visit_signed},
    {"PRelu",       visit_prelu},
    {"Pow",         visit_power},
    {"Reciprocal",  visit_signed},
    {"Selu",        visit_signed},
    {"Sigmoid",     visit_positive},
    {"Sign",        visit_sign},
    {"Sin",         visit_signed},
    {"Softplus",    visit_positive},
    {"Softsign",    visit_signed},
    {"Sqrt",        visit_positive},
    {"Swish",       visit_signed},
    {"Tanh",        visit_signed},
    {"ThresholdedRelu", visit_positive},
    {0},
};
