/* Spiking networks from the command: times by closed form, the same results whatever the way, and
 * counters of arrays beside plain loops over spikes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "network/spiking/neuron.h"
#include "network/spiking/spikes.h"
#include "study/run.h"
#include "study/study.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"
#include "test/trained.h"

#define CONFIG "configs/kim2019_ws_resnet32.yaml"

static void steps_come_an_interval_apart(void **state)
{
    static const struct { const char *steps; int64_t first; } want[] = {
        { "640", 655964 }, { "1064", 1090140 }, { "8", 1628 + 7 * 1024 },
    };
    char arguments[256];

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        snprintf(arguments, sizeof arguments, "run " CONFIG " --set input.steps=%s --set "
                 "neuron.skip_periods=0 --json -", want[i].steps);
        json_t *doc = json_of(*state, arguments);
        assert_int_equal(integer_at(doc, "timing.first_result_timesteps"), want[i].first);
        assert_int_equal(integer_at(doc, "timing.steps"), atoi(want[i].steps));
        assert_int_equal(integer_at(doc, "timing.interval_timesteps"), 1024 * atoi(want[i].steps));
        json_decref(doc);
    }
}

/* The document without what differs between two ways of running. */
static char *text_of(const char *dir, const char *arguments)
{
    json_t *doc = json_of(dir, arguments);

    json_object_del(doc, "host");
    json_object_del(doc, "kernel");
    char *text = json_dumps(doc, JSON_SORT_KEYS);
    json_decref(doc);
    return text;
}

static void plan_chip_and_jobs_say_the_same(void **state)
{
    static const char *const ways[][2] = {
        { "--set input.steps=40 --set neuron.skip_periods=0 --count 2 --json -",
          "--set input.steps=40 --set neuron.skip_periods=0 --count 2 --json - --timing chip" },
        { "--set input.coding=rate --set input.steps=3 --set neuron.skip_periods=0 --images random "
          "--count 3 --json -",
          "--set input.coding=rate --set input.steps=3 --set neuron.skip_periods=0 --images random "
          "--count 3 --json - --jobs 2" },
    };
    char arguments[512];

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char *text[2];
        for (int k = 0; k < 2; k++) {
            snprintf(arguments, sizeof arguments, "run " CONFIG " %s", ways[i][k]);
            text[k] = text_of(*state, arguments);
        }
        assert_string_equal(text[0], text[1]);
        free(text[0]);
        free(text[1]);
    }
}

struct seen { // of a layer
    uint64_t spikes, weights; // that its pixels see, padding's too; |weights| of all outputs there
};

/* |w| of all outputs at row i, column j of the kernel, of channel c. */
static uint64_t weights_at(const struct layer *l, uint32_t c, uint32_t i, uint32_t j)
{
    uint64_t sum = 0;

    for (uint32_t o = 0; o < l->out.channels; o++)
        sum += (uint32_t)abs(l->weight[((o * l->in.channels + c) * l->window.kernel[0] + i) *
                                       l->window.kernel[1] + j]);
    return sum;
}

/* Adds those of one step. */
static void see(struct seen *seen, const struct network *n, const struct spikes *s,
                const int32_t *image, uint32_t layer, int32_t padding)
{
    const struct layer *l = &n->layer[layer];

    for (uint32_t y = 0; y < l->out.width; y++)
        for (uint32_t x = 0; x < l->out.height; x++)
            for (uint32_t i = 0; i < l->window.kernel[0]; i++)
                for (uint32_t j = 0; j < l->window.kernel[1]; j++) {
                    int64_t row = (int64_t)x * l->window.stride[0] + i - l->window.pad_before[0];
                    int64_t column = (int64_t)y * l->window.stride[1] + j -
                                     l->window.pad_before[1];
                    bool in = row >= 0 && column >= 0 && row < l->in.height &&
                              column < l->in.width;
                    size_t at = in ? ((size_t)column * l->in.height + (size_t)row) *
                                         l->in.channels : 0;
                    for (uint32_t c = 0; c < l->in.channels; c++) {
                        int32_t v = !in          ? padding
                                    : layer == 1 ? image[at + c]
                                                 : spikes_delivered(s, l->input[0], at + c);
                        seen->spikes += (uint32_t)v;
                        seen->weights += v ? weights_at(l, c, i, j) : 0;
                    }
                }
}

