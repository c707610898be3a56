/* Placement as a user of imcsim map meets it: figures of an independent program. */
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

#define MESH "map configs/resnet32.yaml --set fabric.kind=mesh --set fabric.rows=6 "
#define RUN "run configs/resnet32.yaml --set clocking.kind=elastic --set fabric.kind=adjacent "
#define LINKS "map configs/resnet32.yaml --set fabric.kind=adjacent --set placement.kind=search "
#define ARRAYS_512 "--set core.crossbar.rows=512 --set core.crossbar.columns=512 "

static void a_snake_of_resnet32_on_8_x_6_makes_89_hops(void **state)
{
    json_t *doc = json_of(*state, MESH "--json -");

    assert_int_equal(integer_at(doc, "fabric.hops.sum"), 89);
    assert_int_equal(integer_at(doc, "fabric.bit_hops"), 4768192);
    assert_int_equal(integer_at(doc, "fabric.busiest_channel_bits"), 262144);
    assert_int_equal(json_array_size(at(doc, "fabric.placement")), 43);
    json_decref(doc);
}

/* The least possible would be 4,438,464, every stream one hop. */
static void annealing_reaches_what_an_independent_program_reached(void **state)
{
    json_t *doc = json_of(*state, MESH "--set placement.kind=anneal --json -");

    assert_in_range(integer_at(doc, "fabric.bit_hops"), 4438464, 4657600);
    json_decref(doc);
}

static void assert_embedded(const char *dir, const char *arguments)
{
    json_t *doc = json_of(dir, arguments);

    assert_int_equal(integer_at(doc, "fabric.streams_without_link"), 0);
    assert_int_equal(integer_at(doc, "fabric.hops.min"), 1);
    assert_int_equal(integer_at(doc, "fabric.hops.max"), 1);
    if (!strstr(arguments, "512")) // every stream one hop
        assert_int_equal(integer_at(doc, "fabric.bit_hops"), 4438464);
    json_decref(doc);
}

static void resnet32_fits_king_grids_and_rows_and_columns_of_1_and_2(void **state)
{
    static const char *const found[] = {
        LINKS "--set fabric.reach.diagonal=[1] --set fabric.rows=6 --json -",
        LINKS "--set fabric.reach.diagonal=[1] --json -",
        LINKS "--set fabric.reach.row=[1,2] --set fabric.reach.column=[1,2] --json -",
        LINKS ARRAYS_512 "--set fabric.reach.row=[1,2] --set fabric.reach.column=[1,2] --json -",
        LINKS ARRAYS_512 "--set fabric.reach.row=[1,2] --json -",
        LINKS ARRAYS_512 "--set fabric.reach.row=[1,2] --set fabric.rows=6 --json -",
    };

    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        assert_embedded(*state, found[i]);
}

static void a_placement_is_written_and_read_again(void **state)
{
    char *text = succeed(*state, MESH "--set placement.kind=anneal --set placement.moves=2000 "
                                      "--table placement --format csv");
    tmpdir_write(*state, "places.csv", text, strlen(text));
    free(text);
    json_t *a = json_of(*state, MESH "--set placement.kind=anneal --set placement.moves=2000 "
                                     "--json -");
    json_t *b = json_of(*state, MESH "--set placement.kind=file --set placement.file=@/places.csv "
                                     "--json -");
    assert_true(json_equal(at(a, "fabric.placement"), at(b, "fabric.placement")));
    assert_true(json_equal(at(a, "fabric.streams"), at(b, "fabric.streams")));
    json_decref(a);
    json_decref(b);
}

/* A mark of byte order in front, lines that end in CR LF. */
static void a_placement_that_a_spreadsheet_saved_is_read(void **state)
{
    char *text = succeed(*state, MESH "--table placement --format csv");
    char sheet[4096];
    size_t n = (size_t)snprintf(sheet, sizeof sheet, "\xef\xbb\xbf");

    for (const char *c = text; *c && n + 2 < sizeof sheet; c++) {
        if (*c == '\n')
            sheet[n++] = '\r';
        sheet[n++] = *c;
    }
    tmpdir_write(*state, "sheet.csv", sheet, n);
    char *back = succeed(*state, MESH "--set placement.kind=file --set placement.file=@/sheet.csv "
                                      "--table placement --format csv");
    assert_string_equal(back, text);
    free(text);
    free(back);
}

