/* Small pieces of the reports: progress, names of classes, figures of the article. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/article/article.h"
#include "cli/progress.h"
#include "report/class_names.h"
#include "report/report.h"
#include "test/tmpdir.h"

static void progress_tells_images_rate_and_time_left(void **state)
{
    char line[128];

    (void)state;
    progress_line(line, sizeof line, "images", 1200, 10000, 6);
    assert_string_equal(line, "1,200 of 10,000 images, 200 images/s, 44 s left");
    progress_line(line, sizeof line, "images", 1, 3, 2);
    assert_string_equal(line, "1 of 3 images, 0.5 images/s, 4 s left");
    progress_line(line, sizeof line, "images", 7, 7, 1);
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
    class_names(name, 1, tmpdir_path(onnx, *state, "./m")); // the last dot is a directory's
    assert_string_equal(name[0].text, "cat");
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

static void figures_that_differ_are_counted(void **state)
{
    struct figure_row rows[2] = {
        { .n_figure = 2, .figure = { { .ours = "1", .printed = "1" },
                                     { .ours = "1", .printed = "2" } } },
        { .n_figure = 3, .figure = { { .ours = "1", .printed = "2", .deviation = "D1" },
                                     { .ours = "1", .printed = "1", .deviation = "D1" },
                                     { .ours = "1" } } },
    };
    struct figure_table t = { .row = rows, .n_row = 2 };

    (void)state;
    assert_int_equal(figures_differing(&t), 2);
    t.n_row = 1;
    assert_int_equal(figures_differing(&t), 1);
}

/* Layer 3 reads 1 and 2, of which 2 fires last although 1 stands first; layer 1 reads the image. */
static void the_producer_that_fires_last_is_the_one_waited_for(void **state)
{
    static uint32_t image[] = { 0 }, both[] = { 1, 2 };
    struct layer layers[] = {
        { .kind = LAYER_IMAGE },
        { .input = image, .n_input = 1 },
        { .input = image, .n_input = 1 },
        { .input = both, .n_input = 2 },
    };
    struct plan_layer planned[] = { { .layer = 1 }, { .layer = 2 }, { .layer = 3 } };
    struct network network = { .layer = layers, .n_layer = 4 };
    struct study study = { .plan = { .network = &network, .layer = planned, .n_layer = 3 } };
    struct layer_result times[] = { { 0, 5 }, { 0, 9 }, { 0, 20 } };
    struct run_result result = { .layer = times };
    struct report r = { .study = &study, .result = &result };

    (void)state;
    assert_int_equal(latest_producer(&r, 2), 1);
    times[0].last_timestep = 10;
    assert_int_equal(latest_producer(&r, 2), 0);
    assert_int_equal(latest_producer(&r, 0), 3); // none: n_layer
}

static void a_batch_takes_the_latency_and_an_interval_for_each_further_image(void **state)
{
    struct config config = { .timestep_ns = 100, .clock_mhz = 500 };
    int64_t late[] = { 0, 0, 24 }; // from the third on
    struct plan plan = { .config = &config, .interval = 1024, .timestep_clk = 50,
                         .time = { .late = late, .transient_images = 3 } };

    (void)state;
    assert_true(batch_throughput(&plan, 1000, 1) == 10000); // 1,000 * 100 ns = 100 us
    assert_true(batch_throughput(&plan, 976, 2) == 1e9 * 2 / (2000 * 100));
    assert_true(batch_throughput(&plan, 928, 4) == 1e9 * 4 / (4024 * 100));
    assert_true(timesteps_us(&plan, 1628) * 10 == 1628);
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
        cmocka_unit_test(figures_that_differ_are_counted),
        cmocka_unit_test(the_producer_that_fires_last_is_the_one_waited_for),
        cmocka_unit_test(a_batch_takes_the_latency_and_an_interval_for_each_further_image),
        cmocka_unit_test(a_figure_agrees_deviates_or_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
