/* What a report says of a study: fronts and effects against loops that ask the question itself. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/rng.h"
#include "study/sweep/explore.h"
#include "study/sweep/store.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

enum { TABLES = 200, MOST = 60, MOST_FIGURE = 3, MOST_LEVEL = 5 };

/* Small whole numbers, so that many are equal; some are not there. */
static double draw(struct rng r, uint64_t i)
{
    uint64_t word = rng_u64(r, i) % 9;

    return word == 8 ? NAN : (double)word;
}

static bool beats(const double *a, const double *b, size_t n_figure, const bool *more)
{
    bool somewhere = false;

    for (size_t f = 0; f < n_figure; f++) {
        double sign = more[f] ? 1 : -1;
        if (!(sign * a[f] >= sign * b[f])) // also where one is not there
            return false;
        somewhere = somewhere || sign * a[f] > sign * b[f];
    }
    return somewhere;
}

static void a_front_is_what_no_other_point_beats(void **state)
{
    (void)state;
    for (uint64_t table = 0; table < TABLES; table++) {
        struct rng r = rng_in(rng_at(7, "front"), table);
        size_t n = rng_u64(r, 1000) % MOST, n_figure = 2 + rng_u64(r, 1001) % 2;
        bool keep[MOST], more[MOST_FIGURE];
        double value[MOST * MOST_FIGURE];

        for (size_t f = 0; f < n_figure; f++)
            more[f] = rng_u64(r, 2000 + f) % 2;
        for (size_t i = 0; i < n * n_figure; i++)
            value[i] = draw(r, i);
        assert_true(explore_front(keep, value, n, n_figure, more));
        for (size_t i = 0; i < n; i++) {
            const double *own = value + i * n_figure;
            bool want = true;
            for (size_t f = 0; f < n_figure; f++)
                want = want && !isnan(own[f]);
            for (size_t j = 0; j < n; j++)
                want = want && !beats(value + j * n_figure, own, n_figure, more);
            assert_int_equal(keep[i], want);
        }
    }
}

static void an_effect_is_the_mean_over_the_points_of_a_value(void **state)
{
    (void)state;
    for (uint64_t table = 0; table < TABLES; table++) {
        struct rng r = rng_in(rng_at(7, "effects"), table);
        size_t n = rng_u64(r, 1000) % MOST, level[MOST], n_point[MOST_LEVEL];
        double value[MOST], mean[MOST_LEVEL], least = INFINITY, most = -INFINITY;

        for (size_t i = 0; i < n; i++) {
            value[i] = draw(r, i);
            level[i] = rng_u64(r, 3000 + i) % MOST_LEVEL;
        }
        double spread = explore_effect(mean, n_point, level, value, n, MOST_LEVEL);
        for (size_t l = 0; l < MOST_LEVEL; l++) {
            double sum = 0, count = 0;
            for (size_t i = 0; i < n; i++)
                if (level[i] == l && !isnan(value[i])) {
                    sum += value[i];
                    count++;
                }
            assert_true((double)n_point[l] == count);
            assert_true(count > 0 ? fabs(mean[l] - sum / count) < 1e-12 : isnan(mean[l]));
            least = count > 0 && sum / count < least ? sum / count : least;
            most = count > 0 && sum / count > most ? sum / count : most;
        }
        assert_true(isinf(most) ? isnan(spread) : fabs(spread - (most - least)) < 1e-12);
    }
}

static void values_of_a_key_are_in_order_numbers_by_size(void **state)
{
    static const char *const text[] = { "512", "free", "64", NULL, "512", "6.4e1", "bound" };
    static const size_t want[] = { 1, 3, 0, 4, 1, 0, 2 };
    size_t level[7], at[7];

    (void)state;
    assert_int_equal(explore_levels(level, at, text, 7), 5);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(level[i], want[i]);
        assert_int_equal(want[at[level[i]]], want[i]);
    }
}

/* ---- the command ---- */

