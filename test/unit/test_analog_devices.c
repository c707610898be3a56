/* test/unit/test_analog_devices.c -- models of devices against the published formulas, written down
 * again with the C library, and against figures worked out from them; keys and their refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "arch/analog/device.h"
#include "arch/analog/spec.h"

static void check_within(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", got, tolerance, want);
}

static double clamp(double v, double least, double most)
{
    return fmin(fmax(v, least), most);
}

static double sigma_us(const struct analog_device *d, double x)
{
    return d->sigma_prog(x) * d->g_max_us;
}

/* Q_s growth(t): what a read is off, as a share of the conductance. */
static double sigma_read(const struct analog_device *d, double x, double t_s)
{
    double q;

    d->spread(1, &x, &q);
    return q * analog_read_growth(d, t_s);
}

static void joshi_programs_drifts_and_reads_as_published(void **state)
{
    const struct analog_device *d = &analog_pcm_joshi;

    (void)state;
    assert_true(d->g_max_us == 25 && d->t0_s == 20 && d->t_read_s == 250e-9);
    for (double x = 0; x <= 1; x += 1. / 512) {
        double mean, sd, q, least = fmax(x, 1e-7);
        d->drift(x, &mean, &sd);
        d->spread(1, &x, &q);
        check_within(sigma_us(d, x), 0.26348 + 1.9650 * x - 1.1731 * x * x, 1e-12);
        check_within(mean, clamp(-0.0155 * log(least) + 0.0244, 0.049, 0.1), 1e-12);
        check_within(sd, clamp(-0.0125 * log(least) - 0.0059, 0.008, 0.045), 1e-12);
        check_within(q, fmin(0.0088 / fmax(pow(x, 0.65), 1e-3), 0.2), 1e-12);
    }
    for (double t = 1; t < 1e9; t *= 3)
        check_within(analog_read_growth(d, t), sqrt(log((t + 250e-9) / 500e-9)), 1e-12);
}

static void joshi_has_the_figures_of_its_tables(void **state)
{
    static const double sigma[][2] = { { 0, .263480 }, { .25, .681411 }, { .5, .952705 },
                                       { .8375, 1.086348 }, { 1, 1.055380 } };
    static const double nu[][3] = { { .05, .070834, .031547 }, { .1, .060090, .022882 },
                                    { .2, .049346, .014218 }, { .33, .049, .008 },
                                    { 1, .049, .008 }, { 0, .1, .045 } };
    static const double read_20s[][2] = { { .05, .258063 }, { .2, .104806 }, { .5, .057773 },
                                          { 1, .036818 } };

    (void)state;
    for (size_t i = 0; i < sizeof sigma / sizeof *sigma; i++)
        check_within(sigma_us(&analog_pcm_joshi, sigma[i][0]), sigma[i][1], 1e-5);
    for (size_t i = 0; i < sizeof nu / sizeof *nu; i++) {
        double mean, sd;
        analog_pcm_joshi.drift(nu[i][0], &mean, &sd);
        check_within(mean, nu[i][1], 1e-5);
        check_within(sd, nu[i][2], 1e-5);
    }
    for (size_t i = 0; i < sizeof read_20s / sizeof *read_20s; i++)
        check_within(sigma_read(&analog_pcm_joshi, read_20s[i][0], 20), read_20s[i][1], 1e-5);
}

static void hermes_programs_drifts_and_reads_as_published(void **state)
{
    const struct analog_device *d = &analog_pcm_hermes;

    (void)state;
    assert_true(d->g_max_us == 20.7 && d->t0_s == 300 && d->t_read_s == 512e-9);
    for (double x = 0; x <= 1; x += 1. / 512) {
        double mean, sd, q, ln = log(fmax(x, 1e-7));
        d->drift(x, &mean, &sd);
        d->spread(1, &x, &q);
        check_within(sigma_us(d, x), 0.16603222 + 4.71806468 * x - 8.48101252 * pow(x, 2) +
                     4.68961419 * pow(x, 3), 1e-12);
        check_within(mean, x < .0945 ? clamp(-0.0387 * ln - 0.0182, .072, .13)
                                     : -0.0436 * x * x - 0.0126 * x + 0.0736, 1e-12);
        check_within(sd, x < .3055 ? clamp(-0.0117 * ln - 0.0057, .0091, .04)
                                   : -0.0118 * x * x + 0.0093 * x + 0.0073, 1e-12);
        check_within(q, x < .16 ? clamp(-0.0117 * ln - 0.0069, .015, .04)
                                : 0.0069 * pow(x, 3) - 0.0280 * x * x + 0.0211 * x + 0.0123,
                     1e-12);
    }
}

