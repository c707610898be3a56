#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/rng.h"
#include "core/yaml.h"
#include "test/tmpdir.h"

static struct yaml load(const char *text)
{
    struct yaml root;
    struct err_msg m = { "" };

    if (yaml_load_text(&root, "x.yaml", text, strlen(text), &m) != ERR_NONE)
        fail_msg("%s", m.text);
    return root;
}

static const struct yaml *at(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);

    assert_non_null(node);
    return node;
}

static void assert_same_tree(const struct yaml *a, const struct yaml *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->quoted, b->quoted);
    assert_int_equal(a->line, b->line);
    assert_string_equal(a->source, b->source);
    assert_string_equal(a->key ? a->key : "none", b->key ? b->key : "none");
    assert_string_equal(a->text ? a->text : "none", b->text ? b->text : "none");
    assert_int_equal(a->n_item, b->n_item);
    for (size_t i = 0; i < a->n_item; i++)
        assert_same_tree(&a->item[i], &b->item[i]);
}

/* ---- trees ---- */

static void a_file_becomes_scalars_lists_and_maps_in_its_order(void **state)
{
    struct yaml root = load("b: 1\n"
                            "a: [x, 'y z', [2]]\n"
                            "c:\n"
                            "  d: {e: \"\"}\n"
                            "  f:\n");

    (void)state;
    assert_int_equal(root.kind, YAML_MAP);
    assert_int_equal(root.n_item, 3);
    assert_string_equal(root.item[0].key, "b");
    assert_string_equal(root.item[0].text, "1");
    assert_false(root.item[0].quoted);
    const struct yaml *list = &root.item[1];
    assert_string_equal(list->key, "a");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->n_item, 3);
    assert_null(list->item[0].key);
    assert_string_equal(list->item[1].text, "y z");
    assert_true(list->item[1].quoted);
    assert_string_equal(list->item[2].item[0].text, "2");
    const struct yaml *empty = at(at(at(&root, "c"), "d"), "e");
    assert_string_equal(empty->text, "");
    assert_true(empty->quoted);
    assert_false(yaml_is_empty(empty));
    assert_true(yaml_is_empty(at(at(&root, "c"), "f")));
    yaml_release(&root);
}

static void a_value_has_the_line_of_its_key_and_a_list_item_its_own(void **state)
{
    struct yaml root = load("# 1\n"
                            "a:\n"
                            "    value\n" // line 3
                            "b: [4,\n"
                            "    5]\n"
                            "c:\n"
                            "  - 7\n"
                            "  - d: 8\n"
                            "    e: |\n"
                            "      10\n");
    char where[32];

    (void)state;
    assert_int_equal(at(&root, "a")->line, 2);
    assert_int_equal(at(&root, "b")->item[0].line, 4);
    assert_int_equal(at(&root, "b")->item[1].line, 5);
    assert_int_equal(at(&root, "c")->item[0].line, 7);
    assert_int_equal(at(&at(&root, "c")->item[1], "e")->line, 9);
    assert_true(at(&at(&root, "c")->item[1], "e")->quoted);
    yaml_where(&at(&root, "c")->item[1], where, sizeof where);
    assert_string_equal(where, "x.yaml:8");
    yaml_release(&root);
}

static void files_without_a_value_are_empty(void **state)
{
    static const char *const text[] = { "", "\n\n", "# nothing\n", "---\n", "--- \n...\n",
                                        "\xef\xbb\xbf" };

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        struct yaml root = load(text[i]);
        assert_true(yaml_is_empty(&root));
        assert_null(yaml_get(&root, "a"));
        yaml_release(&root);
    }
}

/* ---- refusals ---- */

#define KEY "a list, a map, an anchor or an alias as a key: want plain text"
#define TAGS "tags (!) are not read: leave it out, or put the value in quotes"

