/* Tables of results: aligned text, CSV, thousands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/table.h"

static const struct table_column columns[] = {
    { "layer", "name" }, { "words read", "sram_reads" }, { "used", "utilization" },
    { "us", "us" },      { 0 },
};

static struct table *small_table(void)
{
    struct table *t = table_new(columns);

    table_text(t, "conv1");
    table_count(t, 1234567);
    table_share(t, 0.0625, 1);
    table_real(t, 162.84, 1);
    table_text(t, "fc");
    table_count(t, 4);
    table_share(t, 1, 1);
    table_none(t);
    return t;
}

/* What table_print() writes; the caller frees it. */
static char *printed(struct table *t, enum table_format format)
{
    struct err_msg m;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(table_print(t, format, out, &m), ERR_NONE);
    assert_int_equal(fclose(out), 0);
    table_free(t);
    return text;
}

static void assert_printed(struct table *t, enum table_format format, const char *want)
{
    char *text = printed(t, format);

    assert_string_equal(text, want);
    free(text);
}

static void text_is_aligned_with_thousands_and_percent(void **state)
{
    (void)state;
    assert_printed(small_table(), TABLE_TEXT,
                   "  layer  words read     used     us\n"
                   "  conv1   1,234,567    6.2 %  162.8\n"
                   "  fc              4  100.0 %       \n");
}

static void csv_has_keys_plain_numbers_and_fractions(void **state)
{
    (void)state;
    assert_printed(small_table(), TABLE_CSV,
                   "name,sram_reads,utilization,us\n"
                   "conv1,1234567,0.0625,162.84\n"
                   "fc,4,1,\n");
}

/* Two of the repeated columns, one of them empty, and one of the others. */
static struct table *brief_table(void)
{
    static const struct table_column some[] = {
        { "point", "name" }, { "key", "key" }, { "reads", "reads" }, { "us", "us" }, { 0 },
    };
    struct table *t = table_new(some);

    table_repeat(t, 2);
    table_brief(t);
    for (int i = 0; i < 2; i++) {
        table_text(t, "");
        table_text(t, i == 0 ? "a" : "b");
        table_none(t);
        if (i == 0)
            table_none(t);
        else
            table_real(t, 2.5, 1);
    }
    return t;
}

static void columns_without_anything_are_left_out_for_people(void **state)
{
    (void)state;
    assert_printed(brief_table(), TABLE_TEXT, "  key   us\n  a       \n  b    2.5\n");
    assert_printed(brief_table(), TABLE_MARKDOWN,
                   "| key | us |\n|---|---:|\n| a |  |\n| b | 2.5 |\n");
    assert_printed(brief_table(), TABLE_CSV, "name,key,reads,us\n,a,,\n,b,,2.5\n");
}

static void latex_is_a_float_of_booktabs_with_four_digits(void **state)
{
    static const struct table_column energy[] = {
        { "block", "block" }, { "area um2", "area_um2" }, { "energy nJ", "energy_nj" },
        { "share", "share" }, { 0 },
    };
    struct table *t = table_new(energy);

    (void)state;
    table_title(t, "Energy & area of a_b");
    table_named(t, "adc", "converters_#1");
    table_real(t, 5636698, 0);
    table_real(t, 12781.421, 3);
    table_share(t, 0.2986, 2);
    table_text(t, "all");
    table_real(t, 7, 0);
    table_real(t, 42.5, 3);
    table_none(t);
    table_note(t, "2 a MAC: 100 %% of\nit.\nall   those\n      above\nnJ    an image");
    assert_printed(t, TABLE_LATEX,
                   "\\begin{table}\n\\centering\n\\caption{Energy \\& area of a\\_b}\n"
                   "\\begin{tabular}{lrrr}\n\\toprule\n"
                   "block & area $\\mu$m$^2$ & energy nJ & share \\\\\n\\midrule\n"
                   "converters\\_\\#1 & 5,636,698 & 12,781 & 29.86 \\% \\\\\n"
                   "all & 7 & 43 &  \\\\\n"
                   "\\bottomrule\n\\end{tabular}\n"
                   "\\par\\smallskip\n{\\footnotesize 2 a MAC: 100 \\% of\nit.\\newline\n"
                   "\\emph{all}: those\nabove\\newline\n\\emph{nJ}: an image\\par}\n"
                   "\\end{table}\n");
}

