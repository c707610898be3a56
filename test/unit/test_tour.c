/* test/unit/test_tour.c -- what docs/tour.md tells of pixel (1, 1) in the core of conv2 happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "test/plan_rig.h"

enum { NO_TIMESTEP = -1000 };

struct seen {
    const struct plan *plan;
    uint32_t           conv2, conv3; // cores
    int64_t            stored[2][32][32], fired[2][32][32], read_back[32][32], summed[32][32];
    uint64_t           words[32][32]; // that conv2 read for an output
};

static void note(int64_t *slot, int64_t t)
{
    assert_int_equal(*slot, NO_TIMESTEP);
    *slot = t;
}

static void watch(void *user, uint32_t core, const struct core_event *e)
{
    struct seen *s = user;
    int64_t t = (int64_t)e->timestep - (int64_t)s->plan->time.lead;

    if (e->kind == CORE_SENT || (core != s->conv2 && core != s->conv3) || e->pixel[0].image != 0)
        return;
    bool third = core == s->conv3;
    uint32_t x = e->pixel[0].row, y = e->pixel[0].column;
    assert_int_equal(e->n, 1);
    switch (e->kind) {
    case CORE_STORED:
        note(&s->stored[third][x][y], t);
        break;
    case CORE_FIRED:
        note(&s->fired[third][x][y], t);
        if (third)
            break;
        s->words[x][y] = e->words;
        break;
    case CORE_RESULT:
        if (third)
            note(&s->summed[x][y], t);
        break;
    case CORE_READ_BACK:
        note(&s->read_back[x][y], t);
        break;
    case CORE_SENT:
        break;
    }
}

static void forget(int64_t *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        t[i] = NO_TIMESTEP;
}

static void run_image(struct seen *s, const struct plan_rig *r)
{
    const struct core_probe probe = { .event = watch, .user = s };
    const struct chip_cfg cfg = { .plan = &r->plan, .probe = &probe };
    struct chip *chip = chip_new(&cfg);
    struct err_msg m;

    *s = (struct seen){ .plan = &r->plan, .conv2 = rig_core(r, "conv2"),
                        .conv3 = rig_core(r, "conv3") };
    forget(&s->stored[0][0][0], 2 * 32 * 32);
    forget(&s->fired[0][0][0], 2 * 32 * 32);
    forget(&s->read_back[0][0], 32 * 32);
    forget(&s->summed[0][0], 32 * 32);
    assert_non_null(chip);
    assert_true(chip_inject(chip, NULL));
    assert_int_equal(chip_run(chip, 1700, &m), ERR_NONE);
    chip_free(chip);
}

static void pixel_1_1_of_conv2_goes_the_way_of_the_tour(void **state)
{
    (void)state;
    static const char *const plain[] = { NULL };
    static struct seen s;
    struct plan_rig r;

    if (rig_make(&r, plain))
        fail_msg("%s", r.msg.text);
    run_image(&s, &r);
    assert_int_equal((34 + r.plan.time.lead) * r.plan.timestep_clk, 3400);

    /* it is stored, and used at once */
    assert_int_equal(s.stored[0][1][1], 34);
    assert_int_equal(s.fired[0][0][0], 34);
    assert_int_equal(s.stored[1][0][0], 35); // by conv3

    /* nine outputs */
    for (uint32_t x = 0; x <= 2; x++)
        for (uint32_t y = 0; y <= 2; y++)
            assert_int_equal(s.fired[0][x][y], 34 + 32 * y + x);
    static const uint64_t words[3][3] = { { 4, 6, 6 }, { 2, 3, 3 }, { 2, 3, 3 } };
    for (uint32_t x = 0; x <= 2; x++)
        for (uint32_t y = 0; y <= 2; y++)
            assert_int_equal(s.words[x][y], words[x][y]);
    assert_int_equal(s.stored[0][2][1], 35);
    assert_int_equal(s.stored[0][1][3], 98); // column 3 has come as far as row 1

    /* it is read back, and gone */
    assert_int_equal(s.read_back[1][1], 100);
    assert_int_equal(s.summed[1][1], 101);
    assert_int_equal(s.stored[0][1][4], 130);
    assert_int_equal(r.plan.time.core[s.conv2].used_clk[STAGE_MEMORY], 8);
    rig_release(&r);
}

static void it_lies_in_word_4_behind_columns_2_and_0(void **state)
{
    (void)state;
    static const char *const plain[] = { NULL };
    struct plan_rig r;

    if (rig_make(&r, plain))
        fail_msg("%s", r.msg.text);
    const struct memory_layout *l = &r.plan.time.core[rig_core(&r, "conv2")].layout;
    assert_string_equal(l->placing->name, "plip");
    assert_int_equal(l->shape.columns, 3);
    assert_int_equal(l->shape.word_values, 16);
    assert_int_equal(1 * l->delta_kernel + 1 % 3 * l->delta_pix, 64);
    assert_int_equal((1 * l->delta_kernel + 2 % 3 * l->delta_pix) / 16, 5);
    assert_int_equal((1 * l->delta_kernel + 3 % 3 * l->delta_pix) / 16, 3);
    assert_int_equal((1 * l->delta_kernel + 4 % 3 * l->delta_pix) / 16, 4); // (1, 4) overwrites it
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixel_1_1_of_conv2_goes_the_way_of_the_tour),
        cmocka_unit_test(it_lies_in_word_4_behind_columns_2_and_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
