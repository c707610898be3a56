/* arch/units/array_ideal.c -- the array without effects: exact sums (crossbar.h), a converter for
 * every column. */
#include <stdlib.h>

#include "arch/units/array.h"

struct ideal {
    struct imc_array    base; // first
    uint32_t            outputs;
    struct exact_matrix matrix; // zero in a timing run
};

static struct imc_array *program(const struct array_matrix *m)
{
    struct ideal *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->base = (struct imc_array){ &array_ideal, m->rows, m->columns, m->rows, m->columns };
    a->outputs = m->outputs;
    if ((!m->weight && !m->wide_weight) || exact_matrix_program(&a->matrix, m, &a->base))
        return &a->base;
    free(a);
    return NULL;
}

static bool takes(const struct array_spec *s)
{
    return s->plain;
}

static void multiply(struct imc_array *array, const struct array_product *p)
{
    const struct ideal *a = (const struct ideal *)array;

    for (uint32_t i = 0; i < p->planes; i++)
        exact_matrix_multiply(&a->matrix, p, i);
}

static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    const struct ideal *a = (const struct ideal *)array;

    n->driven_rows += p->driven_rows;
    n->conversions += (uint64_t)p->n_output * a->outputs;
    n->reads++;
    if (p->in) {
        uint64_t before = n->in.sum_abs_x;
        exact_matrix_count(&a->matrix, p, plane, &n->in);
        n->sum_digits += n->in.sum_abs_x - before; // one slice
    }
}

static void release(struct imc_array *array)
{
    struct ideal *a = (struct ideal *)array;

    exact_matrix_release(&a->matrix);
    free(a);
}

const struct imc_array_kind array_ideal = {
    .name = "ideal",
    .doc = "exact products, a converter for every column",
    .takes = takes,
    .program = program,
    .multiply = multiply,
    .count = count,
    .release = release,
};
