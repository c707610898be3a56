/* arch/analog/spec.c -- see spec.h. */
#include "arch/analog/spec.h"

#include <stdio.h>
#include <string.h>

#include "arch/tech/device.h"

#define US_OF_OHM 1e6 // of a conductance, times its resistance

#define REFUSE(c, key, m, ...)                                                                     \
    (err_set(m, ERR_INPUT, __VA_ARGS__), err_prefix(m, config_where(c, key)), ERR_INPUT)

static bool is_given(const struct config *c, const char *key)
{
    return strcmp(config_where(c, key), "default") != 0;
}

/* An effect that is switched on where no device has it. */
static enum err check_ideal(const struct config *c, struct err_msg *m)
{
    const struct analog_cfg *a = &c->analog;
    const struct {
        const char *key;
        bool        on;
    } effect[] = {
        { "analog.programming", a->programming == EFFECT_ON },
        { "analog.drift", a->drift == EFFECT_ON },
        { "analog.read_noise", a->read_noise != READ_NOISE_OFF },
        { "analog.noise_scale", a->noise_scale > 0 },
        { "analog.sigma_rel", a->sigma_rel > 0 },
        { "analog.stuck_off", a->stuck_off > 0 },
        { "analog.stuck_on", a->stuck_on > 0 },
        { "analog.compensation", a->compensation != COMPENSATION_OFF },
        { "analog.batchnorm_images", a->batchnorm_images > 0 },
        { "core.crossbar.levels", c->crossbar.levels > 0 },
        { "core.crossbar.on_off", c->crossbar.on_off > 0 },
        { "core.crossbar.dummy_column", c->crossbar.dummy_column == YES },
        { "core.crossbar.g_max_us", c->crossbar.g_max_us > 0 },
        { "core.wires.model", c->wires.model != WIRES_OFF },
    };

    for (size_t i = 0; i < sizeof effect / sizeof *effect; i++)
        if (effect[i].on && is_given(c, effect[i].key))
            return REFUSE(c, effect[i].key, m, "%s: core.crossbar.device = %.100s has no such "
                          "effect: want core.crossbar.device = pcm_joshi, pcm_hermes or levels",
                          effect[i].key, c->crossbar.device);
    return ERR_NONE;
}

/* The model of the array's device, if it has one. */
static enum err find_device(struct analog_spec *s, const struct config *c, struct err_msg *m)
{
    static const char key[] = "core.crossbar.device";
    char known[128] = "";
    struct device d;

    if (strcmp(c->crossbar.device, "ideal") == 0)
        return ERR_NONE;
    enum err e = device_read(&d, c->crossbar.device, key, m);
    if (e)
        err_prefix(m, config_where(c, key));
    if (e || d.model[0] == '\0')
        return e;
    s->device = analog_device_find(d.model);
    for (const struct analog_device *const *k = analog_devices; !s->device && *k; k++) {
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", (*k)->name);
    }
    return s->device ? ERR_NONE
                     : REFUSE(c, key, m, "%s = %.100s: its model is %s: want one of %s", key,
                              c->crossbar.device, d.model, known);
}

static bool has_cell(const struct config *c, const char *name)
{
    return strcmp(c->crossbar.cell, name) == 0;
}

static bool is_cut(const struct config *c)
{
    const struct cell *cell = cell_find(c->crossbar.cell); // NULL: the plan will refuse it

    return cell && cell->cut;
}

/* Whether a device is a weight's, or a digit's, only one. */
static bool is_alone(const struct config *c)
{
    return has_cell(c, "sram") || has_cell(c, "reference") ||
           (has_cell(c, "sliced") && c->crossbar.scheme == CELL_OFFSET);
}

/* Arrays that effects are there for. */
static enum err check_array(const struct config *c, const char *beside, struct err_msg *m)
{
    if (c->crossbar.skip_zero_rows == YES || c->crossbar.skip_zero_patches == YES) {
        const char *key = c->crossbar.skip_zero_rows == YES ? "core.crossbar.skip_zero_rows"
                                                            : "core.crossbar.skip_zero_patches";
        return REFUSE(c, key, m, "%s = yes: with %.100s it is not there yet: want %s = no", key,
                      beside, key);
    }
    if (c->fabric.partial_sum == PARTIAL_SUM_ANALOG)
        return REFUSE(c, "fabric.partial_sum", m, "fabric.partial_sum: with %.100s it is not there "
                      "yet: want fabric.partial_sum = digital", beside);
    if (strcmp(c->readout.kind, "exact") == 0 || strcmp(c->readout.kind, "adc") == 0)
        return ERR_NONE;
    return REFUSE(c, "core.readout.kind", m, "core.readout.kind = %s: with %.100s it is not there "
                  "yet: want core.readout.kind = exact or adc", c->readout.kind, beside);
}

