/* test/unit/test_plan.c -- plans of ResNet-32 against the article and docs/accelerator.md, and of
 * other networks against closed forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/mapping.h"
#include "test/plan_rig.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* In the caller's place: the plan points into the rig. */
static void make(struct plan_rig *r, const char *const *set)
{
    if (rig_make(r, set))
        fail_msg("%s", r->msg.text);
}

#define ARRAYS(n) "core.crossbar.rows=" #n, "core.crossbar.columns=" #n
#define SPEED_UP                                                                                   \
    "mapping.replicas.32=4", "mapping.replicas.16=2", "fabric.link_gbps=5.12",                     \
        "fabric.partial_sum_gbps=40.96"

static const char *const plain[] = { NULL };

/* ---- the article ---- */

/* docs/accelerator.md, section 4; article 3.1.3 and 3.1.4. */
static void resnet32_takes_the_cores_and_timesteps_of_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *set[9];
        uint32_t    cores;
        uint64_t    last_conv, result, interval;
    } row[] = {
        { { "fabric.partial_sum_hops=0" }, 43, 1618, 1619, 1024 },
        { { "fabric.partial_sum_hops=1" }, 43, 1626, 1628, 1024 },
        { { ARRAYS(512), SPEED_UP, "mapping.firing=free" }, 34, 526, 527, 256 },
        { { ARRAYS(512), SPEED_UP, "mapping.firing=column" }, 34, 538, 539, 256 },
        { { ARRAYS(256), SPEED_UP, "mapping.firing=column" }, 62, 565, 567, 256 },
        { { ARRAYS(256), SPEED_UP, "mapping.firing=free" }, 62, 553, 555, 256 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct plan_rig r;
        make(&r, row[i].set);

        assert_int_equal(r.plan.n_core, row[i].cores);
        assert_int_equal(r.plan.time.last_conv, row[i].last_conv);
        assert_int_equal(r.plan.time.first_result, row[i].result);
        assert_int_equal(r.plan.interval, row[i].interval);
        rig_release(&r);
    }
}

/* Table 2 as corrected, and one array a layer but for the 504 rows of conv23 to conv31. */
static void resnet32_sits_on_arrays_as_table_2_has_it(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t    first, last; // of layers with a number
        uint32_t    rows, columns, cores;
    } row[] = {
        { "conv", 1, 1, 27, 16, 1 },    { "conv", 2, 11, 144, 16, 1 },  { "rs", 1, 1, 16, 28, 1 },
        { "conv", 12, 12, 144, 28, 1 }, { "conv", 13, 21, 252, 28, 1 }, { "rs", 2, 2, 28, 56, 1 },
        { "conv", 22, 22, 252, 56, 1 }, { "conv", 23, 31, 504, 56, 2 }, { "fc", 0, 0, 56, 10, 1 },
    };
    struct plan_rig r;
    make(&r, plain);

    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        for (uint32_t k = row[i].first; k <= row[i].last; k++) {
            char name[16];
            snprintf(name, sizeof name, k ? "%s%u" : "%s", row[i].name, k);
            const struct plan_layer *pl = &r.plan.layer[rig_plan_layer(&r, name)];
            assert_int_equal(pl->rows, row[i].rows);
            assert_int_equal(pl->columns, row[i].columns);
            assert_int_equal(pl->n_core, row[i].cores);
            assert_int_equal(pl->parts, row[i].cores);
            assert_int_equal(pl->splits, 1);
            assert_int_equal(pl->copies, 1);
            for (uint32_t c = pl->first_core; c < pl->first_core + pl->n_core; c++) {
                assert_int_equal(r.plan.core[c].rows, row[i].rows / row[i].cores);
                assert_int_equal(r.plan.core[c].columns, row[i].columns);
            }
            double u = (double)row[i].rows * row[i].columns / (row[i].cores * 65536.0); // eq. 4
            assert_true(pl->utilization > 0.999999 * u && pl->utilization < 1.000001 * u);
        }
    rig_release(&r);
}

