/* Studies by mpirun: the same table for any number of ranks, and after any of them was killed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/rng.h"
#include "test/cli_rig.h"
#include "test/sweep_table.h"
#include "test/tmpdir.h"

static const char study[] = // some that fail, and enough to be ended in the middle
    "base: resnet32\n"
    "vary:\n"
    "  network.depth: [8, 14, 20]\n"
    "  core.crossbar.rows: [128, 256]\n"
    "  fabric.link_gbps: {from: 4, to: 7, steps: 4}\n"
    "  batch: {from: 1, to: 3, steps: 3}\n";

enum { N_POINT = 72 };

static bool can_run(void)
{
    char program[1024], library[1100];

    find_imcsim(program);
    *strrchr(program, '/') = '\0';
    snprintf(library, sizeof library, "%s/libimcsim_mpi.so", program);
    if (access(library, R_OK) != 0)
        print_message("skipped: built without mpicc\n");
    else if (system("command -v mpirun >/dev/null") != 0)
        print_message("skipped: mpirun is not installed\n");
    else
        return true;
    return false;
}

/* Becomes mpirun, in a process group of its own. */
static void become(const char *dir, int n_rank, const char *db)
{
    char program[1024], path[2][TMPDIR_PATH_MAX], ranks[16];

    find_imcsim(program);
    snprintf(ranks, sizeof ranks, "%d", n_rank);
    setpgid(0, 0);
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    if (!freopen(tmpdir_path(path[0], dir, "out"), "w", stdout) ||
        !freopen(tmpdir_path(path[0], dir, "err"), "w", stderr))
        _exit(99);
    execlp("mpirun", "mpirun", "--oversubscribe", "-n", ranks, program, "sweep",
           tmpdir_path(path[0], dir, "s.yaml"), "--db", tmpdir_path(path[1], dir, db),
           (char *)NULL);
    _exit(99);
}

static pid_t start(const char *dir, int n_rank, const char *db)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        become(dir, n_rank, db);
    return pid;
}

static int end_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void any_number_of_ranks_makes_the_same_table(void **state)
{
    static const int n_rank[] = { 1, 2, 4, 7 };
    int n;

    if (!can_run())
        skip();
    tmpdir_write(*state, "s.yaml", study, strlen(study));
    free(succeed(*state, "sweep @/s.yaml --db @/whole.db"));
    char *whole = sweep_table(*state, "whole.db", &n);
    assert_int_equal(n, N_POINT);
    for (size_t i = 0; i < sizeof n_rank / sizeof *n_rank; i++) {
        char db[16];
        snprintf(db, sizeof db, "%d.db", n_rank[i]);
        int status = end_of(start(*state, n_rank[i], db));
        char *out = read_file(*state, "out"), *err = read_file(*state, "err");
        if (status != 0)
            print_message("%s%s", out, err);
        assert_int_equal(status, 0);
        assert_non_null(strstr(out, "72 of 72 points are there: 72 new"));
        char *table = sweep_table(*state, db, &n);
        assert_string_equal(table, whole);
        free(table);
        free(out);
        free(err);
    }
    free(whole);
}

/* The pid of rank `rank` of a job: its environment says which. */
static pid_t find_rank(pid_t job, int rank)
{
    char command[512], line[32] = "";

    snprintf(command, sizeof command, "for p in $(pgrep -P %d imcsim); do tr '\\0' '\\n' "
             "<\"/proc/$p/environ\" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=%d && echo $p; "
             "done", (int)job, rank);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    (void)!fgets(line, sizeof line, f);
    pclose(f);
    return (pid_t)atoi(line);
}

