/* What inputs do is priced: those of a run's images, or of another run's, and what zeros save. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define FMNIST "configs/resnet32_fmnist.yaml "
#define CHIP   FMNIST "--set energy.chip=dazzi2021_14nm "
/* Bits of inputs one after the other, into SRAM cells. */
#define SERIAL                                                                                     \
    FMNIST "--set energy.chip=composed --set energy.device=sram --set core.crossbar.cell=sram "    \
    "--set core.crossbar.input_slice_bits=1 --set chip.cores=1024 "

enum { BLACK_BYTE = 2 * 3 * 32 * 32 };

static json_t *breakdown(const char *dir, const char *machine, const char *more)
{
    char arguments[1024];

    snprintf(arguments, sizeof arguments, "breakdown %s --format json %s", machine, more);
    return json_of(dir, arguments);
}

static double block(json_t *layer, const char *name)
{
    return json_number_value(json_object_get(at(layer, "blocks"), name));
}

static void assert_near(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: %.9g, want %.9g", what, got, want);
}

/* Converters see the mean inputs of their core; here those of the layer stand for them. */
static void assert_same_layers(json_t *got, json_t *want, double of_converters)
{
    static const char *const follow[] = { "crossbar", "input_drivers" };
    json_t *layer;
    size_t i;

    json_array_foreach(at(want, "energy.layers"), i, layer) {
        json_t *other = json_array_get(at(got, "energy.layers"), i);
        const char *name = text_at(layer, "name");
        assert_string_equal(text_at(other, "name"), name);
        for (size_t k = 0; k < 2; k++) /* a pJ of rounding a core */
            assert_near(block(other, follow[k]), block(layer, follow[k]), 0.02, name);
        assert_near(block(other, "adc"), block(layer, "adc"), of_converters * block(layer, "adc"),
                    name);
        assert_near(block(other, "links"), block(layer, "links"), 1e-9, name);
    }
}

static double of_inputs(json_t *breakdown)
{
    return number_at(breakdown, "energy.blocks.crossbar") +
           number_at(breakdown, "energy.blocks.input_drivers");
}

static void a_run_without_images_is_priced_by_the_inputs_of_one_with(void **state)
{
    static const char *const machine[] = { CHIP, SERIAL };
    char arguments[1024];

    for (size_t i = 0; i < 2; i++) {
        snprintf(arguments, sizeof arguments, "run %s --images random --count 2 --json @/run.json",
                 machine[i]);
        free(succeed(*state, arguments));
        json_t *want = breakdown(*state, machine[i], "--images random --count 2");
        json_t *got = breakdown(*state, machine[i], "--activity @/run.json");
        json_t *mean = breakdown(*state, machine[i], "");
        assert_same_layers(got, want, 0.02);
        assert_true(of_inputs(mean) > 1.2 * of_inputs(got));
        json_decref(mean);
        json_decref(got);
        json_decref(want);
    }
}

/* run, breakdown and compare say the same energy of the same inputs. */
static void the_inputs_of_another_run_price_every_command(void **state)
{
    free(succeed(*state, "run " CHIP "--images random --count 2 --json @/run.json"));
    json_t *want = breakdown(*state, CHIP, "--activity @/run.json");
    json_t *run = json_of(*state, "run " CHIP "--activity @/run.json --json -");
    json_t *all = json_of(*state, "compare " CHIP FMNIST "--set energy.chip=dazzi2021_14nm "
                                  "--set core.digital.lanes=32 --activity @/run.json --json -");
    json_t *mean = json_of(*state, "compare " CHIP "--json -");
    double nj = number_at(want, "energy.total_nj_per_image");

    assert_near(number_at(run, "energy.total_nj_per_image"), nj, 0, "run");
    assert_near(number_at(all, "configurations[].energy_nj_per_image"), nj, 1e-6, "compare");
    json_t *second = json_array_get(at(all, "configurations"), 1); // half the lanes leak
    assert_true(number_at(second, "energy_nj_per_image") < nj);
    assert_true(number_at(second, "energy_nj_per_image") > 0.9 * nj);
    assert_true(number_at(mean, "configurations[].energy_nj_per_image") > 1.02 * nj);
    json_decref(mean);
    json_decref(all);
    json_decref(run);
    json_decref(want);
}