/* Also where cores share the columns of a layer. */
static void rows_and_devices_are_driven_by_the_spikes_that_outputs_see(void **state)
{
    static const char *const sets[][3] = {
        { "neuron.skip_periods=0", "input.steps=16", "mapping.copies={}" },
        { "neuron.skip_periods=0", "input.steps=16", "mapping.copies={32: 2}" },
    };

    (void)state;
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        struct study s;
        struct err_msg m;
        struct run_result r;
        struct seen want[3] = { { 0 } };
        uint8_t *pixel = malloc(3072);
        int32_t *in = malloc(3072 * sizeof *in);
        const uint8_t grey = 128;

        if (study_load(&s, CONFIG, sets[k], 3, &m))
            fail_msg("%s", m.text);
        const struct run_cfg cfg = { .images = "random", .n_image = 1, .jobs = 1 };
        if (run(&s.plan, &cfg, &r, &m))
            fail_msg("%s", m.text);
        struct images *set;
        const struct images_shape shape = { 32, 32, 3 };
        uint32_t label;
        int more;
        assert_int_equal(images_open(&set, "random", shape, 10, &m), ERR_NONE);
        assert_int_equal(images_next(set, (int8_t *)pixel, &label, &more, &m), ERR_NONE);
        images_close(set);
        for (size_t i = 0; i < 3072; i++)
            pixel[i] ^= 0x80;
        struct spikes *spikes = spikes_new(&s.network);
        spikes_forget(spikes);
        for (uint32_t t = 0; t < 16; t++) {
            int32_t padding;
            s.network.present.coding->code(&s.network.present, 0, t, pixel, 3072, in);
            s.network.present.coding->code(&s.network.present, 0, t, &grey, 1, &padding);
            spikes_step(spikes, in, t, NULL);
            for (uint32_t l = 1; l <= 3; l++)
                see(&want[l - 1], &s.network, spikes, in, l, l == 1 ? padding : 0);
        }
        for (uint32_t l = 0; l < 3; l++) {
            uint64_t rows = 0, weights = 0;
            for (uint32_t c = 0; c < s.plan.layer[l].n_core; c++) {
                rows += r.core[s.plan.layer[l].first_core + c].active_rows;
                weights += r.core[s.plan.layer[l].first_core + c].sum_abs_xw;
            }
            assert_int_equal(weights, want[l].weights);
            assert_int_equal(rows, want[l].spikes);
        }
        spikes_free(spikes);
        run_result_release(&r);
        study_release(&s);
        free(pixel);
        free(in);
    }
}

static void what_cannot_be_is_told_with_its_cure(void **state)
{
    static const struct { const char *set, *want; } wrong[] = {
        { "input.coding=spikes", "input.coding = spikes: want value, binary, rate, phase, "
                                 "events or bernoulli" },
        { "input.steps=12", "input.steps = not whole periods: want a multiple of 8" },
        { "input.coding=value", "input.coding = value: want rate, phase, events or bernoulli, "
                                "whose steps differ, or input.steps = 1" },
        { "neuron.kind=requantize", "input.coding = phase: want outputs that remember from step to "
                                    "step: neuron.kind = if or lif" },
        { "neuron.kind=accumulate", "neuron.kind = accumulate: want requantize, if or lif" },
        { "neuron.reset=delayed", "neuron.reset = delayed: want subtract" },
        { "neuron.theta=0", "neuron.theta" },
        { "neuron.beta=1.5", "neuron.beta" },
        { "neuron.fraction_bits=25", "neuron.fraction_bits" },
    };
    char arguments[256];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(arguments, sizeof arguments, "run " CONFIG " --set %s", wrong[i].set);
        assert_fails(*state, arguments, 2, wrong[i].want);
    }
    assert_fails(*state, "run " CONFIG " --images random --count 1 --values timed", 2,
                 "--values timed: values of neurons are computed layer by layer");
}

/* ---- images ---- */

/* Of 6 rows and 5 columns the middle 2 x 2: rows 2 and 3, columns 1 and 2. */
static void a_crop_is_the_middle_of_an_image(void **state)
{
    static const uint8_t head[] = { 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0, 5 };
    const struct images_how how = { .crop = 2 };
    const struct images_shape want = { 2, 2, 1 };
    uint8_t file[sizeof head + 30];
    char path[TMPDIR_PATH_MAX];
    struct images *set;
    struct err_msg m;
    int8_t out[4];
    uint32_t label;
    int more;

    memcpy(file, head, sizeof head);
    for (uint8_t i = 0; i < 30; i++)
        file[sizeof head + i] = i;
    tmpdir_write(*state, "digits", file, sizeof file);
    tmpdir_path(path, *state, "digits");
    assert_int_equal(images_open(&set, path, want, 10, &m), ERR_INPUT); // larger than wanted
    if (images_open_as(&set, path, &how, want, 10, &m))
        fail_msg("%s", m.text);
    assert_int_equal(images_next(set, out, &label, &more, &m), ERR_NONE);
    images_close(set);
    const int pixel[] = { 2 * 5 + 1, 3 * 5 + 1, 2 * 5 + 2, 3 * 5 + 2 }; // column by column
    for (int i = 0; i < 4; i++)
        assert_int_equal(out[i], pixel[i] - 128);
}

