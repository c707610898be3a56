/* test/unit/test_plan_refusals.c -- every reason for which there is no plan: the line that says so,
 * and its cure, which works and is the least that does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/plan_rig.h"

enum { MOST_SETS = 16 };

/* Studies of ResNet-32. */
struct refusal {
    const char *set[MOST_SETS];
    const char *text;    // the whole line
    const char *cure[3]; // each alone makes a plan; the text names their values
    const char *less[3]; // a step less than each cure is refused; NULL: the set itself
};

/* A plan of set[], over which `more` (or NULL) is set, and then refused in its text. */
static enum err plan_with(const char *const *set, const char *more, char *text, size_t size)
{
    const char *all[MOST_SETS + 1] = { NULL };
    struct plan_rig r;
    size_t n = 0;

    for (; set[n]; n++)
        all[n] = set[n];
    all[n] = more;
    enum err e = rig_make(&r, all);
    snprintf(text, size, "%s", e ? r.msg.text : "");
    rig_release(&r);
    return e;
}

/* The line without the place that it begins with: "--set KEY: " or "default: ". */
static const char *after_place(const char *text)
{
    assert_true(strncmp(text, "--set ", 6) == 0 || strncmp(text, "default: ", 9) == 0);
    return strstr(text, ": ") + 2;
}

static void check_refusal(const struct refusal *c)
{
    char text[sizeof((struct err_msg *)0)->text];

    assert_int_equal(plan_with(c->set, NULL, text, sizeof text), ERR_INPUT);
    assert_string_equal(after_place(text), c->text);
    for (size_t i = 0; i < 3 && c->cure[i]; i++) {
        assert_non_null(strstr(strstr(c->text, ": want "), strchr(c->cure[i], '=') + 1));
        if (plan_with(c->set, c->cure[i], text, sizeof text))
            fail_msg("%s does not cure: %s", c->cure[i], text);
        if (!plan_with(c->set, c->less[i], text, sizeof text))
            fail_msg("%s would do, too", c->less[i]);
    }
}

static void check_refusals(const struct refusal *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_refusal(&c[i]);
}
#define CHECK_REFUSALS(c) check_refusals(c, sizeof c / sizeof *c)

/* ---- what does not fit the chip ---- */

static void too_few_cores_are_refused_with_the_number_that_is_needed(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "chip.cores=42" },
          "chip.cores = 42: network resnet-cifar-32 needs 43 cores with arrays of 256 x 256: want "
          "chip.cores = 43 or larger arrays",
          { "chip.cores=43" },
          { "chip.cores=42" } },
        /* halves of columns for rs2 and conv22, of both for conv23 to conv31 */
        { { "core.crossbar.rows=252", "core.crossbar.columns=28", "chip.cores=1" },
          "chip.cores = 1: network resnet-cifar-32 needs 63 cores with arrays of 252 x 28, its "
          "weights at least 52 such chips: want chip.cores = 63 or larger arrays",
          { "chip.cores=63" },
          { "chip.cores=62" } },
    };
    CHECK_REFUSALS(c);
}

/* conv2 keeps 3 columns of 32 pixels, a word each; conv14 3 of 16, two words each. */
static void memories_that_are_too_small_are_refused_with_the_words_that_are_needed(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "core.input_memory.words=95" },
          "core conv2: memory: 3 columns of 32 pixels of 16 bytes placed plip take 96 words of 128 "
          "bits, the most of all cores, core.input_memory.words = 95: want 96",
          { "core.input_memory.words=96" },
          { "core.input_memory.words=95" } },
        { { "core.input_memory.word_bits=64", "core.input_memory.words=191" },
          "core conv2: memory: 3 columns of 32 pixels of 16 bytes placed plip take 192 words of 64 "
          "bits, the most of all cores, core.input_memory.words = 191: want 192",
          { "core.input_memory.words=192" },
          { "core.input_memory.words=191" } },
    };
    CHECK_REFUSALS(c);
}

