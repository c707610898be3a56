/* Sub-arrays of every node, temperature, device, converter and size: finite, positive, the sum of
 * their blocks, and larger where they have more. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arch/circuits/sub_array.h"
#include "test/tech_rig.h"

static const double nodes_nm[] = { 130, 90, 65, 45, 32, 22, 14, 10, 7, 5, 3, 2, 1 };
enum { N_NODE = sizeof nodes_nm / sizeof *nodes_nm, N_BULK = 6 };
static const char *const devices[] = { "fefet_4bit", "pcm", "pcm_4bit", "rram_2bit", "rram_4bit",
                                       "sram" };
enum { N_DEVICE = sizeof devices / sizeof *devices };

static struct sub_array_cfg square(unsigned n, enum adc_kind converter, const struct device *d)
{
    return (struct sub_array_cfg){ .rows = n, .columns = n, .rows_at_once = n, .columns_per_adc = 8,
                                   .levels = 32, .converter = converter, .weight_bits = 8,
                                   .cells_per_weight = d->sram ? 8 : 4, .input_bits = 8,
                                   .active = 0.5, .on_share = 0.5 };
}

static struct device load(const char *name)
{
    struct device d;
    struct err_msg m;
    char path[96];

    snprintf(path, sizeof path, "configs/devices/%s.yaml", name);
    if (device_load(&d, path, &m))
        fail_msg("%s", m.text);
    return d;
}

static struct sub_array make(const struct technology *t, const struct device *d,
                             enum adc_kind converter, unsigned n)
{
    struct calibration cal = calibration_none();
    struct sub_array_cfg cfg = square(n, converter, d);
    struct sub_array s;
    struct err_msg m;

    /* D22: what cannot be built is refused, and only for its access transistor; gates multiply bits
     * of SRAM alone */
    if (sub_array(t, d, &cfg, &cal, &s, &m)) {
        bool tree = converter == CONVERTER_TREE && !d->sram;
        assert_non_null(strstr(m.text, tree ? "an adder tree adds bits of SRAM"
                                            : "needs an access transistor"));
        return (struct sub_array){ 0 };
    }
    return s;
}

static bool sane(double x)
{
    return isfinite(x) && x > 0;
}

static void check(const struct sub_array *s, const char *technology, const char *device, unsigned n)
{
    double um2 = 0, pj = 0, uw = 0;

    for (unsigned i = 0; i < N_SUB_ARRAY_BLOCK; i++) {
        const struct circuit *b = &s->block[i];

        if (!(b->area_um2 >= 0 && b->energy_pj >= 0 && b->leakage_uw >= 0 && b->delay_ns >= 0))
            fail_msg("%s, %s, %u: %s is negative", technology, device, n,
                     sub_array_block_name((enum sub_array_block)i));
        um2 += b->area_um2;
        pj += b->energy_pj;
        uw += b->leakage_uw;
    }
    if (!sane(s->used_um2) || !sane(s->clock_ns) || !sane(s->energy_pj) || !sane(s->leakage_uw) ||
        !sane(s->column_kohm) || !(s->box_um2 >= s->used_um2))
        fail_msg("%s, %s, %u: a total is not finite and positive", technology, device, n);
    CHECK_NEAR(s->used_um2, um2, 1e-12);
    CHECK_NEAR(s->energy_pj, pj, 1e-12);
    CHECK_NEAR(s->leakage_uw, uw, 1e-12);
}

/* Converters that were found to grow, of devices that can be built. */
static unsigned grow(const char *technology)
{
    struct technology t = tech_load(technology);
    unsigned grown = 0;

    for (unsigned k = 0; k < N_DEVICE; k++) {
        struct device d = load(devices[k]);

        for (enum adc_kind c = CONVERTER_CSA; c <= CONVERTER_TREE; c++) {
            struct sub_array last = { 0 };

            for (unsigned n = 16; n <= 4096; n *= 2) {
                struct sub_array s = make(&t, &d, c, n);

                if (s.clocks == 0)
                    break;
                check(&s, technology, d.name, n);
                if (s.used_um2 <= last.used_um2 || s.energy_pj <= last.energy_pj ||
                    s.leakage_uw <= last.leakage_uw)
                    fail_msg("%s, %s, converter %d: %u costs less than half of it", technology,
                             d.name, (int)c, n);
                last = s;
            }
            grown += last.clocks > 0;
        }
    }
    return grown;
}

static void sub_arrays_of_every_node_are_sane_and_grow_with_size(void **state)
{
    (void)state;
    unsigned grown = 0;
    char name[32];

    for (unsigned i = 0; i < N_NODE; i++) {
        snprintf(name, sizeof name, "%gnm_lp", nodes_nm[i]);
        grown += grow(name);
        snprintf(name, sizeof name, "%gnm_hp", nodes_nm[i]);
        if (i < N_BULK)
            grown += grow(name);
    }
    print_message("%u of %u grow, the others are refused\n", grown,
                  (N_NODE + N_BULK) * (4 * N_DEVICE + 1));
    assert_int_equal(grown, 459); // D22: 330 and 110 of four converters, and 19 trees
}

static void hotter_sub_arrays_leak_more_and_are_sane(void **state)
{
    (void)state;
    char name[32];

    for (unsigned i = 0; i < 2 * N_BULK; i++) {
        double last_uw[N_DEVICE][CONVERTER_TREE + 1] = { { 0 } };

        for (unsigned kelvin = 300; kelvin <= 400; kelvin += 20) {
            snprintf(name, sizeof name, "%gnm_%s_%uk", nodes_nm[i / 2], i % 2 ? "hp" : "lp",
                     kelvin);
            struct technology t = tech_load(name);

            for (unsigned k = 0; k < N_DEVICE; k++) {
                struct device d = load(devices[k]);

                for (enum adc_kind c = CONVERTER_CSA; c <= CONVERTER_TREE; c++) {
                    struct sub_array s = make(&t, &d, c, 128);

                    if (s.clocks == 0)
                        continue;
                    check(&s, name, d.name, 128);
                    assert_true(s.leakage_uw > last_uw[k][c]);
                    last_uw[k][c] = s.leakage_uw;
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sub_arrays_of_every_node_are_sane_and_grow_with_size),
        cmocka_unit_test(hotter_sub_arrays_leak_more_and_are_sane),
    };
    return cmocka_run_group_tests_name("tech_sweep", tests, NULL, NULL);
}
