/* How the command ends when it is told to: statuses, silence, and no file left behind. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define PLAIN "configs/resnet32.yaml"

/* Starts imcsim with standard output at `out` (-1: nowhere) and messages in dir/err. */
static pid_t start(const char *dir, int out, char *const *arg)
{
    char imcsim_path[1024], err_path[TMPDIR_PATH_MAX];
    find_imcsim(imcsim_path);
    tmpdir_path(err_path, dir, "err");

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (out >= 0 ? dup2(out, STDOUT_FILENO) < 0 : !freopen("/dev/null", "w", stdout))
            _exit(99);
        if (!freopen(err_path, "w", stderr))
            _exit(99);
        signal(SIGINT, SIG_DFL); // a test run in the background ignores it
        execv(imcsim_path, arg);
        _exit(99);
    }
    return child;
}

static int status_of(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status)); // not by a signal
    return WEXITSTATUS(status);
}

static int n_hidden(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strncmp(e->d_name, ".imcsim-", strlen(".imcsim-")) == 0;
    closedir(d);
    return n;
}

/* `line` after the words in `arg`, cut in place at its blanks. */
static void add_words(char *line, char **arg, size_t n, size_t n_most)
{
    for (char *rest = line, *word; (word = strtok_r(rest, " ", &rest));) {
        assert_true(n + 1 < n_most);
        arg[n++] = word;
    }
    arg[n] = NULL;
}

static void assert_silent_without_a_reader(const char *dir, const char *line)
{
    char text[300], *arg[24] = { "imcsim" };
    int ends[2];

    snprintf(text, sizeof text, "%s", line);
    add_words(text, arg, 1, sizeof arg / sizeof *arg);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]); // nobody reads
    pid_t child = start(dir, ends[1], arg);
    close(ends[1]);
    int status = status_of(child);
    char *err = read_file(dir, "err");
    if (status != 141 || err[0])
        fail_msg("imcsim %s: status %d, \"%s\"", line, status, err);
    free(err);
}

static void closed_pipe_ends_the_command_silently(void **state)
{
    static const char *const lines[] = {
        "map " PLAIN " --json -", "map " PLAIN " --dot -", "map " PLAIN " --svg -",
        "run " PLAIN " --json -", "run " PLAIN " --stats -", "run " PLAIN " --csv -",
        "breakdown configs/dazzi2021_14nm.yaml --svg -", "sweep arrays --dry-run",
        "list configs", "list networks", "circuit list", "version", "--version", "--help", "help",
        "help config", "help device", "help circuit gate", "help onnx", "run --help",
    };
    static const char *const formats[] = { "text", "csv", "json", "markdown", "latex" };
    static const char *const tables[] = {
        "run " PLAIN, "map " PLAIN, "compare " PLAIN " " PLAIN, "circuit gate",
        "breakdown configs/dazzi2021_14nm.yaml", "article --table neurosim",
    };
    char line[300];

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_silent_without_a_reader(*state, lines[i]);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
            snprintf(line, sizeof line, "%s --format %s", tables[i], formats[f]);
            assert_silent_without_a_reader(*state, line);
        }
}

/* A run of hours, ended when its temporary file is there. */
static void ended_run_leaves_no_file_and_says_how_far_it_was(void **state)
{
    static const struct {
        int         number, status;
        const char *name;
    } signals[] = { { SIGINT, 130, "Ctrl-C" }, { SIGTERM, 143, "SIGTERM" },
                    { SIGHUP, 129, "SIGHUP" } };

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        char trace[TMPDIR_PATH_MAX], want[128];
        char *const arg[] = { "imcsim", "run",     PLAIN, "--count",     "1000000",
                              "--trace", trace,    "--log-level", "error", NULL };
        tmpdir_path(trace, *state, "t.vcd");
        pid_t child = start(*state, -1, arg);
        while (n_hidden(*state) == 0)
            nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        kill(child, signals[i].number);
        assert_int_equal(status_of(child), signals[i].status);
        assert_int_equal(n_hidden(*state), 0);
        assert_int_not_equal(access(trace, F_OK), 0);
        char *err = read_file(*state, "err");
        snprintf(want, sizeof want, "imcsim: ended by %s", signals[i].name);
        assert_memory_equal(err, want, strlen(want));
        assert_non_null(strstr(err, "; no unfinished file was left\n"));
        free(err);
    }
}

/* Until the command handles what ends it. */
static void wait_for_handlers(pid_t child)
{
    unsigned long long caught = 0;
    char path[64], line[256];

    snprintf(path, sizeof path, "/proc/%ld/status", (long)child);
    while (!(caught >> (SIGTERM - 1) & 1)) {
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        while (fgets(line, sizeof line, f))
            sscanf(line, "SigCgt: %llx", &caught);
        fclose(f);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
}

/* Works of minutes and more. What a study has done stays, and is no unfinished file. */
static void whatever_works_long_ends_with_the_signal_s_status(void **state)
{
    static const char study[] = "base: resnet32\nvary: {batch: {from: 1, to: 5000, steps: 5000}}\n";
    char db[TMPDIR_PATH_MAX], path[TMPDIR_PATH_MAX], svg[TMPDIR_PATH_MAX], dir[TMPDIR_PATH_MAX];
    char *const map[] = { "imcsim", "map", PLAIN, "--set", "network.depth=110", "--set",
                          "chip.cores=500", "--set", "mapping.optimize=interval", "--set",
                          "mapping.effort=100000", "--svg", svg, NULL };
    char *const sweep[] = { "imcsim", "sweep", path, "--db", db, NULL };
    char *const article[] = { "imcsim", "article", "--out", dir, NULL };
    char *const *const args[] = { map, sweep, article };

    tmpdir_path(db, *state, "s.db");
    tmpdir_path(path, *state, "s.yaml");
    tmpdir_path(svg, *state, "m.svg");
    tmpdir_path(dir, *state, "pages");
    tmpdir_write(*state, "s.yaml", study, strlen(study));
    for (size_t i = 0; i < sizeof args / sizeof *args; i++)
        for (int k = 0; k < 2; k++) {
            int number = k ? SIGTERM : SIGINT;
            pid_t child = start(*state, -1, args[i]);
            wait_for_handlers(child);
            kill(child, number);
            assert_int_equal(status_of(child), 128 + number);
            assert_int_equal(n_hidden(*state), 0);
            assert_int_not_equal(access(svg, F_OK), 0);
            char *err = read_file(*state, "err");
            assert_non_null(strstr(err, k ? "ended by SIGTERM" : "ended by Ctrl-C"));
            free(err);
        }
}

static void large_trace_is_announced(void **state)
{
    struct outcome o = imcsim_to(*state, "run " PLAIN " --count 1000000 --trace @/t.vcd",
                                 " >@/out 2>@/err & p=$!; while ! grep -q MB @/err; do sleep 0.01; "
                                 "done; kill $p; wait $p");

    assert_int_equal(o.status, 143);
    assert_non_null(strstr(o.err, "t.vcd will have some "));
    assert_non_null(strstr(o.err, " MB: --count, --trace-window and --trace-scope make it "
                                  "smaller"));
    outcome_release(&o);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        TEST(closed_pipe_ends_the_command_silently),
        TEST(ended_run_leaves_no_file_and_says_how_far_it_was),
        TEST(whatever_works_long_ends_with_the_signal_s_status),
        TEST(large_trace_is_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