static void levels_neither_drift_nor_are_read_with_noise(void **state)
{
    (void)state;
    assert_true(analog_levels.t0_s == 0 && analog_levels.t_read_s == 0);
    assert_true(analog_read_growth(&analog_levels, 1e6) == 0);
}

/* ---- keys ---- */

static enum err spec_of(struct analog_spec *s, struct config *c, const char *const *set,
                        struct err_msg *m)
{
    size_t n = 0;

    while (set[n])
        n++;
    enum err e = config_load(c, NULL, set, n, m);
    return e ? e : analog_spec_of(s, c, m);
}

static struct analog_spec good(const char *const *set)
{
    struct analog_spec s;
    struct config c;
    struct err_msg m;

    if (spec_of(&s, &c, set, &m))
        fail_msg("%s", m.text);
    config_release(&c);
    return s;
}
#define GOOD(...) good((const char *const[]){ __VA_ARGS__, NULL })

static void nothing_is_analog_by_default(void **state)
{
    (void)state;
    assert_null(GOOD("analog.chips=3").device);
    assert_null(GOOD("core.crossbar.device=ideal", "analog.drift=off", "analog.stuck_on=0").device);
}

static void keys_say_what_devices_do(void **state)
{
    struct analog_spec s = GOOD("core.crossbar.device=pcm_joshi");

    (void)state;
    assert_true(s.device == &analog_pcm_joshi && s.g_max_us == 25 && s.g_min_us == 0);
    assert_true(s.w_max == 127 && s.levels == 0 && s.seed == 1);
    assert_true(s.prog_scale == 1 && s.drift && s.read_scale == 0);
    s = GOOD("core.crossbar.device=pcm_hermes", "core.crossbar.w_max=layer", "analog.drift=off",
             "analog.programming=off", "analog.read_noise=frozen", "analog.noise_scale=0.5",
             "core.crossbar.g_max_us=10.35", "analog.seed=7", "analog.stuck_off=0.25",
             "analog.stuck_on=0.75");
    assert_true(s.g_max_us == 10.35 && s.w_max == 0 && s.seed == 7);
    assert_true(s.prog_scale == 0 && !s.drift && s.read_scale == 0.5);
    assert_true(s.stuck_off == 0.25 && s.stuck_on == 0.75);
    s = GOOD("core.crossbar.device=levels", "energy.device=rram_2bit", "core.crossbar.on_off=150",
             "core.crossbar.levels=4", "analog.sigma_rel=0.02", "analog.read_noise=frozen");
    check_within(s.g_max_us, 1000. / 6, 1e-9);
    check_within(s.g_min_us, 1000. / 900, 1e-9);
    assert_true(s.levels == 4 && s.sigma_rel == 0.02 && !s.drift && s.read_scale == 0);
    s = GOOD("core.crossbar.device={file: rram_2bit, r_on_ohm: 8000, model: levels}",
             "energy.device=pcm");
    assert_true(s.device == &analog_levels && s.g_max_us == 125);
    s = GOOD("core.crossbar.device={file: pcm_joshi, r_on_ohm: 50000}");
    assert_true(s.device == &analog_pcm_joshi && s.g_max_us == 20);
    assert_null(GOOD("core.crossbar.device=rram_2bit").device);
    s = GOOD("core.crossbar.device=pcm_joshi", "analog.read_noise=per_mvm", "core.wires.input=gate",
             "core.wires.model=exact", "core.wires.r_column_ohm=2");
    assert_true(s.read_scale == 1 && s.read_each && s.gated && !s.cut && s.wires.columns == 256);
    s = GOOD("core.crossbar.device=levels", "core.crossbar.cell=sliced",
             "core.crossbar.cell_bits=2", "core.crossbar.scheme=offset", "analog.sigma_rel=0.02",
             "core.wires.model=fast", "core.wires.r_row_ohm=1");
    assert_true(s.cut && s.alone && !s.gated && !s.read_each && s.wires.columns == 256);
    s = GOOD("core.crossbar.device=levels", "core.crossbar.cell=sliced",
             "core.crossbar.cell_bits=2");
    assert_true(s.cut && !s.alone);
}