/* Five points of known figures, made by hand, one of which failed. */
static void write_database(const char *dir, const char *name, size_t n)
{
    static const char *const keys[] = { "core.crossbar.rows", "mapping.firing", "chip.cores" };
    static const char *const figures[] = { "cores", "latency_us", "throughput_images_per_s" };
    static const struct {
        const char *key[3], *error;
        double      figure[3];
    } points[] = {
        { { "1024", "free", "9" }, NULL, { 10, 50, 7 } },
        { { "256", "free", "9" }, NULL, { 40, 20.5, 9 } },
        { { "256", "lockstep", "9" }, NULL, { 40, 30, 8 } },
        { { "1024", "lockstep", "9" }, NULL, { 20, 20.5, 7 } },
        { { "64", "free", "9" }, "it does not fit", { NAN, NAN, NAN } },
    };
    const struct store_columns columns = { keys, 3, figures, 3 };
    char path[TMPDIR_PATH_MAX];
    struct err_msg m;
    struct store *s;

    assert_int_equal(store_open(&s, tmpdir_path(path, dir, name), "1", &columns, &m), ERR_NONE);
    for (size_t i = 0; i < n; i++) {
        struct store_row row = { .id = { { (uint8_t)(i + 1) } }, .key = points[i].key,
                                 .figure = points[i].figure, .error = points[i].error };
        assert_int_equal(store_add(s, &row, &m), ERR_NONE);
    }
    assert_int_equal(store_flush(s, &m), ERR_NONE);
    store_close(s);
}

static void the_best_points_come_first_and_failed_ones_are_counted(void **state)
{
    write_database(*state, "s.db", 5);
    json_t *all = json_of(*state, "report @/s.db --best throughput_images_per_s --format json");
    assert_int_equal(integer_at(all, "n_points"), 5);
    assert_int_equal(integer_at(all, "n_failed"), 1);
    assert_int_equal(json_array_size(at(all, "points")), 5);
    assert_true(number_at(all, "points[].figures.throughput_images_per_s") == 9);
    json_decref(all);
    char *text = succeed(*state, "report @/s.db --best latency_us --count 2");
    assert_non_null(strstr(text, "5 points, 1 of them failed"));
    assert_non_null(strstr(text, "it does not fit"));
    assert_non_null(strstr(text, "20.5"));
    assert_null(strstr(text, "50.0"));
    assert_null(strstr(text, "chip.cores")); // does not vary
    free(text);
    char *csv = succeed(*state, "report @/s.db --format csv");
    size_t n_line = 0;
    for (const char *p = csv; *p; p++)
        n_line += *p == '\n';
    assert_int_equal(n_line, 6);
    free(csv);
}

static void the_front_of_a_database_is_by_each_figures_direction(void **state)
{
    write_database(*state, "s.db", 5);
    json_t *two = json_of(*state, "report @/s.db --front cores,latency_us --format json");
    assert_int_equal(json_array_size(at(two, "front")), 2); // 10 and 50, 20 and 20.5
    json_decref(two);
    json_t *three = json_of(*state, "report @/s.db --format json "
                            "--front cores,latency_us,throughput_images_per_s");
    assert_int_equal(json_array_size(at(three, "front")), 3); // 40 cores have the most images/s
    json_decref(three);
}

static void a_figure_is_named_by_its_path_in_the_result_of_run_too(void **state)
{
    write_database(*state, "s.db", 5);
    char *key = succeed(*state, "report @/s.db --front cores,latency_us"),
         *path = succeed(*state, "report @/s.db --front cores,timing.latency_us");

    assert_string_equal(key, path);
    free(key);
    free(path);
    assert_fails(*state, "report @/s.db --best energy.blocks.crossbar", 2,
                 "no point has this figure: want one of cores, latency_us");
}

/* SQLite's own, which it makes to read a database. */
static void a_report_leaves_no_file_beside_the_database(void **state)
{
    static const char *const own[] = { "s.db-shm", "s.db-wal" };
    char path[TMPDIR_PATH_MAX];

    write_database(*state, "s.db", 5);
    free(succeed(*state, "report @/s.db"));
    free(succeed(*state, "sweep --status @/s.db"));
    for (size_t i = 0; i < 2; i++)
        assert_int_not_equal(access(tmpdir_path(path, *state, own[i]), F_OK), 0);
}

static void effects_of_a_database_are_its_means(void **state)
{
    write_database(*state, "s.db", 5);
    char *csv = succeed(*state, "report @/s.db --effects --table spreads --format csv");
    assert_non_null(strstr(csv, "cores,,25")); // (40 + 40) / 2 - (10 + 20) / 2
    free(csv);
    json_t *o = json_of(*state, "report @/s.db --effects --format json");
    assert_true(fabs(number_at(o, "effects[].spread") - 25) < 1e-12);
    json_decref(o);
}