/* Which are others in TeX's own fonts. */
static void latex_has_signs_of_comparison_and_arrows_in_mathematics(void **state)
{
    static const struct table_column some[] = { { "link", "link" }, { 0 } };
    struct table *t = table_new(some);

    (void)state;
    table_text(t, "conv1 -> a->b");
    table_text(t, "x<y > |z|");
    assert_printed(t, TABLE_LATEX,
                   "\\begin{table}\n\\centering\n\\begin{tabular}{l}\n\\toprule\nlink \\\\\n"
                   "\\midrule\nconv1 $\\to$ a$\\to$b \\\\\nx$<$y $>$ $|$z$|$ \\\\\n\\bottomrule\n"
                   "\\end{tabular}\n\\end{table}\n");
}

/* Rows are quantities: nJ and mm2 in one column. What is glued has a unit of its own. */
static void latex_chooses_digits_along_rows_where_these_are_quantities(void **state)
{
    static const struct table_column sides[] = {
        { "quantity", "quantity" }, { "one", "one" }, { "two", "two" }, { "ratio", "ratio" }, { 0 },
    };
    struct table *t = table_new(sides);

    (void)state;
    table_by_row(t);
    table_glue(t, 3);
    table_text(t, "energy");
    table_real(t, 38407.756, 3);
    table_real(t, 7.5, 3);
    table_real(t, 0.00195, 5);
    table_text(t, "area");
    table_real(t, 0.58240, 5);
    table_real(t, 1.16480, 5);
    table_real(t, 2, 5);
    char *text = printed(t, TABLE_LATEX);
    assert_non_null(strstr(text, "\nenergy & 38,408 & 8 & 0.002 \\\\\n"
                                 "area & 0.582 & 1.165 & 2.000 \\\\\n"));
    free(text);
}

static void a_table_wider_than_the_page_goes_on_below(void **state)
{
    struct table_column wide[12] = { { "layer", "layer" } };
    struct err_msg m;
    char *text;
    size_t size;

    (void)state;
    for (int i = 1; i < 11; i++)
        wide[i] = (struct table_column){ "a title of 18 char", "k" };
    struct table *t = table_new(wide);
    table_glue(t, 5); // with the fourth it would fit, alone it does not stand
    table_text(t, "conv1");
    for (int i = 1; i < 11; i++)
        table_count(t, (uint64_t)i);
    table_note(t, "the end");
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(table_print(t, TABLE_TEXT, out, &m), ERR_NONE);
    fclose(out);
    assert_string_equal(text,
                        "  layer  a title of 18 char  a title of 18 char  a title of 18 char\n"
                        "  conv1                   1                   2                   3\n\n"
                        "  layer  a title of 18 char  a title of 18 char  a title of 18 char  "
                        "a title of 18 char\n"
                        "  conv1                   4                   5                   6  "
                        "                 7\n\n"
                        "  layer  a title of 18 char  a title of 18 char  a title of 18 char\n"
                        "  conv1                   8                   9                  10\n"
                        "\n  the end\n");
    free(text);
    char *all = printed(t, TABLE_WIDE);
    assert_non_null(strstr(all, "9                  10\n"));
    free(all);
}

/* Widest line, in characters of ASCII. */
static size_t widest(const char *text)
{
    size_t most = 0;

    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        most = n > most ? n : most;
    }
    return most;
}

/* In text alone: a program reads the names whole. */
static void long_names_and_titles_lose_their_middle_and_a_last_word_is_divided(void **state)
{
    static const struct table_column named[] = {
        { "a_title_that_is_longer_than_the_forty_columns_of_a_name", "one" }, { "n", "n" },
        { "reason", "reason" }, { 0 },
    };
    static const char name[] = "layer_with_a_name_that_goes_on_and_on_and_on_until_block_17_conv";
    char word[300];

    (void)state;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    for (enum table_format format = TABLE_TEXT; format <= TABLE_CSV; format++) {
        struct table *t = table_new(named);
        table_text(t, name);
        table_count(t, 3);
        table_text(t, word);
        table_note(t, "%s is not short\nkey  %s", name, word);
        char *text = printed(t, format);
        if (format == TABLE_TEXT) {
            assert_int_equal(widest(text), 100);
            assert_non_null(strstr(text, "  a_title_that_is..forty_columns_of_a_name  n"));
            assert_non_null(strstr(text, "\n  layer_with_a_na.._on_until_block_17_conv  3  xx"));
            assert_non_null(strstr(text, "x\n       xxx")); // the note's, under its text
        } else {
            assert_non_null(strstr(text, name));
            assert_non_null(strstr(text, word));
        }
        free(text);
    }
}

static void csv_quotes_what_would_end_a_cell(void **state)
{
    static const struct table_column two[] = { { "a", "a" }, { "b", "b, c" }, { 0 } };
    struct table *t = table_new(two);

    (void)state;
    table_text(t, "x,y");
    table_text(t, "say \"hi\"");
    assert_printed(t, TABLE_CSV, "a,\"b, c\"\n\"x,y\",\"say \"\"hi\"\"\"\n");
}