/* Rows that are there; 0 where there is no table yet. */
static int count_rows(const char *dir, const char *db)
{
    char path[TMPDIR_PATH_MAX];
    sqlite3 *open = NULL;
    sqlite3_stmt *q = NULL;
    int n = 0;

    if (!sqlite3_open_v2(tmpdir_path(path, dir, db), &open, SQLITE_OPEN_READONLY, NULL) &&
        !sqlite3_prepare_v2(open, "SELECT count(*) FROM points", -1, &q, NULL) &&
        sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(open);
    return n;
}

/* Until rank `rank` is there, and there are more rows than `rows`; its pid, or 0 of a job that has
 * ended before. */
static pid_t wait_for(const char *dir, pid_t job, int rank, int rows)
{
    siginfo_t ended = { .si_pid = 0 };
    pid_t pid = 0;

    while (pid <= 0 || count_rows(dir, "killed.db") <= rows) {
        if (pid <= 0)
            pid = find_rank(job, rank);
        assert_int_equal(waitid(P_PID, (id_t)job, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        if (ended.si_pid == job)
            return 0;
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
    return pid;
}

/* Kills a rank, or mpirun itself (-1), `ms` after the rank was there, or after it has added rows;
 * true where that ended the job. */
static bool kill_one(const char *dir, int rank, int signal_number, bool added, long ms)
{
    int rows = added ? count_rows(dir, "killed.db") : -1;
    pid_t job = start(dir, 3, "killed.db"), pid = wait_for(dir, job, rank < 0 ? 0 : rank, rows);

    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
    if (pid > 0)
        kill(rank < 0 ? job : pid, signal_number);
    return end_of(job) != 0;
}

/* Four, each of them once; all of twenty take as long as the rest of the tests. */
static int kills_wanted(void)
{
    const char *wanted = getenv("IMCSIM_KILLS");

    return wanted && atoi(wanted) > 0 ? atoi(wanted) : 4;
}

static void a_job_whose_rank_was_killed_goes_on_to_the_same_table(void **state)
{
    const struct rng rng = rng_at(18, "mpi");
    int n, n_killed = 0, n_kill = kills_wanted();
    char large[512];

    if (!can_run())
        skip();
    int length = snprintf(large, sizeof large, "%s  clock_mhz: {from: 510, to: %d, steps: %d}\n",
                          study, 500 + 30 * n_kill, 3 * n_kill);
    tmpdir_write(*state, "s.yaml", large, (size_t)length);
    free(succeed(*state, "sweep @/s.yaml --db @/whole.db"));
    char *whole = sweep_table(*state, "whole.db", &n);
    for (int i = 0; i < n_kill; i++) {
        n_killed += kill_one(*state, i % 4 - 1, SIGKILL, i % 3 > 0,
                             (long)(rng_u64(rng, (uint64_t)i) % 200));
        print_message("kill %d of %d: %d ended the job, %d rows are there\n", i + 1, n_kill,
                      n_killed, count_rows(*state, "killed.db"));
    }
    assert_true(n_killed >= n_kill / 2); // the others came after the last point
    assert_int_equal(end_of(start(*state, 3, "killed.db")), 0);
    char *killed = sweep_table(*state, "killed.db", &n);
    assert_string_equal(killed, whole);
    free(killed);
    free(whole);
}

static void rank_0_says_how_to_go_on_when_it_is_told_to_end(void **state)
{
    static const char large[] = "base: resnet32\n"
                                "vary: {batch: {from: 1, to: 50000, steps: 50000}}\n";

    if (!can_run())
        skip();
    tmpdir_write(*state, "s.yaml", large, sizeof large - 1);
    assert_true(kill_one(*state, 0, SIGTERM, true, 0));
    char *err = read_file(*state, "err");
    const char *said = strstr(err, "imcsim: ended by SIGTERM with ");
    assert_non_null(said);
    assert_non_null(strstr(said, "killed.db: the same command goes on\n"));
    assert_null(strstr(said + 1, "imcsim: ended by")); // once
    free(err);
}

static void a_mistake_is_told_once(void **state)
{
    if (!can_run())
        skip();
    tmpdir_write(*state, "s.yaml", "base: nothing\n", 14);
    assert_true(end_of(start(*state, 3, "s.db")) != 0);
    char *err = read_file(*state, "err");
    const char *said = strstr(err, "imcsim: ");
    assert_non_null(said);
    assert_null(strstr(said + 1, "imcsim: "));
    free(err);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(any_number_of_ranks_makes_the_same_table),
        IN_TMPDIR(a_job_whose_rank_was_killed_goes_on_to_the_same_table),
        IN_TMPDIR(rank_0_says_how_to_go_on_when_it_is_told_to_end),
        IN_TMPDIR(a_mistake_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
