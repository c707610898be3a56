/* Machines of other people in configs/: what their arrays are and how long they take, by closed
 * forms, for every core; the classes of those whose codes are exact, and of K. Lee's digits. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/infile.h"
#include "study/study.h"
#include "test/cli_rig.h"
#include "test/shared.h"
#include "test/tmpdir.h"

struct machine { // as its makers describe it
    const char *config;
    uint32_t rows, columns;        // of an array
    uint32_t slices, at_once;      // of the inputs; rows that a read drives
    uint32_t weight_columns, ones; // of a weight, of an array
    uint32_t each;                 // columns of a converter; 0: sums are not converted
    uint64_t read_ps, convert_ps;  // a read, a conversion
    bool     pipelined;
    uint32_t exact_bits; // of a code of a read of all rows of an array
    bool     exact;      // whether the machine's codes have them
};

/* Shafiee et al., ISCA 2016; DNN+NeuroSim V1.4's defaults; Lu et al. 2021; a read that sums bits of
 * one digit each has rows_at_once + 1 values. */
static const struct machine machines[] = {
    { "isaac", 128, 128, 16, 128, 8, 1, 128, 100000, 781, true, 9, false },
    { "neurosim_22nm", 128, 128, 8, 128, 8, 1, 8, 22000, 1000, false, 8, false },
    { "lu2021_40nm", 256, 256, 8, 7, 8, 1, 8, 120000, 10000, false, 3, true },
    { "sram_row_serial", 256, 256, 8, 1, 8, 0, 0, 2000, 0, false, 1, true },
    { "sram_adder_tree", 256, 256, 8, 256, 8, 0, 0, 2000, 0, false, 9, true },
    { "hermes_cco", 256, 256, 1, 256, 1, 0, 1, 130000, 1000, false, 24, false },
};

enum { N_MACHINE = sizeof machines / sizeof *machines };

static uint64_t up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static void load(struct study *s, const char *config)
{
    struct err_msg m;

    if (study_load(s, config, NULL, 0, &m))
        fail_msg("%s", m.text);
}

static uint64_t product_ps(const struct machine *k, uint64_t reads)
{
    uint64_t convert = k->each == 128 ? 100000 : k->each * k->convert_ps; // 128 of 1.28 GS/s
    uint64_t more = k->read_ps > convert ? k->read_ps : convert;

    if (k->pipelined)
        return reads * more + (k->read_ps < convert ? k->read_ps : convert);
    return reads * (k->read_ps + convert);
}

static void check_core(const struct machine *k, const struct study *s, uint32_t core)
{
    const struct plan_core *c = &s->plan.core[core];
    const struct array_spec *a = &s->plan.layer[c->plan_layer].array;
    const struct reads r = array_reads(a, c->rows, c->columns);
    uint64_t reads = k->slices * up(c->rows, k->at_once);
    uint32_t columns = c->columns * k->weight_columns + k->ones;

    assert_true(c->rows <= k->rows && c->columns * k->weight_columns <= k->columns);
    assert_int_equal(r.n, reads);
    assert_int_equal(r.columns, columns);
    assert_int_equal(r.conversions, k->each ? reads * columns : 0);
    assert_int_equal(r.converters, k->each ? up(columns - k->ones, k->each) + k->ones : 0);
    assert_int_equal(s->plan.time.core[core].used_clk[STAGE_CROSSBAR],
                     up(product_ps(k, reads) * s->config.clock_mhz, 1000000));
}

static void arrays_are_as_their_makers_describe_them(void **state)
{
    (void)state;
    for (int i = 0; i < N_MACHINE; i++) {
        const struct machine *k = &machines[i];
        struct study s;
        load(&s, k->config);
        for (uint32_t c = 0; c < s.plan.n_core; c++)
            if (s.plan.core[c].rows > 0)
                check_core(k, &s, c);
        assert_int_equal(array_exact_bits(&s.plan.layer[1].array, k->rows), k->exact_bits);
        assert_int_equal(plan_is_exact(&s.plan), k->exact);
        study_release(&s);
    }
}

#define SOME " --images /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz --count 40"

static void exact_machines_classify_as_the_plain_one(void **state)
{
    char arguments[256];
    json_t *plain = json_of(*state, "run resnet32_fmnist --json -" SOME);

    for (int i = 0; i < N_MACHINE; i++) {
        if (!machines[i].exact)
            continue;
        snprintf(arguments, sizeof arguments, "run %s --json -" SOME, machines[i].config);
        json_t *doc = json_of(*state, arguments);
        assert_true(json_equal(at(doc, "accuracy"), at(plain, "accuracy")));
        json_decref(doc);
    }
    json_decref(plain);
}

#define MANY " --images /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz --count 60"

static int64_t codes_at(json_t *doc, const char *key)
{
    char path[64];

    snprintf(path, sizeof path, "accuracy.codes.%s", key);
    return integer_at(doc, path);
}

