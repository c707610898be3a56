/* What a run says of spikes: its tables, its document and its picture hold the same figures, and
 * those are the counts of the trained network of models/lif_fmnist.md. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"
#include "test/trained.h"

#define SMALL "run configs/nmnist_nir.yaml --set network.nir=test/data/events/small.nir --images " \
              "test/data/events/recordings"

static json_int_t sum_of(json_t *array)
{
    json_int_t sum = 0;
    size_t i;
    json_t *v;

    json_array_foreach(array, i, v)
        sum += json_integer_value(v);
    return sum;
}

/* Counted by an independent program: 16,073,729 spikes in, 8,286,694 hidden, 10,000 at once. */
static void the_lif_network_has_its_spikes(void **state)
{
    if (access(FASHION, R_OK) != 0)
        skip();
    json_t *doc = json_of(*state, "run configs/lif_fmnist.yaml --json - --jobs 2 --images "
                          FASHION);
    json_t *layers = at(doc, "spiking.layers"), *hidden = named(layers, "fc1");

    assert_int_equal(integer_at(named(layers, "input"), "spikes"), 16073729);
    assert_int_equal(integer_at(hidden, "spikes"), 8286694);
    assert_int_equal(json_integer_value(json_array_get(at(hidden, "spikes_by_step"), 0)), 10000);
    assert_int_equal(sum_of(at(hidden, "spikes_by_step")), 8286694);
    assert_int_equal(integer_at(hidden, "synaptic_events"), INT64_C(16073729) * 512);
    assert_int_equal(integer_at(named(layers, "fc2"), "synaptic_events"), INT64_C(8286694) * 10);
    json_t *right = at(doc, "spiking.correct_by_step");
    assert_int_equal(json_array_size(right), 8);
    assert_int_equal(json_integer_value(json_array_get(right, 7)), 8836);
    json_decref(doc);
}

static void tables_and_document_hold_the_same(void **state)
{
    json_t *doc = json_of(*state, SMALL " --json -");
    char *steps = succeed(*state, SMALL " --table steps --format csv"), *line = steps;
    const uint32_t n = (uint32_t)integer_at(doc, "spiking.steps");
    json_t *layers = at(doc, "spiking.layers");

    assert_int_equal(n, 300);
    assert_ptr_equal(strstr(steps, "step,spikes_in,spikes,correct,top1,decided,decided_correct\n"),
                     steps);
    for (uint32_t t = 0; t < n; t++) {
        long long step, in, all, right, decided, sum = 0;
        line = strchr(line, '\n') + 1;
        assert_int_equal(sscanf(line, "%lld,%lld,%lld,%lld,%*[^,],%lld", &step, &in, &all, &right,
                                &decided), 5);
        assert_int_equal(decided, t + 1 == n ? 2 : 0); // nothing leads by 0
        for (size_t i = 1; i < json_array_size(layers); i++)
            sum += json_integer_value(json_array_get(at(json_array_get(layers, i),
                                                        "spikes_by_step"), t));
        assert_int_equal(step, t + 1);
        assert_int_equal(all, sum);
        assert_int_equal(in, json_integer_value(json_array_get(
                                 at(named(layers, "input_0"), "spikes_by_step"), t)));
        assert_int_equal(right, json_integer_value(json_array_get(
                                    at(doc, "spiking.correct_by_step"), t)));
    }
    assert_int_equal(integer_at(named(layers, "input_0"), "spikes"), 600);
    free(steps);
    json_decref(doc);
}

/* By the closed form: each spike of an output reads and writes the w bits of its weights in every
 * array that holds some, in 2 w + 1 clocks. */
static void updates_follow_from_the_spikes(void **state)
{
    static const char *const machines[] = {
        "", "--set core.crossbar.rows=128 --set core.crossbar.columns=128 ",
    };
    const uint64_t arrays[] = { (784 + 255) / 256, (784 + 127) / 128 };

    if (access(FASHION, R_OK) != 0)
        skip();
    for (size_t i = 0; i < 2; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, "run configs/lif_fmnist.yaml %s--images " FASHION
                 " --count 50 --set learning.rule=stdp --set learning.update_pj=134.56 --json -",
                 machines[i]);
        json_t *doc = json_of(*state, arguments);
        json_t *hidden = named(at(doc, "spiking.layers"), "fc1");
        json_t *learned = named(at(doc, "learning.layers"), "fc1");
        const uint64_t spikes = (uint64_t)integer_at(hidden, "spikes");
        const uint64_t bits = (uint64_t)integer_at(learned, "bits_read") /
                              (uint64_t)integer_at(learned, "array_updates");
        assert_true(spikes > 0);
        assert_int_equal(json_array_size(at(doc, "learning.layers")), 1); // the last never fires
        assert_int_equal(integer_at(learned, "updates"), spikes);
        assert_int_equal(integer_at(learned, "array_updates"), spikes * arrays[i]);
        assert_int_equal(integer_at(learned, "bits_written"), spikes * arrays[i] * bits);
        assert_int_equal(integer_at(learned, "clocks"), spikes * (2 * bits + 1));
        assert_true(fabs(json_number_value(at(learned, "energy_nj")) -
                         (double)(spikes * arrays[i]) * 0.13456) < 1e-6);
        json_decref(doc);
    }
    char *clocks = succeed(*state, "run configs/kim2019_ws_resnet32.yaml --set learning.rule=stdp "
                                   "--table operations --format csv --set "
                                   "core.crossbar.mvm_ns=auto --set core.crossbar.read_ns=2 "
                                   "--set core.crossbar.rows_at_once=16");
    /* 27 rows, 16 at once; 16 outputs; one row; 8 bits, twice and once more. A read is a clock. */
    assert_non_null(strstr(clocks, "\nL1,2,1,1,17\n"));
    free(clocks);
    assert_fails(*state, "run configs/lif_fmnist.yaml --set learning.rule=hebb", 2,
                 "learning.rule = hebb: want none or stdp");
}