/* Of four replicas 3 x 16 of the 288 x 64 devices of each column block hold a weight: 4 * 144. */
static void utilization_counts_the_devices_of_all_replicas_over_all_arrays(void **state)
{
    (void)state;
    static const char *const set[] = { ARRAYS(256), SPEED_UP, NULL };
    struct plan_rig r;
    make(&r, set);
    const struct plan_layer *pl = &r.plan.layer[rig_plan_layer(&r, "conv2")];

    assert_int_equal(pl->rows, 288);
    assert_int_equal(pl->columns, 64);
    assert_int_equal(pl->n_core, 2);
    assert_true(pl->utilization == 4 * 144.0 * 16 / (2 * 65536));
    rig_release(&r);
}

static void the_plain_run_keeps_three_columns_and_two_or_three_residual_pixels(void **state)
{
    (void)state;
    struct plan_rig r;
    make(&r, plain);

    for (uint32_t i = 0; i < r.plan.n_layer; i++) {
        const struct plan_layer *pl = &r.plan.layer[i];
        const char *name = plan_layer_name(&r.plan, i);
        uint32_t fifo = strcmp(name, "conv13") == 0                ? 2
                        : strcmp(name, "conv23") == 0              ? 3
                        : pl->residual == RESIDUAL_READ_BACK ? 1 // comes just when it is added
                                                                   : 0;
        assert_int_equal(r.plan.time.layer[i].memory_columns,
                         strncmp(name, "conv", 4) == 0 ? 3 : 1);
        assert_int_equal(r.plan.time.layer[i].residual_fifo, fifo);
    }
    rig_release(&r);
}

static void deep_splits_keep_up_to_five_columns(void **state)
{
    (void)state;
    static const char *const set[] = { "core.crossbar.rows=64", "chip.cores=400", NULL };
    struct plan_rig r;
    make(&r, set);
    uint32_t most = 0;

    for (uint32_t i = 0; i < r.plan.n_layer; i++)
        most = max_u32(most, r.plan.time.layer[i].memory_columns);
    assert_int_equal(most, 5);
    rig_release(&r);
}

/* ---- budgets, docs/accelerator.md, section 4 ---- */

static uint32_t pixel_words(const struct plan_core *core)
{
    return (uint32_t)ceil_div(core->in_n, core->memory.word_bits / 8);
}

/* Clocks of a PLIP memory in its worst timestep, the first output of a column: a padded 3 x 3 patch
 * shows two rows of three pixels; one pixel comes, and one is read back where others need it. */
static uint64_t worst_memory(const struct plan_rig *r, const struct plan_core *core)
{
    uint32_t pixels = plan_network_layer(&r->plan, core->plan_layer)->window.kernel[0] == 3 ? 6 : 1;

    pixels += 1;
    for (uint32_t i = 0; i < r->plan.n_read_back; i++)
        pixels += r->plan.read_back[i].reader == core->plan_layer;
    return (uint64_t)pixels * pixel_words(core);
}

static void the_plain_run_uses_50_45_44_and_at_most_16_of_50_clocks(void **state)
{
    (void)state;
    struct plan_rig r;
    make(&r, plain);
    uint64_t most[N_STAGE] = { 0 };

    assert_int_equal(r.plan.timestep_clk, 50);
    for (uint32_t i = 0; i < r.plan.n_core; i++) {
        const struct plan_core *core = &r.plan.core[i];
        const uint64_t *used_clk = r.plan.time.core[i].used_clk;
        if (core->in_n >= 16) // conv1's pixels share words
            assert_int_equal(used_clk[STAGE_MEMORY], worst_memory(&r, core));
        assert_int_equal(used_clk[STAGE_CROSSBAR], 50);
        bool last = core->part + 1 == r.plan.layer[core->plan_layer].parts;
        assert_int_equal(used_clk[STAGE_DIGITAL], last); // 56 outputs, 64 lanes
        for (unsigned k = 0; k < N_STAGE; k++)
            most[k] = max_u64(most[k], used_clk[k]);
    }
    assert_int_equal(most[STAGE_MEMORY], 16);
    assert_int_equal(most[STAGE_LINK], 45);        // 56 channels of 8 bit, 10 bit a clock
    assert_int_equal(most[STAGE_PARTIAL_SUM], 44); // of 32 bit, 40.96 bit a clock
    uint32_t core = rig_core(&r, "conv24.p0");
    assert_true(plan_stage_share(&r.plan, core, STAGE_CROSSBAR) == 1.0);
    assert_true(plan_stage_share(&r.plan, core, STAGE_PARTIAL_SUM) == 0.88);
    assert_true(plan_stage_share(&r.plan, rig_core(&r, "conv31.p1"), STAGE_LINK) == 0.9);
    rig_release(&r);
}

