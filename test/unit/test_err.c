#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/err.h"

static void a_message_is_formatted_and_its_error_returned(void **state)
{
    struct err_msg m;

    (void)state;
    assert_int_equal(err_set(&m, ERR_OUTPUT, "%s:%d: full", "out.json", 7), ERR_OUTPUT);
    assert_string_equal(m.text, "out.json:7: full");
}

static void bytes_that_could_move_the_cursor_become_question_marks(void **state)
{
    struct err_msg m;

    (void)state;
    err_set(&m, ERR_INPUT, "a%sb", "\n\t\033\177\001 \xc3\xa9");
    assert_string_equal(m.text, "a????? \xc3\xa9" "b");
    err_prefix(&m, "c\nd");
    assert_string_equal(m.text, "c?d: a????? \xc3\xa9" "b");
}

static void a_message_that_is_too_long_is_cut_and_ends(void **state)
{
    struct err_msg m;
    char text[2 * sizeof m.text];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&m, ERR_INPUT, "%s", text);
    assert_int_equal(strlen(m.text), sizeof m.text - 1);
    err_prefix(&m, "short");
    assert_int_equal(strlen(m.text), sizeof m.text - 1);
    assert_memory_equal(m.text, "short: xxx", 10);
    err_prefix(&m, text);
    assert_int_equal(strlen(m.text), sizeof m.text - 1);
    assert_null(strchr(m.text, ':'));
}

static void wrong_input_exits_with_2_and_failed_runs_with_1(void **state)
{
    (void)state;
    assert_int_equal(err_exit_status(ERR_NONE), 0);
    assert_int_equal(err_exit_status(ERR_INPUT), 2);
    assert_int_equal(err_exit_status(ERR_RUN), 1);
    assert_int_equal(err_exit_status(ERR_OUTPUT), 1);
    assert_int_equal(err_exit_status(ERR_MEMORY), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_formatted_and_its_error_returned),
        cmocka_unit_test(bytes_that_could_move_the_cursor_become_question_marks),
        cmocka_unit_test(a_message_that_is_too_long_is_cut_and_ends),
        cmocka_unit_test(wrong_input_exits_with_2_and_failed_runs_with_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
