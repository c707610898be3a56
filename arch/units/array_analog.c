/* arch/units/array_analog.c -- an array whose weights are what devices made of them
 * (arch/analog/matrix.h), in every plane others: exact sums of 16-bit weights, which converters and
 * a digital scale make of units of a weight (arch/analog/readout.h). */
#include <stdlib.h>

#include "arch/analog/chip.h"
#include "arch/analog/product.h"
#include "arch/analog/reads.h"
#include "arch/units/array.h"
#include "core/util.h"

struct analog_plane {
    const struct analog_readout *readout; // borrowed
    struct analog_product product[ANALOG_PAIR]; // the second is zero where there is one
    struct analog_reads   reads;   // instead of products; else zero
    uint64_t              clipped; // codes of the latest product
};

struct analog {
    struct imc_array     base; // first
    uint32_t             outputs, planes;
    struct analog_plane *plane; // owned; [planes]
    int32_t             *minus; // owned; sums of a second product
};

static bool takes(const struct array_spec *s)
{
    (void)s;
    return false; // a chip says which of its planes are
}

static void release(struct imc_array *array)
{
    struct analog *a = (struct analog *)array;

    for (uint32_t p = 0; a->plane && p < a->planes; p++) {
        for (uint32_t i = 0; i < ANALOG_PAIR; i++)
            analog_product_release(&a->plane[p].product[i]);
        analog_reads_release(&a->plane[p].reads);
    }
    free(a->plane);
    free(a->minus);
    free(a);
}

static bool program_plane(struct analog_plane *to, const struct array_matrix *m,
                          const struct analog_weights *w)
{
    const struct analog_matrix *x = &w->matrix;

    to->readout = &w->readout;
    if (analog_reads_wanted(m->spec, x))
        return analog_reads_init(&to->reads, m->spec, x, &w->readout, m->in_signed, m->simd);
    bool done = true;
    for (uint32_t i = 0; done && i < x->parts; i++)
        done = analog_product_init(&to->product[i], m->rows, m->columns, analog_part(x, i),
                                   m->in_signed, m->simd);
    return done;
}

static struct imc_array *program(const struct array_matrix *m)
{
    struct analog *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->base = (struct imc_array){ &array_analog, m->rows, m->columns, m->rows, m->columns };
    a->outputs = m->outputs;
    a->planes = m->planes;
    a->plane = calloc(m->planes, sizeof *a->plane);
    bool done = a->plane;
    for (uint32_t p = 0; done && p < m->planes; p++)
        done = program_plane(&a->plane[p], m, m->analog[p]);
    a->base.n_write = (uint32_t)round_up(m->columns, PRODUCT_COLUMNS);
    a->minus = done ? malloc(a->base.n_write * sizeof *a->minus) : NULL;
    if (a->minus)
        return &a->base;
    release(&a->base);
    return NULL;
}

/* Sums of one matrix, or of two. */
static void multiply_whole(const struct analog *a, struct analog_plane *plane,
                           const struct array_product *p, const uint8_t *in, int32_t *sum)
{
    analog_product_of(&plane->product[0], in, sum);
    if (plane->product[1].packed)
        analog_product_of(&plane->product[1], in, a->minus);
    plane->clipped = 0;
    for (uint32_t k = 0; k < p->n_output; k++) {
        size_t first = (size_t)p->replica[k] * a->outputs;
        plane->clipped += analog_readout_pixel(plane->readout, &p->output[k], p->replica[k],
                                               sum + first, a->minus + first);
    }
}

static void multiply(struct imc_array *array, const struct array_product *p)
{
    const struct analog *a = (const struct analog *)array;

    for (uint32_t i = 0; i < p->planes; i++) {
        struct analog_plane *plane = &a->plane[i];
        int32_t *sum = p->sum + i * p->apart;
        if (plane->reads.matrix)
            plane->clipped = analog_reads_product(&plane->reads, p->in[i], p->output, p->replica,
                                                  p->n_output, sum);
        else
            multiply_whole(a, plane, p, p->in[i], sum);
    }
}

/* What inputs do is counted by a run with exact weights. */
static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    const struct analog *a = (const struct analog *)array;

    analog_readout_add_clipped(a->plane[plane].readout, a->plane[plane].clipped);
    n->clipped += a->plane[plane].clipped;
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