static void what_is_refused_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        { "a: 1\nb: 2\na: 3\n", "x.yaml:3: key a is repeated; it was first given at x.yaml:1" },
        { "m:\n  {k: 1, l: 2,\n  k: 3}",
          "x.yaml:3: key k is repeated; it was first given at x.yaml:2" },
        { "a: 1\n---\nb: 2\n", "x.yaml:2: a second document: want one in a file" },
        { "a: 1\n--- # empty\n", "x.yaml:2: a second document: want one in a file" },
        { "a: 1\nb: *a\n", "x.yaml:2: *a: no anchor &a before it" },
        { "a: &x [1, *x]\n", "x.yaml:1: *x: no anchor &x before it" },
        { "*a : 1\n", "x.yaml:1: " KEY },
        { "&a b: 1\n", "x.yaml:1: " KEY },
        { "a: &x {b: 1}\nc: {<<: 5}\n",
          "x.yaml:2: << = 5: want a map or a list of maps to merge, such as *anchor" },
        { "a: &x [1]\nc: {<<: *x}\n",
          "x.yaml:1: << = 1: want a map or a list of maps to merge, such as *anchor" },
        { "a: !!int 2\n", "x.yaml:1: " TAGS },
        { "\na: !<x> [2]\n", "x.yaml:2: " TAGS },
        { "a:\n  ! {b: 2}\n", "x.yaml:2: " TAGS },
        { "!t a: 2\n", "x.yaml:1: " TAGS },
        { "a: 1\n? [b]\n: 2\n", "x.yaml:2: " KEY },
        { "{{a: 1}: 2}", "x.yaml:1: " KEY },
        { "a: \"x\\0y\"\n", "x.yaml:1: a NUL byte in a value or key" },
        { "\"\\0\": 1\n", "x.yaml:1: a NUL byte in a value or key" },

        { "a: [1, 2\nb: 3\n", "x.yaml:2:2: did not find expected ',' or ']' "
                              "(while parsing a flow sequence)" },
        { "a: 1\n b: 2\n", "x.yaml:2:3: mapping values are not allowed in this context" },
        { "a: 1\nb: 'x\n", "x.yaml:3:1: found unexpected end of stream "
                           "(while scanning a quoted scalar)" },
        { "a:\n\t- 1\n", "x.yaml:2:1: found character that cannot start any token "
                         "(while scanning for the next token)" },
        { "a: 1\nb: x\xff\n", "x.yaml:2:5: invalid leading UTF-8 octet" },
        { "a: 1\nb: \xc3", "x.yaml:2:4: incomplete UTF-8 octet sequence" },
        { "a: 1\nb: \xc3x", "x.yaml:2:5: invalid trailing UTF-8 octet" },
        { "a: 1\nb: \001\n", "x.yaml:2:4: control characters are not allowed" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct yaml root;
        struct err_msg m = { "" };
        assert_int_equal(yaml_load_text(&root, "x.yaml", bad[i].text, strlen(bad[i].text), &m),
                         ERR_INPUT);
        assert_string_equal(m.text, bad[i].message);
        assert_null(root.item);
        assert_null(root.text);
    }
}

/* depth - 1 lists round a scalar */
static char *nested(size_t depth)
{
    char *text = calloc(1, 2 * depth);

    assert_non_null(text);
    memset(text, '[', depth - 1);
    text[depth - 1] = '1';
    memset(text + depth, ']', depth - 1);
    return text;
}

static void sixty_four_levels_are_read_and_one_more_is_refused(void **state)
{
    struct yaml root;
    struct err_msg m;
    char *deep = nested(64), *deeper = nested(65), *abyss = nested(100000);

    (void)state;
    assert_int_equal(yaml_load_text(&root, "x", deep, strlen(deep), &m), ERR_NONE);
    yaml_release(&root);
    assert_int_equal(yaml_load_text(&root, "x", deeper, strlen(deeper), &m), ERR_INPUT);
    assert_string_equal(m.text, "x:1: nested too deeply: want at most 64 levels");
    assert_int_equal(yaml_load_text(&root, "x", abyss, strlen(abyss), &m), ERR_INPUT);
    free(deep);
    free(deeper);
    free(abyss);
}

