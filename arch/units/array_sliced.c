/* arch/units/array_sliced.c -- an array whose products are made of reads: slices of inputs and
 * weights, a few rows at a time, shared converters (sliced_array.h).
 *
 * The exact product is computed as one; of the reads only those whose codes can differ from their
 * sums. A digit of the weights is a column, and replicas that compute nothing are not converted.
 */
#include <stdlib.h>

#include "arch/units/array.h"
#include "arch/units/ranges.h"
#include "arch/units/sliced_kernel.h"
#include "core/util.h"

struct sliced {
    struct imc_array         base; // first
    const struct array_spec *spec;
    uint32_t                 outputs;
    uint64_t                 reads;    // of a product
    bool                     exact, in_signed;
    bool                     whole;    // a product is one read of one column an output
    struct exact_matrix      matrix;   // its products, if exact, and what inputs did; zero in a
                                       // timing run
    struct sliced_array      array;    // zero if exact, and in a timing run
    uint16_t                *wide;     // owned; [rows]: bytes that a machine carries in more bits
    uint64_t                *clipped;  // owned; [planes]: codes of the latest product
    struct converter        *code;     // owned; [columns]: of a whole product
    double                  *over_step; // owned; [columns]
    uint32_t                 digits[256]; // of an input byte, summed over its slices
};

static bool takes(const struct array_spec *s)
{
    (void)s;
    return true;
}

static struct converter converter(const void *user, uint32_t j, uint32_t output,
                                  bool both_signs)
{
    const struct array_matrix *m = user;

    return array_converter(m->spec, converter_range(m, j, output), both_signs);
}

/* Those of a product that is one read. */
static bool program_codes(struct sliced *a, const struct array_matrix *m)
{
    bool both_signs = m->spec->layout.slice[0].least < 0 ||
                      (m->in_signed && m->spec->reads.input_bits > 1);

    a->code = calloc(m->columns, sizeof *a->code);
    a->over_step = calloc(m->columns, sizeof *a->over_step);
    for (uint32_t i = 0; a->code && a->over_step && i < m->columns; i++) {
        a->code[i] = converter(m, 0, i, both_signs);
        a->over_step[i] = 1.0 / (double)a->code[i].step;
    }
    return a->code && a->over_step;
}

/* Codes of sums that one read gives. */
static int64_t sum_at(const struct sliced *a, const int32_t *sum, size_t apart)
{
    return a->matrix.wide ? wide_sum(sum, apart) : *sum;
}

static void set_sum(const struct sliced *a, int32_t *sum, size_t apart, int64_t v)
{
    if (a->matrix.wide)
        wide_sum_set(sum, apart, v);
    else
        *sum = (int32_t)v;
}

static uint64_t convert(const struct sliced *a, const struct array_product *p, int32_t *sum)
{
    uint64_t n_clipped = 0;

    for (uint32_t n = 0; n < p->n_output * a->outputs; n++) {
        uint32_t i = p->replica[n / a->outputs] * a->outputs + n % a->outputs;
        const struct converter *c = &a->code[i];
        int64_t code = sliced_quotient(sum_at(a, sum + i, p->apart), c->step, a->over_step[i]);
        int64_t kept = code < c->least ? c->least : code > c->most ? c->most : code;
        n_clipped += code != kept;
        set_sum(a, sum + i, p->apart, kept * c->step);
    }
    return n_clipped;
}

/* Whether the sums of one read are the product. */
static bool is_whole(const struct array_spec *s, uint32_t rows)
{
    return s->layout.n_slice == 1 && s->layout.ones == 0 && s->layout.slice[0].factor == 1 &&
           array_reads(s, rows, 1).n == 1;
}

static bool program_slices(struct sliced *a, const struct array_matrix *m)
{
    const struct array_spec *s = m->spec;
    const struct sliced_array_cfg cfg = {
        .rows = m->rows, .outputs = m->columns,
        .input_bits = s->reads.input_bits, .input_signed = m->in_signed,
        .input_slice_bits = min_u32(s->reads.input_slice_bits, s->reads.input_bits),
        .rows_at_once = array_rows_at_once(s, m->rows),
        .cell = s->cell, .weights = s->weights,
        .converter = converter, .user = m,
    };
    size_t n = (size_t)m->rows * m->columns;
    int32_t *weight = malloc(n * sizeof *weight);

    for (size_t i = 0; weight && i < n; i++)
        weight[i] = m->wide_weight ? m->wide_weight[i] : m->weight[i];
    a->wide = calloc(m->rows, sizeof *a->wide);
    a->clipped = calloc(max_u32(m->planes, 1), sizeof *a->clipped);
    bool done = weight && a->wide && a->clipped &&
                sliced_array_init(&a->array, &cfg, weight, m->simd);
    free(weight);
    return done;
}

static void release(struct imc_array *array)
{
    struct sliced *a = (struct sliced *)array;

    exact_matrix_release(&a->matrix);
    sliced_array_release(&a->array);
    free(a->wide);
    free(a->clipped);
    free(a->code);
    free(a->over_step);
    free(a);
}

static struct imc_array *program(const struct array_matrix *m)
{
    struct sliced *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->base = (struct imc_array){ &array_sliced, m->rows, m->columns, m->rows, m->columns };
    a->spec = m->spec;
    a->outputs = m->outputs;
    a->reads = array_reads(m->spec, m->rows, m->columns).n;
    a->in_signed = m->in_signed;
    a->exact = array_is_exact(m->spec, m->rows, m->in_signed);
    a->whole = is_whole(m->spec, m->rows);
    if (!m->weight && !m->wide_weight)
        return &a->base;
    reads_digit_sums(&m->spec->reads, m->in_signed, a->digits);
    if (!exact_matrix_program(&a->matrix, m, &a->base) ||
        (!a->exact && (!program_slices(a, m) || !program_codes(a, m)))) {
        release(&a->base);
        return NULL;
    }
    return &a->base;
}

