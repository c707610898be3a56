/* arch/units/array.c -- the kinds of arrays. */
#include "arch/units/array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROW(name) &name,
const struct imc_array_kind *const imc_arrays[] = { IMC_ARRAYS(ROW) NULL };

const struct imc_array_kind *imc_array_of(const struct array_spec *s)
{
    const struct imc_array_kind *const *k = imc_arrays;

    while (*k && !(*k)->takes(s))
        k++;
    assert(*k); // the sliced array takes all
    return *k;
}

static bool program_bytes(struct crossbar *x, const struct array_matrix *m)
{
    bool bits = m->spec->reads.input_bits == 1 && !m->in_signed;

    if (!crossbar_init(x, m->rows, m->columns, m->weight, m->in_signed, m->simd))
        return false;
    if (!bits || crossbar_take_bits(x, m->weight, m->simd))
        return true;
    crossbar_release(x);
    return false;
}

static bool program_wide(struct exact_matrix *x, const struct array_matrix *m)
{
    size_t n = (size_t)m->rows * m->columns;

    x->wide = malloc(n * sizeof *x->wide);
    x->row_abs = calloc(m->rows, sizeof *x->row_abs);
    x->acc = calloc(m->columns, sizeof *x->acc);
    if (!x->wide || !x->row_abs || !x->acc)
        return false;
    memcpy(x->wide, m->wide_weight, n * sizeof *x->wide);
    for (size_t i = 0; i < n; i++)
        x->row_abs[i / m->columns] += (uint32_t)abs(x->wide[i]);
    return true;
}

bool exact_matrix_program(struct exact_matrix *x, const struct array_matrix *m,
                          struct imc_array *array)
{
    *x = (struct exact_matrix){ .rows = m->rows, .columns = m->columns, .in_signed = m->in_signed };
    if (!(m->wide_weight ? program_wide(x, m) : program_bytes(&x->crossbar, m))) {
        exact_matrix_release(x);
        return false;
    }
    array->n_read = x->wide ? m->rows : x->crossbar.packed_rows;
    array->n_write = x->wide ? m->columns : x->crossbar.packed_columns;
    return true;
}

void exact_matrix_release(struct exact_matrix *x)
{
    crossbar_release(&x->crossbar);
    free(x->wide);
    free(x->row_abs);
    free(x->acc);
    *x = (struct exact_matrix){ 0 };
}

void exact_matrix_multiply(const struct exact_matrix *x, const struct array_product *p,
                           uint32_t stream)
{
    if (!x->wide) {
        crossbar_mvm(&x->crossbar, p->in[stream], p->sum + stream * p->apart);
        return;
    }
    memset(x->acc, 0, x->columns * sizeof *x->acc);
    for (uint32_t r = 0; r < x->rows; r++) {
        const int16_t *w = x->wide + (size_t)r * x->columns;
        int32_t in = exact_matrix_input(x, p, stream, r);
        for (uint32_t c = 0; in != 0 && c < x->columns; c++)
            x->acc[c] += (int64_t)in * w[c];
    }
    for (uint32_t c = 0; c < x->columns; c++)
        wide_sum_set(p->sum + 2 * stream * p->apart + c, p->apart, x->acc[c]);
}

void exact_matrix_count(const struct exact_matrix *x, const struct array_product *p,
                        uint32_t stream, struct input_counts *n)
{
    if (!x->wide) {
        crossbar_count(&x->crossbar, p->in[stream], n);
        return;
    }
    for (uint32_t r = 0; r < x->rows; r++) {
        uint64_t in = (uint64_t)abs(exact_matrix_input(x, p, stream, r));
        n->active_rows += in != 0;
        n->sum_abs_x += in;
        n->sum_abs_xw += in * x->row_abs[r];
    }
}