static void links_of_a_file_are_the_grid_that_reach_makes(void **state)
{
    char text[4096];
    size_t n = 0;

    for (int i = 0; i < 64; i++) {
        if (i % 8 < 7)
            n += (size_t)snprintf(text + n, sizeof text - n, "%d %d\n", i, i + 1);
        if (i < 56)
            n += (size_t)snprintf(text + n, sizeof text - n, "%d, %d # down\n", i + 8, i);
    }
    tmpdir_write(*state, "links.txt", text, n);
    json_t *a = json_of(*state, "map configs/resnet32.yaml --set fabric.kind=adjacent --json -");
    json_t *b = json_of(*state, "map configs/resnet32.yaml --set fabric.kind=adjacent "
                                "--set fabric.links=@/links.txt --json -");
    assert_true(integer_at(a, "fabric.streams_without_link") > 0);
    assert_true(json_equal(at(a, "fabric.streams"), at(b, "fabric.streams")));
    json_decref(a);
    json_decref(b);
}

/* One way: each stream of the snake from left to right has a link, none from right to left. */
static void links_of_one_way_carry_nothing_back(void **state)
{
    static const char chain[] = "map configs/resnet32.yaml --set fabric.kind=adjacent "
                                "--set fabric.rows=1 --set fabric.columns=43 "
                                "--set fabric.links=@/chain.txt %s--json -";
    char text[1024], command[512];
    size_t n = 0;

    for (int i = 42; i > 0; i--)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d %d\n", i, i - 1);
    tmpdir_write(*state, "chain.txt", text, n);
    snprintf(command, sizeof command, chain, "--set fabric.links_are=one_way ");
    json_t *a = json_of(*state, command);
    snprintf(command, sizeof command, chain, "");
    json_t *b = json_of(*state, command);
    assert_int_equal(integer_at(a, "fabric.streams_without_link"),
                     json_array_size(at(a, "fabric.streams")));
    assert_true(integer_at(b, "fabric.streams_without_link") <
                integer_at(a, "fabric.streams_without_link"));
    json_decref(a);
    json_decref(b);
}

static void the_picture_draws_every_core_and_every_table_prints(void **state)
{
    free(succeed(*state, MESH "--svg @/places.svg"));
    char *svg = read_file(*state, "places.svg");

    assert_non_null(strstr(svg, ">conv12<"));
    assert_non_null(strstr(svg, "262,144 bits an image"));
    assert_non_null(strstr(svg, "</svg>"));
    free(svg);
    free(succeed(*state, MESH "--table streams --format csv"));
    free(succeed(*state, MESH "--table channels --format csv"));
    char *text = succeed(*state, "map configs/resnet32.yaml --set fabric.kind=adjacent");
    assert_non_null(strstr(text, "Streams without a link"));
    free(text);
}

/* Rows and columns pinned, 1.8 and 1.2 inches apart; a channel that carries nothing is left out. */
static void the_grid_is_a_graph_for_graphviz(void **state)
{
    char *dot = succeed(*state, MESH "--dot -"), line[200];
    json_t *doc = json_of(*state, MESH "--json -"), *places = at(doc, "fabric.placement"), *place;
    char *csv = succeed(*state, MESH "--table channels --format csv"), *rest;
    size_t i, n = 0, n_edge = 0;

    json_array_foreach(places, i, place) {
        int row = (int)json_integer_value(json_array_get(place, 1));
        int column = (int)json_integer_value(json_array_get(place, 2));
        snprintf(line, sizeof line, "  place%d [label=\"%s\", pos=\"%.2f,%.2f!\"];\n",
                 row * 8 + column, json_string_value(json_array_get(place, 0)), 1.8 * column,
                 -1.2 * row);
        if (!strstr(dot, line))
            fail_msg("%s", line);
    }
    strtok_r(csv, "\n", &rest);
    for (char *l = strtok_r(NULL, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest), n++) {
        unsigned long bits;
        int from, to;
        assert_int_equal(sscanf(l, "%*d,%*d,%*d,%*d,%lu,%d,%d", &bits, &from, &to), 3);
        if (bits >= 1000)
            snprintf(line, sizeof line, "  place%d -> place%d [label=\"%lu,%03lu\",", from, to,
                     bits / 1000, bits % 1000);
        else
            snprintf(line, sizeof line, "  place%d -> place%d [label=\"%lu\",", from, to, bits);
        if (!strstr(dot, line))
            fail_msg("%s", line);
    }
    for (const char *at = dot; (at = strstr(at, " -> ")); at++)
        n_edge++;
    assert_true(n > 40 && n == n_edge);
    free(dot);
    free(csv);
    json_decref(doc);
    dot = succeed(*state, "map configs/resnet32.yaml --set fabric.kind=tree --dot -");
    assert_non_null(strstr(dot, "router20 [shape=point"));
    free(dot);
}

