/* arch/analog/reads.c -- see reads.h. */
#include "arch/analog/reads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/analog/gate.h"
#include "core/util.h"

enum { UNIT = 1 << ANALOG_WEIGHT_BIT };

bool analog_reads_wanted(const struct array_spec *spec, const struct analog_matrix *m)
{
    return array_reads(spec, m->rows, 1).n > 1 || array_is_cut(spec) || m->g || m->variance;
}

static void lay_out_digits(struct analog_reads *r)
{
    uint32_t bits = r->spec->reads.input_bits;
    uint32_t each = min_u32(r->spec->reads.input_slice_bits, bits);

    for (uint32_t first = 0; first < bits; first += each) {
        uint32_t n = min_u32(each, bits - first);
        bool top = r->in_signed && first + n == bits;
        r->digit[r->n_digit++] = (struct reads_digit){
            first, n, top && n > 1,
            top && n == 1 ? -(INT64_C(1) << first) : INT64_C(1) << first,
        };
    }
}

static bool make_products(struct analog_reads *r, const char *simd)
{
    const struct analog_matrix *m = r->matrix;
    bool done = true;

    r->product = calloc(m->parts, sizeof *r->product);
    for (uint32_t i = 0; r->product && done && i < m->parts; i++)
        done = analog_product_init(&r->product[i], m->rows, m->columns, analog_part(m, i), true,
                                   simd);
    return r->product && done;
}

bool analog_reads_init(struct analog_reads *r, const struct array_spec *spec,
                       const struct analog_matrix *m, const struct analog_readout *readout,
                       bool in_signed, const char *simd)
{
    size_t packed = round_up(m->columns, PRODUCT_COLUMNS);

    *r = (struct analog_reads){ .matrix = m, .readout = readout, .spec = spec,
                                .in_signed = in_signed,
                                .rows_at_once = array_rows_at_once(spec, m->rows) };
    lay_out_digits(r);
    r->x = calloc((size_t)m->rows + 1, sizeof *r->x); // in whole pairs
    r->pulse = calloc(m->rows, sizeof *r->pulse);
    r->sum = calloc(packed, sizeof *r->sum);
    r->v = calloc((size_t)m->parts * m->columns, sizeof *r->v);
    r->total = calloc(m->columns, sizeof *r->total);
    r->real = calloc(2 * (size_t)m->columns, sizeof *r->real);
    if (r->x && r->pulse && r->sum && r->v && r->total && r->real &&
        (m->g || make_products(r, simd)))
        return true;
    analog_reads_release(r);
    return false;
}

void analog_reads_release(struct analog_reads *r)
{
    for (uint32_t i = 0; r->product && i < r->matrix->parts; i++)
        analog_product_release(&r->product[i]);
    free(r->product);
    free(r->x);
    free(r->pulse);
    free(r->sum);
    free(r->v);
    free(r->total);
    free(r->real);
    *r = (struct analog_reads){ 0 };
}

/* ---- a read ---- */

/* The digit of rows [first, first + n), 0 elsewhere. Returns their sum. */
static int64_t drive(struct analog_reads *r, const uint8_t *in, const struct reads_digit *d,
                     uint32_t first, uint32_t n)
{
    int32_t top = INT32_C(1) << d->n;
    int64_t sum = 0;

    memset(r->x, 0, r->matrix->rows * sizeof *r->x);
    for (uint32_t i = first; i < first + n; i++) {
        int32_t x = (r->in_signed ? (int8_t)in[i] : in[i]) >> d->first & (top - 1);
        x = d->both_signs && x >= top / 2 ? x - top : x;
        r->x[i] = (int16_t)x;
        sum += x;
    }
    return sum;
}

/* real[columns] += times * what inputs of one sign let flow through a device of each weight. */
static bool add_charge(struct analog_reads *r, uint32_t device, int sign, double times)
{
    const struct analog_matrix *m = r->matrix;
    double *charge = r->real + m->columns;
    uint16_t most = 0;

    for (uint32_t i = 0; i < m->rows; i++) {
        r->pulse[i] = (uint16_t)(sign * r->x[i] > 0 ? sign * r->x[i] : 0);
        most = r->pulse[i] > most ? r->pulse[i] : most;
    }
    if (most == 0)
        return true;
    if (!gate_charge(&m->wires, m->rows, m->columns, m->g + (size_t)device * m->rows * m->columns,
                     r->pulse, most, charge))
        return false;
    for (uint32_t c = 0; c < m->columns; c++)
        r->real[c] += times * charge[c];
    return true;
}