/* Maps of 320 x 320 in depth 8: conv2 keeps at least 3 columns of 320 pixels, a word each. The line
 * of 4,096 x 4,096 comes before anything is timed: such a dry run takes a minute. */
static void large_memories_are_refused_before_anything_is_timed(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "network.depth=8", "network.size=320", "core.input_memory.words=959" },
          "core conv2: memory: 3 columns of 320 pixels of 16 bytes placed plip take 960 words of "
          "128 bits, the most of all cores, core.input_memory.words = 959: want at least 960",
          { "core.input_memory.words=960" },
          { "core.input_memory.words=959" } },
        { { "network.size=4096" },
          "core conv2: memory: 3 columns of 4096 pixels of 16 bytes placed plip take 12288 words "
          "of 128 bits, the most of all cores, core.input_memory.words = 512: want at least 12288",
          { NULL },
          { NULL } },
    };
    CHECK_REFUSALS(c);
}

/* The family's largest member has b = 10,922 blocks a stage: 1 + 2b + 2b + 1 convolutions of one
 * core, 2b - 1 of two, and rs1, rs2 and fc make 8b + 3. */
static void more_cores_than_any_chip_has_are_refused_without_a_number_for_the_key(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "network.depth=65534" },
          "chip.cores = 64: network resnet-cifar-65534 needs 87379 cores with arrays of 256 x 256, "
          "its weights at least 196 such chips: want larger arrays or fewer layers",
          { NULL },
          { NULL } },
    };
    CHECK_REFUSALS(c);
}

/* 27 rows of conv1 on eight: four parts of seven or six, none of them a whole channel. */
static void a_channel_that_an_array_cannot_hold_is_cut_by_positions(void **state)
{
    (void)state;
    static const char *const set[] = { "core.crossbar.rows=8", "chip.cores=2000",
                                       "core.input_memory.words=4096",
                                       "clocking.timestep_ns=1000", NULL };
    struct plan_rig r;

    if (rig_make(&r, set))
        fail_msg("%s", r.msg.text);
    assert_int_equal(r.plan.layer[0].parts, 4);
    assert_int_equal(r.plan.core[0].rows, 7);
    assert_int_equal(r.plan.core[3].rows, 6);
    rig_release(&r);
}

/* ---- mappings that mean nothing ---- */