static void a_mebibyte_is_read_and_a_byte_more_is_refused(void **state)
{
    const size_t most = (size_t)1 << 20;
    char path[TMPDIR_PATH_MAX], want[TMPDIR_PATH_MAX + 64];
    char *text = malloc(most + 1);
    struct yaml root;
    struct err_msg m;

    assert_non_null(text);
    memset(text, '#', most + 1);
    tmpdir_path(path, *state, "large.yaml");
    tmpdir_write(*state, "large.yaml", text, most);
    assert_int_equal(yaml_load(&root, path, &m), ERR_NONE);
    yaml_release(&root);
    tmpdir_write(*state, "large.yaml", text, most + 1);
    assert_int_equal(yaml_load(&root, path, &m), ERR_INPUT);
    snprintf(want, sizeof want, "%s: too large: want at most 1048576 bytes", path);
    assert_string_equal(m.text, want);
    free(text);
}

/* Comparing each of 120,000 keys with all before it would take a minute. */
static void many_keys_cost_little_and_a_repeat_among_them_is_found(void **state)
{
    const size_t n_key = 120000;
    char *text = malloc(9 * n_key);
    struct yaml root;
    struct err_msg m;
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < n_key; i++)
        n += (size_t)sprintf(text + n, "%zx:\n", (i * 7919) % n_key);
    assert_int_equal(yaml_load_text(&root, "x", text, n, &m), ERR_NONE);
    assert_int_equal(root.n_item, n_key);
    yaml_release(&root);
    n += (size_t)sprintf(text + n, "1eef:\n"); // 7919, the second key
    assert_int_equal(yaml_load_text(&root, "x", text, n, &m), ERR_INPUT);
    assert_string_equal(m.text, "x:120001: key 1eef is repeated; it was first given at x:2");
    free(text);
}

static void files_that_cannot_be_read_say_why(void **state)
{
    char missing[TMPDIR_PATH_MAX], folder[TMPDIR_PATH_MAX], want[TMPDIR_PATH_MAX + 64];
    struct yaml root;
    struct err_msg m;

    tmpdir_path(missing, *state, "missing.yaml");
    assert_int_equal(yaml_load(&root, missing, &m), ERR_INPUT);
    snprintf(want, sizeof want, "%s: cannot open: No such file or directory", missing);
    assert_string_equal(m.text, want);
    tmpdir_path(folder, *state, "folder.yaml");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(yaml_load(&root, folder, &m), ERR_INPUT);
    snprintf(want, sizeof want, "%s: cannot read: Is a directory", folder);
    assert_string_equal(m.text, want);
    yaml_release(&root);
}

/* ---- yaml_set ---- */

static enum err set(struct yaml *root, const char *assignment, struct err_msg *m)
{
    return yaml_set(root, assignment, SIZE_MAX, m);
}

static void set_replaces_what_is_there_and_creates_what_is_missing(void **state)
{
    struct yaml root = load("a: {b: 1, c: 2}\nd:\n");
    struct err_msg m;
    char where[32];

    (void)state;
    assert_int_equal(set(&root, "a.b={e: 3}", &m), ERR_NONE);
    assert_int_equal(set(&root, "a.b.f=[1, 2]", &m), ERR_NONE);
    assert_int_equal(set(&root, "d.g.h=x=y", &m), ERR_NONE);
    assert_int_equal(set(&root, "i=", &m), ERR_NONE);
    assert_string_equal(at(at(at(&root, "a"), "b"), "e")->text, "3");
    assert_int_equal(at(at(at(&root, "a"), "b"), "f")->n_item, 2);
    assert_string_equal(at(at(&root, "a"), "c")->text, "2");
    assert_string_equal(at(at(at(&root, "d"), "g"), "h")->text, "x=y");
    assert_true(yaml_is_empty(at(&root, "i")));
    assert_int_equal(root.n_item, 3);
    yaml_where(at(at(at(&root, "a"), "b"), "e"), where, sizeof where);
    assert_string_equal(where, "--set a.b");
    yaml_where(at(at(&root, "a"), "c"), where, sizeof where);
    assert_string_equal(where, "x.yaml:1");
    yaml_release(&root);
}

