/* Whole chips of DNN+NeuroSim V1.4 and V1.3: our circuits with that program's counts give its
 * clock, converters, accumulation and the rest, and named differences lead from its image to
 * ours. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/article/article.h"
#include "cli/article/neurosim_counts.h"
#include "study/run.h"
#include "study/study.h"

static struct figure_table made(enum err (*make)(struct figure_table *, struct err_msg *))
{
    struct figure_table t;
    struct err_msg m;

    if (make(&t, &m))
        fail_msg("%s", m.text);
    return t;
}

static size_t row_of(const struct figure_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_row; i++)
        if (strcmp(t->row[i].name, name) == 0)
            return i;
    fail_msg("no row %s", name);
    return 0;
}

static double ours(const struct figure_table *t, size_t row, size_t column)
{
    return strtod(t->row[row].figure[column].ours, NULL);
}

/* What that program printed, and how near our circuits are to come to it: clock, converters,
 * accumulation, other. */
static void three_networks_take_what_that_program_says(void **state)
{
    static const double want[3][4] = { { 1.663, 18.3, 3.82, 11.8 },
                                       { 1.682, 9.5, 1.27, 3.58 },
                                       { 1.697, 13.4, 2.89, 4.89 } };
    static const double within[4] = { 0.005, 0.03, 0.1, 0.1 };
    struct figure_table t = made(article_neurosim);

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 3; k++) {
            const struct figure *f = &t.row[i].figure[k];
            double off = ours(&t, i, k) / want[k][i] - 1;

            if (fabs(off) > within[i] || figure_status(f) > FIGURE_WITHIN)
                fail_msg("%s of %s: %s, want %g", t.row[i].name, f->quantity, f->ours, want[k][i]);
        }
    figure_table_release(&t);
}

/* Rows between two lead from the first to the last. Each is rounded to 0.01. */
static void check_sum(const struct figure_table *t, size_t from, size_t to, double last, size_t k)
{
    double sum = 0;

    for (size_t i = from; i <= to; i++)
        sum += ours(t, i, k);
    if (fabs(sum - last) > 0.03)
        fail_msg("%s: rows add up to %g, want %g", t->row[0].figure[k].quantity, sum, last);
}

/* Each difference is computed by itself: of reads from counters and what an action costs, of the
 * rest from the price of the run, which prices reads, too. */
static void named_differences_lead_from_its_chip_to_ours(void **state)
{
    static const double its[3] = { 18.3 + 3.82 + 11.8, 9.5 + 1.27 + 3.58, 13.4 + 2.89 + 4.89 };
    static const double its_mm2[3] = { 358, 19.6, 43.8 };
    struct figure_table t = made(article_neurosim);
    size_t first = row_of(&t, "its image uJ"), all = row_of(&t, "our image uJ");
    size_t mm2 = row_of(&t, "its area mm2"), area = row_of(&t, "our area mm2");

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        assert_true(fabs(ours(&t, first, k) - its[k]) < 0.005);
        assert_true(fabs(ours(&t, mm2, k) - its_mm2[k]) < 0.005);
        check_sum(&t, first, all - 1, ours(&t, all, k), k);
        check_sum(&t, mm2, area - 1, ours(&t, area, k), k);
        assert_int_equal(figure_status(&t.row[all].figure[k]), FIGURE_DEVIATES);
        assert_int_equal(figure_status(&t.row[area].figure[k]), FIGURE_DEVIATES);
    }
    figure_table_release(&t);
}

/* VGG-8 of 128 x 128 arrays and eight cells a weight: where the positions of a kernel lie apart,
 * 9 x channels / 128 blocks of rows; a block for every 16 outputs. */
static void that_program_reads_what_its_mapping_says(void **state)
{
    static const double pixels[] = { 1024, 1024, 256, 256, 64, 64, 1, 1 };
    static const double rows[] = { 27, 9 * 128, 9 * 128, 9 * 256, 9 * 256, 9 * 512, 8192, 1024 };
    static const double blocks[] = { 1, 9, 9, 18, 18, 36, 64, 8 };
    static const double outputs[] = { 128, 128, 256, 256, 512, 512, 1024, 10 };
    struct neurosim_machine k = { .side = 128, .cells = 8, .levels = 32, .ones = 0.5 };
    double driven = 0, converted = 0, arrays = 0;
    struct neurosim_parts p;
    struct err_msg m;

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        double wide = ceil(outputs[i] / 16);

        driven += 8 * pixels[i] * rows[i] * wide;
        converted += 8 * pixels[i] * blocks[i] * 8 * outputs[i];
        arrays += blocks[i] * wide;
    }
    if (neurosim_load(&k, "22nm_lp", "sram", &m) ||
        neurosim_network(&k, neurosim_vgg8, 2, &p, &m))
        fail_msg("%s", m.text);
    assert_true(p.rows == driven);
    assert_true(p.columns == converted);
    assert_true(p.arrays == arrays && arrays == 6344);
}

/* Products with 3 x 3 kernels of ResNet-32 on maps of 34, 18 and 10 pixels: it counts 1.42 times
 * those that there are. */
static void padded_maps_are_why_it_counts_too_many_products(void **state)
{
    const double counted = 1156 * (27 * 16 + 10 * 144 * 16 + 144 * 28) + 1024 * 16 * 28 +
                           324 * (9 * 252 * 28 + 252 * 56) + 256 * 28 * 56 +
                           100 * (9 * 504 * 56) + 560;

    (void)state;
    assert_true(fabs(counted / 58700336 / 1.42 - 1) < 0.005);
}

/* Every bit of an output pixel's inputs is converted in every array that its layer's rows are cut
 * into, in 8 columns a weight and one for the offset: VGG-8 in rows of 126, 14 channels of 9, or
 * 128 of vectors, 16 outputs each. */
