/* Pages of the documentation in lines that a terminal has room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/page.h"
#include "core/wrap.h"
#include "test/cli_rig.h"

static char *page(const char *text, size_t most)
{
    char *printed;
    size_t n;
    FILE *out = open_memstream(&printed, &n);

    assert_non_null(out);
    page_print(out, text, most);
    assert_int_equal(fclose(out), 0);
    return printed;
}

static void paragraphs_are_filled_anew_and_code_stays(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "one two three four\nfive\n", "one two\nthree four\nfive\n" },
        { "one two\n\nthree\n", "one two\n\nthree\n" },
        { "# a heading of words\nwords\n", "# a heading of words\nwords\n" },
        { "text:\n\n    a command of words\n", "text:\n\n    a command of words\n" },
        { "```yaml\nkey: value one\n  two\n```\nsome words of text\n",
          "```yaml\nkey: value one\n  two\n```\nsome words\nof text\n" },
        { "- one two three\n  four\n- five\n", "- one two\n  three\n  four\n- five\n" },
        { "1. one two\n2. three four\n", "1. one two\n2. three\n   four\n" },
        { "| a b | c d |\n|---|---|\n| e |\n", "| a b | c\n    d |\n|---|---|\n| e |\n" },
        { "<!-- a note to nobody -->\nend", "<!-- a note to nobody -->\nend\n" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *printed = page(cases[i].text, 10);
        assert_string_equal(printed, cases[i].want);
        free(printed);
    }
}

/* Words in their order, whatever stands between them. */
static void assert_same_words(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, " \n");
        b += strspn(b, " \n");
        size_t n = strcspn(a, " \n");
        assert_int_equal(n, strcspn(b, " \n"));
        assert_memory_equal(a, b, n);
        if (n == 0)
            break;
        a += n;
        b += n;
    }
}

static void no_page_loses_a_word_or_has_prose_beyond_100_columns(void **state)
{
    static const char *const names[] = { "README.md",  "elastic.md", "fabrics.md", "studies.md",
                                         "results.md", "onnx.md",    "tlm.md",     "spiking.md" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = read_file("docs", names[i]), *printed = page(text, TEXT_WIDTH);
        assert_same_words(text, printed);
        bool fenced = false;
        for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n")) {
            fenced = fenced != (strncmp(line, "```", 3) == 0);
            if (text_width(line) > TEXT_WIDTH && !fenced && strncmp(line, "    ", 4) != 0 &&
                *line != '#' && *line != '<')
                fail_msg("%s: %s", names[i], line);
        }
        free(text);
        free(printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paragraphs_are_filled_anew_and_code_stays),
        cmocka_unit_test(no_page_loses_a_word_or_has_prose_beyond_100_columns),
    };
    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