/* bit * clock / rate of every stream, by hand: 8 bit of 16, 28 or 56 channels at 5 Gb/s. */
static void links_take_the_bits_of_one_pixel(void **state)
{
    (void)state;
    struct plan_rig r;
    make(&r, plain);

    for (uint32_t i = 0; i < r.plan.n_stream; i++) {
        const struct plan_stream *s = &r.plan.stream[i];
        bool sums = s->kind == STREAM_PARTIAL_SUM;
        assert_int_equal(r.plan.time.stream[i].most_pixels, 1);
        assert_int_equal(s->value_bits, sums || s->kind == STREAM_RESULT ? 32 : 8);
        assert_int_equal(s->route.rate_bps, sums ? 20480000000 : 5000000000);
        assert_int_equal(r.plan.time.stream[i].used_clk,
                         sums ? 44 : ceil_div(s->n * s->value_bits, 10));
    }
    rig_release(&r);
}

static void the_slowest_stage_is_the_first_core_s_crossbar_or_whatever_takes_longer(void **state)
{
    (void)state;
    static const char *const quick[] = { "core.crossbar.mvm_ns=60", NULL };
    struct plan_rig r;
    make(&r, plain);
    enum stage stage;
    uint32_t core;

    plan_slowest_stage(&r.plan, &core, &stage);
    assert_int_equal(core, 0);
    assert_int_equal(stage, STAGE_CROSSBAR);
    rig_release(&r);
    make(&r, quick);
    plan_slowest_stage(&r.plan, &core, &stage); // 56 channels leave rs2 first
    assert_int_equal(core, rig_core(&r, "rs2"));
    assert_int_equal(stage, STAGE_LINK);
    rig_release(&r);
}

/* ceil(sum of shares) - 1 for each core on the way: 1 for conv1 to conv22 and fc, whose crossbar
 * alone fills a timestep; in the chains of conv23 to conv31 2 for the part that sends its sums (14
 * or more + 50 + 44 clocks) and 1 for the other; 1 more for conv31, which sends 56 channels on. */
static void a_pipeline_of_real_stages_would_add_51_timesteps(void **state)
{
    (void)state;
    struct plan_rig r;
    make(&r, plain);

    assert_int_equal(r.plan.time.pipeline_timesteps, 22 + 9 * (2 + 1) + 1 + 1);
    rig_release(&r);
}

/* ---- closed forms of time ---- */

/* docs/accelerator.md, section 4: a 3x3 layer of stride 1 ends H + 1 timesteps after its last pixel
 * has come, one of stride 2 as it comes. Arrays hold every layer whole. */