static void set_works_on_an_empty_file(void **state)
{
    struct yaml root = load("");
    struct err_msg m;

    (void)state;
    assert_int_equal(set(&root, "a.b=1", &m), ERR_NONE);
    assert_string_equal(at(at(&root, "a"), "b")->text, "1");
    yaml_release(&root);
}

static void the_last_part_of_a_limited_key_keeps_its_dots(void **state)
{
    struct yaml root = load("");
    struct err_msg m;

    (void)state;
    assert_int_equal(yaml_set(&root, "a.b.c.0.d=1", 3, &m), ERR_NONE);
    assert_string_equal(at(at(at(&root, "a"), "b"), "c.0.d")->text, "1");
    yaml_release(&root);
}

static void what_set_cannot_do_is_said_with_its_key(void **state)
{
    static const struct {
        const char *set, *message;
    } bad[] = {
        { "a", "--set a: want section.key=value, in UTF-8" },
        { "=1", "--set =1: want section.key=value, in UTF-8" },
        { "a..b=1", "--set a..b=1: want section.key=value, in UTF-8" },
        { "a.=1", "--set a.=1: want section.key=value, in UTF-8" },
        { "s.x=1", "--set s.x: no keys fit under s = 5, given at x.yaml:1" },
        { "l.0=1", "--set l.0: no keys fit under l = [...], given at x.yaml:2" },
        { "a=[1", "--set a: did not find expected ',' or ']' (while parsing a flow sequence)" },
        { "a.b=*x", "--set a.b: *x: no anchor &x before it" },
        { "a.b={c: 1, c: 2}", "--set a.b: key c is repeated; it was first given at --set a.b" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct yaml root = load("s: 5\nl: [1]\n");
        struct err_msg m = { "" };
        assert_int_equal(set(&root, bad[i].set, &m), ERR_INPUT);
        assert_string_equal(m.text, bad[i].message);
        yaml_release(&root);
    }
    struct yaml list = load("[1]");
    struct err_msg m = { "" };
    assert_int_equal(set(&list, "a=1", &m), ERR_INPUT);
    assert_string_equal(m.text, "--set a: no keys fit under the top = [...], given at x.yaml:1");
    yaml_release(&list);
}

static void set_takes_utf_8_only(void **state)
{
    static const char *const good[] = { "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                        "\xee\x80\x80", "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80", "\xc1\xbf", "\xc3", "\xc3x", "\xe0\x9f\xbf",
                                       "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf",
                                       "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                                       "\xf8\x88\x80\x80\x80", "\xff" };
    char text[32];
    struct err_msg m;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct yaml root = load("");
        snprintf(text, sizeof text, "a.%s=1", good[i]);
        assert_int_equal(set(&root, text, &m), ERR_NONE);
        assert_string_equal(at(at(&root, "a"), good[i])->text, "1");
        yaml_release(&root);
    }
    for (size_t i = 0; i < 2 * sizeof bad / sizeof *bad; i++) { // in the key, in the value
        struct yaml root = load("");
        snprintf(text, sizeof text, i % 2 ? "a.%s=1" : "a=%s", bad[i / 2]);
        assert_int_equal(set(&root, text, &m), ERR_INPUT);
        yaml_release(&root);
    }
}

static void set_goes_sixty_four_levels_deep_and_no_further(void **state)
{
    char key[2 * 65 + 2];
    struct err_msg m;

    (void)state;
    for (size_t i = 0; i < 65; i++)
        memcpy(key + 2 * i, "a.", 2);
    for (size_t depth = 64; depth <= 65; depth++) {
        struct yaml root = load("");
        memcpy(key + 2 * depth - 1, "=1", 3);
        assert_int_equal(set(&root, key, &m), depth == 64 ? ERR_NONE : ERR_INPUT);
        yaml_release(&root);
        key[2 * depth - 1] = '.';
    }
}

/* ---- typed readers ---- */

static void whole_numbers_are_read_to_the_edges_of_their_range(void **state)
{
    struct yaml root = load("[1, 8192, 18446744073709551615, 0]");
    struct err_msg m;
    uint64_t v;

    (void)state;
    assert_int_equal(yaml_u64(&root.item[0], "n", 1, 8192, "", &v, &m), ERR_NONE);
    assert_int_equal(v, 1);
    assert_int_equal(yaml_u64(&root.item[1], "n", 1, 8192, "", &v, &m), ERR_NONE);
    assert_int_equal(v, 8192);
    assert_int_equal(yaml_u64(&root.item[2], "n", 1, UINT64_MAX, "", &v, &m), ERR_NONE);
    assert_true(v == UINT64_MAX);
    assert_int_equal(yaml_u64(&root.item[3], "n", 0, 0, "", &v, &m), ERR_NONE);
    assert_int_equal(v, 0);
    yaml_release(&root);
}

static void what_is_no_whole_number_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        { "0", "x.yaml:1: n = 0: want a whole number from 1 to 8192 ns" },
        { "8193", "x.yaml:1: n = 8193: want a whole number from 1 to 8192 ns" },
        { "-1", "x.yaml:1: n = -1: want a whole number from 1 to 8192 ns" },
        { "+1", "x.yaml:1: n = +1: want a whole number from 1 to 8192 ns" },
        { "1.5", "x.yaml:1: n = 1.5: want a whole number from 1 to 8192 ns" },
        { "1e4", "x.yaml:1: n = 1e4: want a whole number from 1 to 8192 ns" },
        { "0x2001", "x.yaml:1: n = 0x2001: want a whole number from 1 to 8192 ns" },
        { "010",
          "x.yaml:1: n = 010: want a whole number from 1 to 8192 ns, without leading zeros" },
        { "\"\"", "x.yaml:1: n = \"\": want a whole number from 1 to 8192 ns" },
        { "\" 8\"", "x.yaml:1: n = \" 8\": want a whole number from 1 to 8192 ns" },
        { "many", "x.yaml:1: n = many: want a whole number from 1 to 8192 ns" },
        { "", "x.yaml:1: n = nothing: want a whole number from 1 to 8192 ns" },
        { "[8]", "x.yaml:1: n = [...]: want a whole number from 1 to 8192 ns" },
        { "{a: 8}", "x.yaml:1: n = {...}: want a whole number from 1 to 8192 ns" },
        { "18446744073709551617", // 2^64 + 1
          "x.yaml:1: n = 18446744073709551617: want a whole number from 1 to 8192 ns" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct yaml root = load(bad[i].text);
        struct err_msg m = { "" };
        uint64_t v = 77;
        assert_int_equal(yaml_u64(&root, "n", 1, 8192, "ns", &v, &m), ERR_INPUT);
        assert_string_equal(m.text, bad[i].message);
        assert_int_equal(v, 77);
        yaml_release(&root);
    }
}