/* Codes of replicas that compute nothing, which are not converted. */
static uint64_t clipped_idle(const struct sliced *a, const struct array_product *p)
{
    uint64_t n_clipped = 0;

    for (uint32_t q = 0; q < a->base.columns / a->outputs; q++) {
        bool idle = true;
        for (uint32_t i = 0; i < p->n_output; i++)
            idle &= p->replica[i] != q;
        for (uint32_t o = 0; idle && o < a->outputs; o++)
            n_clipped += sliced_array_clipped(&a->array, q * a->outputs + o);
    }
    return n_clipped;
}

/* The exact product becomes that of the codes. */
static uint64_t read_slices(struct sliced *a, const struct array_product *p, uint32_t stream,
                            int32_t *sum)
{
    bool wide = a->array.cfg.input_bits > 8;
    const uint8_t *in = p->in[a->matrix.wide ? 2 * stream : stream]; // the low bytes

    for (uint32_t r = 0; wide && r < a->base.rows; r++)
        a->wide[r] = (uint16_t)exact_matrix_input(&a->matrix, p, stream, r);
    uint64_t n_clipped = sliced_array_read(&a->array, wide ? (const void *)a->wide : in);
    for (uint32_t c = 0; c < a->base.columns; c++)
        set_sum(a, sum + c, p->apart, sum_at(a, sum + c, p->apart) + a->array.differ[c]);
    if (n_clipped > 0 && p->n_output * a->outputs < a->base.columns)
        n_clipped -= clipped_idle(a, p);
    return n_clipped;
}

static void multiply(struct imc_array *array, const struct array_product *p)
{
    struct sliced *a = (struct sliced *)array;

    for (uint32_t i = 0; i < p->planes; i++) {
        int32_t *sum = p->sum + (a->matrix.wide ? 2 * i : i) * p->apart;
        exact_matrix_multiply(&a->matrix, p, i);
        if (!a->exact)
            a->clipped[i] = a->whole ? convert(a, p, sum) : read_slices(a, p, i, sum);
    }
}

/* Rows of a product whose digit of a slice is not 0. */
static uint64_t rows_on(const struct sliced *a, const struct array_product *p, uint32_t plane,
                        uint32_t slice)
{
    const struct reads_cfg *cfg = &a->spec->reads;
    uint32_t first = slice * cfg->input_slice_bits;
    uint32_t n = min_u32(cfg->input_slice_bits, cfg->input_bits - first);
    uint64_t on = 0;

    for (uint32_t r = 0; r < a->base.rows; r++) {
        uint32_t x = (uint32_t)exact_matrix_input(&a->matrix, p, plane, r);
        on += (x >> first & ((UINT32_C(1) << n) - 1)) != 0;
    }
    return on;
}

/* Reads of a product: all, or those that zeros leave. */
static uint64_t reads_of_product(const struct sliced *a, const struct array_product *p,
                                 uint32_t plane)
{
    const struct array_spec *s = a->spec;
    uint64_t at_once = array_rows_at_once(s, a->base.rows), left = 0, any = 0;

    if (!p->in || !array_skips(s))
        return a->reads;
    for (uint32_t i = 0; i * s->reads.input_slice_bits < s->reads.input_bits; i++) {
        uint64_t on = rows_on(a, p, plane, i);
        left += ceil_div(on, at_once);
        any |= on;
    }
    return s->skip_rows ? left : any ? a->reads : 0;
}

/* Sum of the digits of all inputs of a product. */
static uint64_t digits_of_product(const struct sliced *a, const struct array_product *p,
                                  uint32_t plane)
{
    const uint32_t rows = a->base.rows;
    uint64_t sum = 0;

    for (uint32_t r = 0; a->matrix.wide && r < rows; r++)
        sum += reads_digit_sum(&a->spec->reads, exact_matrix_input(&a->matrix, p, plane, r));
    if (a->matrix.wide)
        return sum;
    const uint8_t *in = p->in[plane];
    for (uint32_t r = 0; r < rows; r++)
        sum += a->digits[in[r]];
    return sum;
}

static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    const struct sliced *a = (const struct sliced *)array;
    const struct cell_layout *l = &a->spec->layout;
    uint64_t outputs = (uint64_t)p->n_output * a->outputs;

    uint64_t reads = reads_of_product(a, p, plane);

    n->driven_rows += p->driven_rows;
    n->reads += reads;
    if (a->spec->readout->counts)
        n->conversions += reads * (outputs * l->columns + (l->ones != 0));
    const uint64_t train = a->spec->reads.train ? a->spec->reads.train : 1; // sums of their own
    if (reads > 0)
        n->shift_adds += outputs * (reads * (l->n_slice + (l->ones != 0)) - train);
    if (a->clipped)
        n->clipped += a->clipped[plane];
    if (!p->in)
        return;
    exact_matrix_count(&a->matrix, p, plane, &n->in);
    n->sum_digits += digits_of_product(a, p, plane);
}

const struct imc_array_kind array_sliced = {
    .name = "sliced",
    .doc = "products of several reads, of slices of inputs and weights and some rows",
    .takes = takes,
    .program = program,
    .multiply = multiply,
    .count = count,
    .release = release,
};
