#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "core/param.h"

/* A machine with a field of every kind. */
struct machine {
    uint32_t         rows, word_bits;
    uint64_t         length_ns;
    uint64_t         rate_bps;
    enum colour { RED, GREEN, BLUE } colour;
    char             name[8];
    char             path[16];
    uint32_t         list[4];
    uint32_t         n_list;
    struct count_map counts;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

/* clang-format off */
static const struct param rows[] = {
    PARAM_U32(struct machine, rows, "array.rows", "", "256", 1, 8192, "rows of the array"),
    PARAM_U32_STEP(struct machine, word_bits, "array.sram.word_bits", "bit", "128", 8, 64000, 8,
                   "width"),
    PARAM_U64(struct machine, length_ns, "array.length_ns", "ns", "100", 0, INT64_MAX, "length"),
    PARAM_RATE(struct machine, rate_bps, "rate_gbps", "5", 1, UINT64_MAX, "rate"),
    PARAM_ENUM(struct machine, colour, "look.colour", "green", colours, "violet", "colour"),
    PARAM_NAME(struct machine, name, "look.name", "plain", "name"),
    PARAM_PATH(struct machine, path, "look.path", "file"),
    PARAM_LIST(struct machine, list, n_list, "list", "[1, 2]", 1, 100, "numbers"),
    PARAM_COUNTS(struct machine, counts, "map.counts", "{a: 3}", 1, 65536, "numbers by name"),
    PARAM_END
};
/* clang-format on */

enum { N_ROW = sizeof rows / sizeof *rows - 1 };

static bool always(const struct param *row, const void *base)
{
    (void)row;
    (void)base;
    return true;
}

static bool given(const struct param *row, const void *base)
{
    return row->kind != PARAM_KIND_PATH || ((const struct machine *)base)->path[0] != '\0';
}

/* Reads the text, then each of the NULL-ended assignments. */
static enum err read_set(struct machine *c, const char *text, const char *const *set,
                         struct err_msg *m)
{
    struct yaml root;
    enum err e = yaml_load_text(&root, "x.yaml", text, strlen(text), m);

    *c = (struct machine){ 0 };
    for (; !e && set && *set; set++)
        e = param_set(rows, &root, *set, m);
    if (!e)
        e = param_read(rows, c, &root, NULL, m);
    yaml_release(&root);
    if (e)
        param_release(rows, c);
    return e;
}

static struct machine read_good(const char *text)
{
    struct machine c;
    struct err_msg m = { "" };