static void whole_numbers_may_be_written_as_other_tools_write_them(void **state)
{
    static const struct {
        const char *text;
        unsigned    decimals;
        uint64_t    value;
    } good[] = { { "1e3", 0, 1000 },       { "1_000", 0, 1000 },  { "0x10", 0, 16 },
                 { "0xFf_fF", 0, 65535 },  { "1.50e2", 0, 150 },  { "64.0", 0, 64 },
                 { "500e-2", 0, 5 },       { "0e9", 0, 0 },       { "0.0", 0, 0 },
                 { "18446744073709551615", 0, UINT64_MAX },
                 { "0xffffffffffffffff", 0, UINT64_MAX },
                 { "1844674407370955161500e-2", 0, UINT64_MAX },
                 { "5.12", 9, 5120000000 }, { "1e-9", 9, 1 },     { "0x2", 3, 2000 } };
    static const char *const bad[] = {
        "", "_1", "1_", "1__0", "1_.5", "1._5", "0x", "0x_1", "0xg", "0X10", "00", "0_1", "01",
        "-1", "+1", "1.", ".5", "1e", "1e+", "1e99", "1e-1", "1.5", "1e1000000000000", "1 ", " 1",
        "1e5x", "18446744073709551616", "0x10000000000000000", "nan", "inf", "1e0x1",
    };
    uint64_t v;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!yaml_decimal(good[i].text, good[i].decimals, &v) || v != good[i].value)
            fail_msg("%s is %llu", good[i].text, (unsigned long long)v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        v = 77;
        if (yaml_decimal(bad[i], 0, &v) || v != 77)
            fail_msg("%s is read", bad[i]);
    }
}