static void unsplit_networks_of_the_family_end_when_the_closed_form_says(void **state)
{
    (void)state;
    for (uint32_t blocks = 1; blocks <= 4; blocks++)
        for (uint32_t size = 8; size <= 40; size += 3)
            for (uint32_t hop = 1; hop <= 2; hop++) {
                char depth[32], side[32], hops[48];
                const char *const set[] = { depth, side, hops, ARRAYS(512), NULL };
                snprintf(depth, sizeof depth, "network.depth=%u", 2 + 6 * blocks);
                snprintf(side, sizeof side, "network.size=%u", size);
                snprintf(hops, sizeof hops, "fabric.hop_timesteps=%u", hop);
                struct plan_rig r;
                make(&r, set);
                uint32_t h[3] = { size, (size + 1) / 2, ((size + 1) / 2 + 1) / 2 };
                uint64_t t = (uint64_t)size * size + 2 * blocks * (h[0] + 1 + hop);
                for (int stage = 1; stage < 3; stage++)
                    t += hop + (2 * blocks - 1) * (h[stage] + 1 + hop);

                assert_int_equal(r.plan.time.last_conv, t);
                assert_int_equal(r.plan.time.first_result, t + hop);
                assert_int_equal(r.plan.interval, size * size);
                rig_release(&r);
            }
}

/* A layer that reads the image fires without a gap: an image takes its interval, and the sums of
 * its parts the way along their chain. */
static void a_single_layer_takes_its_firings_and_its_chain(void **state)
{
    (void)state;
    static const char *const firing[] = { "column", "free", "block" };
    for (uint32_t seed = 1; seed <= 300; seed++) {
        uint32_t rnd = seed, h = pick(&rnd, 1, 12), w = pick(&rnd, 1, 12), n = pick(&rnd, 1, 5);
        uint32_t channels = pick(&rnd, 1, 9), kernel = 1 + 2 * pick(&rnd, 0, 1);
        uint32_t hops = pick(&rnd, 0, 3), rows = pick(&rnd, 40, 120), policy = pick(&rnd, 0, 2);
        uint32_t block_width = policy == 2 ? pick(&rnd, 1, min_u32(2, w)) : 1;
        char text[5][64];
        const char *const set[] = { text[0], text[1], text[2], text[3], text[4],
                                    "chip.cores=100", "clocking.timestep_ns=10000", NULL };
        snprintf(text[0], sizeof text[0], "mapping.replicas.layer1=%u", n);
        snprintf(text[1], sizeof text[1], "fabric.partial_sum_hops=%u", hops);
        snprintf(text[2], sizeof text[2], "core.crossbar.rows=%u", rows);
        snprintf(text[3], sizeof text[3], "mapping.firing=%s", firing[policy]);
        snprintf(text[4], sizeof text[4], "mapping.block_width.layer1=%u", block_width);
        struct plan_rig r;
        rig_config(&r, set);
        rig_image(&r, h, w, channels);
        rig_conv(&r, 0, 8, kernel, 1)->pooled = true;
        if (rig_plan(&r))
            fail_msg("%s", r.msg.text);

        struct replicas block = replicas_make(&r.network.layer[1].window, n, block_width);
        uint64_t firings = policy == 0   ? w * ceil_div(h, n)
                           : policy == 1 ? ceil_div(h * w, n)
                                         : ceil_div(w, block.width) * ceil_div(h, block.height);
        uint64_t parts = ceil_div(channels, rows / block.positions);
        const struct plan_layer *pl = &r.plan.layer[0];

        assert_int_equal(r.plan.interval, firings);
        assert_int_equal(r.plan.time.layer[0].firings, firings);
        assert_int_equal(r.plan.time.layer[0].first_timestep, 0);
        assert_int_equal(r.plan.time.layer[0].last_timestep, firings - 1);
        assert_int_equal(pl->parts, parts);
        assert_int_equal(r.plan.time.first_result, firings + (parts - 1) * hops);
        rig_release(&r);
    }
}

/* Two layers on a map of H x W: the first takes H * W timesteps, its last pixel a hop (and its
 * chain), and the second H + 1 more. */
