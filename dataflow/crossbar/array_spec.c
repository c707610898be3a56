/* dataflow/crossbar/array_spec.c -- see array_spec.h. */
#include "dataflow/crossbar/array_spec.h"

#include <stdio.h>
#include <string.h>

#include "core/util.h"

#define AS_PER_FS 1000

#define REFUSE(c, key, m, ...)                                                                     \
    (err_set(m, ERR_INPUT, __VA_ARGS__), err_prefix(m, config_where(c, key)), ERR_INPUT)

static enum err find_cell(struct array_spec *s, const struct config *c, const char *whose,
                          struct err_msg *m)
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
        return REFUSE(c, "core.crossbar.cell", m, "core.crossbar.cell = %s: %s%s", name,
                      whose ? whose : "", why.text);
    return ERR_NONE;
}

static enum err find_readout(struct array_spec *s, const struct config *c, struct err_msg *m)
{
    char known[128] = "";

    s->readout = readout_find(c->readout.kind);
    for (const struct readout *const *r = readouts; !s->readout && *r; r++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", (*r)->name);
    }
    return s->readout ? ERR_NONE
                      : REFUSE(c, "core.readout.kind", m, "core.readout.kind = %s: want one of %s",
                               c->readout.kind, known);
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
    s->array_rows = x->rows - x->reserved_rows;
    s->rows = c->fabric.partial_sum == PARTIAL_SUM_ANALOG ? MOST_JOINED_ROWS : s->array_rows;
    s->outputs = x->columns / s->layout.columns;
    return ERR_NONE;
}

/* Converters stand behind equal shares of the columns. */
static enum err check_converters(const struct array_spec *s, const struct config *c,
                                 struct err_msg *m)
{
    uint32_t columns = c->crossbar.columns, each = c->readout.columns_per_adc;
    uint32_t less = each, more = each;

    if (!s->readout->takes_time || columns % each == 0)
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

uint32_t array_count(const struct array_spec *s, uint32_t rows)
{
    return s->rows > s->array_rows ? max_u32((uint32_t)ceil_div(rows, s->array_rows), 1) : 1;
}

uint32_t array_rows_at_once(const struct array_spec *s, uint32_t rows)
{
    bool some = s->reads.rows_at_once > 0 && array_count(s, rows) == 1; // joined arrays drive all

    return some ? min_u32(s->reads.rows_at_once, rows) : rows;
}

struct reads array_reads(const struct array_spec *s, uint32_t rows, uint32_t outputs)
{
    struct reads_cfg cfg = s->reads;

    cfg.rows_at_once = array_rows_at_once(s, rows);
    return reads_of(&cfg, &s->layout, rows, outputs);
}

uint64_t array_reads_of_step(const struct array_spec *s, uint32_t rows)
{
    return array_reads(s, rows, 1).n / (s->reads.train ? s->reads.train : 1);
}

/* Largest sum of a read of so many rows whose digits are `digit`. */
static int64_t most_sum(const struct array_spec *s, uint32_t rows, int64_t digit)
{
    return (int64_t)array_rows_at_once(s, rows) * ((INT64_C(1) << input_digit_bits(s)) - 1) *
           digit;
}

uint32_t array_exact_bits(const struct array_spec *s, uint32_t rows)
{
    int64_t digit = most_digit(&s->layout, true);
    bool signs = false;

    for (uint32_t j = 0; j < s->layout.n_slice; j++)
        signs |= s->layout.slice[j].least < 0;
    return reads_exact_bits(array_rows_at_once(s, rows), input_digit_bits(s), (int32_t)digit) +
           signs;
}

int64_t array_most_sum(const struct array_spec *s, uint32_t rows)
{
    return most_sum(s, rows, most_digit(&s->layout, true));
}

static bool is_plain(const struct array_spec *s)
{
    return s->cell == &cell_differential && s->reads.input_slice_bits >= s->reads.input_bits &&
           (s->reads.rows_at_once == 0 || s->reads.rows_at_once >= s->rows) &&
           s->readout == &readout_exact && !array_skips(s);
}

/* Images say what a code reaches: there must be some. */
static enum err check_calibration(const struct array_spec *s, const struct config *c,
                                  struct err_msg *m)
{
    if (!s->readout->codes || c->readout.range != RANGE_PERCENTILE ||
        c->calibration.images[0] != '\0')
        return ERR_NONE;
    return REFUSE(c, "core.readout.range", m,
                  "core.readout.range = percentile: without calibration images: want "
                  "calibration.images = SET, none of whose images are run, or core.readout.range = "
                  "full");
}

/* Arrays that are joined drive all rows at once. */
static enum err check_joined(const struct array_spec *s, const struct config *c, uint32_t rows,
                             struct err_msg *m)
{
    if (array_count(s, rows) == 1 || s->reads.rows_at_once == 0 ||
        s->reads.rows_at_once >= s->array_rows)
        return ERR_NONE;
    return REFUSE(c, "core.crossbar.rows_at_once", m,
                  "core.crossbar.rows_at_once = %u: arrays that fabric.partial_sum = analog joins "
                  "are read whole: want core.crossbar.rows_at_once = 0, or fabric.partial_sum = "
                  "digital", s->reads.rows_at_once);
}

/* Rows that are not 0 come together otherwise in each read, and then codes must be their sums. */
static enum err check_skips(const struct array_spec *s, const struct config *c, struct err_msg *m)
{
    bool some = s->reads.rows_at_once > 0 && s->reads.rows_at_once < s->array_rows;