/* ---- anchors ---- */

static void an_alias_repeats_its_anchor_and_a_merge_fills_what_is_missing(void **state)
{
    struct yaml root = load("base: &base {rows: 256, columns: 128, deep: &deep [1, {x: 2}]}\n"
                            "more: &more {columns: 1, clock: 9}\n"
                            "copy: *base\n"
                            "core:\n"
                            "  <<: [*base, *more]\n"
                            "  rows: 512\n"
                            "list: *deep\n"
                            "again: &base 5\n"
                            "last: *base\n"
                            "\"<<\": quoted\n");
    const struct yaml *core = at(&root, "core");

    (void)state;
    assert_string_equal(at(at(&root, "copy"), "columns")->text, "128");
    assert_int_equal(at(&root, "copy")->line, 3);
    assert_int_equal(at(at(&root, "copy"), "columns")->line, 1);
    assert_int_equal(core->n_item, 4);
    assert_string_equal(at(core, "rows")->text, "512");    // its own
    assert_string_equal(at(core, "columns")->text, "128"); // of the first
    assert_string_equal(at(core, "clock")->text, "9");
    assert_string_equal(at(&at(&root, "list")->item[1], "x")->text, "2");
    assert_string_equal(at(&root, "last")->text, "5"); // the last anchor of a name
    assert_string_equal(at(&root, "<<")->text, "quoted");
    yaml_release(&root);
}

static void keys_that_only_hold_anchors_are_left_out(void **state)
{
    struct yaml root = load("x-sides: &sides {rows: 512}\n"
                            "core: {<<: *sides, x-inner: 1}\n"
                            "x-: 2\n"
                            "xy: 3\n");
    struct yaml nothing = load("x-only: &a 1\n"), list = load("[x-1, 2]\n");

    (void)state;
    assert_int_equal(root.n_item, 2);
    assert_string_equal(root.item[0].key, "core");
    assert_string_equal(at(&root.item[0], "rows")->text, "512");
    assert_string_equal(at(&root.item[0], "x-inner")->text, "1"); // for its reader to judge
    assert_string_equal(root.item[1].key, "xy");
    assert_int_equal(nothing.n_item, 0);
    assert_int_equal(list.n_item, 2);
    yaml_release(&list);
    yaml_release(&root);
    yaml_release(&nothing);
}

/* Each level has the one before nine times: 9^9 values. The fifth line copies 9^5 and their lists,
 * once for its aliases and once for its anchor. */
static void aliases_of_aliases_are_bounded(void **state)
{
    char text[1024] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    struct yaml root;
    struct err_msg m;

    (void)state;
    for (int i = 1; i < 9; i++)
        for (int j = 0; j < 11; j++)
            snprintf(text + strlen(text), sizeof text - strlen(text),
                     j == 0 ? "a%d: &a%d [" : j < 10 ? "*a%d, " : "x]\n", j == 0 ? i : i - 1, i);
    assert_int_equal(yaml_load_text(&root, "x.yaml", text, strlen(text), &m), ERR_INPUT);
    assert_string_equal(m.text, "x.yaml:5: anchors and aliases repeat too much: want at most "
                                "262144 values and bytes");
    assert_null(root.item);
}

static void a_chain_of_aliases_is_no_deeper_than_a_file_may_be(void **state)
{
    char text[4096] = "a0: &a0 [x]\n";
    struct yaml root;
    struct err_msg m;

    (void)state;
    for (int i = 1; i < 100; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "a%d: &a%d [*a%d]\n", i, i,
                 i - 1);
    assert_int_equal(yaml_load_text(&root, "x.yaml", text, strlen(text), &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "nested too deeply: want at most 64 levels"));
}

