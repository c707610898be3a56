/* Result documents: order, layout, hostile text, memory that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/json.h"

static void assert_printed(json_t *doc, const char *want)
{
    struct err_msg m;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(json_print(doc, out, &m), ERR_NONE);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, want);
    free(text);
}

static void keys_keep_their_order_and_flat_values_a_line(void **state)
{
    json_t *o = json_object(), *list = json_array(), *row = json_object();

    (void)state;
    json_put_text(&o, "z", "last letter first");
    json_put_count(&row, "cores", 43);
    json_put_real(&row, "us", 162.8);
    json_add(&list, row);
    json_put(&o, "list", list);
    json_put(&o, "a", json_pack("[i, i]", 1, 2));
    json_put(&o, "none", json_array());
    assert_printed(o, "{\n"
                      "  \"z\": \"last letter first\",\n"
                      "  \"list\": [\n"
                      "    {\"cores\": 43, \"us\": 162.8}\n"
                      "  ],\n"
                      "  \"a\": [1, 2],\n"
                      "  \"none\": []\n"
                      "}\n");
}

/* 0.1 + 0.2 has 17 digits of which the last say only that it is binary. */
static void reals_have_15_digits(void **state)
{
    json_t *o = json_object();

    (void)state;
    json_put_real(&o, "a", 0.1 + 0.2);
    json_put_real(&o, "b", 5);
    json_put_real(&o, "c", 1e7 * 50 / 51804);
    assert_printed(o, "{\"a\": 0.3, \"b\": 5.0, \"c\": 9651.76434252181}\n");
}

static void whole_numbers_reach_63_bits(void **state)
{
    json_t *o = json_object();

    (void)state;
    json_put_count(&o, "seed", INT64_MAX);
    assert_printed(o, "{\"seed\": 9223372036854775807}\n");
}

static void hostile_text_becomes_valid_json(void **state)
{
    json_t *o = json_object();

    (void)state;
    json_put_text(&o, "quote", "a\"b\\\n\x01");
    json_put_text(&o, "utf8", "\xc3\xa4");
    json_put_text(&o, "latin1", "\xe4x\xff");
    assert_printed(o, "{\"quote\": \"a\\\"b\\\\\\n\\u0001\", \"utf8\": \"\xc3\xa4\", "
                      "\"latin1\": \"?x?\"}\n");
}

static void a_value_without_memory_takes_the_document_with_it(void **state)
{
    json_t *inner = json_object(), *list = json_array(), *o = json_object();
    struct err_msg m;

    (void)state;
    json_put(&inner, "lost", NULL);
    assert_null(inner);
    json_put_count(&inner, "later", 1);
    assert_null(inner);
    json_add(&list, inner);
    assert_null(list);
    json_put(&o, "list", list);
    json_put_text(&o, "text", "later");
    assert_null(o);
    assert_int_equal(json_print(o, stdout, &m), ERR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_keep_their_order_and_flat_values_a_line),
        cmocka_unit_test(reals_have_15_digits),
        cmocka_unit_test(whole_numbers_reach_63_bits),
        cmocka_unit_test(hostile_text_becomes_valid_json),
        cmocka_unit_test(a_value_without_memory_takes_the_document_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