static void lees_machine_takes_digits_as_mnist_has_them(void **state)
{
    char *path = shared_path("mnist/t2000-images-idx3-ubyte.gz"), arguments[512];

    if (!path)
        skip();
    snprintf(arguments, sizeof arguments, "run lee2020_reram_bnn --images %s --json -", path);
    json_t *doc = json_of(*state, arguments);
    assert_int_equal(integer_at(doc, "accuracy.images"), 2000);
    assert_int_equal(integer_at(doc, "accuracy.correct"), 1916);
    json_decref(doc);
    free(path);
}

static void expect_right(const char *dir, const char *arguments, int64_t right, int64_t images)
{
    json_t *doc = json_of(dir, arguments);

    assert_int_equal(integer_at(doc, "accuracy.images"), images);
    assert_int_equal(integer_at(doc, "accuracy.correct"), right);
    json_decref(doc);
}

static void our_nir_network_has_8836_of_fashion_mnist(void **state)
{
    if (access(FASHION, R_OK) != 0)
        skip();
    expect_right(*state, "run configs/lif_fmnist.yaml --json - --images " FASHION, 8836, 10000);
}

/* Interval and steps are those of spec tables; classes were counted elsewhere. */
static void the_nir_papers_network_has_98_of_100_recordings(void **state)
{
    char *network = shared_path("nmnist/cnn_sinabs.nir"), *list = shared_path("nmnist/test100.txt");
    char arguments[4096];

    if (!network || !list)
        skip();
    snprintf(arguments, sizeof arguments, "run configs/nmnist_nir.yaml --set network.nir='%s' "
             "--images '%s' --json -", network, list);
    expect_right(*state, arguments, 98, 100);
    snprintf(arguments, sizeof arguments, "run configs/nmnist_nir.yaml --set network.nir='%s' "
             "--json -", network);
    json_t *doc = json_of(*state, arguments);
    assert_int_equal(integer_at(doc, "timing.interval_timesteps"), 256 * 300);
    json_decref(doc);
    free(network);
    free(list);
}

#define SMALL "run configs/nmnist_nir.yaml --set network.nir=test/data/events/small.nir --set " \
              "input.steps=16 --set input.bin_us=20000 --set fabric.link_gbps=81.92 --set " \
              "core.input_memory.words=1024 --set clocking.timestep_ns=16000 "

/* What a machine that reads bits, and one that takes a product as a whole, have in common. */
static const char *const readers[] = {
    "--set core.crossbar.mvm_ns=auto --set core.crossbar.read_ns=10 --set "
    "core.crossbar.input_slice_bits=1 ",
    "--set core.crossbar.mvm_ns=auto --set core.crossbar.read_ns=10 --set "
    "core.crossbar.rows_at_once=7 ",
    "--set core.crossbar.mvm_ns=100 ",
};

static void expect_same_work(json_t *step, json_t *output)
{
    static const char *const same[] = { "driven_rows", "active_rows", "sum_abs_x", "sum_abs_xw",
                                        "conversions", "reads", "shift_adds", "scale_ops",
                                        "residual_ops", "relu_ops", "round_ops", "pool_ops",
                                        "partial_sum_ops", "sum_digits" };

    for (size_t i = 0; i < json_array_size(at(step, "core_list")); i++) {
        json_t *a = at(json_array_get(at(step, "core_list"), i), "counters");
        json_t *b = at(json_array_get(at(output, "core_list"), i), "counters");
        for (size_t k = 0; k < sizeof same / sizeof *same; k++)
            if (!json_object_get(a, same[k])) // an array that is read as a whole has none
                assert_null(json_object_get(b, same[k]));
            else if (integer_at(a, same[k]) != integer_at(b, same[k]))
                fail_msg("core %zu, %s: %lld step by step, %lld output by output", i, same[k],
                         (long long)integer_at(a, same[k]), (long long)integer_at(b, same[k]));
        assert_int_equal(integer_at(a, "firings"), 16 * integer_at(b, "firings"));
    }
}

