/* Tables 3, 5 and 6 of Lu et al. 2021. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/cost/macro.h"
#include "test/tech_rig.h"

static struct macro_preset preset(void)
{
    struct macro_preset p;
    struct err_msg m;

    if (macro_load(&p, "configs/rram40_macro.yaml", &m))
        fail_msg("%s", m.text);
    return p;
}

static struct calibration seven(void)
{
    return preset().factors;
}

static struct technology node(bool fitted)
{
    struct macro_preset p = preset();

    return fitted ? p.fitted : p.plain;
}

/* As near to the chip as the article says it is, allowing for its figures being rounded to `unit`,
 * and its factors to three digits. */
static void check_cell(const struct macro_cell *c, double unit, const char *name)
{
    if (c->chip == 0)
        return;
    double article = fabs(c->article - c->chip), slack = unit + 0.001 * c->chip;

    if (fabs(c->ours - c->chip) > article + slack)
        fail_msg("%s: %g, the chip %g, the article %g", name, c->ours, c->chip, c->article);
}

static void every_module_is_as_near_to_the_chip_as_the_article_reports(void **state)
{
    (void)state;
    struct technology t = node(true);
    struct calibration c = seven();
    struct macro x = macro(&t, &c);

    for (int i = 0; i < N_MACRO_MODULE; i++) {
        check_cell(&x.module[i].area_um2, 1, macro_module_name((enum macro_module)i));
        check_cell(&x.module[i].energy_pj, 0.01, macro_module_name((enum macro_module)i));
    }
    check_cell(&x.sensing_ns, 0.01, "sensing cycle");
}

/* As printed; 0: there is none. */
static void chip_and_article_are_those_of_the_tables(void **state)
{
    (void)state;
    static const struct { double chip_um2, article_um2, chip_pj, article_pj; } want[] = {
        { 31589, 30966, .99, 1.02 },  { 5400, 4730, 0, 74.57 },    { 7864, 7864, 0, 4.99 },
        { 44853, 43560, 86.79, 80.58 }, { 681, 719, 1.25, 1.25 },  { 663, 662, .15, .12 },
        { 1334, 1336, .33, .17 },     { 4706, 4968, 8.37, 8.65 },  { 3291, 3089, .60, .60 },
        { 6797, 6808, .80, .84 },     { 7334, 7742, 3.01, 2.97 },  { 6558, 6569, .75, .81 },
        { 31386, 31893, 15.26, 15.41 },
    };
    struct technology t = node(true);
    struct calibration c = seven();
    struct macro x = macro(&t, &c);

    assert_int_equal(sizeof want / sizeof *want, N_MACRO_MODULE);
    for (int i = 0; i < N_MACRO_MODULE; i++) {
        CHECK_NEAR(x.module[i].area_um2.chip, want[i].chip_um2, 1e-9);
        CHECK_NEAR(x.module[i].area_um2.article, want[i].article_um2, 1e-9);
        CHECK_NEAR(x.module[i].energy_pj.chip, want[i].chip_pj, 1e-9);
        CHECK_NEAR(x.module[i].energy_pj.article, want[i].article_pj, 1e-9);
    }
    CHECK_NEAR(x.sensing_ns.chip, 10, 1e-9);
    CHECK_NEAR(x.sensing_ns.article, 9.46, 1e-9);
    CHECK_NEAR(x.pre_layout_pj.chip, 3150.8, 1e-9);
    CHECK_NEAR(x.post_layout_pj.chip, 3864.2, 1e-9);
}

static void energy_of_the_chip_is_within_one_percent(void **state)
{
    (void)state;
    struct technology t = node(true);
    struct calibration c = seven();
    struct macro x = macro(&t, &c);

    CHECK_NEAR(x.pre_layout_pj.ours, 3150.8, 0.01);
    CHECK_NEAR(x.post_layout_pj.ours, 3864.2, 0.01);
    CHECK_NEAR(x.post_layout_pj.ours / x.pre_layout_pj.ours, 1.22, 1e-12);
}

static void areas_of_standard_cells_are_predicted(void **state)
{
    (void)state;
    struct technology t = node(false); // no factor, no fit
    struct calibration none = calibration_none();
    struct macro x = macro(&t, &none);

    for (int i = MACRO_SHIFT_DFF; i <= MACRO_DIGITAL; i++)
        CHECK_NEAR(x.module[i].area_um2.ours, x.module[i].area_um2.chip, 0.065);
    CHECK_NEAR(x.module[MACRO_DIGITAL].area_um2.ours, 31386, 0.02);
    /* level shifters: 27.2 um2 of gates each, where the article computes 28 */
    CHECK_NEAR(x.module[MACRO_LEVEL_SHIFTER].area_um2.ours, 3 * 256 * 28, 0.03);
}

static void each_factor_scales_its_own_figures_and_no_other(void **state)
{
    (void)state;
    struct technology t = node(true);
    struct calibration none = calibration_none(), c = none;
    struct macro a = macro(&t, &none), b;

    c.dff_activity = 0.5;
    b = macro(&t, &c);
    CHECK_NEAR(b.module[MACRO_SHIFT_DFF].energy_pj.ours,
               a.module[MACRO_SHIFT_DFF].energy_pj.ours / 2, 1e-12);
    CHECK_NEAR(b.module[MACRO_CONTROL_DFF].energy_pj.ours,
               a.module[MACRO_CONTROL_DFF].energy_pj.ours, 1e-12);
    c = none;
    c.level_shifter_wiring = 1.44;
    b = macro(&t, &c);
    CHECK_NEAR(b.module[MACRO_LEVEL_SHIFTER].area_um2.ours,
               1.44 * a.module[MACRO_LEVEL_SHIFTER].area_um2.ours, 1e-12);
    CHECK_NEAR(b.module[MACRO_DIGITAL].area_um2.ours, a.module[MACRO_DIGITAL].area_um2.ours, 1e-12);
    c = none;
    c.sensing_delay = 1.4;
    b = macro(&t, &c);
    CHECK_NEAR(b.sensing_ns.ours, 1.4 * a.sensing_ns.ours, 1e-12);
    CHECK_NEAR(b.pre_layout_pj.ours, a.pre_layout_pj.ours, 1e-12);
}

static void sums_of_the_tables_are_sums_of_their_rows(void **state)
{
    (void)state;
    struct technology t = node(true);
    struct calibration c = seven();
    struct macro x = macro(&t, &c);
    double um2 = 0, pj = 0;

    for (int i = MACRO_SHIFT_DFF; i < MACRO_DIGITAL; i++) {
        um2 += x.module[i].area_um2.ours;
        pj += x.module[i].energy_pj.ours;
    }
    CHECK_NEAR(x.module[MACRO_DIGITAL].area_um2.ours, um2, 1e-12);
    CHECK_NEAR(x.module[MACRO_DIGITAL].energy_pj.ours, pj, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_module_is_as_near_to_the_chip_as_the_article_reports),
        cmocka_unit_test(chip_and_article_are_those_of_the_tables),
        cmocka_unit_test(energy_of_the_chip_is_within_one_percent),
        cmocka_unit_test(areas_of_standard_cells_are_predicted),
        cmocka_unit_test(each_factor_scales_its_own_figures_and_no_other),
        cmocka_unit_test(sums_of_the_tables_are_sums_of_their_rows),
    };
    return cmocka_run_group_tests_name("tech_macro", tests, NULL, NULL);
}