/* Flits of a byte: what the routers of a run carry in an image, channel by channel, is what the
 * placement says. */
static void loads_are_what_routers_carry(void **state)
{
    static const char *const multicast[] = { "unicast", "tree" };
    static const char set[] = "configs/resnet32.yaml --set fabric.kind=mesh "
                              "--set core.crossbar.rows=512 --set core.crossbar.columns=16 "
                              "--set fabric.switching=cut_through --set fabric.vc_flits=64 "
                              "--set fabric.flit_bits=8 --set fabric.header_bits=0 "
                              "--set network.depth=8 --set fabric.multicast=%s %s";
    int64_t hops[2];

    for (int k = 0; k < 2; k++) {
        char command[700], arguments[600];
        snprintf(arguments, sizeof arguments, set, multicast[k], "--table channels --format csv");
        snprintf(command, sizeof command, "map %s", arguments);
        char *csv = succeed(*state, command), *rest;
        snprintf(arguments, sizeof arguments, set, multicast[k], "--json -");
        snprintf(command, sizeof command, "map %s", arguments);
        json_t *map = json_of(*state, command);
        snprintf(command, sizeof command, "run %s --set clocking.kind=elastic", arguments);
        json_t *run = json_of(*state, command), *list = at(run, "fabric.channels"), *c;
        int64_t all = 0, sum = 0, n_image = integer_at(run, "images.count");
        size_t i;
        strtok_r(csv, "\n", &rest);
        for (char *l = strtok_r(NULL, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest)) {
            long long bits, flits = 0;
            int at[4];
            char from[40], to[40];
            assert_int_equal(sscanf(l, "%d,%d,%d,%d,%lld", at, at + 1, at + 2, at + 3, &bits), 5);
            snprintf(from, sizeof from, "router %d,%d", at[0], at[1]);
            snprintf(to, sizeof to, "router %d,%d", at[2], at[3]);
            json_array_foreach(list, i, c)
                if (strcmp(text_at(c, "from"), from) == 0 && strcmp(text_at(c, "to"), to) == 0)
                    flits = integer_at(c, "flits");
            assert_int_equal(flits * 8, bits * n_image);
            all += bits;
        }
        json_array_foreach(list, i, c)
            if (strstr(text_at(c, "from"), "router") && strstr(text_at(c, "to"), "router"))
                sum += integer_at(c, "flits") * 8;
        assert_int_equal(sum, all * n_image);
        hops[k] = integer_at(map, "fabric.bit_hops");
        assert_int_equal(hops[k], all);
        free(csv);
        json_decref(map);
        json_decref(run);
    }
    assert_true(hops[1] < hops[0]);
}

/* Rows and columns between the places of two cores. */
static int64_t pitches(json_t *places, const char *from, const char *to)
{
    int64_t row[2] = { -1, -1 }, column[2] = { 0, 0 };
    json_t *place;
    size_t i;

    json_array_foreach(places, i, place)
        for (int end = 0; end < 2; end++)
            if (strcmp(text_at(place, "core"), end ? to : from) == 0) {
                row[end] = integer_at(place, "row");
                column[end] = integer_at(place, "column");
            }
    assert_true(row[0] >= 0 && row[1] >= 0);
    return llabs(row[0] - row[1]) + llabs(column[0] - column[1]);
}

