/* Every file that a run can write, against everything that can go wrong with a file: one line of
 * error, exit status 1, no report, an older file as it was and nothing left beside it.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define PLAIN "configs/resnet32.yaml"

static const struct output {
    const char *option, *name;
    bool        large; // more than a pipe takes
} outputs[] = {
    { "--trace", "t.vcd", true },
    { "--trace", "t.vcd.gz", true },
    { "--trace", "t.json", true },
    { "--trace", "t.json.gz", true },
    { "--timeline", "t.svg", false },
    { "--timeline", "t.svg.gz", false },
    { "--json", "r.json", false },
    { "--json", "r.json.gz", false },
    { "--csv", "r.csv", false },
    { "--csv", "r.csv.gz", false },
    { "--stats", "r.txt", true },
    { "--stats", "r.txt.gz", false },
};
enum { N_OUTPUT = sizeof outputs / sizeof *outputs };

static void run_of(char arguments[256], const char *where, const struct output *o)
{
    snprintf(arguments, 256, "run " PLAIN " %s %s/%s", o->option, where, o->name);
}

static int n_files(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void a_full_disk(void **state)
{
    char path[TMPDIR_PATH_MAX], arguments[256];

    for (size_t i = 0; i < N_OUTPUT; i++) {
        assert_int_equal(symlink("/dev/full", tmpdir_path(path, *state, outputs[i].name)), 0);
        run_of(arguments, "@", &outputs[i]);
        assert_fails(*state, arguments, 1, "No space left on device: want a disk with room");
    }
}

static void limit_files(rlim_t bytes)
{
    struct rlimit l;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
    l.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* The first 512 bytes can be written and no more, to a new file and over an older one. */
static void a_place_that_gets_full_on_the_way(void **state)
{
    char arguments[256], path[TMPDIR_PATH_MAX];

    for (size_t i = 0; i < 2 * N_OUTPUT; i++) {
        const struct output *o = &outputs[i / 2];
        const bool older = i % 2 == 1;
        if (older)
            tmpdir_write(*state, o->name, "old", 3);
        run_of(arguments, "@", o);
        limit_files(512);
        struct outcome r = imcsim(*state, arguments);
        limit_files(RLIM_INFINITY);
        assert_one_error_line(&r, arguments, 1, "File too large: want a higher limit");
        assert_string_equal(r.out, "");
        outcome_release(&r);
        assert_int_equal(n_files(*state), older ? 3 : 2); // out, err
        if (older) {
            char *text = read_file(*state, o->name);
            assert_string_equal(text, "old");
            free(text);
            assert_int_equal(unlink(tmpdir_path(path, *state, o->name)), 0);
        }
    }
}

static void a_path_that_cannot_be_written(void **state)
{
    char path[TMPDIR_PATH_MAX], arguments[256];

    for (size_t i = 0; i < N_OUTPUT; i++) {
        run_of(arguments, "@/none", &outputs[i]);
        assert_fails(*state, arguments, 1, "No such file or directory: want a directory that");
        run_of(arguments, "/proc", &outputs[i]); // to root, too
        assert_fails(*state, arguments, 1, outputs[i].name);
        assert_int_equal(mkdir(tmpdir_path(path, *state, outputs[i].name), 0700), 0);
        run_of(arguments, "@", &outputs[i]);
        assert_fails(*state, arguments, 1, "Is a directory: want the path of a file");
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(n_files(*state), 2);
}

static void a_reader_that_goes_away(void **state)
{
    char path[TMPDIR_PATH_MAX], arguments[256], redirect[512];

    for (size_t i = 0; i < N_OUTPUT; i++) {
        if (!outputs[i].large)
            continue;
        assert_int_equal(mkfifo(tmpdir_path(path, *state, outputs[i].name), 0600), 0);
        run_of(arguments, "@", &outputs[i]);
        snprintf(redirect, sizeof redirect,
                 " >@/out 2>@/err & head -c 9 <@/%s >/dev/null; wait $!", outputs[i].name);
        struct outcome o = imcsim_to(*state, arguments, redirect);
        assert_int_equal(o.status, 141);
        assert_string_equal(o.err, "");
        assert_string_equal(o.out, "");
        outcome_release(&o);
    }
}

/* Gone before the first byte: what is too short for a pipe to fill. */
static void a_standard_output_that_nobody_reads(void **state)
{
    static const char *const options[] = { "", " --json -", " --csv -", " --stats -",
                                           " --trace @/t.vcd", " --timeline @/t.svg" };
    int fd[2];

    assert_int_equal(pipe(fd), 0);
    assert_int_equal(close(fd[0]), 0);
    assert_int_equal(dup2(fd[1], 9), 9);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "run " PLAIN "%s", options[i]);
        struct outcome o = imcsim_to(*state, arguments, " >&9 2>@/err </dev/null");
        assert_int_equal(o.status, 141);
        assert_string_equal(o.err, "");
        outcome_release(&o);
    }
    close(fd[1]);
    close(9);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        IN_DIR(a_full_disk),
        IN_DIR(a_place_that_gets_full_on_the_way),
        IN_DIR(a_path_that_cannot_be_written),
        IN_DIR(a_reader_that_goes_away),
        IN_DIR(a_standard_output_that_nobody_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
