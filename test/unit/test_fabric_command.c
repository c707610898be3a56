/* imcsim fabric as a user meets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define MESH "fabric configs/resnet32.yaml --set fabric.kind=mesh "
#define SHORT "--warm-up 200 --clocks 1000 "

static uint64_t channel_flits(json_t *rate)
{
    json_t *channels = at(rate, "channels"), *c;
    uint64_t sum = 0;
    size_t i;

    json_array_foreach(channels, i, c)
        if (strncmp(text_at(c, "to"), "router", strlen("router")) == 0)
            sum += (uint64_t)integer_at(c, "flits");
    return sum;
}

/* Without warm-up all is measured but what travels on after the window: with one flow, none. */
static void a_flow_of_a_file_loads_its_channels_and_no_other(void **state)
{
    static const char flows[] = "# two steps right, one down\n0 10 3\n";

    tmpdir_write(*state, "flows.txt", flows, sizeof flows - 1);
    json_t *doc = json_of(*state, MESH "--set fabric.vcs=4 --set fabric.pitch_um=500 "
                                       "--traffic @/flows.txt --rate 0.25 --warm-up 0 "
                                       "--clocks 20000 --json -");
    json_t *rate = at(doc, "rates[]");
    assert_int_equal(integer_at(rate, "packet_latency_clocks.min"), 5 * 4 + 2); // 4 routers
    assert_true(number_at(rate, "routers_mean") == 4);
    assert_int_equal(integer_at(rate, "counters.injected_flits"),
                     integer_at(rate, "counters.delivered_flits"));
    assert_int_equal(integer_at(rate, "counters.flit_hops"),
                     3 * integer_at(rate, "counters.delivered_flits"));
    assert_true(number_at(rate, "counters.bit_mm") == // three steps of half a millimetre, 128 bits
                64 * 3 * (double)integer_at(rate, "counters.delivered_flits"));
    assert_in_range(channel_flits(rate), 3 * integer_at(rate, "packets_measured") - 24,
                    3 * integer_at(rate, "packets_measured"));
    assert_in_range(integer_at(rate, "packets_measured"), 4700, 5300); // 5,000, deviation 61
    json_decref(doc);
}

static void a_load_above_what_the_mesh_carries_is_saturated_and_no_error(void **state)
{
    char *out = succeed(*state, MESH SHORT "--rate 0.05,0.9 --format csv");

    assert_non_null(strstr(out, ",no\n"));
    assert_non_null(strstr(out, ",yes\n"));
    free(out);
    out = succeed(*state, MESH SHORT "--rate 0.9");
    assert_non_null(strstr(out, "had not arrived when the run ended"));
    free(out);
}

static void nodes_that_send_to_themselves_can_be_left_out(void **state)
{
    static const char *const commands[] = {
        MESH SHORT "--traffic transpose --exclude-self --json -",
        MESH SHORT "--traffic uniform --exclude-self --json -",
    };

    for (int i = 0; i < 2; i++) {
        json_t *doc = json_of(*state, commands[i]);
        assert_true(integer_at(doc, "rates[].packet_latency_clocks.min") >= 5 * 2 + 2);
        json_decref(doc);
    }
}

static void the_three_tables_are_csv_and_the_same_again(void **state)
{
    char *a = succeed(*state, MESH SHORT "--rate 0.1,0.2 --seed 5 --table channels --format csv");
    char *b = succeed(*state, MESH SHORT "--rate 0.1,0.2 --seed 5 --table channels --format csv");
    char *c = succeed(*state, MESH SHORT "--rate 0.1,0.2 --seed 6 --table channels --format csv");
    int lines = 0;

    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    for (const char *p = a; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 1 + 2 * (2 * 2 * 7 * 8 + 64)); // both ways, and to nodes
    free(a);
    free(b);
    free(c);
    free(succeed(*state, MESH SHORT "--table counters --format csv"));
}