/* Takes the words that neurons keep between steps away: output by output there are none. */
static void expect_state(json_t *doc, bool kept)
{
    static const char *const words[] = { "state_words", "state_reads", "state_writes" };
    json_t *layers = at(doc, "spiking.layers");

    for (size_t i = 1; i < json_array_size(layers); i++) // behind the input
        for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
            json_t *l = json_array_get(layers, i);
            assert_int_equal(integer_at(l, words[k]) > 0, kept);
            assert_int_equal(json_object_del(l, words[k]), 0);
        }
}

/* Output by output a patch is read once for all steps, and a value is a train of its bits; spikes,
 * rows, reads and operations are those of step by step. */
static void orders_differ_in_what_is_moved_alone(void **state)
{
    char arguments[1024];

    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        json_t *doc[2];
        for (int k = 0; k < 2; k++) {
            snprintf(arguments, sizeof arguments, SMALL "%s--images test/data/events/recordings "
                     "--set input.order=%s --json -", readers[i], k ? "output" : "step");
            doc[k] = json_of(*state, arguments);
            expect_state(doc[k], k == 0);
        }
        assert_true(json_equal(at(doc[0], "spiking"), at(doc[1], "spiking")));
        assert_true(json_equal(at(doc[0], "predictions"), at(doc[1], "predictions")));
        expect_same_work(doc[0], doc[1]);
        assert_int_equal(integer_at(doc[0], "timing.interval_timesteps"),
                         16 * integer_at(doc[1], "timing.interval_timesteps"));
        assert_int_equal(integer_at(doc[1], "streams[].value_bits"),
                         16 * integer_at(doc[0], "streams[].value_bits"));
        json_decref(doc[0]);
        json_decref(doc[1]);
    }
}

static void trains_take_the_same_time_by_plan_chip_and_jobs(void **state)
{
    static const char *const ways[] = { "", "--timing chip ", "--kernel systemc ", "--jobs 2 " };
    char arguments[1024], *first = NULL;

    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
            snprintf(arguments, sizeof arguments, SMALL "%s%s--set input.order=output --images "
                     "test/data/events/recordings --json -", readers[i], ways[k]);
            char *text = text_of(*state, arguments);
            if (k == 0)
                first = text;
            assert_string_equal(text, first);
            if (k > 0)
                free(text);
        }
        free(first);
    }
    assert_fails(*state, SMALL "--set input.order=output --set input.steps=17", 2,
                 "layer conv2d_1 reads values of 136 bits: want core.input_memory.word_bits = 136, "
                 "or input.order = step");
    assert_fails(*state, "run configs/resnet32.yaml --set input.order=output", 2,
                 "input.order = output: want outputs that remember");
}

/* ---- neurons of one layer ---- */

/* Spikes by layer of an image of ResNet-32 in a period. */
static json_t *spikes_so(const char *dir, const char *set)
{
    char arguments[2048];
    json_t *doc, *layers;

    snprintf(arguments, sizeof arguments, "run kim2019_ws_resnet32 --set input.steps=8 --set "
             "neuron.skip_periods=0 --set clocking.timestep_ns=200 --images " FASHION
             " --count 1 --json - %s", set);
    doc = json_of(dir, arguments);
    layers = json_incref(at(doc, "spiking.layers"));
    json_decref(doc);
    return layers;
}

static void expect_layer(json_t *a, json_t *b, size_t i, bool same)
{
    assert_true(json_equal(json_array_get(a, i), json_array_get(b, i)) == same);
}

static void a_layers_own_keys_are_those_of_all_for_it_alone(void **state)
{
    static const struct {
        const char *all, *own;
    } keys[] = {
        { "--set neuron.theta=2", "--set neuron.layers.L1.theta=2" },
        { "--set neuron.kind=lif --set neuron.beta=0.9",
          "--set 'neuron.layers={L1: {kind: lif, beta: 0.9}}'" },
        { "--set neuron.most=3 --set neuron.theta=0.25",
          "--set 'neuron.layers={L1: {most: 3, theta: 0.25}}'" },
    };
    char each[2048] = "--set 'neuron.layers={";
    json_t *plain, *all, *own;

    if (access(FASHION, R_OK) != 0)
        skip();
    plain = spikes_so(*state, "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        all = spikes_so(*state, keys[i].all);
        own = spikes_so(*state, keys[i].own);
        expect_layer(own, plain, 0, true);  // the image
        expect_layer(own, plain, 1, false); // L1
        expect_layer(own, all, 1, true);
        expect_layer(own, all, 2, false);   // L2, whose own are those of all others
        json_decref(all);
        json_decref(own);
    }
    for (int i = 1; i <= 31; i++)
        snprintf(each + strlen(each), sizeof each - strlen(each), "L%d: {theta: 2}, ", i);
    strcat(each, "fc: {theta: 2}}'");
    all = spikes_so(*state, keys[0].all);
    own = spikes_so(*state, each);
    assert_true(json_equal(all, own));
    json_decref(own);
    json_decref(all);
    json_decref(plain);
}