static void a_report_is_of_what_the_study_wants(void **state)
{
    const struct store_columns none = { .n_key = 0 };
    char path[TMPDIR_PATH_MAX];
    struct err_msg m;
    struct store *s;

    write_database(*state, "s.db", 5);
    assert_int_equal(store_open(&s, tmpdir_path(path, *state, "s.db"), "1", &none, &m), ERR_NONE);
    assert_int_equal(store_say(s, "objective", "[\"throughput_images_per_s\"]", &m), ERR_NONE);
    assert_int_equal(store_flush(s, &m), ERR_NONE);
    char *points = succeed(*state, "report @/s.db --table points");
    assert_non_null(strstr(points, "latency us"));
    assert_null(strstr(points, "top-1 accuracy")); // no point has it
    assert_int_equal(lines_beyond(points, 100), 0);
    free(points);
    char *one = succeed(*state, "report @/s.db");
    assert_non_null(strstr(one, "The 4 best of 4 by throughput_images_per_s (more is better)"));
    assert_int_equal(store_say(s, "objective", "[\"cores\",\"latency_us\"]", &m), ERR_NONE);
    assert_int_equal(store_say(s, "limits", "{\"cores\":39,\"throughput_images_per_s\":7.0}", &m),
                     ERR_NONE);
    assert_int_equal(store_flush(s, &m), ERR_NONE);
    char *two = succeed(*state, "report @/s.db"); // two have 40 cores
    assert_non_null(strstr(two, "2 beyond the limits"));
    char *single = succeed(*state, "report @/s.db --front throughput_images_per_s,latency_us");
    assert_non_null(strstr(single, "1 point that no other beats in "));
    free(single);
    assert_non_null(strstr(two, "2 points that no other beats in cores (less is better), lat"));
    json_t *all = json_of(*state, "report @/s.db --best cores --format json");
    assert_int_equal(integer_at(all, "n_beyond_limits"), 2);
    assert_int_equal(json_array_size(at(all, "points")), 5);
    assert_int_equal(store_say(s, "limits", "{\"throughput_images_per_s\":7.5}", &m), ERR_NONE);
    assert_int_equal(store_say(s, "objective", NULL, &m), ERR_NONE);
    assert_int_equal(store_flush(s, &m), ERR_NONE);
    store_close(s);
    char *three = succeed(*state, "report @/s.db"); // less than 7.5 will not do
    assert_non_null(strstr(three, "The 2 best of 2 by cores"));
    json_decref(all);
    free(one);
    free(two);
    free(three);
}

static void what_cannot_be_reported_is_one_line(void **state)
{
    write_database(*state, "s.db", 5);
    write_database(*state, "empty.db", 0);
    tmpdir_write(*state, "text.db", "hardly a database, but long enough to be looked at", 50);
    tmpdir_write(*state, "nothing.db", "", 0);
    assert_fails(*state, "report @/empty.db", 2, "it has no points yet: want");
    assert_fails(*state, "report @/text.db", 2, "this is no database: want");
    assert_fails(*state, "report @/nothing.db", 2, "this is an empty file, and imcsim report");
    assert_fails(*state, "report @/none.db", 2, "cannot open");
    assert_fails(*state, "report @/s.db --best speed", 2,
                 "want one of cores, latency_us, throughput_images_per_s");
    assert_fails(*state, "report @/s.db --front cores", 2, "want two or three figures");
    assert_fails(*state, "report @/s.db --front cores,cores", 2, "stands twice");
    assert_fails(*state, "report @/s.db --front cores,latency_us,area_mm2", 2, "no point has");
    assert_fails(*state, "report @/s.db --effects --best cores", 2, "want one of them");
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_front_is_what_no_other_point_beats),
        cmocka_unit_test(an_effect_is_the_mean_over_the_points_of_a_value),
        cmocka_unit_test(values_of_a_key_are_in_order_numbers_by_size),
        IN_TMPDIR(the_best_points_come_first_and_failed_ones_are_counted),
        IN_TMPDIR(the_front_of_a_database_is_by_each_figures_direction),
        IN_TMPDIR(a_figure_is_named_by_its_path_in_the_result_of_run_too),
        IN_TMPDIR(a_report_leaves_no_file_beside_the_database),
        IN_TMPDIR(effects_of_a_database_are_its_means),
        IN_TMPDIR(a_report_is_of_what_the_study_wants),
        IN_TMPDIR(what_cannot_be_reported_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
