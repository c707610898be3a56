/* import/op_function.c -- Sigmoid, LeakyRelu, HardSwish and their like, of a rounded map: the
 * reader makes tables of them. */
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

static enum err visit_signed(const struct import_walk *w) { return visit_function(w, false); }
static enum err visit_positive(const struct import_walk *w) { return visit_function(w, true); }

const struct import_operator import_ops_function[] = {
    {"Abs",         visit_positive},
    {"Celu",        visit_signed},
    {"Elu",         visit_signed},
    {"Erf",         visit_signed},
    {"Exp",         visit_positive},
    {"HardSigmoid", visit_positive},
    {"HardSwish",   visit_signed},
    {"LeakyRelu",   visit_signed},
    {"Neg",         visit_signed},
    {"Selu",        visit_signed},
    {"Sigmoid",     visit_positive},
    {"Softplus",    visit_positive},
    {"Softsign",    visit_signed},
    {"Tanh",        visit_signed},
    {"ThresholdedRelu", visit_positive},
    {0},
};