/* A note says that the key has no effect. */
static void what_only_integrates_does_not_leak(void **state)
{
    static const char *const set[] = { "neuron.kind=if", "neuron.beta=0.5" };
    struct study s;
    struct err_msg m;

    (void)state;
    if (study_load(&s, CONFIG, set, 2, &m))
        fail_msg("%s", m.text);
    assert_int_equal(s.network.layer[1].neuron->beta[0], NEURON_NO_LEAK);
    study_release(&s);
}

static void a_layers_own_keys_are_refused_with_place_and_cure(void **state)
{
    static const struct {
        const char *set, *want;
    } wrong[] = {
        { "{M1: {theta: 2}}", "neuron.layers.M1: the network has no such layer: want one that it "
          "has, such as L1" },
        { "{L1: {thta: 2}}", "neuron.layers.L1: neuron.thta: unknown key; did you mean "
          "neuron.theta?" },
        { "{L1: {theta: 0}}", "neuron.layers.L1: neuron.theta = 0: want 0.000000001 to 1000000" },
        { "{L1: {most: 300}}", "neuron.layers.L1: neuron.most = 300: want a whole number from 1 "
          "to 255" },
        { "{L1: {kind: relu}}", "neuron.layers.L1: neuron.kind: no kind that fires: want if or "
          "lif" },
        { "{L1: {beta: 0.5}}", "neuron.layers.L1: neuron.beta: its kind does not leak: want kind: "
          "lif too, or no beta" },
        { "{L1: {reset: delayed}}", "neuron.layers.L1: neuron.reset = delayed: want subtract" },
        { "{L1: 2}", "neuron.layers = {...}: want {name: {key: value, ...}, ...}" },
    };
    char arguments[256];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(arguments, sizeof arguments, "run kim2019_ws_resnet32 --set 'neuron.layers=%s'",
                 wrong[i].set);
        assert_fails(*state, arguments, 2, wrong[i].want);
    }
    assert_fails(*state, "run lif_fmnist --set neuron.layers.L1.theta=2", 2, "want it left out");
}

static void what_a_nir_file_leaves_open_is_asked_for(void **state)
{
    static const struct { const char *set, *want; } wrong[] = {
        { "--set nir.dt_us=0", "node lif1 (LIF): its time constants are seconds: want nir.dt_us" },
        { "--set nir.reset=open", "want nir.reset = zero" },
        { "--set nir.dt_us=8000", "tau = 0.00775758 s, with steps of 8000 us: want" },
        { "--set neuron.beta=0.5", "--set neuron.beta: neuron.beta: the file of network.nir says" },
        { "--set input.coding=phase", "input.coding = phase: want rate, events or bernoulli" },
        { "--set network.input_shape=1x28x28", "network.input_shape: is of network.onnx" },
        { "--set nir.weights=some", "nir.weights = some" },
        { "--images test/data/events/recordings --set input.coding=events", "2 polarities" },
        { "--set network.family=resnet-cifar", "nir.dt_us without a model: want network.nir too" },
    };
    char arguments[512];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(arguments, sizeof arguments, "run configs/lif_fmnist.yaml %s", wrong[i].set);
        assert_fails(*state, arguments, 2, wrong[i].want);
    }
    assert_fails(*state, "run configs/nmnist_nir.yaml", 2, "nmnist_nir.yaml:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_come_an_interval_apart, tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(plan_chip_and_jobs_say_the_same, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(rows_and_devices_are_driven_by_the_spikes_that_outputs_see),
        cmocka_unit_test_setup_teardown(a_crop_is_the_middle_of_an_image, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(lees_machine_takes_digits_as_mnist_has_them, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_told_with_its_cure, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(our_nir_network_has_8836_of_fashion_mnist, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(the_nir_papers_network_has_98_of_100_recordings,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(orders_differ_in_what_is_moved_alone, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(trains_take_the_same_time_by_plan_chip_and_jobs,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_layers_own_keys_are_those_of_all_for_it_alone,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test(what_only_integrates_does_not_leak),
        cmocka_unit_test_setup_teardown(a_layers_own_keys_are_refused_with_place_and_cure,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(what_a_nir_file_leaves_open_is_asked_for, tmpdir_make,
                                        tmpdir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