/* Where inputs are on gates. Without memory for a moment nothing flows. */
static void sum_gates(struct analog_reads *r, uint32_t part, int64_t *v)
{
    const struct analog_matrix *m = r->matrix;
    bool joined = m->parts == 1 && m->devices == 2;

    for (uint32_t c = 0; c < m->columns; c++)
        r->real[c] = 0;
    bool done = add_charge(r, part, 1, 1) && add_charge(r, part, -1, -1);
    if (joined)
        done = done && add_charge(r, 1, 1, -1) && add_charge(r, 1, -1, 1);
    for (uint32_t c = 0; c < m->columns; c++)
        v[c] = done ? llrint(m->unit * r->real[c]) : 0;
}

static void sum_rows(struct analog_reads *r, uint32_t part, int64_t *v)
{
    const struct analog_product *p = &r->product[part];

    p->multiply(p, r->x, r->sum);
    for (uint32_t c = 0; c < r->matrix->columns; c++)
        v[c] = r->sum[c];
}

/* real[columns]: deviations of the sums. */
static void find_noise(struct analog_reads *r, uint32_t part)
{
    const struct analog_matrix *m = r->matrix;
    const double *variance = m->variance + (size_t)part * m->rows * m->columns;

    for (uint32_t c = 0; c < m->columns; c++)
        r->real[c] = 0;
    for (uint32_t i = 0; i < m->rows; i++, variance += m->columns) {
        double square = (double)r->x[i] * r->x[i];
        for (uint32_t c = 0; r->x[i] != 0 && c < m->columns; c++)
            r->real[c] += square * variance[c];
    }
    for (uint32_t c = 0; c < m->columns; c++)
        r->real[c] = sqrt(r->real[c]);
}

struct outputs { // of a product
    const struct pixel *at;
    const uint32_t     *replica;
    uint32_t            n;
};

/* What a part's sums of a read come to, into total[]. */
static uint64_t convert(struct analog_reads *r, uint32_t part, const struct reads_digit *d,
                        uint64_t read, const struct outputs *o)
{
    const struct analog_readout *out = r->readout;
    const struct cell_layout *l = &r->spec->layout;
    int64_t factor = d->factor * (r->matrix->parts == 1 ? 1 : l->slice[part].factor);
    const int64_t *v = r->v + (size_t)part * out->columns;
    uint64_t clipped = 0;

    if (r->matrix->variance)
        find_noise(r, part);
    for (uint32_t i = 0; i < o->n; i++)
        for (uint32_t k = 0; k < out->outputs; k++) {
            uint32_t c = o->replica[i] * out->outputs + k;
            const struct analog_read one = { &o->at[i], k, c, part, read, d->both_signs };
            int64_t sum = v[c];
            if (r->matrix->variance)
                sum += llrint(r->real[c] * analog_readout_draw(out, &one, true));
            r->total[c] += factor * analog_readout_code(out, &one, sum, &clipped);
        }
    return clipped;
}

uint64_t analog_reads_product(struct analog_reads *r, const uint8_t *in, const struct pixel *at,
                              const uint32_t *replica, uint32_t n, int32_t *sum)
{
    const struct analog_matrix *m = r->matrix;
    const struct outputs o = { at, replica, n };
    uint64_t clipped = 0, read = 0;

    memset(r->total, 0, m->columns * sizeof *r->total);
    for (uint32_t first = 0; first < m->rows; first += r->rows_at_once)
        for (uint32_t i = 0; i < r->n_digit; i++, read++) {
            const struct reads_digit *d = &r->digit[i];
            int64_t ones = drive(r, in, d, first, min_u32(r->rows_at_once, m->rows - first));
            for (uint32_t part = 0; part < m->parts; part++) {
                int64_t *v = r->v + (size_t)part * m->columns;
                if (m->g)
                    sum_gates(r, part, v);
                else
                    sum_rows(r, part, v);
                clipped += convert(r, part, d, read, &o);
            }
            for (uint32_t c = 0; r->spec->layout.ones != 0 && c < m->columns; c++)
                r->total[c] += UNIT * r->spec->layout.ones * d->factor * ones;
        }
    for (uint32_t c = 0; c < m->columns; c++) {
        int64_t y = analog_readout_scaled(r->readout, c, r->total[c]), most = r->readout->most;
        sum[c] = (int32_t)(y > most ? most : y < -most ? -most : y);
    }
    return clipped;
}