static void real_numbers_are_read_as_json_writes_them(void **state)
{
    static const struct {
        const char *text;
        double      value;
    } good[] = { { "0", 0 }, { "-0.5", -0.5 }, { "12.25", 12.25 }, { "1e3", 1000 },
                 { "2.5E-1", 0.25 }, { "-1e+2", -100 }, { "'1'", 1 }, { "0x10", 16 },
                 { "1_000", 1000 } };
    static const char *const bad[] = { ".5", "5.", "1e", "1e+", "0x", "inf", "nan", "1e999", "00",
                                       "01.5", "1 2", "-e5", "", "\"one\"", "[1]", "-1000.5",
                                       "1000.5" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct yaml root = load(good[i].text);
        struct err_msg m = { "" };
        double v = 77;
        assert_int_equal(yaml_double(&root, "x", -1000, 1000, "pJ", &v, &m), ERR_NONE);
        assert_true(v == good[i].value);
        yaml_release(&root);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct yaml root = load(bad[i]);
        struct err_msg m = { "" };
        double v = 77;
        char want[128], hint[32] = "";
        if (strcmp(bad[i], "00") == 0 || strcmp(bad[i], "01.5") == 0)
            strcpy(hint, ", without leading zeros");
        assert_int_equal(yaml_double(&root, "x", -1000, 1000, "pJ", &v, &m), ERR_INPUT);
        snprintf(want, sizeof want, "x.yaml:1: x = %s: want a number from -1000 to 1000 pJ%s",
                 bad[i][0] == '\0' ? "nothing" : bad[i][0] == '[' ? "[...]" : bad[i], hint);
        assert_string_equal(m.text, want);
        assert_true(v == 77);
        yaml_release(&root);
    }
}

static void no_range_is_so_wide_that_infinity_is_in_it(void **state)
{
    struct yaml root = load("1e999");
    struct err_msg m;
    double v;

    (void)state;
    assert_int_equal(yaml_double(&root, "x", -HUGE_VAL, HUGE_VAL, "", &v, &m), ERR_INPUT);
    yaml_release(&root);
}

static void text_is_any_scalar_that_is_not_empty(void **state)
{
    struct yaml root = load("[source, '5', 6, [], '']");
    struct err_msg m;
    const char *text;

    (void)state;
    assert_int_equal(yaml_text(&root.item[0], "s", &text, &m), ERR_NONE);
    assert_string_equal(text, "source");
    assert_int_equal(yaml_text(&root.item[1], "s", &text, &m), ERR_NONE);
    assert_string_equal(text, "5");
    assert_int_equal(yaml_text(&root.item[2], "s", &text, &m), ERR_NONE);
    assert_string_equal(text, "6");
    assert_int_equal(yaml_text(&root.item[3], "s", &text, &m), ERR_INPUT);
    assert_string_equal(m.text, "x.yaml:1: s = [...]: want text");
    assert_int_equal(yaml_text(&root.item[4], "s", &text, &m), ERR_INPUT);
    assert_string_equal(m.text, "x.yaml:1: s = \"\": want text");
    yaml_release(&root);
}

static void a_long_value_is_shown_cut_between_characters(void **state)
{
    char text[201];
    struct err_msg m;
    uint64_t v;

    (void)state;
    for (size_t shift = 0; shift < 2; shift++) { // two-byte characters, at even and odd places
        memset(text, 'a', shift);
        for (size_t i = shift; i + 1 < sizeof text - 1; i += 2)
            memcpy(text + i, "\xc3\xa9", 3);
        struct yaml root = load(text);
        const char *shown = yaml_show(&root).text;
        size_t n = strlen(shown);
        assert_true(n > 40 && n < 64);
        assert_string_equal(shown + n - 5, "\xc3\xa9...");
        yaml_u64(&root, "n", 0, 1, "", &v, &m);
        assert_non_null(strstr(m.text, "...: want a whole number from 0 to 1"));
        yaml_release(&root);
    }
}