/* Rows for one channel by Method 1: 3 * (n + 2); in blocks of 2 columns, 4 * (n / 2 + 2). */
static void replicas_that_cannot_fit_are_refused_with_how_many_and_which_array_would(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "mapping.replicas.conv2=17", "core.crossbar.columns=16", "core.crossbar.rows=8192",
            "chip.cores=2000", "clocking.timestep_ns=1000" },
          "mapping.replicas of conv2 = 17: they need 57 rows for one input channel and 17 columns "
          "for one output channel, the array has 8192 and 16: want at most 16 replicas or "
          "core.crossbar.columns = 17",
          { "mapping.replicas.conv2=16", "core.crossbar.columns=17" },
          { "mapping.replicas.conv2=17", "core.crossbar.columns=16" } },
        { { "mapping.replicas.conv2=4", "core.crossbar.rows=17", "chip.cores=2000",
            "core.input_memory.words=4096", "fabric.link_gbps=100", "fabric.partial_sum_gbps=100" },
          "mapping.replicas of conv2 = 4: they need 18 rows for one input channel and 4 columns "
          "for one output channel, the array has 17 and 256: want at most 3 replicas or "
          "core.crossbar.rows = 18",
          { "mapping.replicas.conv2=3", "core.crossbar.rows=18" },
          { "mapping.replicas.conv2=4", "core.crossbar.rows=17" } },
        { { "mapping.replicas.conv2=300", "clocking.timestep_ns=100000", "chip.cores=2000" },
          "mapping.replicas of conv2 = 300: they need 906 rows for one input channel and 300 "
          "columns for one output channel, the array has 256 and 256: want at most 83 replicas or "
          "core.crossbar.rows = 906 and core.crossbar.columns = 300",
          { "mapping.replicas.conv2=83" },
          { "mapping.replicas.conv2=84" } },
        { { "mapping.replicas.conv2=9", "mapping.block_width.conv2=2", "core.crossbar.rows=20",
            "chip.cores=2000", "core.input_memory.words=4096", "clocking.timestep_ns=100000" },
          "mapping.replicas of conv2 = 9: they need 27 rows for one input channel and 9 columns "
          "for one output channel, the array has 20 and 256: want at most 6 replicas or "
          "core.crossbar.rows = 27",
          { "mapping.replicas.conv2=6", "core.crossbar.rows=27" },
          { "mapping.replicas.conv2=7", "core.crossbar.rows=26" } },
        { { "mapping.replicas.conv2=8192", "clocking.timestep_ns=100000", "chip.cores=2000" },
          "mapping.replicas of conv2 = 8192: they need 24582 rows for one input channel and 8192 "
          "columns for one output channel, the array has 256 and 256: want at most 83 replicas",
          { "mapping.replicas.conv2=83" }, // no array has so many
          { "mapping.replicas.conv2=84" } },
        { { "mapping.replicas.conv1=2", "core.crossbar.rows=8", "chip.cores=2000",
            "core.input_memory.words=4096", "clocking.timestep_ns=100000" },
          "mapping.replicas of conv1 = 2: they need 12 rows for one input channel and 2 columns "
          "for one output channel, the array has 8 and 256: want at most 1 replica or "
          "core.crossbar.rows = 12",
          { "mapping.replicas.conv1=1", "core.crossbar.rows=12" },
          { "mapping.replicas.conv1=2", "core.crossbar.rows=11" } },
    };
    CHECK_REFUSALS(c);
}

static void more_copies_than_columns_or_strips_are_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "mapping.copies.conv22=9" },
          "mapping.copies of conv22 = 9: there are 8 output columns or strips to share: want 1 to "
          "8",
          { "mapping.copies.conv22=8" },
          { "mapping.copies.conv22=9" } },
        { { "mapping.copies.conv22=4", "mapping.replicas.conv22=3", "mapping.block_width.conv22=3",
            "core.crossbar.rows=1024", "fabric.link_gbps=100" }, // 8 columns: strips of 3, 3 and 2
          "mapping.copies of conv22 = 4: there are 3 output columns or strips to share: want 1 to "
          "3",
          { "mapping.copies.conv22=3" },
          { "mapping.copies.conv22=4" } },
    };
    CHECK_REFUSALS(c);
}

static void copies_of_a_pooled_layer_are_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "mapping.copies.8=2" },
          "mapping.copies of conv31 = 2: one core sums up what is pooled: want "
          "mapping.copies.conv31 = 1",
          { "mapping.copies.conv31=1" },
          { "mapping.copies.conv31=2" } },
    };
    CHECK_REFUSALS(c);
}

static void blocks_wider_than_the_map_are_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "mapping.block_width.conv2=33" },
          "mapping.block_width of conv2 = 33: its output is 32 columns wide: want 1 to 32",
          { "mapping.block_width.conv2=32" },
          { "mapping.block_width.conv2=33" } },
    };
    CHECK_REFUSALS(c);
}

static void keys_that_name_no_layer_are_refused_where_they_stand(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "mapping.replicas.conv99=2" },
          "mapping.replicas.conv99: no such layer in "
          "resnet-cifar-32: want an output height, or the name of a layer as `imcsim map` prints "
          "them",
          { NULL }, { NULL } },
        { { "mapping.copies.layer1=2" },
          "mapping.copies.layer1: no such layer in resnet-cifar-32: "
          "want an output height, or the name of a layer as `imcsim map` prints them",
          { NULL }, { NULL } },
        { { "mapping.block_width.Conv2=2" },
          "mapping.block_width.Conv2: no such layer in "
          "resnet-cifar-32: want an output height, or the name of a layer as `imcsim map` prints "
          "them",
          { NULL }, { NULL } },
    };
    CHECK_REFUSALS(c);
}

