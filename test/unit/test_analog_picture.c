/* test/unit/test_analog_picture.c -- what imcsim run draws and writes of analog chips: picture, CSV
 * and JSON hold the same figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

static void check_within(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", got, tolerance, want);
}

static double number_behind(const char *text, const char *what)
{
    const char *p = strstr(text, what);

    assert_non_null(p);
    return strtod(p + strlen(what), NULL);
}

struct scale { // of an axis: value = least + (bottom - y) / height * (most - least)
    double bottom, height, least, most;
};

/* From the first two rows of marks of the n-th panel. */
static struct scale scale_of(const char *svg, uint32_t panel)
{
    const char row[] = "<path stroke=\"#dddddd\" d=\"M72 ";
    const char *p = strstr(svg, "<rect ");
    struct scale s = { .height = 1 };

    for (uint32_t i = 0; i <= panel; i++) // a panel begins with its title
        p = strstr(strstr(p, "text-anchor=\"start\">") + 1, row);
    s.bottom = strtod(p + strlen(row), NULL);
    s.least = number_behind(p, "text-anchor=\"end\">");
    p = strstr(p + 1, row);
    s.height = s.bottom - strtod(p + strlen(row), NULL);
    s.most = number_behind(p, "text-anchor=\"end\">");
    return s;
}

static double value_at(const struct scale *s, double y)
{
    return s->least + (s->bottom - y) / s->height * (s->most - s->least);
}

/* The y of points of a path, behind the words that begin it. */
static uint32_t read_path(const char *svg, const char *begin, uint32_t nth, double *y,
                          uint32_t most)
{
    const char *p = svg;
    uint32_t n = 0;

    for (uint32_t i = 0; i <= nth; i++) {
        p = strstr(p + 1, begin);
        assert_non_null(p);
    }
    p = strstr(p, "d=\"M") + 4;
    for (char *end; *p != '"' && *p != 'Z'; p = end + (*end == ' ')) {
        strtod(p, &end);
        assert_true(n < most);
        y[n++] = strtod(end, &end);
    }
    return n;
}

/* times: of a day and of 25 s, which are drawn in order. */
static void check_accuracy(const char *svg, json_t *times)
{
    struct scale top1 = scale_of(svg, 0);
    double y[8];

    assert_int_equal(json_array_size(times), 2);
    assert_int_equal(read_path(svg, "stroke-width=\"2\"", 0, y, 8), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *time = json_array_get(times, 1 - i);
        check_within(value_at(&top1, y[i]), 100 * number_at(time, "mean"), 0.05);
        for (size_t c = 0; c < 3; c++) {
            char want[64];
            snprintf(want, sizeof want, "chip %zu, %s: %.2f %%", c, i == 0 ? "25 s" : "1 day",
                     100 * json_number_value(json_array_get(at(time, "chips"), c)));
            assert_non_null(strstr(svg, want));
        }
    }
    assert_int_equal(read_path(svg, "fill-opacity=\"0.2\"", 0, y, 8), 4);
    for (size_t i = 0; i < 4; i++) {
        json_t *time = json_array_get(times, i == 0 || i == 3 ? 1 : 0);
        double end = 100 * number_at(time, i < 2 ? "low" : "high");
        check_within(value_at(&top1, y[i]), fmin(fmax(end, 0), 100), 0.05);
    }
}

/* all: by layer, and of each layer a day and 25 s. */
static void check_errors(const char *svg, const char *csv, json_t *all)
{
    struct scale error = scale_of(svg, 1);
    double y[128], pixel = (error.most - error.least) / error.height;
    const char *line = strchr(csv, '\n');

    for (uint32_t k = 0; k < 2; k++) {
        uint32_t n = read_path(svg, "stroke-width=\"1.5\"", k, y, 128);
        assert_int_equal(2 * n, json_array_size(all));
        for (uint32_t i = 0; i < n; i++)
            check_within(value_at(&error, y[i]),
                         number_at(json_array_get(all, 2 * i + 1 - k), "mvm_error"), 0.1 * pixel);
    }
    for (size_t i = 0; i < json_array_size(all); i++, line = strchr(line + 1, '\n')) {
        json_t *one = json_array_get(all, i);
        char want[128];
        snprintf(want, sizeof want, "\n%s,%d,", text_at(one, "name"),
                 (int)integer_at(one, "time_s"));
        assert_int_equal(strncmp(line, want, strlen(want)), 0);
        check_within(strtod(line + strlen(want), NULL), number_at(one, "mvm_error"), 1e-9);
    }
}

static void picture_csv_and_json_hold_the_same_figures(void **state)
{
    static const char arguments[] =
        "run configs/resnet32_fmnist.yaml --count 20 --svg @/p.svg --csv @/p.csv --json @/p.json "
        "--set core.crossbar.device=pcm_joshi --set analog.read_noise=frozen "
        "--set 'analog.times_s=[86400, 25]' --set analog.chips=3 --images " IMAGES;

    if (access(IMAGES, R_OK) != 0) {
        print_message("%s is not there\n", IMAGES);
        skip();
    }
    free(succeed(*state, arguments));
    char *svg = read_file(*state, "p.svg"), *text = read_file(*state, "p.json");
    char *csv = read_file(*state, "p.analog.csv");
    char *layers = read_file(*state, "p.analog_layers.csv");
    json_t *doc = json_loads(text, 0, NULL), *times = at(doc, "accuracy.times");

    check_accuracy(svg, times);
    check_errors(svg, layers, at(doc, "analog.layers"));
    check_within(number_behind(csv, "\n86400,3,"), number_at(json_array_get(times, 0), "mean"),
                 1e-9);
    json_decref(doc);
    free(text);
    free(csv);
    free(layers);
    free(svg);
}

static void without_analog_chips_there_is_nothing_to_draw(void **state)
{
    assert_fails(*state, "run configs/resnet32.yaml --svg @/p.svg", 2,
                 "draws the accuracy of analog chips in time, or spikes, and devices are ideal: "
                 "want --set core.crossbar.device=pcm_joshi, or --timeline");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(picture_csv_and_json_hold_the_same_figures, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(without_analog_chips_there_is_nothing_to_draw, tmpdir_make,
                                        tmpdir_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