static struct table *odd_table(void)
{
    static const struct table_column two[] = { { "a|b", "a" }, { "n", "n" }, { 0 } };
    struct table *t = table_new(two);

    table_text(t, "x|<y> & \"z\"");
    table_real(t, 9651.76, 0);
    return t;
}

static void markdown_has_a_rule_and_escapes_bars_and_tags(void **state)
{
    (void)state;
    assert_printed(small_table(), TABLE_MARKDOWN,
                   "| layer | words read | used | us |\n"
                   "|---|---:|---:|---:|\n"
                   "| conv1 | 1,234,567 | 6.2 % | 162.8 |\n"
                   "| fc | 4 | 100.0 % |  |\n");
    assert_printed(odd_table(), TABLE_MARKDOWN,
                   "| a\\|b | n |\n|---|---:|\n| x\\|&lt;y> & \"z\" | 9,652 |\n");
}

static void html_escapes_what_is_special_there(void **state)
{
    (void)state;
    assert_printed(odd_table(), TABLE_HTML,
                   "<table>\n<tr><th>a|b</th><th>n</th></tr>\n"
                   "<tr><td class=\"text\">x|&lt;y&gt; &amp; &quot;z&quot;</td>"
                   "<td>9,652</td></tr>\n"
                   "</table>\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    static const struct table_column one[] = { { "a", "a" }, { 0 } };
    struct table *t = table_new(one);

    (void)state;
    table_text(t, "red\033[31m\n");
    assert_printed(t, TABLE_TEXT, "  a\n  red?[31m?\n");
}

static void utf8_is_as_wide_as_its_characters(void **state)
{
    static const struct table_column two[] = { { "a", "a" }, { "b", "b" }, { 0 } };
    struct table *t = table_new(two);

    (void)state;
    table_text(t, "\xc3\xa4\xc3\xb6"); // two letters of two bytes
    table_count(t, 1);
    assert_printed(t, TABLE_TEXT, "  a   b\n  \xc3\xa4\xc3\xb6  1\n");
}

static void an_empty_table_has_its_header(void **state)
{
    (void)state;
    assert_printed(table_new(columns), TABLE_CSV, "name,sram_reads,utilization,us\n");
}

static void a_table_without_memory_is_an_error_when_printed(void **state)
{
    struct err_msg m;

    (void)state;
    table_text(NULL, "a");
    table_count(NULL, 1);
    assert_int_equal(table_print(NULL, TABLE_TEXT, stdout, &m), ERR_MEMORY);
    table_free(NULL);
}

static void counts_are_grouped_by_thousands(void **state)
{
    (void)state;
    assert_string_equal(format_count(0).text, "0");
    assert_string_equal(format_count(999).text, "999");
    assert_string_equal(format_count(1000).text, "1,000");
    assert_string_equal(format_count(123456).text, "123,456");
    assert_string_equal(format_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

/* A naive twin: digits from the right, a comma after each third. */
static void counts_equal_those_of_a_naive_grouping(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < UINT64_MAX / 7; value = value * 7 + 3) {
        char text[40];
        size_t at = sizeof text - 1, n = 0;
        uint64_t rest = value;
        text[at] = '\0';
        for (; rest > 0; rest /= 10) {
            if (n > 0 && n % 3 == 0)
                text[--at] = ',';
            text[--at] = (char)('0' + rest % 10);
            n++;
        }
        assert_string_equal(format_count(value).text, text + at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_aligned_with_thousands_and_percent),
        cmocka_unit_test(csv_has_keys_plain_numbers_and_fractions),
        cmocka_unit_test(latex_is_a_float_of_booktabs_with_four_digits),
        cmocka_unit_test(latex_has_signs_of_comparison_and_arrows_in_mathematics),
        cmocka_unit_test(latex_chooses_digits_along_rows_where_these_are_quantities),
        cmocka_unit_test(a_table_wider_than_the_page_goes_on_below),
        cmocka_unit_test(long_names_and_titles_lose_their_middle_and_a_last_word_is_divided),
        cmocka_unit_test(csv_quotes_what_would_end_a_cell),
        cmocka_unit_test(markdown_has_a_rule_and_escapes_bars_and_tags),
        cmocka_unit_test(html_escapes_what_is_special_there),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(utf8_is_as_wide_as_its_characters),
        cmocka_unit_test(an_empty_table_has_its_header),
        cmocka_unit_test(columns_without_anything_are_left_out_for_people),
        cmocka_unit_test(a_table_without_memory_is_an_error_when_printed),
        cmocka_unit_test(counts_are_grouped_by_thousands),
        cmocka_unit_test(counts_equal_those_of_a_naive_grouping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