static void names_that_no_table_has_are_refused_with_those_that_exist(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "mapping.firing=rows" }, "mapping.firing = rows: want one of column, free, block",
          { NULL }, { NULL } },
        { { "fabric.kind=torus" },
          "fabric.kind = torus: want one of point_to_point, adjacent, mesh, tree, bus",
          { NULL }, { NULL } },
        { { "core.input_memory.placing=alip" },
          "core.input_memory.placing = alip: want one of auto, iwap, klip, plip", { NULL },
          { NULL } },
    };
    CHECK_REFUSALS(c);
}

/* ---- stages that do not fit a timestep; a clock is 2 ns ---- */

/* conv14 reads 2 x 3 pixels of two words, stores one and reads one back: 16 words. */
static void a_memory_that_takes_longer_than_a_timestep_is_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "clocking.timestep_ns=30", "core.crossbar.mvm_ns=30", "fabric.link_gbps=100",
            "fabric.partial_sum_gbps=100" },
          "core conv14: memory needs 16 clocks in its worst timestep, clocking.timestep_ns = 30 "
          "has 15: want clocking.timestep_ns = 32, or core.input_memory.word_bits = 256",
          { "clocking.timestep_ns=32", "core.input_memory.word_bits=256" },
          { "clocking.timestep_ns=30", "core.input_memory.word_bits=128" } },
    };
    CHECK_REFUSALS(c);
}

/* ---- cures ---- */

static uint32_t below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* Each "KEY = VALUE" behind ": want " of a budget's line, applied by itself. Returns how many. */
static uint32_t apply_cures(const char *const *set, const char *text)
{
    uint32_t n = 0;

    for (const char *at = strstr(text, ": want "); at; at = strstr(at, ", or ")) {
        char cure[128], key[64], value[64], after[sizeof((struct err_msg *)0)->text];
        at += at[0] == ':' ? strlen(": want ") : strlen(", or ");
        if (sscanf(at, "%63[a-z_.] = %63[0-9.]", key, value) != 2)
            fail_msg("no cure: %s", text);
        snprintf(cure, sizeof cure, "%s=%s", key, value);
        if (plan_with(set, cure, after, sizeof after))
            fail_msg("%s does not cure: %s: %s", cure, text, after);
        n++;
    }
    return n;
}

/* Machines of which one thing or several are too slow: every cure that is named cures. */
static void every_cure_that_a_budget_names_cures(void **state)
{
    uint32_t n_refused = 0, n_cure = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 150; seed++) {
        uint32_t r = seed;
        char text[8][64], line[sizeof((struct err_msg *)0)->text];
        const char *const set[12] = { text[0], text[1], text[2], text[3], text[4], text[5], text[6],
                                      text[7], "chip.cores=2000", "network.depth=8",
                                      "core.input_memory.words=8192" };
        uint32_t ns = 20 + 10 * below(&r, 9);
        snprintf(text[0], 64, "clocking.timestep_ns=%u", ns);
        snprintf(text[1], 64, "core.crossbar.mvm_ns=%u", below(&r, 4) ? ns - 10 : ns + 10);
        snprintf(text[2], 64, "fabric.link_gbps=%u", 1 + below(&r, 40));
        snprintf(text[3], 64, "fabric.partial_sum_gbps=%u", 5 + below(&r, 100));
        snprintf(text[4], 64, "core.digital.lanes=%u", 1 + below(&r, 16));
        snprintf(text[5], 64, "core.input_memory.word_bits=%u", 8u << below(&r, 6));
        snprintf(text[6], 64, "core.crossbar.rows=%u", 64u << below(&r, 3));
        snprintf(text[7], 64, "fabric.partial_sum_hops=%u", below(&r, 2));
        if (plan_with(set, NULL, line, sizeof line) != ERR_INPUT ||
            !strstr(line, "in its worst timestep"))
            continue;
        n_refused++;
        n_cure += apply_cures(set, line);
    }
    assert_true(n_refused > 50 && n_cure > n_refused);
}