    if (read_set(&c, text, NULL, &m) != ERR_NONE)
        fail_msg("%s: %s", text, m.text);
    return c;
}

/* ---- reading ---- */

static void what_is_not_given_has_its_default(void **state)
{
    struct machine c = read_good("");

    (void)state;
    assert_int_equal(c.rows, 256);
    assert_int_equal(c.word_bits, 128);
    assert_int_equal(c.length_ns, 100);
    assert_int_equal(c.rate_bps, 5000000000);
    assert_int_equal(c.colour, GREEN);
    assert_string_equal(c.name, "plain");
    assert_string_equal(c.path, "");
    assert_int_equal(c.n_list, 2);
    assert_int_equal(c.list[0], 1);
    assert_int_equal(c.list[1], 2);
    assert_int_equal(c.counts.n_entry, 1);
    assert_string_equal(c.counts.entry[0].key, "a");
    assert_int_equal(c.counts.entry[0].value, 3);
    param_release(rows, &c);
}

static void every_kind_is_read_where_it_is_given(void **state)
{
    struct machine c = read_good("array:\n"
                                 "  rows: 8192\n"
                                 "  length_ns: 9223372036854775807\n"
                                 "  sram: {word_bits: 8}\n"
                                 "rate_gbps: 20.48\n"
                                 "look:\n"
                                 "  colour: blue\n"
                                 "  name: \"sevens7\"\n"
                                 "  path: a b/c.onnx\n"
                                 "list: [100]\n"
                                 "map:\n"
                                 "  counts:\n"
                                 "    32: 4\n"
                                 "    conv5: 65536\n");

    (void)state;
    assert_int_equal(c.rows, 8192);
    assert_int_equal(c.word_bits, 8);
    assert_true(c.length_ns == INT64_MAX);
    assert_int_equal(c.rate_bps, 20480000000);
    assert_int_equal(c.colour, BLUE);
    assert_string_equal(c.name, "sevens7");
    assert_string_equal(c.path, "a b/c.onnx");
    assert_int_equal(c.n_list, 1);
    assert_int_equal(c.list[0], 100);
    assert_int_equal(c.counts.n_entry, 2);
    assert_string_equal(c.counts.entry[0].key, "32");
    assert_int_equal(c.counts.entry[0].value, 4);
    assert_string_equal(c.counts.entry[0].where, "x.yaml:13");
    assert_string_equal(c.counts.entry[1].key, "conv5");
    assert_int_equal(c.counts.entry[1].value, 65536);
    param_release(rows, &c);
}

static void a_section_or_map_without_a_value_is_empty(void **state)
{
    struct machine c = read_good("array:\nmap:\n  counts:\n");

    (void)state;
    assert_int_equal(c.rows, 256);
    assert_int_equal(c.counts.n_entry, 0);
    param_release(rows, &c);
}

static void a_key_that_begins_with_x_holds_anchors_and_nothing_else(void **state)
{
    struct machine c = read_good("x-rate: &r {rate_gbps: '0x7'}\n<<: *r\n");

    (void)state;
    assert_true(c.rate_bps == 7000000000);
    param_release(rows, &c);
}

static void a_row_knows_where_it_was_given(void **state)
{
    static const char text[] = "array:\n  rows: 1\n";
    char *where[N_ROW] = { NULL };
    struct machine c = { 0 };
    struct yaml root;
    struct err_msg m;

    (void)state;
    assert_int_equal(yaml_load_text(&root, "x.yaml", text, sizeof text - 1, &m), ERR_NONE);
    assert_int_equal(param_set(rows, &root, "list=[3]", &m), ERR_NONE);
    assert_int_equal(param_read(rows, &c, &root, where, &m), ERR_NONE);
    yaml_release(&root);
    assert_string_equal(where[param_find(rows, "array.rows")], "x.yaml:2");
    assert_string_equal(where[param_find(rows, "list")], "--set list");
    assert_null(where[param_find(rows, "look.name")]);
    for (size_t i = 0; i < N_ROW; i++)
        free(where[i]);
    param_release(rows, &c);
}

static void set_reaches_into_a_map_of_free_keys_whose_names_have_dots(void **state)
{
    static const char *const set[] = { "map.counts.layer1.0.conv=7", "map.counts.b=9", NULL };
    struct machine c;
    struct err_msg m;

    (void)state;
    assert_int_equal(read_set(&c, "map: {counts: {b: 1}}", set, &m), ERR_NONE);
    assert_int_equal(c.counts.n_entry, 2);
    assert_string_equal(c.counts.entry[0].key, "b");
    assert_int_equal(c.counts.entry[0].value, 9);
    assert_string_equal(c.counts.entry[0].where, "--set map.counts.b");
    assert_string_equal(c.counts.entry[1].key, "layer1.0.conv");
    assert_int_equal(c.counts.entry[1].value, 7);
    param_release(rows, &c);
}

/* ---- refusals ---- */

static void every_mistake_is_refused_in_one_line_with_place_and_cure(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        { "array:\n  rows: 0\n", "x.yaml:2: array.rows = 0: want a whole number from 1 to 8192" },
        { "array:\n  rows: 8193\n",
          "x.yaml:2: array.rows = 8193: want a whole number from 1 to 8192" },
        { "array: {rows: }\n",
          "x.yaml:1: array.rows = nothing: want a whole number from 1 to 8192" },
        { "array: {rows: 4294967552}\n", // 2^32 + 256
          "x.yaml:1: array.rows = 4294967552: want a whole number from 1 to 8192" },
        { "array: {length_ns: 9223372036854775808}\n",
          "x.yaml:1: array.length_ns = 9223372036854775808: "
          "want a whole number from 0 to 9223372036854775807 ns" },
        { "array:\n  sram:\n    word_bits: 12\n",
          "x.yaml:3: array.sram.word_bits = 12: want 8 to 64000 bit, a multiple of 8" },

        { "look: {colour: pink}\n", "x.yaml:1: look.colour = pink: want red, green or blue" },
        { "look: {colour: gree}\n", "x.yaml:1: look.colour = gree: want red, green or blue" },
        { "look: {colour: [red]}\n", "x.yaml:1: look.colour = [...]: want red, green or blue" },
        { "look: {colour: violet}\n",
          "x.yaml:1: look.colour = violet: not there yet: want red, green or blue" },

        { "look: {name: eight888}\n",
          "x.yaml:1: look.name = eight888: want a name, at most 7 bytes" },
        { "look: {name: ''}\n", "x.yaml:1: look.name = \"\": want a name, at most 7 bytes" },
        { "look: {path: {}}\n",
          "x.yaml:1: look.path = {...}: want a file name, at most 15 bytes" },
        { "look: {path: 1234567890123456}\n",
          "x.yaml:1: look.path = 1234567890123456: want a file name, at most 15 bytes" },

        { "list: 5\n", "x.yaml:1: list = 5: want [1 to 100, ...], 1 to 4 of them" },
        { "list: []\n", "x.yaml:1: list = [...]: want [1 to 100, ...], 1 to 4 of them" },
        { "list: [1, 2, 3, 4, 5]\n",
          "x.yaml:1: list = [...]: want [1 to 100, ...], 1 to 4 of them" },
        { "list: [1,\n  101]\n", "x.yaml:2: list = 101: want a whole number from 1 to 100" },
        { "list: [1, [2]]\n", "x.yaml:1: list = [...]: want a whole number from 1 to 100" },

        { "map: {counts: 5}\n", "x.yaml:1: map.counts = 5: want {key: 1 to 65536, ...}" },
        { "map: {counts: [5]}\n", "x.yaml:1: map.counts = [...]: want {key: 1 to 65536, ...}" },
        { "map:\n  counts:\n    a: 1\n    b: 0\n",
          "x.yaml:4: map.counts.b = 0: want a whole number from 1 to 65536" },
        { "map: {counts: {a: {b: 1}}}\n",
          "x.yaml:1: map.counts.a = {...}: want a whole number from 1 to 65536" },
        { "map: {counts: {'': 1}}\n", "x.yaml:1: map.counts: an empty key" },

        { "array: 5\n", "x.yaml:1: array = 5: want a section with the keys rows, sram, length_ns" },
        { "array: [5]\n",
          "x.yaml:1: array = [...]: want a section with the keys rows, sram, length_ns" },
        { "array: ''\n",
          "x.yaml:1: array = \"\": want a section with the keys rows, sram, length_ns" },
        { "array: {sram: x}\n",
          "x.yaml:1: array.sram = x: want a section with the keys word_bits" },
        { "rows\n", "x.yaml:1: rows: want a section with the keys "
                    "array, rate_gbps, look, list, map" },
        { "[]\n", "x.yaml:1: [...]: want a section with the keys "
                  "array, rate_gbps, look, list, map" },

        { "array:\n  row: 5\n", "x.yaml:2: array.row: unknown key; did you mean array.rows?" },
        { "rows: 5\n", "x.yaml:1: rows: unknown key; did you mean array.rows?" },
        { "array: {wordbits: 5}\n",
          "x.yaml:1: array.wordbits: unknown key; did you mean array.sram.word_bits?" },
        { "aray:\n  rows: 5\n", "x.yaml:1: aray: unknown key; did you mean array?" },
        { "maps: {counts: {}}\n", "x.yaml:1: maps: unknown key; did you mean map?" },
        { "array: {velocity: 5}\n",
          "x.yaml:1: array.velocity: unknown key; want one of rows, sram, length_ns" },
        { "'': 5\n", "x.yaml:1: : unknown key; want one of array, rate_gbps, look, list, map" },
        { "'': {rate_gbps: 5}\n",
          "x.yaml:1: : unknown key; want one of array, rate_gbps, look, list, map" },
        { "array: {'': 5}\n",
          "x.yaml:1: array.: unknown key; want one of rows, sram, length_ns" },
        { "array.rows: 5\n",
          "x.yaml:1: array.rows: a key with dots: want its sections one inside the other" },
        { "array: {sram.word_bits: 8}\n",
          "x.yaml:1: array.sram.word_bits: a key with dots: "
          "want its sections one inside the other" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct machine c;
        struct err_msg m = { "" };
        assert_int_equal(read_set(&c, bad[i].text, NULL, &m), ERR_INPUT);
        assert_string_equal(m.text, bad[i].message);
    }
}

static void mistakes_of_set_name_its_key(void **state)
{
    static const struct {
        const char *set, *message;
    } bad[] = {
        { "array.rows=0",
          "--set array.rows: array.rows = 0: want a whole number from 1 to 8192" },
        { "array={rows: 1, row: 2}",
          "--set array: array.row: unknown key; did you mean array.rows?" },
        { "list.0=3", "--set list.0: list = {...}: want [1 to 100, ...], 1 to 4 of them" },
        { "map.counts.a.b=x",
          "--set map.counts.a.b: map.counts.a.b = x: want a whole number from 1 to 65536" },
        { "array.rows", "--set array.rows: want section.key=value, in UTF-8" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const set[] = { bad[i].set, NULL };
        struct machine c;
        struct err_msg m = { "" };
        assert_int_equal(read_set(&c, "", set, &m), ERR_INPUT);
        assert_string_equal(m.text, bad[i].message);
    }
}

static void a_hostile_key_is_compared_and_shown_cut(void **state)
{
    enum { N = 200000 };
    char *text = malloc(N + 8);
    struct machine c;
    struct err_msg m;

    (void)state;
    assert_non_null(text);
    memcpy(text, "? ", 2); // longer keys than 1024 need the question mark
    memset(text + 2, 'k', N);
    strcpy(text + 2 + N, "\n: 1");
    assert_int_equal(read_set(&c, text, NULL, &m), ERR_INPUT);
    assert_true(strlen(m.text) < 512);
    assert_non_null(strstr(m.text, "kkk: unknown key; want one of array, rate_gbps, look"));
    free(text);
}

/* ---- rates ---- */

static uint64_t rate_of(const char *text)
{
    char yaml[128];

    snprintf(yaml, sizeof yaml, "rate_gbps: %s", text);
    struct machine c = read_good(yaml);
    param_release(rows, &c);
    return c.rate_bps;
}

static void rates_are_exact(void **state)
{
    static const struct {
        const char *text;
        uint64_t    bps;
    } rate[] = {
        { "5", 5000000000 },       { "5.12", 5120000000 },   { "20.48", 20480000000 },
        { "0.1", 100000000 },      { "4.48", 4480000000 },   { "0.3", 300000000 },
        { "10000", 10000000000000 }, { "0.000000001", 1 },   { "1.000000001", 1000000001 },
        { "1.50000000000000", 1500000000 }, { "1e1", 10000000000 }, { "'5'", 5000000000 },
        { "18446744073.709551615", UINT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rate / sizeof *rate; i++)
        assert_true(rate_of(rate[i].text) == rate[i].bps);
}

static void what_is_no_exact_rate_is_refused(void **state)
{
    static const char *const bad[] = {
        "1e-10", "0.0000000001", "5.0000000001", "0",    "0.0",  "-5",  ".5",
        "5.",    "05",           "00.1",         "5,12", "nan", "5.1.2", "[5]",
        "",      "5 Gb/s",       "18446744073.709551616", "99999999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct machine c;
        struct err_msg m = { "" };
        char text[64], want[160];
        snprintf(text, sizeof text, "rate_gbps: %s", bad[i]);
        snprintf(want, sizeof want, "x.yaml:1: rate_gbps = %s: want 0.000000001 to "
                 "18446744073.709551615 Gb/s, a decimal number with at most 9 decimals",
                 bad[i][0] == '\0'  ? "nothing"
                 : bad[i][0] == '[' ? "[...]"
                                     : bad[i]);
        assert_int_equal(read_set(&c, text, NULL, &m), ERR_INPUT);
        assert_string_equal(m.text, want);
    }
}

/* ---- writing ---- */

static char *yaml_of(const struct machine *c)
{
    char *text;
    size_t n;
    struct err_msg m = { "" };
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    assert_int_equal(param_write_yaml(rows, c, given, out, &m), ERR_NONE);
    fclose(out);
    return text;
}

static void the_written_yaml_has_every_row_in_its_section(void **state)
{
    struct machine c = read_good("look: {path: 'a: b'}\nmap: {counts: {32: 4, x: 1}}\n");
    char *text = yaml_of(&c);

    (void)state;
    assert_string_equal(text, "array:\n"
                              "  rows: 256\n"
                              "  sram:\n"
                              "    word_bits: 128\n"
                              "  length_ns: 100\n"
                              "rate_gbps: 5\n"
                              "look:\n"
                              "  colour: green\n"
                              "  name: plain\n"
                              "  path: 'a: b'\n"
                              "list: [1, 2]\n"
                              "map:\n"
                              "  counts: {32: 4, x: 1}\n");
    free(text);
    param_release(rows, &c);
}

static void json_has_the_same_structure_with_numbers(void **state)
{
    struct machine c = read_good("rate_gbps: 20.48\nlook: {path: p}\nmap: {counts: {32: 4}}\n"
                                 "array: {length_ns: 9223372036854775807}\n");
    json_t *json = param_to_json(rows, &c, always);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));

    (void)state;
    assert_string_equal(text, "{\"array\":{\"rows\":256,\"sram\":{\"word_bits\":128},"
                              "\"length_ns\":9223372036854775807},\"rate_gbps\":20.48,"
                              "\"look\":{\"colour\":\"green\",\"name\":\"plain\",\"path\":\"p\"},"
                              "\"list\":[1,2],\"map\":{\"counts\":{\"32\":4}}}");
    free(text);
    json_decref(json);
    param_release(rows, &c);
}

/* xorshift64* (S. Vigna, 2016): random machines, the same in every run. */
static uint64_t random_below(uint64_t *s, uint64_t n)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return (*s * UINT64_C(2685821657736338717) >> 11) % n;
}