/* libyaml sees the text with a line end behind it. */
static void a_word_alone_is_what_libyaml_makes_of_it(void **state)
{
    static const char letter[] = "aZ09_.~-:#&*!|>%@`'\"{}[],? ";
    const struct rng rng = rng_at(18, "words");
    int n_tree = 0;

    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        char word[8], line[9];
        size_t n = 1 + rng_u64(rng, 10 * i) % 5;
        size_t n_letter = i % 2 ? 6 : sizeof letter - 1; // as many words as other texts
        struct yaml a, b;
        struct err_msg ma, mb;
        for (size_t k = 0; k < n; k++)
            word[k] = letter[rng_u64(rng, 10 * i + 1 + k) % n_letter];
        word[n] = '\0';
        snprintf(line, sizeof line, "%s\n", word);
        enum err e = yaml_load_text(&a, "x.yaml", word, n, &ma);
        assert_int_equal(yaml_load_text(&b, "x.yaml", line, n + 1, &mb), e);
        if (!e)
            assert_same_tree(&a, &b);
        n_tree += !e;
        yaml_release(&a);
        yaml_release(&b);
    }
    assert_true(n_tree > 2500);
}

static void a_copy_is_the_tree_and_takes_what_set_gives_it(void **state)
{
    struct yaml root = load("a: [1, {b: 'x'}, []]\nc: {d: {e: 5}, f: 6, g: 7}\n"), copy, other;
    struct err_msg m;

    (void)state;
    assert_int_equal(yaml_copy(&copy, &root, &m), ERR_NONE);
    assert_same_tree(&root, &copy);
    for (int i = 0; i < 9; i++) {
        static const char *const set[] = { "c.h=1", "c.i=2", "c.j=3", "c.d.k=4", "c.d.l=5",
                                           "m=6", "n=7", "o=8", "a=9" };
        assert_int_equal(yaml_set(&copy, set[i], SIZE_MAX, &m), ERR_NONE);
        assert_int_equal(yaml_set(&root, set[i], SIZE_MAX, &m), ERR_NONE);
    }
    assert_same_tree(&root, &copy);
    yaml_release(&root);
    assert_int_equal(yaml_copy(&other, &copy, &m), ERR_NONE);
    assert_same_tree(&copy, &other);
    yaml_release(&copy);
    yaml_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_alone_is_what_libyaml_makes_of_it),
        cmocka_unit_test(a_copy_is_the_tree_and_takes_what_set_gives_it),
        cmocka_unit_test(a_file_becomes_scalars_lists_and_maps_in_its_order),
        cmocka_unit_test(a_value_has_the_line_of_its_key_and_a_list_item_its_own),
        cmocka_unit_test(files_without_a_value_are_empty),
        cmocka_unit_test(what_is_refused_is_named_with_its_place),
        cmocka_unit_test(sixty_four_levels_are_read_and_one_more_is_refused),
        cmocka_unit_test_setup_teardown(a_mebibyte_is_read_and_a_byte_more_is_refused, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(many_keys_cost_little_and_a_repeat_among_them_is_found),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read_say_why, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(set_replaces_what_is_there_and_creates_what_is_missing),
        cmocka_unit_test(set_works_on_an_empty_file),
        cmocka_unit_test(the_last_part_of_a_limited_key_keeps_its_dots),
        cmocka_unit_test(what_set_cannot_do_is_said_with_its_key),
        cmocka_unit_test(set_takes_utf_8_only),
        cmocka_unit_test(set_goes_sixty_four_levels_deep_and_no_further),
        cmocka_unit_test(whole_numbers_are_read_to_the_edges_of_their_range),
        cmocka_unit_test(what_is_no_whole_number_is_refused),
        cmocka_unit_test(whole_numbers_may_be_written_as_other_tools_write_them),
        cmocka_unit_test(an_alias_repeats_its_anchor_and_a_merge_fills_what_is_missing),
        cmocka_unit_test(keys_that_only_hold_anchors_are_left_out),
        cmocka_unit_test(aliases_of_aliases_are_bounded),
        cmocka_unit_test(a_chain_of_aliases_is_no_deeper_than_a_file_may_be),
        cmocka_unit_test(real_numbers_are_read_as_json_writes_them),
        cmocka_unit_test(no_range_is_so_wide_that_infinity_is_in_it),
        cmocka_unit_test(text_is_any_scalar_that_is_not_empty),
        cmocka_unit_test(a_long_value_is_shown_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