/* Devices of either sign take it off each other. */
static enum err check_dummy(const struct config *c, struct err_msg *m)
{
    const struct crossbar_cfg *x = &c->crossbar;

    if (x->dummy_column == NO || (is_alone(c) && is_cut(c) && x->on_off > 0))
        return ERR_NONE;
    return REFUSE(c, "core.crossbar.dummy_column", m, "core.crossbar.dummy_column = yes: it takes "
                  "off what devices of 0 draw, of offset and sram cells with "
                  "core.crossbar.on_off: want core.crossbar.dummy_column = no");
}

/* Weights in digits: each in a device, or in one of either sign. */
static enum err check_digits(const struct config *c, struct err_msg *m)
{
    const struct crossbar_cfg *x = &c->crossbar;
    bool alone = is_alone(c) && is_cut(c);

    if (!is_cut(c))
        return ERR_NONE;
    if (x->levels > 0)
        return REFUSE(c, "core.crossbar.levels", m, "core.crossbar.levels = %u: a %s cell has %s: "
                      "want core.crossbar.levels = 0", x->levels, x->cell,
                      has_cell(c, "sram") ? "two" : "2^core.crossbar.cell_bits");
    if (alone && has_cell(c, "sliced") && (x->cell_bits == 0 || x->cell_bits > 7))
        return REFUSE(c, "core.crossbar.scheme", m, "core.crossbar.cell_bits = %u: a device of "
                      "an offset cell keeps at most 7 bits: want core.crossbar.cell_bits = 4",
                      x->cell_bits);
    if (alone && x->on_off > 0 && x->dummy_column == NO)
        return REFUSE(c, "core.crossbar.on_off", m, "core.crossbar.on_off = %u: what devices of 0 "
                      "draw is in every sum of an %s cell: want core.crossbar.dummy_column = yes, "
                      "core.crossbar.on_off = 0, or core.crossbar.%s", x->on_off,
                      has_cell(c, "sram") ? "sram" : "offset",
                      has_cell(c, "sram") ? "cell = differential" : "scheme = signed");
    return ERR_NONE;
}

/* Wires of cells other than two devices that may share a column. */
static enum err check_layout(const struct config *c, struct err_msg *m)
{
    if (c->wires.model == WIRES_OFF || has_cell(c, "differential"))
        return ERR_NONE;
    if (c->wires.layout == WIRES_ROWS)
        return REFUSE(c, "core.wires.layout", m, "core.wires.layout = rows: a %s cell's devices "
                      "have columns: want core.wires.layout = columns", c->crossbar.cell);
    if (c->wires.input == WIRES_GATE && has_cell(c, "reference"))
        return REFUSE(c, "core.wires.input", m, "core.wires.input = gate: of a reference's current "
                      "on such wires nothing is known: want core.wires.input = row, or "
                      "core.crossbar.cell = pair");
    if (c->wires.input == WIRES_GATE && c->crossbar.dummy_column == YES)
        return REFUSE(c, "core.wires.input", m, "core.wires.input = gate: of a dummy column's "
                      "current on such wires nothing is known: want core.wires.input = row");
    return ERR_NONE;
}

static enum err check_gates(const struct config *c, struct err_msg *m)
{
    if (c->wires.input != WIRES_GATE || c->wires.model == WIRES_OFF ||
        c->wires.layout == WIRES_COLUMNS)
        return ERR_NONE;
    return REFUSE(c, "core.wires.layout", m, "core.wires.layout = rows: with core.wires.input = "
                  "gate it is not there yet: want core.wires.layout = columns");
}

/* A converter that reads all rows at full input must see an output's only read. */
static enum err check_through(const struct config *c, struct err_msg *m)
{
    bool several = is_cut(c) || c->crossbar.rows_at_once > 0 || c->crossbar.input_slice_bits < 8;

    if (c->analog.through_adc == NO || !several)
        return ERR_NONE;
    return REFUSE(c, "analog.through_adc", m, "analog.through_adc = yes: a product is made of "
                  "several reads, of which none sees all: want analog.through_adc = no");
}

/* What converters do wrong, where there are any. */
static enum err check_converters(const struct config *c, struct err_msg *m)
{
    const struct analog_cfg *a = &c->analog;
    const struct {
        const char *key, *off;
        bool        on;
    } effect[] = {
        { "analog.adc_gain_sd", "0", a->adc_gain_sd > 0 },
        { "analog.adc_offset_lsb_sd", "0", a->adc_offset_lsb_sd > 0 },
        { "analog.adc_noise_lsb", "0", a->adc_noise_lsb > 0 },
        { "analog.through_adc", "no", a->through_adc == YES },
    };