/* Characters that YAML, JSON or a terminal could trip over. */
static void random_text(uint64_t *s, char *text, size_t n_byte)
{
    static const char *const part[] = {
        "a", "Z", "7", "0", "-", "?", ":", " ", "#", ",", "[", "}", "&", "*", "!", "|", ">", "'",
        "\"", "%", "@", "`", "~", "\\", "\t", "\n", ".", "=", "null", "<<", "---", ": ", " #",
        "\x01", "\x7f", "\xc2\x85", "\xc3\xa9", "\xe2\x80\xa8", "\xef\xbb\xbf",
        "\xf0\x9f\x98\x80" };
    size_t n = 0, want = 1 + random_below(s, n_byte - 1);

    do {
        const char *p = part[random_below(s, sizeof part / sizeof *part)];
        if (n + strlen(p) >= n_byte)
            break;
        strcpy(text + n, p);
        n += strlen(p);
    } while (n < want);
}

static struct machine random_machine(uint64_t *s)
{
    struct machine c = { .rows = (uint32_t)(1 + random_below(s, 8192)),
                         .word_bits = (uint32_t)(8 * (1 + random_below(s, 8000))),
                         .length_ns = random_below(s, INT64_MAX),
                         .rate_bps = 1 + random_below(s, UINT64_C(1) << (1 + random_below(s, 52))),
                         .colour = (enum colour)random_below(s, 3),
                         .n_list = (uint32_t)(1 + random_below(s, 4)) };