static void a_crossbar_that_takes_longer_than_a_timestep_is_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "core.crossbar.mvm_ns=130" }, // deviation D11
          "core conv1: crossbar needs 65 clocks in its worst timestep, clocking.timestep_ns = 100 "
          "has 50: want clocking.timestep_ns = 130, or core.crossbar.mvm_ns = 100",
          { "clocking.timestep_ns=130", "core.crossbar.mvm_ns=100" },
          { "clocking.timestep_ns=128", "core.crossbar.mvm_ns=102" } },
    };
    CHECK_REFUSALS(c);
}

/* rs2 is the first with 56 outputs; conv1's seven replicas have 112 of them. */
static void a_digital_processor_that_takes_longer_than_a_timestep_is_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "core.digital.lanes=1" },
          "core rs2: digital needs 56 clocks in its worst timestep, clocking.timestep_ns = 100 has "
          "50: want clocking.timestep_ns = 112, or core.digital.lanes = 2",
          { "clocking.timestep_ns=112", "core.digital.lanes=2" },
          { "clocking.timestep_ns=110", "core.digital.lanes=1" } },
        { { "core.digital.lanes=1", "mapping.replicas.32=7", "core.crossbar.rows=512",
            "fabric.link_gbps=100" },
          "core conv1: digital needs 112 clocks in its worst timestep, clocking.timestep_ns = 100 "
          "has 50: want clocking.timestep_ns = 224, or core.digital.lanes = 3",
          { "clocking.timestep_ns=224", "core.digital.lanes=3" },
          { "clocking.timestep_ns=222", "core.digital.lanes=2" } },
    };
    CHECK_REFUSALS(c);
}

/* 56 channels of 8 bit in 100 ns, eq. 7; in 30 ns, which is no whole number of Gb/s. */
static void a_link_that_takes_longer_than_a_timestep_is_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "fabric.link_gbps=4.479999999" },
          "core rs2: link needs 51 clocks in its worst timestep, clocking.timestep_ns = 100 has "
          "50: want clocking.timestep_ns = 102, or fabric.link_gbps = 4.48",
          { "clocking.timestep_ns=102", "fabric.link_gbps=4.48" },
          { "clocking.timestep_ns=100", "fabric.link_gbps=4.479999999" } },
        { { "fabric.link_gbps=14.9", "clocking.timestep_ns=30", "core.crossbar.mvm_ns=30",
            "core.input_memory.word_bits=256", "fabric.partial_sum_gbps=100" },
          "core rs2: link needs 16 clocks in its worst timestep, clocking.timestep_ns = 30 has 15: "
          "want clocking.timestep_ns = 32, or fabric.link_gbps = 14.933333334",
          { "clocking.timestep_ns=32", "fabric.link_gbps=14.933333334" },
          { "clocking.timestep_ns=30", "fabric.link_gbps=14.933333333" } },
    };
    CHECK_REFUSALS(c);
}

/* 56 sums of 32 bit in 100 ns. */
static void partial_sums_that_take_longer_than_a_timestep_are_refused(void **state)
{
    (void)state;
    static const struct refusal c[] = {
        { { "fabric.partial_sum_gbps=17.919999999" },
          "core conv23.p0: partial_sum needs 51 clocks in its worst timestep, clocking.timestep_ns "
          "= 100 has 50: want clocking.timestep_ns = 102, or fabric.partial_sum_gbps = 17.92",
          { "clocking.timestep_ns=102", "fabric.partial_sum_gbps=17.92" },
          { "clocking.timestep_ns=100", "fabric.partial_sum_gbps=17.919999999" } },
    };
    CHECK_REFUSALS(c);
}

