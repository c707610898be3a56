/* Small pieces of the reports: progress, names of classes, figures of the article. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/article.h"
#include "cli/class_names.h"
#include "cli/progress.h"
#include "test/tmpdir.h"

static void progress_tells_images_rate_and_time_left(void **state)
{
    char line[128];

    (void)state;
    progress_line(line, sizeof line, 1200, 10000, 6);
    assert_string_equal(line, "1,200 of 10,000 images, 200 images/s, 44 s left");
    progress_line(line, sizeof line, 1, 3, 2);
    assert_string_equal(line, "1 of 3 images, 0.5 images/s, 4 s left");
    progress_line(line, sizeof line, 7, 7, 1);
    assert_string_equal(line, "7 of 7 images, 7.0 images/s, 0 s left");
}

static void progress_is_silent_where_nobody_watches(void **state)
{
    struct progress p;

    (void)state;
    progress_start(&p, false);
    assert_false(p.visible);
}

static void write_names(const char *dir, const char *text)
{
    tmpdir_write(dir, "m.classes.txt", text, strlen(text));
}

static void classes_are_named_by_the_file_beside_the_model(void **state)
{
    char onnx[TMPDIR_PATH_MAX];
    struct class_name name[3];

    tmpdir_path(onnx, *state, "m.onnx");
    write_names(*state, "cat\nankle boot\ndog\nlion\n");
    class_names(name, 3, onnx);
    assert_string_equal(name[0].text, "cat");
    assert_string_equal(name[1].text, "ankle boot");
    assert_string_equal(name[2].text, "dog");
}

static void a_class_without_a_name_is_called_by_its_number(void **state)
{
    char onnx[TMPDIR_PATH_MAX];
    struct class_name name[3];

    tmpdir_path(onnx, *state, "m.onnx");
    class_names(name, 2, onnx); // no file
    assert_string_equal(name[0].text, "0");
    assert_string_equal(name[1].text, "1");
    class_names(name, 1, ""); // no model
    assert_string_equal(name[0].text, "0");
    write_names(*state, "cat\n\ndog");
    class_names(name, 3, onnx);
    assert_string_equal(name[0].text, "cat");
    assert_string_equal(name[1].text, "1");
    assert_string_equal(name[2].text, "2");
}

static void a_hostile_name_is_cut_and_cleaned(void **state)
{
    char onnx[TMPDIR_PATH_MAX], text[1000];
    struct class_name name[2];

    tmpdir_path(onnx, *state, "m.onnx");
    memset(text, 'x', sizeof text);
    memcpy(text, "\033[1m", 4);
    memcpy(text + sizeof text - 6, "\nlast", 6);
    write_names(*state, text);
    class_names(name, 2, onnx);
    assert_int_equal(strlen(name[0].text), sizeof name[0].text - 1);
    assert_int_equal(strncmp(name[0].text, "[1mxxx", 6), 0);
    assert_string_equal(name[1].text, "last");
}

static enum figure_status status(const char *ours, const char *printed, const char *deviation,
                                 double tolerance)
{
    struct figure f = { .printed = printed, .deviation = deviation, .tolerance = tolerance };

    snprintf(f.ours, sizeof f.ours, "%s", ours);
    return figure_status(&f);
}

static void a_figure_agrees_deviates_or_differs(void **state)
{
    (void)state;
    assert_int_equal(status("7", NULL, NULL, 0), FIGURE_OURS_ALONE);
    assert_int_equal(status("[1, 2]", "[1, 2]", NULL, 0), FIGURE_AGREES);
    assert_int_equal(status("[1, 2]", "2", NULL, 0), FIGURE_DIFFERS);
    assert_int_equal(status("81.1", "82.1", "D2", 0), FIGURE_DEVIATES);
    assert_int_equal(status("82.1", "82.1", "D2", 0), FIGURE_DIFFERS); // no longer a deviation
    assert_int_equal(status("9,652", "9,650", NULL, 0.002), FIGURE_WITHIN);
    assert_int_equal(status("38,677", "38,600", NULL, 0.002), FIGURE_WITHIN);  // 77 <= 77.2
    assert_int_equal(status("38,678", "38,600", NULL, 0.002), FIGURE_DIFFERS); // 78
    assert_int_equal(status("38,522", "38,600", NULL, 0.002), FIGURE_DIFFERS);
    assert_int_equal(status("x", "38,600", NULL, 0.002), FIGURE_DIFFERS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_tells_images_rate_and_time_left),
        cmocka_unit_test(progress_is_silent_where_nobody_watches),
        TEST(classes_are_named_by_the_file_beside_the_model),
        TEST(a_class_without_a_name_is_called_by_its_number),
        TEST(a_hostile_name_is_cut_and_cleaned),
        cmocka_unit_test(a_figure_agrees_deviates_or_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