static void a_time_before_drift_begins_is_noted(void **state)
{
    static const char *const set[] = { "core.crossbar.device=pcm_hermes",
                                       "analog.times_s=[25, 300]", NULL };
    struct analog_spec s;
    struct config c;
    struct err_msg m;

    (void)state;
    assert_int_equal(spec_of(&s, &c, set, &m), ERR_NONE);
    assert_int_equal(c.notes.n, 1);
    assert_string_equal(c.notes.line[0], "--set analog.times_s: analog.times_s: 25 s: a device of "
                        "pcm_hermes does not drift before 300 s");
    config_release(&c);
}

#define ADC   "core.readout.kind=adc"
#define JOSHI  "core.crossbar.device=pcm_joshi"
#define LEVELS "core.crossbar.device=levels"
#define SLICED "core.crossbar.cell=sliced"
#define SLICED_4 SLICED, "core.crossbar.cell_bits=4"
#define OFFSET_4 SLICED_4, "core.crossbar.scheme=offset"
#define SLICED_WIRES SLICED, "core.wires.model=fast"
#define REFERENCE_WIRES "core.crossbar.cell=reference", "core.wires.model=fast"
#define GATES "core.wires.input=gate", "core.wires.model=fast"
#define COMPENSATED_BITS ADC, "analog.compensation=core", "core.crossbar.input_slice_bits=1"