    for (uint32_t i = 0; i < c.n_list; i++)
        c.list[i] = (uint32_t)(1 + random_below(s, 100));
    random_text(s, c.name, sizeof c.name);
    if (random_below(s, 2))
        random_text(s, c.path, sizeof c.path);
    uint32_t n = (uint32_t)random_below(s, 5);
    c.counts.entry = calloc(n + 1, sizeof *c.counts.entry);
    assert_non_null(c.counts.entry);
    for (; c.counts.n_entry < n; c.counts.n_entry++) {
        struct count_entry *e = &c.counts.entry[c.counts.n_entry];
        size_t n_byte = 2 + random_below(s, random_below(s, 8) ? 20 : 2000);
        e->key = calloc(1, n_byte + 16);
        assert_non_null(e->key);
        sprintf(e->key, "%" PRIu32, c.counts.n_entry); // no key twice
        random_text(s, e->key + 1, n_byte);
        e->value = (uint32_t)(1 + random_below(s, 65536));
    }
    return c;
}

static void assert_same(const struct machine *a, const struct machine *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->word_bits, b->word_bits);
    assert_true(a->length_ns == b->length_ns);
    assert_true(a->rate_bps == b->rate_bps);
    assert_int_equal(a->colour, b->colour);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->path, b->path);
    assert_int_equal(a->n_list, b->n_list);
    assert_memory_equal(a->list, b->list, a->n_list * sizeof *a->list);
    assert_int_equal(a->counts.n_entry, b->counts.n_entry);
    for (uint32_t i = 0; i < a->counts.n_entry; i++) {
        assert_string_equal(a->counts.entry[i].key, b->counts.entry[i].key);
        assert_int_equal(a->counts.entry[i].value, b->counts.entry[i].value);
    }
}

