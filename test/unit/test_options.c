/* The command line: what options mean, and what is said of those that mean nothing. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/options.h"
#include "core/kernel.h"
#include "core/near_miss.h"

/* Parses words for a subcommand; the list ends with NULL. */
static enum err parse(struct options *o, const struct command *c, char *const *word,
                      struct err_msg *m)
{
    size_t n = 0;

    while (word[n])
        n++;
    return options_parse(o, c, n, word, m);
}

#define WORDS(...) ((char *const[]){ __VA_ARGS__, NULL })

static struct options good(const struct command *c, char *const *word)
{
    struct options o;
    struct err_msg m;

    if (parse(&o, c, word, &m))
        fail_msg("%s", m.text);
    return o;
}

static void assert_refused(const struct command *c, char *const *word, const char *want)
{
    struct options o;
    struct err_msg m;

    assert_int_equal(parse(&o, c, word, &m), ERR_INPUT);
    assert_string_equal(m.text, want);
    assert_null(o.set);
    assert_null(o.operands);
}

static void what_is_not_given_has_its_default(void **state)
{
    struct options o = good(&command_run, WORDS("a.yaml"));

    (void)state;
    assert_string_equal(o.operand, "a.yaml");
    assert_int_equal(o.jobs, 1);
    assert_int_equal(o.count, 0);
    assert_int_equal(o.seed, 0);
    assert_int_equal(o.kernel, KERNEL_NATIVE);
    assert_int_equal(o.log_level, LOG_INFO);
    assert_int_equal(o.n_set, 0);
    assert_null(o.images);
    assert_null(o.json);
    options_release(&o);
}

static void every_option_sets_its_field(void **state)
{
    struct options o = good(&command_run, WORDS("--images", "i", "--count", "3", "--jobs", "2",
                                                "--seed", "9", "--kernel", "systemc", "--json", "j",
                                                "--csv", "c", "--stats", "s", "--write-config", "w",
                                                "--log-level", "debug", "--set", "x=1", "cfg"));
    (void)state;
    assert_string_equal(o.operand, "cfg");
    assert_string_equal(o.images, "i");
    assert_int_equal(o.count, 3);
    assert_int_equal(o.jobs, 2);
    assert_int_equal(o.seed, 9);
    assert_int_equal(o.kernel, KERNEL_SYSTEMC);
    assert_string_equal(o.json, "j");
    assert_string_equal(o.csv, "c");
    assert_string_equal(o.stats, "s");
    assert_string_equal(o.write_config, "w");
    assert_int_equal(o.log_level, LOG_DEBUG);
    assert_int_equal(o.n_set, 1);
    options_release(&o);
    o = good(&command_map, WORDS("cfg", "--dot", "d"));
    assert_string_equal(o.dot, "d");
    options_release(&o);
    o = good(&command_article, WORDS("--out", "o"));
    assert_string_equal(o.out, "o");
    options_release(&o);
}

static void options_stand_before_and_after_the_operand_with_space_or_equals(void **state)
{
    struct options o = good(&command_run, WORDS("--count=5", "a.yaml", "--set", "k=v=w",
                                                "--set=batch=7"));
    (void)state;
    assert_string_equal(o.operand, "a.yaml");
    assert_int_equal(o.count, 5);
    assert_int_equal(o.n_set, 2);
    assert_string_equal(o.set[0], "k=v=w");
    assert_string_equal(o.set[1], "batch=7");
    options_release(&o);
}

static void of_an_option_given_twice_the_last_counts(void **state)
{
    struct options o = good(&command_run, WORDS("a", "--count", "1", "--count", "2"));

    (void)state;
    assert_int_equal(o.count, 2);
    options_release(&o);
}

static void several_operands_keep_their_order_where_several_are_taken(void **state)
{
    struct options o = good(&command_compare, WORDS("a", "--count", "2", "-", "--", "--b"));

    (void)state;
    assert_int_equal(o.n_operand, 3);
    assert_string_equal(o.operands[0], "a");
    assert_string_equal(o.operands[1], "-");
    assert_string_equal(o.operands[2], "--b");
    assert_string_equal(o.operand, "a");
    options_release(&o);
}

static void two_dashes_end_the_options_and_one_dash_is_an_operand(void **state)
{
    struct options o = good(&command_run, WORDS("--count", "2", "--", "--count"));

    (void)state;
    assert_string_equal(o.operand, "--count");
    options_release(&o);
    o = good(&command_run, WORDS("-"));
    assert_string_equal(o.operand, "-");
    options_release(&o);
    o = good(&command_run, WORDS("c", "--json", "-"));
    assert_string_equal(o.json, "-");
    options_release(&o);
}

static void the_file_of_dot_may_be_left_out(void **state)
{
    struct options o = good(&command_map, WORDS("c", "--dot"));

    (void)state;
    assert_string_equal(o.dot, "-");
    options_release(&o);
    o = good(&command_map, WORDS("--dot", "c"));
    assert_string_equal(o.dot, "-");
    assert_string_equal(o.operand, "c");
    options_release(&o);
    o = good(&command_map, WORDS("--dot", "f", "c"));
    assert_string_equal(o.dot, "f");
    assert_string_equal(o.operand, "c");
    options_release(&o);
    o = good(&command_map, WORDS("--dot", "--csv", "x", "c"));
    assert_string_equal(o.dot, "-");
    options_release(&o);
    assert_refused(&command_map, WORDS("--dot=c"),
                   "map: no CONFIG: want imcsim map CONFIG [option]...");
}