    if (!s->skip_rows || !some || array_is_exact(s, s->array_rows, true))
        return ERR_NONE;
    uint32_t bits = array_exact_bits(s, s->array_rows);
    char enough[80] = "";
    if (bits <= CODE_MOST_BITS)
        snprintf(enough, sizeof enough, "core.readout.bits = %u and core.readout.range = full, or ",
                 bits);
    return REFUSE(c, "core.crossbar.skip_zero_rows", m,
                  "core.crossbar.skip_zero_rows = yes: which %u rows make a code depends on the "
                  "inputs, and codes of %u bits may differ from their sums: want %s"
                  "core.crossbar.rows_at_once = 0", s->reads.rows_at_once, s->adc_bits, enough);
}

static struct array_spec spec_of_keys(const struct config *c, const struct array_load *load)
{
    const struct crossbar_cfg *x = &c->crossbar;

    return (struct array_spec){
        .weights = { .weight_bits = load->weight_bits, .weight_signed = true,
                     .cell_bits = x->cell_bits, .scheme = x->scheme,
                     .separate = c->readout.separate == YES },
        .reads = { .input_bits = load->value_bits, .train = load->train,
                   .input_slice_bits = x->input_slice_bits,
                   .rows_at_once = x->rows_at_once,
                   .read_fs = x->read_as / AS_PER_FS,
                   .conversion_fs = c->readout.conversion_as / AS_PER_FS,
                   .columns_per_adc = c->readout.columns_per_adc,
                   .pipelined = c->readout.pipelined == YES },
        .timed = x->mvm_ns == MVM_AUTO,
        .skip_rows = x->skip_zero_rows == YES,
        .skip_products = x->skip_zero_patches == YES,
    };
}

enum err array_spec_of(struct array_spec *s, const struct config *c, const struct array_load *load,
                       struct err_msg *m)
{
    *s = spec_of_keys(c, load);
    enum err e = find_cell(s, c, load->whose, m);
    if (!e)
        e = find_readout(s, c, m);
    if (!e)
        e = check_sides(s, c, m);
    if (!e)
        e = check_converters(s, c, m);
    if (!e)
        e = check_joined(s, c, load->kernel_rows, m);
    if (!e)
        e = check_calibration(s, c, m);
    if (e)
        return e;
    s->reads.converted = s->readout->takes_time;
    s->adc_bits = s->readout->codes ? c->readout.bits : 0;
    uint32_t rows = s->array_rows * array_count(s, load->kernel_rows);
    s->calibrated = s->readout->codes && c->readout.range == RANGE_PERCENTILE;
    s->per_column = s->calibrated && c->readout.per == PER_COLUMN;
    s->percentile = c->readout.percentile;
    s->range = c->readout.range == RANGE_FULL ? most_sum(s, rows, most_digit(&s->layout, false))
               : s->calibrated                ? 0
                                              : c->readout.range;
    s->plain = is_plain(s);
    return check_skips(s, c, m);
}

enum err array_check_readout(const struct array_spec *s, const struct array_load *load,
                             uint32_t out_bits, bool sums, uint32_t parts, const char **key,
                             struct err_msg *m)
{
    struct reads r = array_reads(s, (uint32_t)ceil_div(load->kernel_rows, parts), 1);

    *key = "core.readout.kind";
    if (!s->readout->one_bit)
        return ERR_NONE;
    if (r.slices > 1)
        return err_set(m, ERR_INPUT, "makes an output of %u reads of slices: want "
                       "core.crossbar.input_slice_bits = %u", r.slices, load->value_bits);
    if (r.groups > 1)
        return err_set(m, ERR_INPUT, "makes an output of %u reads of some rows: want "
                       "core.crossbar.rows_at_once = 0", r.groups);
    if (s->cell->divided && s->weights.separate)
        return err_set(m, ERR_INPUT, "makes an output of two columns: want core.readout.separate "
                       "= no");
    if (s->layout.n_slice > 1 || s->layout.ones != 0)
        return err_set(m, ERR_INPUT, "makes an output of several columns: want core.crossbar.cell "
                       "= %s", load->weight_bits == 1 ? "reference" : "differential");
    if (parts > 1)
        return err_set(m, ERR_INPUT, "makes an output of %u parts: want fabric.partial_sum = "
                       "analog, which joins them", parts);
    if (out_bits > 1 && !sums)
        return err_set(m, ERR_INPUT, "has outputs of %u bits: want core.readout.kind = adc, or a "
                       "network whose layers deliver one bit", out_bits);
    return ERR_NONE;
}

struct converter array_converter(const struct array_spec *s, int64_t range, bool both_signs)
{
    return s->adc_bits ? converter_of(s->adc_bits, range, both_signs) : converter_exact();
}

bool array_is_exact(const struct array_spec *s, uint32_t most_rows, bool in_signed)
{
    if (s->calibrated)
        return false;
    const struct converter from_zero = array_converter(s, s->range, false);
    const struct converter both = array_converter(s, s->range, true);
    int64_t most = array_most_sum(s, most_rows);
    bool whole = in_signed && input_digit_bits(s) > 1; // digits of either sign

    for (uint32_t j = 0; j < s->layout.n_slice; j++) {
        bool signs = whole || s->layout.slice[j].least < 0;
        if (!converter_passes(signs ? &both : &from_zero, signs ? -most : 0, most))
            return false;
    }
    return s->layout.ones == 0 || converter_passes(whole ? &both : &from_zero, whole ? -most : 0,
                                                   most);
}
