#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/naive_machine.h"

static struct naive_case resnet32(void)
{
    return (struct naive_case){ .depth = 32, .size = 32, .channels = { 16, 28, 56 },
                                .classes = 10, .rows = 256, .columns = 256,
                                .replicas = { 1, 1, 1 }, .block_width = { 1, 1, 1 },
                                .copies = { 1, 1, 1 }, .hop = 1, .partial_sum_hop = 1,
                                .n_image = 1 };
}

static struct naive_result run(struct naive_case c)
{
    struct naive_result r;

    assert_true(naive_run(&c, &r));
    return r;
}

static const struct naive_layer *find(const struct naive_result *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_layer; i++)
        if (strcmp(r->layer[i].name, name) == 0)
            return &r->layer[i];
    fail_msg("no layer %s", name);
    return NULL;
}

/* 1,628 and 526: Dazzi et al. 2021, sections 3.1.3 and 3.1.4; 43 cores: section 3.1.1. The others
 * follow from the same rules by another program. */
static void cases_of_the_article_take_their_timesteps_and_cores(void **state)
{
    static const struct {
        uint32_t          array, partial_sum_hop, replicas[2];
        enum naive_firing firing;
        int64_t           last_conv, fc_result, interval;
        uint32_t          cores;
    } test[] = {
        { 256, 0, { 1, 1 }, NAIVE_COLUMN, 1618, 1619, 1024, 43 },
        { 256, 1, { 1, 1 }, NAIVE_COLUMN, 1626, 1628, 1024, 43 },
        { 512, 1, { 4, 2 }, NAIVE_FREE,    526,  527,  256, 34 },
        { 512, 1, { 4, 2 }, NAIVE_COLUMN,  538,  539,  256, 34 },
        { 256, 1, { 4, 2 }, NAIVE_COLUMN,  565,  567,  256, 62 },
        { 256, 1, { 4, 2 }, NAIVE_FREE,    553,  555,  256, 62 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof test / sizeof test[0]; i++) {
        struct naive_case c = resnet32();

        c.rows = c.columns = test[i].array;
        c.partial_sum_hop = test[i].partial_sum_hop;
        memcpy(c.replicas, test[i].replicas, sizeof test[i].replicas);
        c.firing = test[i].firing;
        struct naive_result r = run(c);
        assert_int_equal(r.last_conv, test[i].last_conv);
        assert_int_equal(r.fc_result, test[i].fc_result);
        assert_int_equal(r.interval, test[i].interval);
        assert_int_equal(r.n_core, test[i].cores);
    }
}

static void resnet32_is_cut_as_table_2_says(void **state)
{
    struct naive_result r = run(resnet32());
    const struct naive_layer *conv23 = find(&r, "conv23"), *conv22 = find(&r, "conv22");

    (void)state;
    assert_int_equal(r.n_layer, 34);
    assert_string_equal(r.layer[11].name, "rs1");
    assert_string_equal(r.layer[12].name, "conv12");
    assert_int_equal(conv22->rows, 252);
    assert_int_equal(conv22->parts, 1);
    assert_int_equal(conv23->rows, 504);
    assert_int_equal(conv23->columns, 56);
    assert_int_equal(conv23->parts, 2);
    assert_int_equal(find(&r, "rs2")->rows, 28);
    assert_int_equal(find(&r, "fc")->columns, 10);
}

/* Article section 2.2.3: 1,056 rows for 20 replicas, 672 in blocks 5 wide; Fig. 5: 5 x 4 positions
 * for 3 x 2 outputs. */
static void replicas_share_rows(void **state)
{
    static const uint32_t test[][3] = { { 20, 1, 1056 }, { 20, 5, 672 }, { 6, 2, 5 * 4 * 16 },
                                        { 3, 1, 5 * 3 * 16 } }; // n, dW, rows

    (void)state;
    for (size_t i = 0; i < sizeof test / sizeof test[0]; i++) {
        struct naive_case c = resnet32();

        c.depth = 8;
        c.rows = c.columns = 2048;
        c.replicas[0] = test[i][0];
        c.block_width[0] = test[i][1];
        struct naive_result r = run(c);
        assert_int_equal(find(&r, "conv2")->rows, test[i][2]);
    }
}

/* Pixel (1, 1) completes the first patch: size + 1 firings and a hop after the layer before. */
static void layers_of_the_first_stage_follow_each_other_after_a_column_and_a_pixel(void **state)
{
    (void)state;
    for (uint32_t size = 4; size <= 20; size += 4)
        for (uint32_t hop = 1; hop <= 3; hop++) {
            struct naive_case c = resnet32();

            c.depth = 14;
            c.size = size;
            c.hop = hop;
            struct naive_result r = run(c);
            for (uint32_t i = 0; i < 5; i++) {
                assert_int_equal(r.layer[i].first[0], i * (size + 1 + hop));
                assert_int_equal(r.layer[i].last[0], r.layer[i].first[0] + size * size - 1);
                assert_int_equal(r.layer[i].firings[0], size * size);
            }
        }
}

static void images_follow_each_other_one_interval_apart(void **state)
{
    struct naive_case c = resnet32();

    (void)state;
    c.depth = 14;
    c.n_image = 4;
    struct naive_result r = run(c);
    for (uint32_t i = 0; i < r.n_layer; i++)
        for (uint32_t image = 1; image < c.n_image; image++) {
            assert_int_equal(r.layer[i].first[image], r.layer[i].first[0] + image * r.interval);
            assert_int_equal(r.layer[i].last[image], r.layer[i].last[0] + image * r.interval);
        }
}

/* 16 strips of 16 blocks; 11 strips of 16 blocks; 32 columns of 16 firings in the second stage. */
static void the_slowest_layer_sets_the_interval_at_which_images_begin(void **state)
{
    static const struct {
        uint32_t          replicas[2], block_width, copies;
        enum naive_firing firing;
        int64_t           interval;
    } test[] = {
        { { 4, 4 }, 2, 1, NAIVE_BLOCK, 16 * 16 }, { { 7, 7 }, 3, 1, NAIVE_BLOCK, 11 * 16 },
        { { 7, 7 }, 3, 2, NAIVE_BLOCK, 6 * 16 },  { { 16, 1 }, 1, 1, NAIVE_COLUMN, 16 * 16 },
        { { 5, 5 }, 1, 1, NAIVE_COLUMN, 32 * 7 }, { { 5, 5 }, 1, 3, NAIVE_FREE, 71 }, // 11 * 32 / 5
    };

    (void)state;
    for (size_t i = 0; i < sizeof test / sizeof test[0]; i++) {
        struct naive_case c = resnet32();

        c.depth = 8;
        c.rows = c.columns = 1024;
        c.n_image = 3;
        c.firing = test[i].firing;
        c.replicas[2] = 4;
        memcpy(c.replicas, test[i].replicas, sizeof test[i].replicas);
        c.block_width[0] = c.block_width[1] = test[i].block_width;
        c.copies[0] = c.copies[1] = test[i].copies;
        struct naive_result r = run(c);
        assert_int_equal(r.interval, test[i].interval);
        for (uint32_t image = 0; image < c.n_image; image++)
            assert_int_equal(r.layer[0].first[image], image * test[i].interval);
    }
}

/* Three columns and a FIFO of 2 to 3 pixels; up to 5 columns on 64-row arrays. */
static void plain_memories_keep_three_columns_and_deep_splits_five(void **state)
{
    struct naive_case c = resnet32();
    uint32_t most = 0;

    (void)state;
    c.n_image = 3;
    struct naive_result r = run(c);
    for (uint32_t i = 0; i < r.n_layer; i++)
        assert_int_equal(r.layer[i].memory_columns, r.layer[i].name[0] == 'c' ? 3 : 1);
    assert_in_range(find(&r, "rs1")->fifo, 2, 3);
    assert_in_range(find(&r, "rs2")->fifo, 2, 3);

    c.rows = c.columns = 64;
    r = run(c);
    for (uint32_t i = 0; i < r.n_layer; i++)
        most = r.layer[i].memory_columns > most ? r.layer[i].memory_columns : most;
    assert_int_equal(most, 5);
}

/* For the patches alone: no residual is read from conv12. With free firing the fourth column is
 * only read by firings that read again what they already have. */
static void a_slow_layer_behind_a_fast_one_needs_a_fourth_column(void **state)
{
    struct naive_case c = resnet32();

    (void)state;
    c.rows = c.columns = 1024;
    c.replicas[0] = 4;
    struct naive_result r = run(c);
    assert_int_equal(find(&r, "conv12")->memory_columns, 4);
    c.firing = NAIVE_FREE;
    c.whole_patches = true;
    r = run(c);
    assert_int_equal(find(&r, "conv12")->memory_columns, 4);
    c.whole_patches = false;
    r = run(c);
    assert_int_equal(find(&r, "conv12")->memory_columns, 3);
}

static void equal_blocks_at_stride_1_need_two_more_columns_for_each_of_their_width(void **state)
{
    (void)state;
    for (uint32_t w = 1; w <= 4; w++) {
        struct naive_case c = resnet32();

        c.depth = 8;
        c.firing = NAIVE_BLOCK;
        c.n_image = 3;
        c.rows = c.columns = 1024;
        c.replicas[0] = w * w;
        c.block_width[0] = w;
        struct naive_result r = run(c);
        assert_int_equal(find(&r, "conv3")->memory_columns, 3 + 2 * (w - 1));
    }
}

/* Two copies that each take every other column halve the interval and double the cores. */
static void copies_share_the_columns(void **state)
{
    struct naive_case c = resnet32();
    struct naive_result one = run(c);

    (void)state;
    c.copies[0] = c.copies[1] = c.copies[2] = 2;
    struct naive_result two = run(c);
    assert_int_equal(two.interval, one.interval / 2);
    assert_int_equal(two.n_core, 2 * one.n_core - 2 - 1); // conv31, pooled, and fc stay alone
    assert_int_equal(find(&two, "conv1")->last[0], 511);
    assert_int_equal(find(&two, "conv1")->firings[0], 1024);
}

/* One kernel position of one channel is the least a row split can leave, 9 rows; 10 columns of the
 * FC layer are cut one by one. */
static void what_cannot_be_cut_to_fit_is_refused(void **state)
{
    struct naive_case c = resnet32();
    struct naive_result *r = malloc(sizeof *r);

    (void)state;
    assert_non_null(r);
    c.depth = 8;
    c.size = 8;
    c.rows = 9;
    c.columns = 1;
    assert_true(naive_run(&c, r));
    c.rows = 8;
    assert_false(naive_run(&c, r));
    c.rows = 15;
    c.columns = 3;
    c.replicas[0] = 3;
    assert_true(naive_run(&c, r));
    c.columns = 2;
    assert_false(naive_run(&c, r));
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_of_the_article_take_their_timesteps_and_cores),
        cmocka_unit_test(resnet32_is_cut_as_table_2_says),
        cmocka_unit_test(replicas_share_rows),
        cmocka_unit_test(layers_of_the_first_stage_follow_each_other_after_a_column_and_a_pixel),
        cmocka_unit_test(images_follow_each_other_one_interval_apart),
        cmocka_unit_test(the_slowest_layer_sets_the_interval_at_which_images_begin),
        cmocka_unit_test(plain_memories_keep_three_columns_and_deep_splits_five),
        cmocka_unit_test(a_slow_layer_behind_a_fast_one_needs_a_fourth_column),
        cmocka_unit_test(equal_blocks_at_stride_1_need_two_more_columns_for_each_of_their_width),
        cmocka_unit_test(copies_share_the_columns),
        cmocka_unit_test(what_cannot_be_cut_to_fit_is_refused),
    };

    return cmocka_run_group_tests_name("naive_machine", tests, NULL, NULL);
}
