/* dataflow/crossbar/array_spec.c -- see array_spec.h. */
#include "dataflow/crossbar/array_spec.h"

#include <stdio.h>
#include <string.h>

#include "core/util.h"

#define AS_PER_FS 1000

#define REFUSE(c, key, m, ...)                                                                     \
    (err_set(m, ERR_INPUT, __VA_ARGS__), err_prefix(m, config_where(c, key)), ERR_INPUT)

static enum err find_cell(struct array_spec *s, const struct config *c, struct err_msg *m)
{
    const char *name = c->crossbar.cell;
    char known[128] = "";
    struct err_msg why;

    s->cell = cell_find(name);
    for (const struct cell *const *k = cell_kinds; !s->cell && *k; k++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", (*k)->name);
    }
    if (!s->cell)
        return REFUSE(c, "core.crossbar.cell", m, "core.crossbar.cell = %s: want one of %s", name,
                      known);
    if (cell_layout(s->cell, &s->weights, &s->layout, &why))
        return REFUSE(c, "core.crossbar.cell", m, "core.crossbar.cell = %s: %s", name, why.text);
    return ERR_NONE;
}

static enum err check_sides(struct array_spec *s, const struct config *c, struct err_msg *m)
{
    const struct crossbar_cfg *x = &c->crossbar;

    if (x->reserved_rows >= x->rows)
        return REFUSE(c, "core.crossbar.reserved_rows", m,
                      "core.crossbar.reserved_rows = %u: the array has core.crossbar.rows = %u: "
                      "want at most %u", x->reserved_rows, x->rows, x->rows - 1);
    if (s->layout.columns > x->columns)
        return REFUSE(c, "core.crossbar.columns", m,
                      "core.crossbar.columns = %u: a weight takes %u columns with "
                      "core.crossbar.cell = %s: want core.crossbar.columns = %u", x->columns,
                      s->layout.columns, s->cell->name, s->layout.columns);
    s->rows = x->rows - x->reserved_rows;
    s->outputs = x->columns / s->layout.columns;
    return ERR_NONE;
}

/* Converters stand behind equal shares of the columns. */
static enum err check_converters(const struct config *c, struct err_msg *m)
{
    uint32_t columns = c->crossbar.columns, each = c->readout.columns_per_adc;
    uint32_t less = each, more = each;

    if (c->readout.kind != READOUT_ADC || columns % each == 0)
        return ERR_NONE;
    while (columns % less != 0)
        less--;
    while (more < columns && columns % more != 0)
        more++;
    char other[32] = "";
    if (more <= columns)
        snprintf(other, sizeof other, " or %u", more);
    return REFUSE(c, "core.readout.columns_per_adc", m,
                  "core.readout.columns_per_adc = %u: does not divide core.crossbar.columns = %u: "
                  "want %u%s", each, columns, less, other);
}

/* Of either sign, or positive: -128 is one beyond what a full range reaches. */
static int64_t most_digit(const struct cell_layout *l, bool both_signs)
{
    int64_t most = 1;

    for (uint32_t j = 0; j < l->n_slice; j++) {
        most = l->slice[j].most > most ? l->slice[j].most : most;
        if (both_signs && -(int64_t)l->slice[j].least > most)
            most = -(int64_t)l->slice[j].least;
    }
    return most;
}

static uint32_t input_digit_bits(const struct array_spec *s)
{
    return min_u32(s->reads.input_slice_bits, s->reads.input_bits);
}

static uint32_t rows_at_once(const struct array_spec *s, uint32_t rows)
{
    return s->reads.rows_at_once ? min_u32(s->reads.rows_at_once, rows) : rows;
}

/* Largest sum of a read of so many rows whose digits are `digit`. */
static int64_t most_sum(const struct array_spec *s, uint32_t rows, int64_t digit)
{
    return (int64_t)rows_at_once(s, rows) * ((INT64_C(1) << input_digit_bits(s)) - 1) * digit;
}

static bool is_plain(const struct array_spec *s)
{
    return s->cell == &cell_differential && s->reads.input_slice_bits >= s->reads.input_bits &&
           (s->reads.rows_at_once == 0 || s->reads.rows_at_once >= s->rows) && s->adc_bits == 0;
}

enum err array_spec_of(struct array_spec *s, const struct config *c, uint32_t value_bits,
                       uint32_t weight_bits, struct err_msg *m)
{
    const struct crossbar_cfg *x = &c->crossbar;
    bool adc = c->readout.kind == READOUT_ADC;

    *s = (struct array_spec){
        .weights = { .weight_bits = weight_bits, .weight_signed = true,
                     .cell_bits = x->cell_bits, .scheme = x->scheme },
        .reads = { .input_bits = value_bits,
                   .input_slice_bits = x->input_slice_bits,
                   .rows_at_once = x->rows_at_once,
                   .read_fs = x->read_as / AS_PER_FS,
                   .converted = adc,
                   .conversion_fs = c->readout.conversion_as / AS_PER_FS,
                   .columns_per_adc = c->readout.columns_per_adc,
                   .pipelined = c->readout.pipelined == YES },
        .timed = x->mvm_ns == MVM_AUTO,
        .adc_bits = adc ? c->readout.bits : 0,
    };
    enum err e = find_cell(s, c, m);
    if (!e)
        e = check_sides(s, c, m);
    if (!e)
        e = check_converters(c, m);
    if (e)
        return e;
    s->range = c->readout.range == RANGE_FULL
                   ? most_sum(s, s->rows, most_digit(&s->layout, false))
                   : c->readout.range;
    s->plain = is_plain(s);
    return ERR_NONE;
}

struct converter array_converter(const struct array_spec *s, bool both_signs)
{
    return s->adc_bits ? converter_of(s->adc_bits, s->range, both_signs) : converter_exact();
}

bool array_is_exact(const struct array_spec *s, uint32_t most_rows, bool in_signed)
{
    const struct converter from_zero = array_converter(s, false), both = array_converter(s, true);
    int64_t most = most_sum(s, most_rows, most_digit(&s->layout, true));
    bool whole = in_signed && input_digit_bits(s) > 1; // digits of either sign

    for (uint32_t j = 0; j < s->layout.n_slice; j++) {
        bool signs = whole || s->layout.slice[j].least < 0;
        if (!converter_passes(signs ? &both : &from_zero, signs ? -most : 0, most))
            return false;
    }
    return s->layout.ones == 0 || converter_passes(whole ? &both : &from_zero, whole ? -most : 0,
                                                   most);
}
