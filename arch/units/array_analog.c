/* arch/units/array_analog.c -- an array whose weights are what devices made of them
 * (arch/analog/matrix.h), in every plane others: exact sums of 16-bit weights, scaled and rounded
 * to units of a weight, a converter for every column. */
#include <stdlib.h>

#include "arch/analog/chip.h"
#include "arch/analog/product.h"
#include "arch/units/array.h"

struct analog {
    struct imc_array       base; // first
    uint32_t               outputs, planes;
    struct analog_product *product; // owned; [planes]
    uint32_t              *k;       // owned; [planes]
};

static bool takes(const struct array_spec *s)
{
    (void)s;
    return false; // a chip says which of its planes are
}

static void release(struct imc_array *array)
{
    struct analog *a = (struct analog *)array;

    for (uint32_t p = 0; a->product && p < a->planes; p++)
        analog_product_release(&a->product[p]);
    free(a->product);
    free(a->k);
    free(a);
}

static struct imc_array *program(const struct array_matrix *m)
{
    struct analog *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->base = (struct imc_array){ &array_analog, m->rows, m->columns, m->rows, m->columns };
    a->outputs = m->outputs;
    a->planes = m->planes;
    a->product = calloc(m->planes, sizeof *a->product);
    a->k = calloc(m->planes, sizeof *a->k);
    bool done = a->product && a->k;
    for (uint32_t p = 0; done && p < m->planes; p++) {
        a->k[p] = m->analog[p]->k;
        done = analog_product_init(&a->product[p], m->rows, m->columns, m->analog[p]->matrix.a,
                                   m->in_signed, m->simd);
    }
    if (!done) {
        release(&a->base);
        return NULL;
    }
    a->base.n_write = a->product[0].packed_columns;
    return &a->base;
}

static void multiply(struct imc_array *array, const struct array_product *p)
{
    const struct analog *a = (const struct analog *)array;

    for (uint32_t i = 0; i < p->planes; i++) {
        int32_t *sum = p->sum + i * p->apart;
        analog_product_of(&a->product[i], p->in[i], sum);
        for (uint32_t c = 0; c < a->base.columns; c++)
            sum[c] = (int32_t)analog_scaled(sum[c], a->k[i]);
    }
}

/* What inputs do is counted by a run with exact weights. */
static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    const struct analog *a = (const struct analog *)array;

    (void)plane;
    n->driven_rows += p->driven_rows;
    n->conversions += (uint64_t)p->n_output * a->outputs;
    n->reads++;
}

const struct imc_array_kind array_analog = {
    .name = "analog",
    .doc = "products of 16-bit weights that devices made, a converter for every column",
    .takes = takes,
    .program = program,
    .multiply = multiply,
    .count = count,
    .release = release,
};