static void any_machine_is_read_back_as_it_was_written(void **state)
{
    uint64_t s = 1;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct machine c = random_machine(&s);
        char *text = yaml_of(&c);
        struct machine back = read_good(text);
        assert_same(&c, &back);
        char *again = yaml_of(&back);
        assert_string_equal(text, again);
        free(text);
        free(again);
        param_release(rows, &c);
        param_release(rows, &back);
    }
}

/* ---- a file, or what differs from one ---- */

struct thing {
    char what[48];
};

static const struct param facts[] = {
    PARAM_FACTS(struct thing, what, "what", "plain", "a file or a map"), PARAM_END };

static void a_map_of_facts_is_kept_as_json_and_written_as_yaml(void **state)
{
    static const struct {
        const char *text, *field, *yaml;
    } good[] = {
        { "", "plain", "plain" },
        { "what: ../a.yaml", "../a.yaml", "../a.yaml" },
        { "what: '{a'", "{a", "'{a'" },
        { "what: '[1]'", "[1]", "'[1]'" },
        { "what: {file: a, x: 1e3}", "{\"file\":\"a\",\"x\":1000.0}", "{file: a, x: 1000.0}" },
        { "what: {x: '5', y: 1_000}", "{\"x\":5,\"y\":\"1_000\"}", "{x: 5, y: 1_000}" },
        { "what: {x: {value: -2, source: 'a, b'}}",
          "{\"x\":{\"value\":-2,\"source\":\"a, b\"}}", "{x: {value: -2, source: 'a, b'}}" },
        { "what: {x: [1, {}], y: yes}", "{\"x\":[1,{}],\"y\":\"yes\"}", "{x: [1, {}], y: yes}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct thing t = { "" }, back = { "" };
        struct err_msg m;
        struct yaml root;
        char *text, want[128];
        size_t n;
        assert_int_equal(yaml_load_text(&root, "x", good[i].text, strlen(good[i].text), &m), 0);
        assert_int_equal(param_read(facts, &t, &root, NULL, &m), ERR_NONE);
        yaml_release(&root);
        assert_string_equal(t.what, good[i].field);
        FILE *out = open_memstream(&text, &n);
        assert_int_equal(param_write_yaml(facts, &t, always, out, &m), ERR_NONE);
        fclose(out);
        snprintf(want, sizeof want, "what: %s\n", good[i].yaml);
        assert_string_equal(text, want);
        assert_int_equal(yaml_load_text(&root, "x", text, n, &m), 0);
        assert_int_equal(param_read(facts, &back, &root, NULL, &m), ERR_NONE);
        assert_memory_equal(&t, &back, sizeof t);
        yaml_release(&root);
        free(text);
    }
}

static void what_is_no_file_and_no_map_of_facts_is_refused(void **state)
{
    static const char *const bad[][2] = {
        { "what: [a]", "what = [...]" }, { "what: ''", "what = \"\"" },
        { "what: '{}'", "what = \"{}\"" },
        { "what: {a: 'a text that is longer than the field is, by far'}", "what = {...}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct thing t = { "" };
        struct err_msg m;
        struct yaml root;
        char want[128];
        assert_int_equal(yaml_load_text(&root, "x", bad[i][0], strlen(bad[i][0]), &m), 0);
        assert_int_equal(param_read(facts, &t, &root, NULL, &m), ERR_INPUT);
        snprintf(want, sizeof want, "x:1: %s: want a name, a path or {file: NAME, key: value, "
                 "...}, at most 47 bytes", bad[i][1]);
        assert_string_equal(m.text, want);
        yaml_release(&root);
    }
}

static void a_file_is_put_in_place_of_another(void **state)
{
    static const char *const fields[][2] = {
        { "a", "b/c" },
        { "{\"x\":1,\"file\":\"a\",\"y\":2}", "{\"x\":1,\"file\":\"b/c\",\"y\":2}" },
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct thing t = { "" };
        char word[16];
        strcpy(t.what, fields[i][0]);
        param_file_word(facts, &t, word, sizeof word);
        assert_string_equal(word, "a");
        assert_true(param_put_file(facts, &t, "b/c"));
        assert_string_equal(t.what, fields[i][1]);
        assert_false(param_put_file(facts, &t, "a name that is by far longer than the field "
                                               "that it is for"));
        assert_string_equal(t.what, fields[i][1]);
    }
    struct thing none = { "{\"x\":1}" };
    char word[16];
    param_file_word(facts, &none, word, sizeof word);
    assert_string_equal(word, "");
}

static void rates_in_json_read_as_in_yaml(void **state)
{
    uint64_t s = 2;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct machine c = { .rate_bps = 1 + random_below(&s, UINT64_C(10000000000000)) };
        json_t *json = param_to_json(rows, &c, always);
        char *text = json_dumps(json_object_get(json, "rate_gbps"),
                                JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        if (!strchr(text, 'e'))
            assert_string_equal(text, param_rate_text(c.rate_bps).text);
        assert_true(strtod(text, NULL) == strtod(param_rate_text(c.rate_bps).text, NULL));
        free(text);
        json_decref(json);
    }
}

static void a_full_disk_is_an_error_of_output(void **state)
{
    struct machine c = read_good("");
    struct err_msg m = { "" };
    FILE *out = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(out);
    assert_int_equal(param_write_yaml(rows, &c, given, out, &m), ERR_OUTPUT);
    assert_string_equal(m.text, "cannot write the configuration");
    fclose(out);
    param_release(rows, &c);
}

static void help_has_a_paragraph_for_every_row_and_a_gap_between_sections(void **state)
{
    char *text;
    size_t n, n_gap = 0;
    FILE *out = open_memstream(&text, &n);

    (void)state;
    param_print_help(rows, out);
    fclose(out);
    static const char first[] = "  array.rows (256), 1 to 8192: ";
    assert_memory_equal(text, first, sizeof first - 1);
    for (const char *p = text; (p = strstr(p, "\n\n")); p += 2)
        n_gap++;
    assert_int_equal(n_gap, 4); // five sections
    for (char *p = text; (p = strstr(p, "\n      ")); p++) // a paragraph in one line
        memmove(p + 1, p + 7, strlen(p + 7) + 1), *p = ' ';
    for (size_t i = 0; i < N_ROW; i++) {
        char line[1024];
        snprintf(line, sizeof line, "%s  %s (%s), %s: %s\n", i > 0 ? "\n" : "", rows[i].key,
                 rows[i].dflt[0] ? rows[i].dflt : "-", param_accepts(&rows[i]).text, rows[i].doc);
        assert_non_null(strstr(text, line));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(every_kind_is_read_where_it_is_given),
        cmocka_unit_test(a_section_or_map_without_a_value_is_empty),
        cmocka_unit_test(a_row_knows_where_it_was_given),
        cmocka_unit_test(set_reaches_into_a_map_of_free_keys_whose_names_have_dots),
        cmocka_unit_test(every_mistake_is_refused_in_one_line_with_place_and_cure),
        cmocka_unit_test(mistakes_of_set_name_its_key),
        cmocka_unit_test(a_hostile_key_is_compared_and_shown_cut),
        cmocka_unit_test(a_key_that_begins_with_x_holds_anchors_and_nothing_else),
        cmocka_unit_test(rates_are_exact),
        cmocka_unit_test(what_is_no_exact_rate_is_refused),
        cmocka_unit_test(the_written_yaml_has_every_row_in_its_section),
        cmocka_unit_test(json_has_the_same_structure_with_numbers),
        cmocka_unit_test(any_machine_is_read_back_as_it_was_written),
        cmocka_unit_test(a_map_of_facts_is_kept_as_json_and_written_as_yaml),
        cmocka_unit_test(what_is_no_file_and_no_map_of_facts_is_refused),
        cmocka_unit_test(a_file_is_put_in_place_of_another),
        cmocka_unit_test(rates_in_json_read_as_in_yaml),
        cmocka_unit_test(a_full_disk_is_an_error_of_output),
        cmocka_unit_test(help_has_a_paragraph_for_every_row_and_a_gap_between_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