static void a_second_layer_ends_h_plus_1_after_the_first_one_s_last_pixel(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t rnd = seed, h = pick(&rnd, 2, 12), w = pick(&rnd, 2, 12);
        uint32_t hop = pick(&rnd, 1, 4), chain = pick(&rnd, 0, 3), channels = pick(&rnd, 1, 20);
        char text[2][64];
        const char *const set[] = { text[0], text[1], "core.crossbar.rows=64", NULL };
        snprintf(text[0], sizeof text[0], "fabric.hop_timesteps=%u", hop);
        snprintf(text[1], sizeof text[1], "fabric.partial_sum_hops=%u", chain);
        struct plan_rig r;
        rig_config(&r, set);
        rig_image(&r, h, w, channels);
        rig_conv(&r, 0, 5, 3, 1);
        rig_conv(&r, 1, 5, 3, 1)->pooled = true;
        if (rig_plan(&r))
            fail_msg("%s", r.msg.text);

        uint64_t parts = ceil_div(channels, 64 / 9);
        assert_int_equal(r.plan.time.first_result,
                         h * w + (parts - 1) * chain + hop + h + 1);
        assert_int_equal(r.plan.time.layer[1].first_timestep, h + 1 + (parts - 1) * chain + hop);
        rig_release(&r);
    }
}

/* Pixel i of the image is stored in the timestep in which output i - (H + 1), the first to see it,
 * fires: in scan order, one a timestep, the first H + 1 before timestep 0. */
static void the_scratchpad_stores_pixels_as_late_as_the_first_layer_allows(void **state)
{
    (void)state;
    struct plan_rig r;
    make(&r, plain);

    assert_int_equal(r.plan.n_image_feed, 1);
    for (int64_t i = 0; i < 1024; i++)
        assert_int_equal(r.plan.time.image_feed[0].stored[i], i - 33);
    assert_int_equal(r.plan.time.lead, 34); // sent a timestep before
    assert_int_equal(r.plan.time.transient_images, 1);
    rig_release(&r);
}

/* ---- cores ---- */

static void shares_of_channels_are_even_and_in_order(void **state)
{
    (void)state;
    static const char *const set[] = { "core.crossbar.rows=100", "core.crossbar.columns=24",
                                       "chip.cores=1000", NULL };
    struct plan_rig r;
    make(&r, set);

    for (uint32_t i = 0; i < r.plan.n_layer; i++) {
        const struct plan_layer *pl = &r.plan.layer[i];
        const struct layer *l = plan_network_layer(&r.plan, i);
        uint32_t in = 0, out = 0;
        for (uint32_t part = 0; part < pl->parts; part++) {
            const struct plan_core *c = &r.plan.core[plan_core_of(&r.plan, i, 0, 0, part)];
            assert_int_equal(c->in_first, in);
            assert_true(c->in_n == l->in.channels / pl->parts ||
                        c->in_n == l->in.channels / pl->parts + 1);
            assert_int_equal(c->part, part);
            in += c->in_n;
        }
        for (uint32_t group = 0; group < pl->splits; group++) {
            const struct plan_core *c = &r.plan.core[plan_core_of(&r.plan, i, 0, group, 0)];
            assert_int_equal(c->out_first, out);
            assert_true(c->rows <= 100 && c->columns <= 24);
            assert_int_equal(c->split, group);
            out += c->out_n;
        }
        assert_int_equal(in, l->in.channels);
        assert_int_equal(out, l->out.channels);
    }
    assert_int_equal(r.plan.layer[rig_plan_layer(&r, "conv23")].parts, 6);  // 11 channels of 9
    assert_int_equal(r.plan.layer[rig_plan_layer(&r, "conv23")].splits, 3); // 56 of 24
    rig_release(&r);
}