    for (size_t i = 0; i < sizeof effect / sizeof *effect; i++)
        if (effect[i].on && strcmp(c->readout.kind, "adc") != 0)
            return REFUSE(c, effect[i].key, m, "%s: core.readout.kind = %s has no converter: want "
                          "%s = %s, or core.readout.kind = adc", effect[i].key, c->readout.kind,
                          effect[i].key, effect[i].off);
    return ERR_NONE;
}

/* Whether converters alone are left to chance. */
static bool only_converters(const struct config *c)
{
    const struct analog_cfg *a = &c->analog;

    return a->adc_gain_sd > 0 || a->adc_offset_lsb_sd > 0 || a->adc_noise_lsb > 0;
}

static enum err check_levels(const struct analog_spec *s, const struct config *c,
                             struct err_msg *m)
{
    bool has_own = s->device->sigma_prog;

    if (c->crossbar.levels == 1)
        return REFUSE(c, "core.crossbar.levels", m, "core.crossbar.levels = 1: one conductance "
                      "keeps no weight: want core.crossbar.levels = 0 or at least 2");
    if (has_own && c->crossbar.on_off > 0)
        return REFUSE(c, "core.crossbar.on_off", m, "core.crossbar.on_off = %u: a device of %s "
                      "goes down to 0: want core.crossbar.on_off = 0, or core.crossbar.device = "
                      "levels", c->crossbar.on_off, s->device->name);
    if (c->crossbar.on_off == 1)
        return REFUSE(c, "core.crossbar.on_off", m, "core.crossbar.on_off = 1: the largest and the "
                      "least conductance are the same: want core.crossbar.on_off = 0 or at least "
                      "2");
    if (has_own && c->analog.sigma_rel > 0)
        return REFUSE(c, "analog.sigma_rel", m, "analog.sigma_rel: %s has programming noise of its "
                      "own: want analog.sigma_rel = 0, or core.crossbar.device = levels",
                      s->device->name);
    return ERR_NONE;
}

/* What is made up for must be there. */
static enum err check_compensation(const struct analog_spec *s, const struct config *c,
                                   struct err_msg *m)
{
    if (c->analog.compensation == COMPENSATION_OFF && c->analog.through_adc == YES)
        return REFUSE(c, "analog.through_adc", m, "analog.through_adc = yes: without "
                      "analog.compensation nothing is read: want analog.compensation = core, or "
                      "analog.through_adc = no");
    if (c->analog.compensation == COMPENSATION_OFF ||
        (s->device->t0_s > 0 && c->analog.drift == EFFECT_ON))
        return ERR_NONE;
    return REFUSE(c, "analog.compensation", m, "analog.compensation = %s: devices of %s do not "
                  "drift here: want analog.compensation = off",
                  c->analog.compensation == COMPENSATION_CORE ? "core" : "column",
                  s->device->name);
}

static enum err check_stuck(const struct config *c, struct err_msg *m)
{
    const struct analog_cfg *a = &c->analog;

    if (a->stuck_off + a->stuck_on <= (uint64_t)BILLIONTHS)
        return ERR_NONE;
    return REFUSE(c, "analog.stuck_on", m, "analog.stuck_on = %s: together with analog.stuck_off = "
                  "%s it passes 1: want at most analog.stuck_on = %s",
                  param_rate_text(a->stuck_on).text, param_rate_text(a->stuck_off).text,
                  param_rate_text((uint64_t)BILLIONTHS - a->stuck_off).text);
}

/* The largest conductance: of the array's device; levels are those of the device that is priced. */
static enum err find_conductance(struct analog_spec *s, const struct config *c, struct err_msg *m)
{
    bool of_priced = strcmp(c->crossbar.device, "levels") == 0;
    const char *key = of_priced ? "energy.device" : "core.crossbar.device";
    const char *word = of_priced ? c->energy.device : c->crossbar.device;
    struct device d;

    s->g_max_us = (double)c->crossbar.g_max_us / BILLIONTHS;
    if (s->g_max_us == 0) {
        enum err e = device_read(&d, word, key, m);
        if (e) {
            err_prefix(m, config_where(c, key));
            return e;
        }
        if (d.sram)
            return REFUSE(c, key, m, "%s = %.100s: its cell has no conductance: want "
                          "core.crossbar.g_max_us = 25, for one", key, word);
        s->g_max_us = US_OF_OHM / d.r_on_ohm;
    }
    s->g_min_us = c->crossbar.on_off > 0 ? s->g_max_us / c->crossbar.on_off : 0;
    return ERR_NONE;
}