static void bad_keys_are_refused_with_a_cure(void **state)
{
    static const struct {
        const char *want, *set[6], *cure[6];
    } bad[] = {
        { "--set core.crossbar.device: core.crossbar.device = {\"file\":\"pcm\",\"model\":"
          "\"mine\"}: its model is mine: want one of pcm_joshi, pcm_hermes, levels",
          { "core.crossbar.device={file: pcm, model: mine}" }, { JOSHI } },
        { "--set analog.drift: analog.drift: core.crossbar.device = pcm has no such effect: want "
          "core.crossbar.device = pcm_joshi, pcm_hermes or levels",
          { "core.crossbar.device=pcm", "analog.drift=on" }, { JOSHI } },
        { "--set analog.programming: analog.programming: core.crossbar.device = ideal has no such "
          "effect: want core.crossbar.device = pcm_joshi, pcm_hermes or levels",
          { "analog.programming=on" }, { "analog.programming=on", JOSHI } },
        { "--set analog.stuck_on: analog.stuck_on: core.crossbar.device = ideal has no such "
          "effect: want core.crossbar.device = pcm_joshi, pcm_hermes or levels",
          { "analog.stuck_on=0.1" }, { "analog.stuck_on=0.1", LEVELS } },
        { "--set core.crossbar.on_off: core.crossbar.on_off: core.crossbar.device = ideal has no "
          "such effect: want core.crossbar.device = pcm_joshi, pcm_hermes or levels",
          { "core.crossbar.on_off=10" }, { "core.crossbar.on_off=10", LEVELS } },
        { "--set core.wires.model: core.wires.model: core.crossbar.device = ideal has no such "
          "effect: want core.crossbar.device = pcm_joshi, pcm_hermes or levels",
          { "core.wires.model=fast" }, { "core.wires.model=fast", JOSHI } },
        { "--set core.readout.kind: core.readout.kind = sign: with core.crossbar.device = "
          "pcm_joshi it is not there yet: want core.readout.kind = exact or adc",
          { "core.readout.kind=sign", JOSHI }, { "core.readout.kind=adc", JOSHI } },
        { "--set fabric.partial_sum: fabric.partial_sum: with core.crossbar.device = pcm_joshi it "
          "is not there yet: want fabric.partial_sum = digital",
          { "fabric.partial_sum=analog", JOSHI }, { "fabric.partial_sum=digital", JOSHI } },
        { "--set core.crossbar.levels: core.crossbar.levels = 4: a sliced cell has "
          "2^core.crossbar.cell_bits: want core.crossbar.levels = 0",
          { "core.crossbar.levels=4", SLICED, LEVELS },
          { "core.crossbar.levels=0", SLICED, LEVELS } },
        { "--set core.crossbar.levels: core.crossbar.levels = 4: a sram cell has two: want "
          "core.crossbar.levels = 0",
          { "core.crossbar.levels=4", "core.crossbar.cell=sram", LEVELS },
          { "core.crossbar.levels=0", "core.crossbar.cell=sram", LEVELS } },
        { "--set core.crossbar.on_off: core.crossbar.on_off = 10: what devices of 0 draw is in "
          "every sum of an sram cell: want core.crossbar.dummy_column = yes, "
          "core.crossbar.on_off = 0, or core.crossbar.cell = differential",
          { "core.crossbar.on_off=10", "core.crossbar.cell=sram", LEVELS },
          { "core.crossbar.on_off=10", "core.crossbar.cell=differential", LEVELS } },
        { "--set core.wires.input: core.wires.input = gate: of a dummy column's current on such "
          "wires nothing is known: want core.wires.input = row",
          { "core.wires.input=gate", "core.wires.model=fast", "core.crossbar.dummy_column=yes",
            "core.crossbar.on_off=10", "core.crossbar.cell=sram", LEVELS },
          { "core.wires.input=row", "core.wires.model=fast", "core.crossbar.dummy_column=yes",
            "core.crossbar.on_off=10", "core.crossbar.cell=sram", LEVELS } },
        { "--set core.wires.input: core.wires.input = gate: of a reference's current on such wires "
          "nothing is known: want core.wires.input = row, or core.crossbar.cell = pair",
          { "core.wires.input=gate", REFERENCE_WIRES, JOSHI },
          { "core.wires.input=row", REFERENCE_WIRES, JOSHI } },
        { "--set core.crossbar.scheme: core.crossbar.cell_bits = 0: a device of an offset cell "
          "keeps at most 7 bits: want core.crossbar.cell_bits = 4",
          { "core.crossbar.scheme=offset", SLICED, LEVELS },
          { "core.crossbar.scheme=offset", SLICED_4, LEVELS } },
        { "--set core.crossbar.on_off: core.crossbar.on_off = 10: what devices of 0 draw is in "
          "every sum of an offset cell: want core.crossbar.dummy_column = yes, "
          "core.crossbar.on_off = 0, or core.crossbar.scheme = signed",
          { "core.crossbar.on_off=10", OFFSET_4, LEVELS },
          { "core.crossbar.on_off=10", OFFSET_4, LEVELS, "core.crossbar.dummy_column=yes" } },
        { "--set core.crossbar.dummy_column: core.crossbar.dummy_column: core.crossbar.device = "
          "ideal has no such effect: want core.crossbar.device = pcm_joshi, pcm_hermes or levels",
          { "core.crossbar.dummy_column=yes", OFFSET_4 },
          { "core.crossbar.dummy_column=yes", OFFSET_4, "core.crossbar.on_off=10", LEVELS } },
        { "--set core.crossbar.dummy_column: core.crossbar.dummy_column = yes: it takes off what "
          "devices of 0 draw, of offset and sram cells with core.crossbar.on_off: want "
          "core.crossbar.dummy_column = no",
          { "core.crossbar.dummy_column=yes", "core.crossbar.on_off=10", SLICED_4, LEVELS },
          { "core.crossbar.dummy_column=no", "core.crossbar.on_off=10", SLICED_4, LEVELS } },
        { "--set core.wires.layout: core.wires.layout = rows: a sliced cell's devices have "
          "columns: want core.wires.layout = columns",
          { "core.wires.layout=rows", SLICED_WIRES, JOSHI },
          { "core.wires.layout=columns", SLICED_WIRES, JOSHI } },
        { "--set core.wires.layout: core.wires.layout = rows: with core.wires.input = gate it is "
          "not there yet: want core.wires.layout = columns",
          { "core.wires.layout=rows", GATES, JOSHI },
          { "core.wires.layout=columns", GATES, JOSHI } },
        { "--set analog.through_adc: analog.through_adc = yes: a product is made of several reads, "
          "of which none sees all: want analog.through_adc = no",
          { "analog.through_adc=yes", COMPENSATED_BITS, JOSHI },
          { "analog.through_adc=no", COMPENSATED_BITS, JOSHI } },
        { "--set core.wires.r_row_ohm: core.wires.r_row_ohm = -1: want 0 to 1000000 ohm, a "
          "decimal number with at most 9 decimals", { "core.wires.r_row_ohm=-1", JOSHI },
          { "core.wires.r_row_ohm=0", JOSHI } },
        { "--set core.crossbar.levels: core.crossbar.levels = 1: one conductance keeps no weight: "
          "want core.crossbar.levels = 0 or at least 2", { "core.crossbar.levels=1", JOSHI },
          { "core.crossbar.levels=2", JOSHI } },
        { "--set core.crossbar.on_off: core.crossbar.on_off = 10: a device of pcm_joshi goes down "
          "to 0: want core.crossbar.on_off = 0, or core.crossbar.device = levels",
          { "core.crossbar.on_off=10", JOSHI }, { "core.crossbar.on_off=0", JOSHI } },
        { "--set core.crossbar.on_off: core.crossbar.on_off = 1: the largest and the least "
          "conductance are the same: want core.crossbar.on_off = 0 or at least 2",
          { "core.crossbar.on_off=1", LEVELS }, { "core.crossbar.on_off=2", LEVELS } },
        { "--set analog.sigma_rel: analog.sigma_rel: pcm_joshi has programming noise of its own: "
          "want analog.sigma_rel = 0, or core.crossbar.device = levels",
          { "analog.sigma_rel=0.1", JOSHI }, { "analog.sigma_rel=0.1", LEVELS } },
        { "--set analog.stuck_on: analog.stuck_on = 0.7: together with analog.stuck_off = 0.4 it "
          "passes 1: want at most analog.stuck_on = 0.6",
          { "analog.stuck_on=0.7", "analog.stuck_off=0.4", JOSHI },
          { "analog.stuck_on=0.6", "analog.stuck_off=0.4", JOSHI } },
        { "--set analog.stuck_off: analog.stuck_off = 1.5: want 0 to 1, a decimal number with at "
          "most 9 decimals",
          { "analog.stuck_off=1.5", JOSHI }, { "analog.stuck_off=1", JOSHI } },
        { "--set analog.stuck_off: analog.stuck_off = -0.1: want 0 to 1, a decimal number with at "
          "most 9 decimals",
          { "analog.stuck_off=-0.1", JOSHI }, { "analog.stuck_off=0", JOSHI } },
        { "--set analog.times_s: analog.times_s = 0: want a whole number from 1 to "
          "4294967295", { "analog.times_s=[0]", JOSHI },
          { "analog.times_s=[1]", LEVELS } },
        { "--set analog.compensation: analog.compensation = core: devices of levels do not drift "
          "here: want analog.compensation = off", { "analog.compensation=core", LEVELS },
          { "analog.compensation=off", LEVELS } },
        { "--set analog.compensation: analog.compensation = core: devices of pcm_joshi do not "
          "drift here: want analog.compensation = off",
          { "analog.compensation=core", "analog.drift=off", JOSHI },
          { "analog.compensation=core", JOSHI } },
        { "--set analog.adc_noise_lsb: analog.adc_noise_lsb: core.readout.kind = exact has no "
          "converter: want analog.adc_noise_lsb = 0, or core.readout.kind = adc",
          { "analog.adc_noise_lsb=0.5", JOSHI }, { "analog.adc_noise_lsb=0.5", ADC, JOSHI } },
        { "--set analog.adc_gain_sd: analog.adc_gain_sd: core.readout.kind = exact has no "
          "converter: want analog.adc_gain_sd = 0, or core.readout.kind = adc",
          { "analog.adc_gain_sd=0.5" }, { "analog.adc_gain_sd=0.5", ADC } },
        { "--set analog.through_adc: analog.through_adc = yes: without analog.compensation "
          "nothing is read: want analog.compensation = core, or analog.through_adc = no",
          { "analog.through_adc=yes", ADC, JOSHI }, { "analog.through_adc=no", ADC, JOSHI } },
        { "--set analog.compensation: analog.compensation = column: devices of levels do not "
          "drift here: want analog.compensation = off", { "analog.compensation=column", LEVELS },
          { "analog.compensation=column", JOSHI } },
        { "--set energy.device: energy.device = sram: its cell has no conductance: want "
          "core.crossbar.g_max_us = 25, for one", { "energy.device=sram", LEVELS },
          { "energy.device=sram", LEVELS, "core.crossbar.g_max_us=25" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *set[7] = { NULL }, *cure[7] = { NULL };
        memcpy(set, bad[i].set, sizeof bad[i].set);
        memcpy(cure, bad[i].cure, sizeof bad[i].cure);
        struct analog_spec s;
        struct config c;
        struct err_msg m;
        assert_int_equal(spec_of(&s, &c, set, &m), ERR_INPUT);
        assert_string_equal(m.text, bad[i].want);
        config_release(&c);
        (void)good(cure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joshi_programs_drifts_and_reads_as_published),
        cmocka_unit_test(joshi_has_the_figures_of_its_tables),
        cmocka_unit_test(hermes_programs_drifts_and_reads_as_published),
        cmocka_unit_test(levels_neither_drift_nor_are_read_with_noise),
        cmocka_unit_test(nothing_is_analog_by_default),
        cmocka_unit_test(keys_say_what_devices_do),
        cmocka_unit_test(a_time_before_drift_begins_is_noted),
        cmocka_unit_test(bad_keys_are_refused_with_a_cure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