static void cores_are_called_after_layer_copy_group_and_part(void **state)
{
    (void)state;
    static const char *const set[] = { "core.crossbar.rows=144", "core.crossbar.columns=16",
                                       "chip.cores=1000", "mapping.copies.conv12=2", NULL };
    struct plan_rig r;
    make(&r, set);

    assert_int_equal(rig_core(&r, "conv1"), 0);
    const struct plan_core *c = &r.plan.core[rig_core(&r, "conv12.c1.g0")];
    assert_int_equal(c->copy, 1);
    c = &r.plan.core[rig_core(&r, "conv31.g2.p3")];
    assert_int_equal(c->split, 2);
    assert_int_equal(c->part, 3);
    for (uint32_t i = 0; i < r.plan.n_core; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(r.plan.core[i].name, r.plan.core[k].name);
    rig_release(&r);
}

/* Method 2 where a block width is given: 16 channels of 4 x 4 positions. */
static void a_block_width_turns_column_firing_into_blocks(void **state)
{
    (void)state;
    static const char *const set[] = { "mapping.replicas.32=4", "mapping.block_width.32=2",
                                       "fabric.link_gbps=5.12", NULL };
    struct plan_rig r;
    make(&r, set);
    const struct plan_layer *pl = &r.plan.layer[rig_plan_layer(&r, "conv2")];

    assert_ptr_equal(pl->firing, &fire_block);
    assert_int_equal(pl->rows, 256);
    assert_int_equal(pl->replicas.width, 2);
    assert_int_equal(pl->replicas.height, 2);
    assert_int_equal(r.plan.time.layer[rig_plan_layer(&r, "conv1")].firings, 256);
    assert_ptr_equal(r.plan.layer[rig_plan_layer(&r, "conv13")].firing, &fire_column);
    rig_release(&r);
}

static void stages_and_streams_have_names(void **state)
{
    (void)state;
    assert_string_equal(stage_name(STAGE_MEMORY), "memory");
    assert_string_equal(stage_name(STAGE_CROSSBAR), "crossbar");
    assert_string_equal(stage_name(STAGE_DIGITAL), "digital");
    assert_string_equal(stage_name(STAGE_LINK), "link");
    assert_string_equal(stage_name(STAGE_PARTIAL_SUM), "partial_sum");
    assert_string_equal(stream_kind_name(STREAM_IMAGE), "image");
    assert_string_equal(stream_kind_name(STREAM_FORWARD), "forward");
    assert_string_equal(stream_kind_name(STREAM_PARTIAL_SUM), "partial_sum");
    assert_string_equal(stream_kind_name(STREAM_RESIDUAL), "residual");
    assert_string_equal(stream_kind_name(STREAM_TO_RESAMPLING), "to_resampling");
    assert_string_equal(stream_kind_name(STREAM_FROM_RESAMPLING), "from_resampling");
    assert_string_equal(stream_kind_name(STREAM_RESULT), "result");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet32_takes_the_cores_and_timesteps_of_the_table),
        cmocka_unit_test(resnet32_sits_on_arrays_as_table_2_has_it),
        cmocka_unit_test(utilization_counts_the_devices_of_all_replicas_over_all_arrays),
        cmocka_unit_test(the_plain_run_keeps_three_columns_and_two_or_three_residual_pixels),
        cmocka_unit_test(deep_splits_keep_up_to_five_columns),
        cmocka_unit_test(the_plain_run_uses_50_45_44_and_at_most_16_of_50_clocks),
        cmocka_unit_test(links_take_the_bits_of_one_pixel),
        cmocka_unit_test(the_slowest_stage_is_the_first_core_s_crossbar_or_whatever_takes_longer),
        cmocka_unit_test(a_pipeline_of_real_stages_would_add_51_timesteps),
        cmocka_unit_test(unsplit_networks_of_the_family_end_when_the_closed_form_says),
        cmocka_unit_test(a_single_layer_takes_its_firings_and_its_chain),
        cmocka_unit_test(a_second_layer_ends_h_plus_1_after_the_first_one_s_last_pixel),
        cmocka_unit_test(the_scratchpad_stores_pixels_as_late_as_the_first_layer_allows),
        cmocka_unit_test(shares_of_channels_are_even_and_in_order),
        cmocka_unit_test(cores_are_called_after_layer_copy_group_and_part),
        cmocka_unit_test(a_block_width_turns_column_firing_into_blocks),
        cmocka_unit_test(stages_and_streams_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