/* Against the plain machine's classes, image by image, and the counters, core by core. */
static void check_cost(json_t *coded, json_t *plain)
{
    int64_t right = 0, wrong = 0, clipped = 0, conversions = 0;
    json_t *label = at(plain, "labels"), *core;
    size_t i;

    for (i = 0; i < json_array_size(label); i++) {
        int64_t class = json_integer_value(json_array_get(label, i));
        bool is = json_integer_value(json_array_get(at(coded, "predictions"), i)) == class;
        bool was = json_integer_value(json_array_get(at(plain, "predictions"), i)) == class;
        right += is && !was;
        wrong += was && !is;
    }
    json_array_foreach(at(coded, "core_list"), i, core) {
        clipped += integer_at(core, "counters.clipped");
        conversions += json_object_get(core, "converters")
                           ? integer_at(core, "counters.conversions") : 0;
    }
    assert_int_equal(codes_at(coded, "changed_to_right"), right);
    assert_int_equal(codes_at(coded, "changed_to_wrong"), wrong);
    assert_int_equal(codes_at(coded, "exact_correct"), integer_at(plain, "accuracy.correct"));
    assert_int_equal(codes_at(coded, "clipped"), clipped);
    assert_int_equal(codes_at(coded, "conversions"), conversions);
    assert_int_equal(integer_at(coded, "accuracy.correct"),
                     codes_at(coded, "exact_correct") + right - wrong);
}

static void a_run_says_what_its_codes_cost(void **state)
{
    char arguments[256];
    json_t *plain = json_of(*state, "run resnet32_fmnist --json -" MANY);
    bool right = false, wrong = false;

    assert_null(json_object_get(at(plain, "accuracy"), "codes"));
    for (int bits = 6; bits <= 7; bits++) {
        snprintf(arguments, sizeof arguments, "run hermes_cco --set core.readout.bits=%d --json -"
                 MANY, bits);
        json_t *doc = json_of(*state, arguments);
        check_cost(doc, plain);
        right |= codes_at(doc, "changed_to_right") > 0;
        wrong |= codes_at(doc, "changed_to_wrong") > 0;
        json_decref(doc);
    }
    assert_true(right && wrong); // both were seen
    json_decref(plain);
}

/* ---- K. Lee's ---- */

static void lees_machine_is_six_arrays_and_makes_13_tops(void **state)
{
    struct study s;
    uint32_t arrays = 0, converters = 0;
    uint64_t weights = 400 * 128 + 128 * 128 + 128 * 10;

    (void)state;
    load(&s, "lee2020_reram_bnn");
    assert_int_equal(s.plan.n_core, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct plan_core *c = &s.plan.core[i];
        const struct reads r = array_reads(&s.plan.layer[i].array, c->rows, c->columns);
        arrays += c->arrays;
        converters += r.converters;
        assert_int_equal(r.n, 1);
    }
    assert_int_equal(arrays, 4 + 1 + 1);
    assert_int_equal(converters, 128 + 128 + 10);
    assert_int_equal(weights, 68864);
    assert_int_equal(weights * 10000 / (arrays * 128 * 128), 7005); // 70.05 %
    assert_int_equal(network_weights(&s.network), weights);
    assert_int_equal(network_macs(&s.network), weights);
    assert_int_equal(s.plan.time.first_result, 3);
    assert_int_equal(s.plan.interval * s.config.timestep_ns, 10);
    /* two operations a weight, an image every 10 ns: 13.7728 TOPS */
    assert_int_equal(2 * weights * 1000 / (s.plan.interval * s.config.timestep_ns), 13772800);
    study_release(&s);
}

/* The middle of each digit, as a set of its own. */
static void write_digits(const char *dir, const char *path)
{
    enum { N = 2000, HEAD = 16, SIDE = 28, CROP = 20, AT = 4 };
    static const uint8_t head[HEAD] = { 0, 0, 8, 3, 0, 0, N >> 8, N & 255, 0, 0, 0, CROP,
                                        0, 0, 0, CROP };
    uint8_t *from = malloc(HEAD + N * SIDE * SIDE), *to = malloc(HEAD + N * CROP * CROP);
    struct infile *f;
    struct err_msg m;

    if (infile_open(&f, path, &m) || infile_read(f, from, HEAD + N * SIDE * SIDE, "digits", &m))
        fail_msg("%s", m.text);
    infile_close(f);
    memcpy(to, head, HEAD);
    for (size_t i = 0; i < N; i++)
        for (size_t row = 0; row < CROP; row++)
            memcpy(to + HEAD + (i * CROP + row) * CROP,
                   from + HEAD + (i * SIDE + row + AT) * SIDE + AT, CROP);
    tmpdir_write(dir, "digits", to, HEAD + N * CROP * CROP);
    free(from);
    free(to);
}

static void lees_machine_reads_the_digits(void **state)
{
    char *images = shared_path("mnist/t2000-images-idx3-ubyte.gz");
    char *labels = shared_path("mnist/t2000-labels-idx1-ubyte.gz");
    char arguments[1024];

    if (!images || !labels)
        skip();
    write_digits(*state, images);
    for (int timed = 0; timed < 2; timed++) {
        snprintf(arguments, sizeof arguments, "run lee2020_reram_bnn --images '%s/digits' --labels "
                 "'%s' --json - --values %s", (const char *)*state, labels,
                 timed ? "timed" : "layer");
        json_t *doc = json_of(*state, arguments);
        assert_int_equal(integer_at(doc, "accuracy.correct"), 1916);
        json_decref(doc);
    }
    free(images);
    free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_as_their_makers_describe_them),
        cmocka_unit_test(exact_machines_classify_as_the_plain_one),
        cmocka_unit_test(a_run_says_what_its_codes_cost),
        cmocka_unit_test(lees_machine_is_six_arrays_and_makes_13_tops),
        cmocka_unit_test(lees_machine_reads_the_digits),
    };

    return cmocka_run_group_tests(tests, tmpdir_make, tmpdir_remove);
}