/* A channel a core: 56 parts, a clock each. */
static void chains_without_hops_that_take_longer_than_a_timestep_are_refused(void **state)
{
    (void)state;
#define LONG_CHAINS                                                                                \
    "fabric.partial_sum_hops=0", "core.crossbar.rows=9", "chip.cores=2000",                        \
        "fabric.partial_sum_gbps=100", "core.input_memory.words=4096"
    static const struct refusal c[] = {
        { { LONG_CHAINS },
          "layer conv23: a chain of 56 partial sums without hops takes a clock each, a timestep "
          "has 50: want fabric.partial_sum_hops = 1",
          { "fabric.partial_sum_hops=1" },
          { "fabric.partial_sum_hops=0" } },
    };
    CHECK_REFUSALS(c);
    assert_int_equal(plan_with(c[0].set, "clocking.timestep_ns=112", (char[1]){ 0 }, 1), ERR_NONE);
    assert_int_equal(plan_with(c[0].set, "clocking.timestep_ns=110", (char[1]){ 0 }, 1), ERR_INPUT);
}

/* A configuration that was not read from a file has not been looked at before. */
static void a_timestep_of_no_whole_number_of_clocks_is_refused(void **state)
{
    (void)state;
    static const char *const set[] = { NULL };
    struct plan_rig r;

    rig_config(&r, set);
    rig_family(&r);
    r.config.timestep_ns = 101;
    assert_int_equal(rig_plan(&r), ERR_INPUT);
    assert_string_equal(r.msg.text, "default: clocking.timestep_ns = 101 is not a whole number of "
                                    "clocks at clock_mhz = 500");
    rig_release(&r);
}

/* ---- where it was found ---- */

static void refusals_name_the_line_or_the_option_that_gave_the_key(void **state)
{
    (void)state;
    static const char *const cores[] = { "chip.cores=42" };
    static const char *const rows[] = { "core.crossbar.rows=8" };
    struct plan_rig r = { 0 };

    if (config_load(&r.config, "configs/resnet32.yaml", cores, 1, &r.msg))
        fail_msg("%s", r.msg.text);
    rig_family(&r);
    assert_int_equal(rig_plan(&r), ERR_INPUT);
    assert_string_equal(r.msg.text,
                        "--set chip.cores: chip.cores = 42: network resnet-cifar-32 needs 43 "
                        "cores with arrays of 256 x 256: want chip.cores = 43 or larger arrays");
    rig_release(&r);

    if (config_load(&r.config, "configs/resnet32.yaml", rows, 1, &r.msg))
        fail_msg("%s", r.msg.text);
    snprintf(r.config.fabric.kind, sizeof r.config.fabric.kind, "torus"); // stands in the file
    r.config.crossbar.rows = 256;
    rig_family(&r);
    assert_int_equal(rig_plan(&r), ERR_INPUT);
    assert_ptr_equal(strstr(r.msg.text, "configs/resnet32.yaml:"), r.msg.text);
    rig_release(&r);
}

static void refusals_name_the_entry_of_a_mapping_table(void **state)
{
    (void)state;
    static const struct {
        const char *set[3], *begin;
    } c[] = {
        { { "mapping.copies.32=2", "mapping.copies.8=2" },
          "--set mapping.copies.8: mapping.copies of conv31 = 2: " },
        { { "mapping.copies.8=1", "mapping.copies.conv31=2" },
          "--set mapping.copies.conv31: mapping.copies of conv31 = 2: " },
        { { "mapping.replicas.8=1", "mapping.replicas.16=300" },
          "--set mapping.replicas.16: mapping.replicas of rs1 = 300: " },
        { { "mapping.block_width.32=2", "mapping.block_width.8=9" },
          "--set mapping.block_width.8: mapping.block_width of rs2 = 9: " },
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct plan_rig r;
        assert_int_equal(rig_make(&r, c[i].set), ERR_INPUT);
        assert_memory_equal(r.msg.text, c[i].begin, strlen(c[i].begin));
        rig_release(&r);
    }
}

/* ---- networks ---- */