static void our_chip_converts_what_its_layers_say(void **state)
{
    static const double pixels[] = { 1024, 1024, 256, 256, 64, 64, 1, 1 };
    static const double parts[] = { 1, 10, 10, 19, 19, 37, 64, 8 };
    static const double outputs[] = { 128, 128, 256, 256, 512, 512, 1024, 10 };
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .n_image = 1 };
    struct study s;
    struct run_result r;
    struct err_msg m;
    double want = 0, got = 0;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        want += pixels[i] * 8 * parts[i] * (8 * outputs[i] + ceil(outputs[i] / 16));
    if (study_load(&s, "neurosim_vgg8_22nm", NULL, 0, &m) || run(&s.plan, &cfg, &r, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < s.plan.n_core; i++)
        got += (double)r.core[i].conversions;
    assert_true(got == want);
    assert_int_equal(s.plan.n_core, 6476);
    run_result_release(&r);
    study_release(&s);
}

/* Table 7 has six machines. What V1.3 takes in each module adds up to its image, and the machine
 * that was run is the article's: clock, latency, leakage and, but for 7 nm, area are the printed
 * ones (D24 of docs/validation.md). */
static void modules_of_v13_add_up_and_its_chip_is_the_printed_one(void **state)
{
    static const char *const exact[] = { "its clock ns (printed)", "its latency ms (printed)",
                                         "its leakage mW (printed)", "its chip mm2 (printed)" };
    struct figure_table t = made(article_lu2021);
    size_t sum = row_of(&t, "our circuits (its)"), run = row_of(&t, "its run uJ (printed)");

    (void)state;
    assert_int_equal(sum, 6);
    for (size_t k = 0; k < 6; k++) {
        double its = 0, our = 0, share;
        for (size_t i = 0; i < sum; i++) {
            its += strtod(t.row[i].figure[k].printed, NULL);
            our += ours(&t, i, k);
            assert_int_equal(figure_status(&t.row[i].figure[k]), FIGURE_DEVIATES);
        }
        assert_true(fabs(its - ours(&t, run, k)) < 0.035);
        assert_true(fabs(our - ours(&t, sum, k)) < 0.035);
        for (size_t i = 0; i < 4; i++) {
            const struct figure *f = &t.row[row_of(&t, exact[i])].figure[k];
            if (i == 3 && k == 0)
                assert_int_equal(figure_status(f), FIGURE_DEVIATES);
            else
                assert_true(figure_status(f) <= FIGURE_WITHIN);
        }
        share = ours(&t, run, k) / strtod(t.row[run].figure[k].printed, NULL);
        assert_true(k == 0 ? share > 0.8 : share > 0.97 && share < 1.17);
    }
    figure_table_release(&t);
}

/* Its bit lines and converters of SRAM, from its equations: all pairs of bit lines of an array are
 * precharged in each of eight turns; a column takes a current for each amplifier, and k / R of the
 * rows that are on, for 1 ns. */
static void its_bit_lines_and_converters_follow_from_its_equations(void **state)
{
    static const struct {
        double v, cell_um, amplifier_uw, k, access_kohm;
    } node[2] = { { 0.7, 16 * 0.007, 0.35, 0.0235, 0 },
                  { 0.85, 10 * 0.022, 1.7, 0.0631, 1.77 * 0.85 / (791.9 * 0.022) * 1e3 } };
    static const double pixels[8] = { 900, 900, 196, 196, 36, 36, 1, 1 };
    static const double blocks[8] = { 1, 9, 9, 18, 18, 36, 64, 8 };
    static const double outputs[8] = { 128, 128, 256, 256, 512, 512, 1024, 10 };
    struct figure_table t = made(article_lu2021);
    size_t lines = row_of(&t, "word or bit lines"), converters = row_of(&t, "converters uJ");
    double columns = 0, reads = 0;

    (void)state;
    for (size_t i = 0; i < 8; i++) { // eight bits of the inputs, eight cells a weight
        columns += 8 * pixels[i] * blocks[i] * outputs[i] * 8;
        reads += 8 * pixels[i] * blocks[i] * ceil(outputs[i] * 8 / 128);
    }
    for (size_t k = 0; k < 2; k++) {
        double farad = 128 * node[k].cell_um * 0.2e-15;
        double uj = reads * 2 * 8 * 128 * farad * node[k].v * node[k].v * 1e6;
        assert_true(fabs(uj / strtod(t.row[lines].figure[k].printed, NULL) - 1) < 0.003);
    }
    /* 3/16 of 128 rows conduct through their access transistors; the encoders take 0.31 uJ */
    double on = 24 / (node[1].access_kohm * 1e3), uw = node[1].amplifier_uw * 15;
    double uj = columns * (uw * 1e-6 + node[1].k * on) * 1e-9 * 1e6 + 0.31;
    assert_true(fabs(uj / strtod(t.row[converters].figure[1].printed, NULL) - 1) < 0.03);
    figure_table_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_networks_take_what_that_program_says),
        cmocka_unit_test(named_differences_lead_from_its_chip_to_ours),
        cmocka_unit_test(that_program_reads_what_its_mapping_says),
        cmocka_unit_test(padded_maps_are_why_it_counts_too_many_products),
        cmocka_unit_test(our_chip_converts_what_its_layers_say),
        cmocka_unit_test(modules_of_v13_add_up_and_its_chip_is_the_printed_one),
        cmocka_unit_test(its_bit_lines_and_converters_follow_from_its_equations),
    };

    return cmocka_run_group_tests_name("tech_networks", tests, NULL, NULL);
}