static void what_is_wrong_is_said_with_what_would_do(void **state)
{
    static const struct {
        const char *arguments, *want;
    } cases[] = {
        { "fabric configs/resnet32.yaml",
          "has no routers to drive: want --set fabric.kind=mesh" },
        { "fabric configs/resnet32.yaml --set fabric.kind=torus",
          "fabric.kind = torus: want one of point_to_point, adjacent, mesh, tree, bus" },
        { MESH "--set fabric.flit_bits=0", "flit_bits = 0: want a whole number from 1 to 65536" },
        { MESH "--set fabric.vcs=65", "fabric.vcs = 65: want a whole number from 1 to 64" },
        { MESH "--set fabric.link_clocks=0", "link_clocks = 0: want a whole number from 1 to 64" },
        { MESH "--set fabric.link_gbps=4", "want fabric.flit_bits" },
        { MESH "--set fabric.switching=cut_through --flits 9",
          "want --flits 8 or --set fabric.vc_flits=9" },
        { MESH "--set fabric.switching=stored", "want wormhole or cut_through" },
        { MESH "--set fabric.vc_flits=65536 --set fabric.rows=64 --set fabric.columns=64",
          "want fabric.vc_flits = 6553 or fewer, or fewer fabric.vcs" },
        { MESH "--rate 0", "want flits a node and clock, above 0 and up to 1" },
        { MESH "--rate 1.5", "--rate 1.5: want" },
        { MESH "--rate 0.1,", "--rate : want" },
        { MESH "--rate fast", "--rate fast: want" },
        { MESH "--traffic randperm", "randperm: cannot open: No such file or directory: want "
          "uniform, transpose, neighbor, tornado, bitcomp, bitrev, shuffle or a file" },
        { MESH "--set fabric.columns=12 --traffic shuffle",
          "--traffic: shuffle: fabric.rows = 8, fabric.columns = 12: want powers of 2" },
        { MESH "--set fabric.rows=6 --traffic transpose",
          "--traffic: transpose: fabric.rows = 6, fabric.columns = 8: want as many columns as "
          "rows" },
        { MESH "--traffic @/far.txt", "far.txt:2: node 64: want 0 to 63" },
        { MESH "--traffic @/half.txt", "half.txt:1: 7 alone: want: from to [weight]" },
        { MESH "--traffic @/word.txt", "word.txt:1: x: want: from to [weight], whole numbers" },
        { MESH "--traffic @/none.txt", "none.txt: no flows: want lines" },
        { MESH "--traffic @/zero.txt", "zero.txt:1: weight 0: want 1 to" },
        { "run configs/resnet32.yaml --set fabric.kind=mesh",
          "want clocking.kind = elastic, or fabric.kind = point_to_point; imcsim fabric drives it "
          "alone" },
        { "fabric models/resnet32_fmnist.onnx", "this is an ONNX model" },
        { "map configs/resnet32.yaml --rate 0.1", "--rate is an option of fabric, not of map" },
    };
    static const struct {
        const char *name, *text;
    } files[] = { { "far.txt", "0 1\n3 64\n" }, { "half.txt", "7\n" }, { "word.txt", "0 x\n" },
                  { "none.txt", "# nothing\n\n" }, { "zero.txt", "0 1 0\n" } };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tmpdir_write(*state, files[i].name, files[i].text, strlen(files[i].text));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(*state, cases[i].arguments, 2, cases[i].want);
}

/* A cure that works. */
static void a_packet_fits_a_buffer_that_was_made_as_long(void **state)
{
    free(succeed(*state, MESH SHORT "--set fabric.switching=cut_through --flits 8"));
    free(succeed(*state, MESH SHORT "--set fabric.switching=cut_through --flits 9 "
                                    "--set fabric.vc_flits=9"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flow_of_a_file_loads_its_channels_and_no_other),
        TEST(a_load_above_what_the_mesh_carries_is_saturated_and_no_error),
        TEST(nodes_that_send_to_themselves_can_be_left_out),
        TEST(the_three_tables_are_csv_and_the_same_again),
        TEST(what_is_wrong_is_said_with_what_would_do),
        TEST(a_packet_fits_a_buffer_that_was_made_as_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