static void assert_says(const char *dir, const char *arguments, const char *words)
{
    char *said = succeed(dir, arguments);

    if (!strstr(said, words))
        fail_msg("%s: does not say \"%s\": %s", arguments, words, said);
    for (const char *line = said; *line; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") <= 100 + strlen(dir));
    free(said);
}

static void every_command_says_by_what_inputs_it_prices(void **state)
{
    free(succeed(*state, "run " CHIP "--images random --count 1 --json @/run.json"));
    assert_says(*state, "run " CHIP, "Timing only, so the crossbar's input is the chip's stated");
    assert_says(*state, "run " CHIP "--activity @/run.json", "Crossbar and drivers follow the "
                "values of");
    assert_says(*state, "run " CHIP "--images random --count 1", "follow the values of the run.");
    assert_says(*state, "breakdown " CHIP "--activity @/run.json", "crossbar and "
                "drivers follow the values");
    assert_says(*state, "compare " CHIP, "Energy is by the mean input that each chip states");
    assert_says(*state, "compare " CHIP "--activity @/run.json", "Energy follows the inputs of");
}

static void inputs_of_half_the_arrays_are_those_of_larger_ones(void **state)
{
    free(succeed(*state, "run " SERIAL "--images random --count 2 --json @/run.json"));
    json_t *want = breakdown(*state, SERIAL, "--set core.crossbar.rows=128 "
                                             "--images random --count 2");
    json_t *got = breakdown(*state, SERIAL, "--set core.crossbar.rows=128 "
                                            "--activity @/run.json");
    assert_same_layers(got, want, 0.05);
    json_decref(got);
    json_decref(want);
}

static void what_has_no_inputs_to_give_is_refused(void **state)
{
    free(succeed(*state, "run " CHIP "--json @/timing.json"));
    free(succeed(*state, "run " CHIP "--images random --count 1 --json @/plain.json"));
    assert_fails(*state, "breakdown " CHIP "--activity @/timing.json", 2,
                 "timing.json: is of a run without images, whose inputs are not known: want imcsim "
                 "run --images SET --json FILE");
    assert_fails(*state, "breakdown " SERIAL "--activity @/plain.json", 2,
                 "plain.json: has inputs in slices of 8 bits, this machine of "
                 "core.crossbar.input_slice_bits = 1: want a run with images of such slices");
    assert_fails(*state, "breakdown configs/dazzi2021_14nm.yaml --set network.depth=38 "
                         "--activity @/plain.json", 2,
                 "has no inputs of layer ");
    assert_fails(*state, "breakdown " CHIP "--images random --count 1 --activity @/plain.json", 2,
                 "this run has images, and is priced by them: want no energy.activity, or no");
    assert_fails(*state, "breakdown " CHIP "--activity configs/resnet32.yaml", 2,
                 "configs/resnet32.yaml: this is a configuration, and --activity reads");
}

/* What the first layer reads: of black pixels few bits, of noise half of them. */
static void black_images_take_less_of_the_first_layer_than_noise(void **state)
{
    char *black = calloc(1, BLACK_BYTE);

    assert_non_null(black);
    tmpdir_write(*state, "black.raw", black, BLACK_BYTE);
    free(black);
    json_t *dark = breakdown(*state, SERIAL, "--images @/black.raw --image-shape 3x32x32");
    json_t *light = breakdown(*state, SERIAL, "--images random --count 2");
    json_t *of_dark = json_array_get(at(dark, "energy.layers"), 0);
    json_t *of_light = json_array_get(at(light, "energy.layers"), 0);
    static const char *const saved[] = { "crossbar", "input_drivers", "adc" };

    for (size_t i = 0; i < sizeof saved / sizeof *saved; i++)
        assert_true(block(of_dark, saved[i]) < block(of_light, saved[i]));
    /* nor of the whole network: here by its converters, drivers and lines */
    assert_true(number_at(dark, "energy.total_nj_per_image") !=
                number_at(light, "energy.total_nj_per_image"));
    json_decref(dark);
    json_decref(light);
}

/* What the table says is saved is the difference, and nothing is saved where no input is 0. */
static void the_table_of_zeros_says_what_they_save(void **state)
{
    char *csv = succeed(*state, "breakdown " SERIAL "--images random --count 2 --table zeros "
                                "--format csv");
    double pj, without, saved, share, sum = 0;
    unsigned n = 0;

    for (const char *line = strchr(csv, '\n') + 1; *line; line = strchr(line, '\n') + 1, n++) {
        assert_int_equal(sscanf(strchr(line, ',') + 1, "%lf,%lf,%lf,%lf", &pj, &without, &saved,
                                &share), 4);
        assert_near(without - pj, saved, 1e-3, "saved");
        assert_near(share, 1 - pj / without, 1e-4, "share");
        assert_true(saved >= 0);
        if (strncmp(line, "all blocks", 10) != 0)
            sum += saved;
        else
            assert_near(saved, sum, 1e-2, "all blocks");
    }
    assert_int_equal(n, 5);
    free(csv);
    struct outcome none = imcsim(*state, "breakdown " SERIAL "--table zeros --format csv");
    assert_int_equal(none.status, 0); // no values
    assert_null(strchr(strchr(none.out, '\n') + 1, '\n'));
    assert_non_null(strstr(none.err, "--table zeros: there is nothing"));
    outcome_release(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_without_images_is_priced_by_the_inputs_of_one_with,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_inputs_of_another_run_price_every_command,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(every_command_says_by_what_inputs_it_prices,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(inputs_of_half_the_arrays_are_those_of_larger_ones,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(what_has_no_inputs_to_give_is_refused, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(black_images_take_less_of_the_first_layer_than_noise,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_table_of_zeros_says_what_they_save, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests_name("activity", tests, NULL, NULL);
}