/* The larger the lead, the later and the surer; every image is decided once. */
static void images_are_decided_later_the_more_their_class_has_to_lead(void **state)
{
    static const char *const lead[] = { "1", "1000", "4000", "16000" };
    double before = 0;

    if (access(FASHION, R_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof lead / sizeof *lead; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "run configs/lif_fmnist.yaml --images " FASHION
                 " --count 300 --set input.lead=%s --json -", lead[i]);
        json_t *doc = json_of(*state, arguments);
        json_t *decided = at(doc, "spiking.decided_by_step");
        double steps = json_number_value(at(doc, "spiking.steps_until_decided")), sum = 0;
        assert_int_equal(sum_of(decided), 300);
        for (size_t t = 0; t < 8; t++)
            sum += (double)(t + 1) * (double)json_integer_value(json_array_get(decided, t));
        assert_float_equal(steps, sum / 300, 1e-9);
        assert_true(steps > before);
        before = steps;
        json_decref(doc);
    }
    assert_fails(*state, "run configs/resnet32.yaml --set input.lead=5", 2,
                 "input.lead = given: want outputs that remember");
}

static void the_picture_has_a_line_for_each_layer_that_fires(void **state)
{
    free(succeed(*state, SMALL " --svg @/p.svg --table steps"));
    char *svg = read_file(*state, "p.svg");
    size_t n = 0;

    for (const char *p = svg; (p = strstr(p, "stroke-width=\"1.5\"")); p++)
        n++;
    assert_int_equal(n, 3); // accuracy, and the two layers
    assert_non_null(strstr(svg, ">conv2d_1<"));
    assert_non_null(strstr(svg, ">linear_4<"));
    assert_non_null(strstr(svg, "of 2 images after as many steps"));
    free(svg);
    assert_fails(*state, "run configs/lif_fmnist.yaml --svg @/q.svg", 2,
                 "draws spikes, which images make: want --images");
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* Of one image, all ten neurons of the last layer: a dot for each spike, five potentials. */
static void chosen_neurons_have_a_dot_for_each_spike(void **state)
{
    json_t *doc = json_of(*state, SMALL " --count 1 --json -");
    json_t *last = named(at(doc, "spiking.layers"), "linear_4");
    const json_int_t spikes = integer_at(last, "spikes");

    json_decref(doc);
    free(succeed(*state, SMALL " --count 1 --svg @/n.svg --neurons linear_4"));
    char *svg = read_file(*state, "n.svg");
    assert_true(spikes > 0);
    assert_int_equal(count_of(svg, "class=\"spike\""), spikes);
    assert_int_equal(count_of(svg, "class=\"potential\""), 5);
    free(svg);
    free(succeed(*state, SMALL " --count 1 --svg @/n.svg --neurons linear_4:3-4"));
    svg = read_file(*state, "n.svg");
    assert_int_equal(count_of(svg, "class=\"potential\""), 2);
    assert_non_null(strstr(svg, "spikes of neurons 3 to 4 of linear_4, first image"));
    free(svg);
}

static void neurons_that_are_not_there_are_refused(void **state)
{
    static const struct { const char *more, *want; } wrong[] = {
        { "--svg @/x.svg --neurons nobody", "--neurons nobody: no layer of neurons is called so" },
        { "--svg @/x.svg --neurons linear_4:3-10", "the layer has neurons 0 to 9: want LAYER" },
        { "--svg @/x.svg --neurons linear_4:4-3", "the layer has neurons 0 to 9: want LAYER" },
        { "--svg @/x.svg --neurons linear_4:", "the layer has neurons 0 to 9: want LAYER" },
        { "--svg @/x.svg --neurons linear_4:1-2x", "the layer has neurons 0 to 9: want LAYER" },
        { "--neurons linear_4", "nothing is drawn without --svg FILE" },
    };
    char arguments[512];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(arguments, sizeof arguments, SMALL " %s", wrong[i].more);
        assert_fails(*state, arguments, 2, wrong[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(updates_follow_from_the_spikes, tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(
            images_are_decided_later_the_more_their_class_has_to_lead, tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_lif_network_has_its_spikes, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(tables_and_document_hold_the_same, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_picture_has_a_line_for_each_layer_that_fires,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(chosen_neurons_have_a_dot_for_each_spike, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(neurons_that_are_not_there_are_refused, tmpdir_make,
                                        tmpdir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