static void note_times(const struct analog_spec *s, struct config *c)
{
    for (uint32_t i = 0; i < c->analog.n_time; i++)
        if (s->drift && c->analog.time_s[i] < s->device->t0_s)
            notes_add(&c->notes, "%s: analog.times_s: %u s: a device of %s does not drift before "
                      "%g s", config_where(c, "analog.times_s"), c->analog.time_s[i],
                      s->device->name, s->device->t0_s);
}

static void take_effects(struct analog_spec *s, const struct config *c)
{
    const struct analog_cfg *a = &c->analog;
    double scale = (double)a->noise_scale / BILLIONTHS;

    bool one = has_cell(c, "pair") || has_cell(c, "reference"); // +1 and -1 are all they keep
    s->w_max = one ? 1 : c->crossbar.w_max == W_MAX_LAYER ? 0 : c->crossbar.w_max;
    s->levels = c->crossbar.levels;
    s->seed = a->seed;
    s->prog_scale = a->programming == EFFECT_ON ? scale : 0;
    s->sigma_rel = (double)a->sigma_rel / BILLIONTHS;
    s->drift = a->drift == EFFECT_ON && s->device->t0_s > 0;
    s->read_scale = a->read_noise != READ_NOISE_OFF && s->device->t_read_s > 0 ? scale : 0;
    s->stuck_off = (double)a->stuck_off / BILLIONTHS;
    s->stuck_on = (double)a->stuck_on / BILLIONTHS;
    s->read_each = a->read_noise == READ_NOISE_PER_MVM;
    bool beside = c->wires.layout == WIRES_COLUMNS;
    bool doubled = beside && has_cell(c, "differential") && c->wires.input == WIRES_ROW;
    s->layout = c->wires.layout;
    s->gated = c->wires.input == WIRES_GATE && c->wires.model != WIRES_OFF;
    s->wires = wires_of(&c->wires, c->crossbar.rows * (beside ? 1 : (size_t)2),
                        c->crossbar.columns * (doubled ? (size_t)2 : 1), s->g_min_us);
    s->compensated = a->compensation != COMPENSATION_OFF;
    s->column_by_column = a->compensation == COMPENSATION_COLUMN;
    s->through_adc = a->through_adc == YES;
    s->reference_s = a->reference_s;
}

static void take_converters(struct analog_spec *s, const struct config *c)
{
    const struct analog_cfg *a = &c->analog;

    s->converted = strcmp(c->readout.kind, "adc") == 0;
    s->apart = s->converted && c->readout.separate == YES && !is_cut(c) && !is_alone(c);
    s->adc_gain_sd = (double)a->adc_gain_sd / BILLIONTHS;
    s->adc_offset_sd = (double)a->adc_offset_lsb_sd / BILLIONTHS;
    s->adc_noise = (double)a->adc_noise_lsb / BILLIONTHS;
}

/* Of an array whose devices have a model. */
static enum err take_device(struct analog_spec *s, struct config *c, struct err_msg *m)
{
    enum err e = check_levels(s, c, m);

    if (!e)
        e = check_stuck(c, m);
    if (!e)
        e = check_compensation(s, c, m);
    if (!e)
        e = find_conductance(s, c, m);
    if (e)
        return e;
    take_effects(s, c);
    note_times(s, c);
    return ERR_NONE;
}

enum err analog_spec_of(struct analog_spec *s, struct config *c, struct err_msg *m)
{
    *s = (struct analog_spec){ 0 };
    enum err e = find_device(s, c, m);
    if (!e && !s->device)
        e = check_ideal(c, m);
    if (!e)
        e = check_converters(c, m);
    if (e || (!s->device && !only_converters(c)))
        return e;
    char beside[128] = "converters that err";
    if (s->device)
        snprintf(beside, sizeof beside, "core.crossbar.device = %.80s", c->crossbar.device);
    e = check_array(c, beside, m);
    if (!e)
        e = check_dummy(c, m);
    if (!e)
        e = check_digits(c, m);
    if (!e)
        e = check_layout(c, m);
    if (!e)
        e = check_gates(c, m);
    if (!e)
        e = check_through(c, m);
    if (!e && s->device)
        e = take_device(s, c, m);
    if (e)
        return e;
    if (!s->device)
        *s = (struct analog_spec){ .device = &analog_ideal, .g_max_us = 1, .seed = c->analog.seed };
    take_converters(s, c);
    s->cut = is_cut(c);
    s->alone = is_alone(c);
    s->centred = has_cell(c, "reference");
    s->dummy = c->crossbar.dummy_column == YES;
    return ERR_NONE;
}