static void help_ends_the_reading(void **state)
{
    struct options o = good(&command_run, WORDS("--help", "--nonsense"));

    (void)state;
    assert_true(o.help);
    options_release(&o);
    o = good(&command_run, WORDS("-h"));
    assert_true(o.help);
    options_release(&o);
}

static void what_cannot_be_meant_is_refused_with_what_would_do(void **state)
{
    const struct command *run = &command_run, *map = &command_map;

    (void)state;
    assert_refused(run, WORDS("--cuont", "3", "c"),
                   "run: unknown option --cuont: did you mean --count?");
    assert_refused(run, WORDS("--frobnicate", "c"),
                   "run: unknown option --frobnicate (imcsim run --help lists its options)");
    assert_refused(run, WORDS("-x", "c"),
                   "run: unknown option -x: options begin with two dashes");
    assert_refused(map, WORDS("c", "--stats", "f"), "map: --stats is an option of run, not of map");
    assert_refused(run, WORDS("c", "--json"), "run: --json: no value: want --json FILE");
    assert_refused(run, WORDS("c", "--json", "--csv", "f"),
                   "run: --json: no value: want --json FILE");
    assert_refused(run, WORDS("c", "--json="), "run: --json: empty: want FILE");
    assert_refused(run, WORDS("c", "--help=yes"), "run: --help takes no value");
    assert_refused(run, WORDS("c", "--kernel", "verilog"),
                   "run: --kernel verilog: want native | systemc");
    assert_refused(run, WORDS("c", "--log-level", "loud"),
                   "run: --log-level loud: want error | info | debug");
    assert_refused(run, WORDS("--count", "2"),
                   "run: no CONFIG: want imcsim run CONFIG [option]...");
    assert_refused(run, WORDS("a", "b"), "run: two operands, a and b: want one CONFIG");
    assert_refused(&command_article, WORDS("a"), "article: a: want options only");
}

static void counts_are_whole_decimal_numbers_in_range(void **state)
{
    static const char *const bad[] = { "0", "1000000001", "-1", "+1", " 1", "1 ", "0x10", "1e3",
                                       "1.5", "ten", "18446744073709551617" };
    struct options o = good(&command_run, WORDS("c", "--count", "1000000000", "--seed",
                                                "9223372036854775807"));
    (void)state;
    assert_int_equal(o.count, 1000000000);
    assert_true(o.seed == INT64_MAX);
    options_release(&o);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char value[32], want[128];
        snprintf(value, sizeof value, "%s", bad[i]);
        snprintf(want, sizeof want, "run: --count %s: want a whole number from 1 to 1000000000",
                 bad[i]);
        assert_refused(&command_run, WORDS("c", "--count", value), want);
    }
}

static void a_long_word_is_refused_like_a_short_one(void **state)
{
    char word[5000];
    struct options o;
    struct err_msg m;

    (void)state;
    memset(word, 'x', sizeof word - 1);
    memcpy(word, "--", 2);
    word[sizeof word - 1] = '\0';
    assert_int_equal(parse(&o, &command_run, WORDS(word), &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "unknown option"));
}

/* Edit distance by the table, to compare with. */
static size_t distance(const char *a, const char *b)
{
    size_t row[16][16], n = strlen(a), k = strlen(b);

    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= k; j++) {
            if (i == 0 || j == 0) {
                row[i][j] = i + j;
                continue;
            }
            size_t best = row[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            best = row[i - 1][j] + 1 < best ? row[i - 1][j] + 1 : best;
            row[i][j] = row[i][j - 1] + 1 < best ? row[i][j - 1] + 1 : best;
        }
    return row[n][k];
}

static void a_near_miss_is_the_nearest_word_at_most_two_letters_away(void **state)
{
    static const char *const list[] = { "abcab", "bcc", "aab", "cccba" };
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char word[8];
        size_t n = 3 + (size_t)round % 4, nearest = SIZE_MAX;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            word[i] = (char)('a' + (seed >> 16) % 3);
        }
        word[n] = '\0';
        for (size_t i = 0; i < 4; i++)
            if (distance(word, list[i]) < nearest)
                nearest = distance(word, list[i]);
        const char *got = near_miss(word, list, 4);
        assert_int_equal(got != NULL, nearest <= 2);
        if (got)
            assert_int_equal(distance(word, got), nearest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(every_option_sets_its_field),
        cmocka_unit_test(options_stand_before_and_after_the_operand_with_space_or_equals),
        cmocka_unit_test(of_an_option_given_twice_the_last_counts),
        cmocka_unit_test(several_operands_keep_their_order_where_several_are_taken),
        cmocka_unit_test(two_dashes_end_the_options_and_one_dash_is_an_operand),
        cmocka_unit_test(the_file_of_dot_may_be_left_out),
        cmocka_unit_test(help_ends_the_reading),
        cmocka_unit_test(what_cannot_be_meant_is_refused_with_what_would_do),
        cmocka_unit_test(counts_are_whole_decimal_numbers_in_range),
        cmocka_unit_test(a_long_word_is_refused_like_a_short_one),
        cmocka_unit_test(a_near_miss_is_the_nearest_word_at_most_two_letters_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