static void expect_refused_network(struct plan_rig *r, const char *text)
{
    assert_int_equal(rig_plan(r), ERR_INPUT);
    assert_string_equal(r->msg.text, text);
    assert_null(r->plan.layer); // zero on error
    assert_null(r->plan.core);
    rig_release(r);
}

static void begin_network(struct plan_rig *r)
{
    static const char *const none[] = { NULL };

    rig_config(r, none);
    rig_image(r, 8, 8, 4);
}

static void networks_that_cannot_be_mapped_are_refused_by_layer(void **state)
{
    (void)state;
    struct plan_rig r;

    begin_network(&r);
    rig_conv(&r, 0, 4, 3, 1);
    rig_conv(&r, 1, 4, 3, 1)->pooled = true;
    r.network.layer[2].in_zero = 0;
    r.network.layer[0].out_signed = false;
    rig_concat(&r, 0);
    expect_refused_network(&r, "layer layer2 reads the image beside other layers: not there yet");
}

static void blocks_of_dilated_windows_are_refused(void **state)
{
    (void)state;
    static const char *const wide[] = { "mapping.block_width.layer1=2", NULL };
    static const char *const narrow[] = { "mapping.block_width.layer1=1", NULL };
    const struct window w = { .kernel = { 3, 3 }, .stride = { 1, 1 }, .dilation = { 1, 2 } };
    struct plan_rig r;

    rig_config(&r, narrow);
    rig_image(&r, 8, 8, 4);
    rig_layer(&r, 0, 4, &w)->pooled = true;
    assert_int_equal(rig_plan(&r), ERR_NONE);
    rig_release(&r);
    rig_config(&r, wide);
    rig_image(&r, 8, 8, 4);
    rig_layer(&r, 0, 4, &w)->pooled = true;
    expect_refused_network(&r, "--set mapping.block_width.layer1: mapping.block_width of layer1 = "
                               "2: blocks of dilated windows are not there yet: want 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_cores_are_refused_with_the_number_that_is_needed),
        cmocka_unit_test(memories_that_are_too_small_are_refused_with_the_words_that_are_needed),
        cmocka_unit_test(large_memories_are_refused_before_anything_is_timed),
        cmocka_unit_test(more_cores_than_any_chip_has_are_refused_without_a_number_for_the_key),
        cmocka_unit_test(a_channel_that_an_array_cannot_hold_is_cut_by_positions),
        cmocka_unit_test(
            replicas_that_cannot_fit_are_refused_with_how_many_and_which_array_would),
        cmocka_unit_test(more_copies_than_columns_or_strips_are_refused),
        cmocka_unit_test(copies_of_a_pooled_layer_are_refused),
        cmocka_unit_test(blocks_wider_than_the_map_are_refused),
        cmocka_unit_test(keys_that_name_no_layer_are_refused_where_they_stand),
        cmocka_unit_test(names_that_no_table_has_are_refused_with_those_that_exist),
        cmocka_unit_test(a_memory_that_takes_longer_than_a_timestep_is_refused),
        cmocka_unit_test(every_cure_that_a_budget_names_cures),
        cmocka_unit_test(a_crossbar_that_takes_longer_than_a_timestep_is_refused),
        cmocka_unit_test(a_digital_processor_that_takes_longer_than_a_timestep_is_refused),
        cmocka_unit_test(a_link_that_takes_longer_than_a_timestep_is_refused),
        cmocka_unit_test(partial_sums_that_take_longer_than_a_timestep_are_refused),
        cmocka_unit_test(chains_without_hops_that_take_longer_than_a_timestep_are_refused),
        cmocka_unit_test(a_timestep_of_no_whole_number_of_clocks_is_refused),
        cmocka_unit_test(refusals_name_the_line_or_the_option_that_gave_the_key),
        cmocka_unit_test(refusals_name_the_entry_of_a_mapping_table),
        cmocka_unit_test(networks_that_cannot_be_mapped_are_refused_by_layer),
        cmocka_unit_test(blocks_of_dilated_windows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