/* Lengths are those of places, or what the file states: a pitch is 1 mm. */
static void links_carry_bits_as_far_as_they_are_long(void **state)
{
    static const char run[] = RUN "--set placement.kind=search --set fabric.reach.diagonal=[1] "
                                  "--json -";
    json_t *o = json_of(*state, run), *list = at(at(o, "fabric"), "channels"), *c;
    double bit_mm = 0;
    size_t i;

    json_array_foreach(list, i, c) {
        double mm = json_real_value(at(c, "length_mm"));
        assert_true(mm == (double)pitches(at(o, "fabric.placement"), text_at(c, "from"),
                                          text_at(c, "to"))); // a diagonal: 2
        bit_mm += mm * (double)json_integer_value(at(c, "bits"));
    }
    assert_true(bit_mm > 0 && bit_mm == json_real_value(at(at(o, "fabric"), "bit_mm")));
    json_decref(o);
}

static void what_is_wrong_is_said_with_what_would_do(void **state)
{
    static const struct {
        const char *arguments, *want;
    } cases[] = {
        { MESH "--set placement.kind=search",
          "conv12, rs1, conv13 are a circle of 3, and fabric.kind = mesh has circles of even" },
        { LINKS, "are a circle of 3, and fabric.kind = adjacent has circles of even length" },
        { LINKS "--set fabric.reach.row=[1,2] --set fabric.reach.column=[]",
          "exchanges with 5 cores, and no place of fabric.kind = adjacent has more than 4 links" },
        { MESH "--set placement.kind=exact", "43 cores: want at most 12 of them" },
        { MESH "--set placement.kind=spiral", "placement.kind = spiral: want one of listing, " },
        { MESH "--set fabric.columns=7", "43 cores on 42 places: want at least fabric.rows = 7" },
        { MESH "--set fabric.rows=1000", "--set fabric.rows: fabric.rows = 1000, "
          "fabric.columns = 8: 8000 places: want at most 1024" },
        { "run configs/resnet32.yaml --set clocking.kind=elastic --set fabric.kind=mesh "
          "--set fabric.vcs=64 --set fabric.vc_flits=65536", "fabric.vc_flits = 65536: 1342177280 "
          "places for flits in 64 routers with fabric.vcs = 64, and at most 268435456 are "
          "simulated: want fabric.vc_flits = 13107 or fewer, or fewer fabric.vcs, fabric.rows or" },
        { LINKS "--set fabric.links=/dev/zero", "/dev/zero:1: a byte of 0: want lines of text" },
        { MESH "--set placement.kind=file --set placement.file=/dev/zero",
          "/dev/zero:1: a byte of 0: want lines of text" },
        { "fabric configs/resnet32.yaml --set fabric.kind=mesh --traffic /dev/zero",
          "/dev/zero:1: a byte of 0: want lines of text" },
        { LINKS "--set fabric.links=@/wide.txt", "wide.txt:2: want lines of at most 254 bytes" },
        { MESH "--set placement.moves=0", "placement.moves = 0: want a whole number from 1" },
        { MESH "--set placement.seed=-1", "placement.seed = -1: want" },
        { LINKS "--set fabric.reach.row=[1,2,3,4,5,6,7,8,9]", "0 to 8 of them" },
        { LINKS "--set fabric.reach.row=[1025]", "want a whole number from 0 to 1024" },
        { LINKS "--set fabric.links=@/none", "--set fabric.links: fabric.links = " },
        { LINKS "--set fabric.links=@/far.txt", "far.txt:2: 64: want: from to, places 0 to 63" },
        { LINKS "--set fabric.links=@/self.txt", "self.txt:1: place 7: want two places" },
        { LINKS "--set fabric.links=@/empty.txt", "no links: want lines: from to" },
        { LINKS "--set fabric.links_are=wide", "want both_ways or one_way" },
        { MESH "--set placement.kind=file",
          "--set placement.kind: placement.kind = file: want placement.file too, a file of lines" },
        { MESH "--set placement.kind=file --set placement.file=@/none",
          "No such file or directory: want a file of lines core, row, column" },
        { MESH "--set placement.kind=file --set placement.file=@/who.txt",
          "who.txt:1: nobody: no such core" },
        { MESH "--set placement.kind=file --set placement.file=@/outside.txt",
          "outside.txt:1: row 6, column 0: want rows 0 to 5, columns 0 to 7" },
        { MESH "--set placement.kind=file --set placement.file=@/twice.txt",
          "twice.txt:3: conv2 at row 0, column 0: conv1 has that place" },
        { MESH "--set placement.kind=file --set placement.file=@/again.txt",
          "again.txt:2: conv1 at row 0, column 1: conv1 has a line already" },
        { MESH "--set placement.kind=file --set placement.file=@/few.txt",
          "has no line for conv2" },
        { MESH "--set placement.kind=file --set placement.file=@/none",
          "--set placement.file: placement.file = " },
        { MESH "--set placement.kind=file --set placement.file=@/word.txt",
          "word.txt:1: conv1: want a line of core, row, column" },
        { MESH "--prove", "--prove is of the plan: want --set fabric.kind=point_to_point" },
        { "run configs/resnet32.yaml --set fabric.kind=adjacent",
          "want clocking.kind = elastic, or fabric.kind = point_to_point" },
        { RUN, "placement.kind = snake: conv12 at row 1, column 4 sends to conv13 at row 1, column "
               "2, and no link of fabric.kind = adjacent joins them: want placement.kind = search, "
               "and if that finds none more links: fabric.reach.diagonal = [1]" },
        { LINKS "--set fabric.links=@/long.txt", "long.txt:1: 0.3: want a length of 0.5 to 1000" },
        { LINKS "--set fabric.links=@/four.txt", "four.txt:1: 4: want: from to" },
        { "fabric configs/resnet32.yaml --set fabric.kind=adjacent",
          "has no routers to drive: want --set fabric.kind=mesh" },
    };
    static const struct {
        const char *name, *text;
    } files[] = { { "long.txt", "0 1 0.3\n" }, { "four.txt", "0 1 1.5 4\n" },
                  { "far.txt", "0 1\n3 64\n" }, { "self.txt", "7 7\n" }, { "empty.txt", "# no\n" },
                  { "who.txt", "nobody, 0, 0\n" }, { "outside.txt", "conv1, 6, 0\n" },
                  { "twice.txt", "core,row,column\nconv1,0,0\nconv2,0,0\n" },
                  { "again.txt", "conv1 0 0\nconv1 0 1\n" }, { "few.txt", "conv1 0 0\n" },
                  { "word.txt", "conv1 x 0\n" } };
    char wide[300];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tmpdir_write(*state, files[i].name, files[i].text, strlen(files[i].text));
    snprintf(wide, sizeof wide, "0 1\n0 2%*s\n", 252, "#"); // 255 bytes
    tmpdir_write(*state, "wide.txt", wide, strlen(wide));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(*state, cases[i].arguments, 2, cases[i].want);
    free(succeed(*state, RUN "--set placement.kind=search --set fabric.reach.diagonal=[1]"));
    free(succeed(*state, "run configs/resnet32.yaml --set clocking.kind=elastic --set "
                 "fabric.kind=mesh --set fabric.vcs=64 --set fabric.vc_flits=13107 --count 1"));
    snprintf(wide, sizeof wide, "0 1\n0 2%*s\n", 251, "#"); // 254
    tmpdir_write(*state, "wide.txt", wide, strlen(wide));
    assert_fails(*state, LINKS "--set fabric.links=@/wide.txt", 2, "impossible");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_snake_of_resnet32_on_8_x_6_makes_89_hops),
        TEST(annealing_reaches_what_an_independent_program_reached),
        TEST(resnet32_fits_king_grids_and_rows_and_columns_of_1_and_2),
        TEST(a_placement_is_written_and_read_again),
        TEST(a_placement_that_a_spreadsheet_saved_is_read),
        TEST(links_of_a_file_are_the_grid_that_reach_makes),
        TEST(links_of_one_way_carry_nothing_back),
        TEST(the_picture_draws_every_core_and_every_table_prints),
        TEST(the_grid_is_a_graph_for_graphviz),
        TEST(loads_are_what_routers_carry),
        TEST(links_carry_bits_as_far_as_they_are_long),
        TEST(what_is_wrong_is_said_with_what_would_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
