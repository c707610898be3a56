/* Studies that run: pools whose workers die, databases, and the command that is killed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <zlib.h>

#include "core/rng.h"
#include "report/point.h"
#include "study/sweep/packed.h"
#include "study/sweep/pool.h"
#include "study/sweep/store.h"
#include "test/cli_rig.h"
#include "test/sweep_table.h"
#include "test/tmpdir.h"

/* ---- names ---- */

static void names_of_points_are_fnv_1a_of_128_bits(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = { // of the algorithm's own test vectors
        { "", "6c62272e07bb014262b821756295c58d" },
        { "a", "d228cb696f1a8caf78912b704e4a8964" },
        { "foobar", "343e1662793c64bf6f0d3597ba446f18" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_id id = { { 0 } }, parts = { { 0 } };
        store_id_add(&id, cases[i].text);
        assert_string_equal(store_id_text(&id).text, cases[i].want);
        for (const char *p = cases[i].text; *p; p++)
            store_id_add(&parts, (const char[]){ *p, '\0' });
        if (cases[i].text[0] != '\0')
            assert_memory_equal(&parts, &id, sizeof id);
    }
}

/* ---- pools ---- */

enum { N_PIECE = 300, SEGV_EVERY = 50, STOPS = 123, EXITS = 77, LONG = 200000 };

static void square(void *user, uint64_t piece, struct message *found, void *mark)
{
    uint64_t value = piece * piece;

    (void)user;
    memcpy(mark, &piece, sizeof piece);
    if (piece % SEGV_EVERY == SEGV_EVERY - 1) {
        signal(SIGSEGV, SIG_DFL); // a sanitizer's handler would exit
        raise(SIGSEGV);
    }
    if (piece == EXITS)
        _exit(3);
    if (piece == STOPS)
        raise(SIGSTOP);
    if (!message_add(found, &value, sizeof value))
        abort();
    for (size_t i = 0; piece % 7 == 0 && i < LONG; i += sizeof value) // longer than a socket holds
        if (!message_add(found, &value, sizeof value))
            abort();
}

static void check_piece(const struct pool_event *e)
{
    uint64_t value;

    if (e->piece % SEGV_EVERY == SEGV_EVERY - 1) {
        assert_null(e->found);
        assert_string_equal(e->reason, "its process was ended by SIGSEGV");
        memcpy(&value, e->mark, sizeof value);
        assert_int_equal(value, e->piece);
    } else if (e->piece == EXITS) {
        assert_string_equal(e->reason, "its process ended with status 3");
    } else if (e->piece == STOPS) {
        assert_string_equal(e->reason, "it took longer than --limit 1 s");
    } else {
        assert_non_null(e->found);
        memcpy(&value, e->found, sizeof value);
        assert_int_equal(value, e->piece * e->piece);
        assert_int_equal(e->n, sizeof value + (e->piece % 7 == 0 ? LONG : 0));
    }
}

static void workers_that_die_or_stop_lose_their_own_piece_alone(void **state)
{
    (void)state;
    for (uint32_t n_worker = 1; n_worker <= 5; n_worker += 2) {
        const struct pool_cfg cfg = { .n_worker = n_worker, .limit_s = 1, .work = square,
                                      .n_mark = sizeof(uint64_t) };
        struct pool *p;
        struct pool_event e;
        struct err_msg m;
        uint64_t next = 0;
        int seen[N_PIECE] = { 0 };

        assert_int_equal(pool_new(&p, &cfg, &m), ERR_NONE);
        while (next < N_PIECE || pool_pending(p) > 0) {
            bool there;
            while (next < N_PIECE && pool_wants(p))
                assert_int_equal(pool_give(p, next++, &m), ERR_NONE);
            assert_int_equal(pool_next(p, 100, &e, &there, &m), ERR_NONE);
            if (!there)
                continue;
            check_piece(&e);
            seen[e.piece]++;
        }
        for (int i = 0; i < N_PIECE; i++)
            assert_int_equal(seen[i], 1);
        pool_free(p);
    }
}

/* ---- the command ---- */

static const char small[] = // too few cores for three, links too slow for four, one is none
    "base: resnet32\n"
    "vary:\n"
    "  core.crossbar.rows: [128, 256, 320]\n"
    "  network.depth: [20, 32]\n"
    "  fabric.link_gbps: {from: 4, to: 7, steps: 4}\n" // last: neighbours share all else
    "where: ['core.crossbar.rows > 128 or fabric.link_gbps > 4']\n"
    "points: [{name: far, set: {core.crossbar.rows: 0}}]\n";

static void write_study(const char *dir, const char *name, const char *text)
{
    tmpdir_write(dir, name, text, strlen(text));
}

/* A blob of gzip. */
static json_t *unpacked(const char *dir, const void *bytes, size_t n_byte)
{
    static char text[1 << 21];
    char path[TMPDIR_PATH_MAX];

    tmpdir_write(dir, "r.gz", bytes, n_byte);
    gzFile z = gzopen(tmpdir_path(path, dir, "r.gz"), "rb");
    int n = gzread(z, text, sizeof text);
    gzclose(z);
    assert_true(n > 0 && n < (int)sizeof text);
    json_t *doc = json_loadb(text, (size_t)n, 0, NULL);
    assert_non_null(doc);
    return doc;
}

/* Runs each point that did not fail singly, with its keys, which stand behind `result`; how many
 * there are. */
static int compare_with_run(const char *dir, const char *name, const char *base)
{
    char path[TMPDIR_PATH_MAX], arguments[2048];
    int n_row = 0;
    sqlite3 *db;
    sqlite3_stmt *q;

    assert_int_equal(sqlite3_open(tmpdir_path(path, dir, name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT result, latency_us, id, version, name, error, "
                                        "images, host_s, * FROM points WHERE error IS NULL", -1,
                                        &q, NULL), SQLITE_OK);
    for (; sqlite3_step(q) == SQLITE_ROW; n_row++) {
        int n = snprintf(arguments, sizeof arguments, "run %s --json -", base);
        for (int c = 15; strcmp(sqlite3_column_name(q, c), "cores") != 0; c++)
            n += snprintf(arguments + n, sizeof arguments - (size_t)n, " --set %s=%s",
                          sqlite3_column_name(q, c), sqlite3_column_text(q, c));
        json_t *run = json_of(dir, arguments);
        json_t *stored = unpacked(dir, sqlite3_column_blob(q, 0),
                                  (size_t)sqlite3_column_bytes(q, 0));
        assert_int_equal(json_object_del(run, "host"), 0);
        assert_true(json_equal(run, stored));
        assert_true(sqlite3_column_double(q, 1) == number_at(run, "timing.latency_us"));
        json_decref(run);
        json_decref(stored);
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n_row;
}

static void a_document_is_that_of_run_but_for_the_host(void **state)
{
    write_study(*state, "s.yaml", small);
    free(succeed(*state, "sweep @/s.yaml --db @/s.db --jobs 2"));
    assert_int_equal(compare_with_run(*state, "s.db", "resnet32"), 15); // of 22 of the grid
}

static void fifty_random_points_are_those_of_run(void **state)
{
    write_study(*state, "s.yaml", "base: resnet32_speedup\n"
                "vary: {network.depth: [20]}\n"
                "sample:\n"
                "  count: 50\n"
                "  seed: 18\n"
                "  keys:\n"
                "    core.crossbar.rows: [150, 1100]\n"
                "    core.crossbar.columns: [150, 1100]\n"
                "    mapping.replicas.32: [1, 4]\n"
                "    fabric.link_gbps: [30, 60]\n"
                "    chip.cores: [200, 300]\n"
                "    core.input_memory.words: [2048, 4096]\n"
                "    batch: [1, 60]\n");
    char *out = succeed(*state, "sweep @/s.yaml --db @/s.db --jobs 3");
    int n = compare_with_run(*state, "s.db", "resnet32_speedup");
    print_message("%s", out);
    assert_true(n >= 45);
    free(out);
}

/* A worker's own run of points that differ in what they cost. */
static void points_that_differ_in_prices_alone_share_a_run(void **state)
{
    static const char text[] = "base: dazzi2021_14nm\n"
                               "vary:\n"
                               "  network.depth: [20, 32]\n"
                               "  energy.chip: [dazzi2021_14nm, composed]\n"
                               "  energy.technology: [22nm_lp, 45nm_lp]\n";
    const struct store_ids none = { NULL, 0 };
    struct sweep s;
    struct err_msg m;
    double energy[8];

    (void)state;
    assert_int_equal(sweep_load_text(&s, "s.yaml", text, &m), ERR_NONE);
    struct point_worker w = { .sweep = &s, .done = &none };
    for (uint64_t i = 0; i < 8; i++) {
        struct message found = { NULL, 0, 0 };
        struct point_mark mark = { .named = false };
        struct point_found f;
        const void *result;
        size_t n_result;
        bool shared = w.measured.run.total_timesteps == 12345; // as it was left
        point_work(&w, i, &found, &mark);
        assert_true(point_read(&f, &result, &n_result, found.byte, found.n));
        assert_int_equal(f.kind, POINT_RAN);
        assert_int_equal(shared && w.measured.run.total_timesteps == 12345, i % 4 != 0);
        energy[i] = f.figure[FIGURE_ENERGY];
        w.measured.run.total_timesteps = 12345;
        message_release(&found);
    }
    assert_true(energy[2] != energy[3] && energy[0] != energy[2] && energy[0] != energy[4]);
    point_worker_release(&w);
    sweep_release(&s);
}

static void points_with_prices_are_those_of_run(void **state)
{
    write_study(*state, "s.yaml", "base: dazzi2021_14nm\n"
                "vary:\n"
                "  network.depth: [20, 32]\n"
                "  energy.chip: [dazzi2021_14nm, composed]\n"
                "  energy.technology: [22nm_lp, 45nm_lp]\n");
    free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
    assert_int_equal(compare_with_run(*state, "s.db", "dazzi2021_14nm"), 8);
}

/* Starts the study and ends it with the signal `us` microseconds later; one that is heeded comes
 * when there is a database. */
static int end_in_the_middle(const char *dir, int signal_number, unsigned us)
{
    char program[1024], study[TMPDIR_PATH_MAX], db[TMPDIR_PATH_MAX];
    int status;

    find_imcsim(program);
    tmpdir_path(study, dir, "s.yaml");
    tmpdir_path(db, dir, "killed.db");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(99);
        execl(program, "imcsim", "sweep", study, "--db", db, "--jobs", "2", (char *)NULL);
        _exit(99);
    }
    while (signal_number != SIGKILL && access(db, F_OK) != 0)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L }, NULL);
    kill(pid, signal_number);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_study_that_was_killed_goes_on_to_the_same_table(void **state)
{
    const struct rng rng = rng_at(18, "kill");
    int n[2], n_killed = 0;

    write_study(*state, "s.yaml", small);
    free(succeed(*state, "sweep @/s.yaml --db @/whole.db"));
    char *whole = sweep_table(*state, "whole.db", &n[0]);
    assert_int_equal(n[0], 23);
    for (uint64_t i = 0; i < 20; i++) {
        int status = end_in_the_middle(*state, SIGKILL, (unsigned)(rng_u64(rng, i) % 60000));
        n_killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    assert_true(n_killed > 0);
    free(succeed(*state, "sweep @/s.yaml --db @/killed.db --jobs 3"));
    char *killed = sweep_table(*state, "killed.db", &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_string_equal(whole, killed);
    free(whole);
    free(killed);
}

static void a_signal_ends_in_good_order(void **state)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

    write_study(*state, "s.yaml", "base: resnet32\n"
                "vary: {batch: {from: 1, to: 3000, steps: 3000}}");
    for (size_t i = 0; i < 3; i++) {
        char path[TMPDIR_PATH_MAX];
        remove(tmpdir_path(path, *state, "killed.db"));
        int status = end_in_the_middle(*state, numbers[i], 100000);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 128 + numbers[i]);
    }
}

/* As soon as there is one. */
static void a_signal_leaves_nothing_beside_the_database(void **state)
{
    static const char *const beside[] = { "killed.db-journal", "killed.db-wal", "killed.db-shm" };
    char path[TMPDIR_PATH_MAX];

    write_study(*state, "s.yaml", "base: resnet32\n"
                "vary: {batch: {from: 1, to: 3000, steps: 3000}}");
    for (unsigned i = 0; i < 20; i++) {
        remove(tmpdir_path(path, *state, "killed.db"));
        int status = end_in_the_middle(*state, SIGTERM, 500 * i);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
        for (size_t k = 0; k < sizeof beside / sizeof *beside; k++)
            assert_int_not_equal(access(tmpdir_path(path, *state, beside[k]), F_OK), 0);
    }
}

static void a_changed_study_runs_what_is_new(void **state)
{
    write_study(*state, "s.yaml", "base: resnet32\nvary: {batch: [1, 2]}");
    char *first = succeed(*state, "sweep @/s.yaml --db @/s.db");
    assert_non_null(strstr(first, "2 of 2 points are there: 2 new, 0 of these failed; 0 were"));
    write_study(*state, "s.yaml", "base: resnet32\nvary: {chip.cores: [64, 10], batch: [2, 3]}\n"
                "points: [{name: two, set: {batch: 2}}]");
    char *then = succeed(*state, "sweep @/s.yaml --db @/s.db");
    assert_non_null(strstr(then, "5 of 5 points are there: 3 new, 2 of these failed; 2 were"));
    char *again = succeed(*state, "sweep @/s.yaml --db @/s.db");
    assert_non_null(strstr(again, "5 of 5 points are there: 0 new, 0 of these failed; 5 were"));
    int n_row;
    char *table = sweep_table(*state, "s.db", &n_row); // a point that has a name is of the grid
    assert_int_equal(n_row, 5);
    assert_non_null(strstr(table, "name 3 two"));
    assert_non_null(strstr(table, "needs 43 cores"));
    free(first);
    free(then);
    free(again);
    free(table);
}

static void a_wrong_database_is_one_line_and_stays(void **state)
{
    char path[TMPDIR_PATH_MAX];
    sqlite3 *db;

    write_study(*state, "s.yaml", "base: resnet32\nvary: {batch: [1, 2]}");
    write_study(*state, "text.db", "These are words of somebody else, and many enough of them.\n");
    assert_int_equal(sqlite3_open(tmpdir_path(path, *state, "other.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE points(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_fails(*state, "sweep @/s.yaml --db @/text.db", 2, "no database");
    assert_fails(*state, "sweep @/s.yaml --db @/other.db", 2, "another program");
    assert_fails(*state, "sweep @/s.yaml --db @/none/s.db", 1, "cannot write");
    assert_fails(*state, "sweep @/s.yaml --db /dev/full", 1, "cannot write");
    char *text = read_file(*state, "text.db");
    assert_memory_equal(text, "These are words", 15);
    free(text);
}

/* What was read when it began counts; what the file says then is for the next time. */
static void a_study_that_changes_while_it_runs_is_the_one_that_was_read(void **state)
{
    static const char other[] = "base: resnet32\nvary: {batch: [70, 71]}\n";
    char program[1024], study[TMPDIR_PATH_MAX], db[TMPDIR_PATH_MAX], path[TMPDIR_PATH_MAX];
    int status, n;

    write_study(*state, "own.yaml", "chip: {cores: 50}\n");
    write_study(*state, "s.yaml", "base: own.yaml\n"
                "vary: {batch: {from: 1, to: 200, steps: 200}}\n");
    find_imcsim(program);
    tmpdir_path(study, *state, "s.yaml");
    tmpdir_path(db, *state, "s.db");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen(tmpdir_path(path, *state, "said"), "w", stdout))
            _exit(99);
        execl(program, "imcsim", "sweep", study, "--db", db, (char *)NULL);
        _exit(99);
    }
    while (access(db, F_OK) != 0)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    write_study(*state, "s.yaml", other);
    write_study(*state, "own.yaml", "chip: {cores: 9}\n"); // too few: all that come would fail
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    char *said = read_file(*state, "said");
    assert_non_null(strstr(said, "200 of 200 points are there: 200 new, 0 of these failed"));
    char *then = succeed(*state, "sweep @/s.yaml --db @/s.db");
    assert_non_null(strstr(then, "2 of 2 points are there: 2 new"));
    free(sweep_table(*state, "s.db", &n));
    assert_int_equal(n, 202);
    free(said);
    free(then);
}

static void a_place_that_takes_no_file_is_one_line(void **state)
{
    write_study(*state, "s.yaml", "base: resnet32\nvary: {batch: [1, 2]}\n");
    assert_fails(*state, "sweep @/s.yaml --db /proc/s.db", 1, "/proc/s.db: cannot write: ");
    assert_fails(*state, "sweep @/s.yaml --db @", 1, "cannot write");
}

/* The most memory that the command or a worker takes for a study of n points. */
static long peak_kib(const char *dir, int n)
{
    char text[128];
    int end[2];
    long kib;

    snprintf(text, sizeof text, "base: resnet32\nvary: {chip.cores: [9], batch: {from: 1, to: %d, "
             "steps: %d}}\n", n, n);
    write_study(dir, "s.yaml", text);
    assert_int_equal(pipe(end), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rusage usage;
        free(succeed(dir, "sweep @/s.yaml --db @/s.db"));
        getrusage(RUSAGE_CHILDREN, &usage);
        _exit(write(end[1], &usage.ru_maxrss, sizeof usage.ru_maxrss) < 0);
    }
    assert_int_equal(read(end[0], &kib, sizeof kib), sizeof kib);
    close(end[0]);
    close(end[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return kib;
}

static void memory_does_not_grow_with_the_points(void **state)
{
    char path[TMPDIR_PATH_MAX];
    long few = peak_kib(*state, 100);

    remove(tmpdir_path(path, *state, "s.db"));
    long many = peak_kib(*state, 1600);
    print_message("%ld KiB, %ld KiB\n", few, many);
    assert_true(many < few + 1500); // less than a KiB for each
}

static void a_full_disk_is_one_line_and_the_study_goes_on(void **state)
{
    char program[1024], command[4096];
    int n[2];

    write_study(*state, "s.yaml", small);
    find_imcsim(program);
    free(succeed(*state, "sweep @/s.yaml --db @/whole.db"));
    snprintf(command, sizeof command, "bash -c 'ulimit -f 64; %s sweep %s/s.yaml --db %s/full.db' "
             ">/dev/null 2>%s/err", program, (char *)*state, (char *)*state, (char *)*state);
    int status = system(command);
    assert_int_equal(WEXITSTATUS(status), 1);
    char *err = read_file(*state, "err");
    assert_non_null(strstr(err, "cannot write"));
    assert_true(strchr(err, '\n') == err + strlen(err) - 1);
    free(err);
    free(succeed(*state, "sweep @/s.yaml --db @/full.db"));
    char *whole = sweep_table(*state, "whole.db", &n[0]);
    char *full = sweep_table(*state, "full.db", &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_string_equal(whole, full);
    free(whole);
    free(full);
}

/* ---- parts of a study, and what it wants ---- */

static void shards_that_are_merged_are_the_whole(void **state)
{
    int n[2];

    write_study(*state, "s.yaml", small);
    free(succeed(*state, "sweep @/s.yaml --db @/whole.db"));
    for (int i = 1; i <= 3; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "sweep @/s.yaml --shard %d/3 --db @/%d.db", i, i);
        free(succeed(*state, arguments));
    }
    char *out = succeed(*state, "sweep --merge @/1.db @/2.db @/3.db @/2.db --db @/all.db");
    assert_non_null(strstr(out, "23 points are there, joined from 30 in 4 databases"));
    char *whole = sweep_table(*state, "whole.db", &n[0]);
    char *all = sweep_table(*state, "all.db", &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_string_equal(whole, all);
    free(whole);
    free(all);
    free(out);
    out = succeed(*state, "sweep @/s.yaml --db @/all.db"); // which has them all
    assert_non_null(strstr(out, "23 of 23 points are there: 0 new"));
    free(out);
}

/* As Slurm's, but at once and here: every task of --array in a shell of its own; prints an id. */
static const char sbatch[] = "#!/bin/bash\n"
    "for a; do\n"
    "    case $a in --array=1-*) n=${a#--array=1-} ;; --wrap) wrap=1 ;;\n"
    "    --dependency=*) [[ $a == --dependency=afterok:7 && -e $0.ended ]] || exit 9 ;;\n"
    "    *) [[ -n ${wrap-} ]] && run=$a ;; esac\n"
    "done\n"
    "for ((i = 1; i <= ${n:-1}; i++)); do\n"
    "    SLURM_ARRAY_TASK_ID=$i bash -c \"$run\" >>\"$0.said\" 2>&1 || exit 8\n"
    "done\n"
    "touch \"$0.ended\"\n"
    "echo \"7;cluster\"\n";

static void a_job_array_of_slurm_makes_the_whole_table(void **state)
{
    char program[1024], command[4096];
    int n[2];

    write_study(*state, "a study.yaml", small);
    write_study(*state, "sbatch", sbatch);
    find_imcsim(program);
    free(succeed(*state, "sweep '@/a study.yaml' --db @/whole.db"));
    snprintf(command, sizeof command, "D=%s; chmod +x $D/sbatch && PATH=$D:$PATH IMCSIM=%s "
             "scripts/sweep_slurm.sh \"$D/a study.yaml\" 3 \"$D/joined here.db\" >$D/out",
             (char *)*state, program);
    int status = system(command);
    if (status != 0)
        print_message("%s", read_file(*state, "sbatch.said"));
    assert_int_equal(status, 0);
    char *out = read_file(*state, "out");
    assert_string_equal(out, "7;cluster 7;cluster\n");
    free(out);
    char *whole = sweep_table(*state, "whole.db", &n[0]);
    char *joined = sweep_table(*state, "joined here.db", &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_string_equal(whole, joined);
    free(whole);
    free(joined);
}

static void a_merged_point_that_failed_gives_way_and_names_are_kept(void **state)
{
    static const char *const key[] = { "batch" }, *const one[] = { "1" }, *const none[] = { NULL };
    static const char *const figure[] = { "cores" };
    const struct store_columns columns = { key, 1, figure, 1 };
    const double four = 4;
    const struct {
        const char *db, *name, *error;
        const char *const *key;
        const double *figure;
    } rows[] = { { "a.db", "x", "why", one, NULL }, { "b.db", NULL, NULL, none, &four } };
    char path[TMPDIR_PATH_MAX];
    struct err_msg m;
    struct store *s;
    int n_row;

    for (int i = 0; i < 2; i++) {
        const struct store_row row = { .id = { { 7 } }, .name = rows[i].name, .key = rows[i].key,
                                       .error = rows[i].error, .figure = rows[i].figure };
        assert_int_equal(store_open(&s, tmpdir_path(path, *state, rows[i].db), "1", &columns, &m),
                         ERR_NONE);
        assert_int_equal(store_add(s, &row, &m), ERR_NONE);
        assert_int_equal(store_flush(s, &m), ERR_NONE);
        store_close(s);
    }
    free(succeed(*state, "sweep --merge @/a.db @/b.db --db @/ab.db"));
    free(succeed(*state, "sweep --merge @/b.db @/a.db --db @/ba.db"));
    char *ab = sweep_table(*state, "ab.db", &n_row), *ba = sweep_table(*state, "ba.db", &n_row);
    assert_string_equal(ab, ba);
    assert_non_null(strstr(ab, "name 1 x\nerror 0 \n"));
    assert_non_null(strstr(ab, "batch 1 1\ncores 1 4\n"));
    free(ab);
    free(ba);
    assert_fails(*state, "sweep --merge @/a.db --db @/a.db", 2, "want it once");
    assert_fails(*state, "sweep --merge @/none.db --db @/c.db", 2, "cannot open");
    assert_fails(*state, "sweep --merge @/a.db", 2, "without --db");
    write_study(*state, "text", "These are words of somebody else, and many enough of them.\n");
    assert_fails(*state, "sweep --merge @/text --db @/c.db", 2, "no database of a study");
    write_study(*state, "s.yaml", small);
    assert_fails(*state, "sweep @/s.yaml --shard 4/3", 2, "want I/N");
    assert_fails(*state, "sweep @/s.yaml --shard 1", 2, "want I/N");
    assert_fails(*state, "sweep @/s.yaml --shard 1/2/3", 2, "want I/N");
    assert_fails(*state, "sweep @/s.yaml --shard 1/2 --dry-run", 2, "want one of them");
    assert_fails(*state, "sweep @/s.yaml @/s.yaml", 2, "want one STUDY");
}

static void a_row_that_failed_gives_way_and_one_that_did_not_stays(void **state)
{
    static const char *const key[] = { "batch" }, *const one[] = { "1" };
    static const char *const figure[] = { "cores" };
    const struct store_columns columns = { key, 1, figure, 1 };
    const double four = 4, five = 5;
    const struct store_row rows[] = {
        { .id = { { 7 } }, .key = one, .error = "why", .name = "x", .result = NULL },
        { .id = { { 7 } }, .key = one, .figure = &four, .result = "r", .n_result = 1 },
        { .id = { { 7 } }, .key = one, .error = "later" },
        { .id = { { 7 } }, .key = one, .figure = &five, .result = "s", .n_result = 1 },
    };
    static const char *const want[] = { "error 3 why\n", "error 0 \n", "error 0 \n",
                                        "error 0 \n" };
    char path[TMPDIR_PATH_MAX];
    struct err_msg m;
    struct store *s;
    int n_row;

    assert_int_equal(store_open(&s, tmpdir_path(path, *state, "s.db"), "1", &columns, &m),
                     ERR_NONE);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(store_add(s, &rows[i], &m), ERR_NONE);
        assert_int_equal(store_flush(s, &m), ERR_NONE);
        char *table = sweep_table(*state, "s.db", &n_row);
        assert_int_equal(n_row, 1);
        assert_non_null(strstr(table, "name 1 x\n"));
        assert_non_null(strstr(table, want[i]));
        assert_non_null(strstr(table, i > 0 ? "result 1 r\n" : "result 0 \n"));
        assert_non_null(strstr(table, i > 0 ? "cores 1 4\n" : "cores 0 \n"));
        free(table);
    }
    store_close(s);
}

static void points_that_failed_run_again_where_asked(void **state)
{
    write_study(*state, "s.yaml", small);
    free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
    char *again = succeed(*state, "sweep @/s.yaml --db @/s.db --retry");
    assert_non_null(strstr(again, "8 new, 8 of these failed; 15 were there before"));
    free(again);
}

static void status_says_how_far_a_study_is_and_what_is_best(void **state)
{
    write_study(*state, "s.yaml", "base: resnet32\nvary: {chip.cores: [10, 64], batch: [1, 2]}\n"
                "objective: throughput_images_per_s\n");
    free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
    char *out = succeed(*state, "sweep --status @/s.db");
    assert_non_null(strstr(out, "s.db: 4 of 4 points are there, 2 of them failed"));
    assert_non_null(strstr(out, "best throughput_images_per_s: "));
    assert_non_null(strstr(out, "chip.cores=64 batch=2")); // longer batches fill better
    free(out);
    assert_fails(*state, "sweep --status @/s.yaml", 2, "reads a database");
}

/* Eight images of noise, of as many classes. */
static void write_images(const char *dir)
{
    static unsigned char images[16 + 8 * 784] = { 0, 0, 8, 3, 0, 0, 0, 8,
                                                  0, 0, 0, 28, 0, 0, 0, 28 };
    static const unsigned char labels[] = { 0, 0, 8, 1, 0, 0, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7 };
    struct rng r = rng_at(18, "images");

    for (uint64_t i = 16; i < sizeof images; i++)
        images[i] = (unsigned char)rng_u64(r, i);
    tmpdir_write(dir, "i-images-idx3-ubyte", images, sizeof images);
    tmpdir_write(dir, "i-labels-idx1-ubyte", labels, sizeof labels);
}

/* As text, less the host's lines. */
static void assert_same_but_host(const char *run, const char *stored)
{
    const char *host = strstr(run, ",\n  \"host\"");

    assert_non_null(host);
    assert_memory_equal(run, stored, (size_t)(host - run));
    assert_string_equal(stored + (host - run), "\n}\n");
}

static void a_point_runs_again_from_its_row_to_the_same_bytes(void **state)
{
    char path[TMPDIR_PATH_MAX], arguments[256];
    sqlite3 *db;
    sqlite3_stmt *q;
    int n_row = 0;

    write_images(*state);
    write_study(*state, "s.yaml", "base: resnet32_fmnist\n"
                "vary:\n"
                "  core.crossbar.rows: [256, 320]\n"
                "  mapping.optimize: [none, interval]\n"
                "  clock_mhz: [250, 333.25]\n"
                "images: {set: i-images-idx3-ubyte, count: 5}\n");
    free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
    assert_int_equal(sqlite3_open(tmpdir_path(path, *state, "s.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT substr(id,1,12), result, top1, error "
                                        "FROM points", -1, &q, NULL), SQLITE_OK);
    for (; sqlite3_step(q) == SQLITE_ROW; n_row++) {
        snprintf(arguments, sizeof arguments, "run --from @/s.db:%s --json -",
                 sqlite3_column_text(q, 0));
        if (sqlite3_column_type(q, 3) != SQLITE_NULL) {
            assert_fails(*state, arguments, 2, (const char *)sqlite3_column_text(q, 3));
            continue;
        }
        char *run = succeed(*state, arguments), *stored;
        struct err_msg m;
        assert_int_equal(packed_text(&stored, sqlite3_column_blob(q, 1),
                                     (size_t)sqlite3_column_bytes(q, 1), &m), ERR_NONE);
        assert_same_but_host(run, stored);
        json_t *doc = json_loads(run, 0, NULL);
        assert_int_equal(integer_at(doc, "images.count"), 5);
        assert_true(number_at(doc, "accuracy.top1") == sqlite3_column_double(q, 2));
        json_decref(doc);
        free(run);
        free(stored);
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    assert_int_equal(n_row, 8);
    assert_fails(*state, "run --from @/s.db:z", 2, "no point has an id");
    assert_fails(*state, "run --from @/s.db:", 2, "want DB:ID");
    assert_fails(*state, "run resnet32 --from @/s.db:1", 2, "want one of them");
    assert_fails(*state, "run --from @/none.db:1", 2, "cannot read");
}

static void other_images_are_another_point(void **state)
{
    int n;

    write_images(*state);
    write_study(*state, "s.yaml", "base: resnet32_fmnist\nvary: {batch: [1]}\n");
    free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
    for (int count = 1; count <= 2; count++) {
        char text[256];
        snprintf(text, sizeof text, "base: resnet32_fmnist\nvary: {batch: [1]}\n"
                 "images: {set: i-images-idx3-ubyte, count: %d}\n", count);
        write_study(*state, "s.yaml", text);
        free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
        free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
    }
    free(sweep_table(*state, "s.db", &n));
    assert_int_equal(n, 3);
}

/* A network, costs or images that somebody changed are no longer what was run. */
static void a_file_that_was_changed_is_another_point(void **state)
{
    char path[TMPDIR_PATH_MAX], command[2 * TMPDIR_PATH_MAX];
    static const char *const changed[] = { "own.yaml", "i-images-idx3-ubyte" };

    write_images(*state);
    snprintf(command, sizeof command, "cp configs/chips/dazzi2021_14nm.yaml %s",
             tmpdir_path(path, *state, "own.yaml"));
    assert_int_equal(system(command), 0);
    write_study(*state, "s.yaml", "base: resnet32_fmnist\n"
                "vary: {energy.chip: [own.yaml], batch: [1, 2]}\n"
                "images: {set: i-images-idx3-ubyte, count: 1}\n");
    for (int i = 0; i < 3; i++) {
        char *out = succeed(*state, "sweep @/s.yaml --db @/s.db");
        assert_non_null(strstr(out, "2 of 2 points are there: 2 new, 0 of these failed"));
        free(out);
        out = succeed(*state, "sweep @/s.yaml --db @/s.db");
        assert_non_null(strstr(out, "2 of 2 points are there: 0 new"));
        free(out);
        FILE *f = i < 2 ? fopen(tmpdir_path(path, *state, changed[i]), "r+") : NULL;
        if (f) { // a comment; a pixel
            assert_int_equal(fseek(f, i == 0 ? 0 : -1, SEEK_END), 0);
            fputs(i == 0 ? "# changed\n" : "x", f);
            fclose(f);
        }
    }
}

static void a_study_of_no_points_is_one_line(void **state)
{
    write_study(*state, "s.yaml", "base: resnet32\nvary: {batch: [1, 2]}\nwhere: ['batch > 2']\n");
    assert_fails(*state, "sweep @/s.yaml --db @/s.db", 2, "where drops all of its points");
}

/* A key that is a figure too. */
static void a_table_of_points_has_each_column_once(void **state)
{
    write_study(*state, "s.yaml", "base: resnet32\nvary: {batch: [1, 2]}\n");
    free(succeed(*state, "sweep @/s.yaml --db @/s.db"));
    char *out = succeed(*state, "report @/s.db --format csv");
    const char *first = strstr(out, ",batch,"), *end = strchr(out, '\n');
    assert_true(first && first < end);
    const char *second = strstr(first + 1, ",batch,");
    assert_true(!second || second > end);
    free(out);
}

static void a_wrong_wish_is_one_line(void **state)
{
    static const struct {
        const char *line, *want;
    } cases[] = {
        { "objective: latency_u", ":3: objective: latency_u is no figure: did you mean latency_" },
        { "objective: {most: timing.latency_us}",
          ":3: objective: of timing.latency_us less is better: want {least: ...}" },
        { "objective: [{least: top1}, cores]", "of top1 more is better: want {most: ...}" },
        { "objective: {more: cores}", "{most: FIGURE} or {least: FIGURE}" },
        { "objective: {most: cores, least: top1}", "{most: FIGURE} or {least: FIGURE}" },
        { "limits: {cores: {least: 3}}", ":3: limits: of cores less is better: want {most: ...}" },
        { "limits: {top1: {most: 0.9}}", "of top1 more is better: want {least: ...}" },
        { "limits: {timing.latency: 3}", "timing.latency is no figure" },
        { "objective: [cores, cores]", "stands twice" },
        { "objective: []", "want a figure, or a list of two or three" },
        { "objective: [cores, latency_us, batch, top1]", "want a figure, or a list" },
        { "limits: {core: 3}", ":3: limits: core is no figure" },
        { "limits: {cores: many}", "limits.cores = many" },
        { "limits: 3", "want {FIGURE: NUMBER}" },
        { "images: [a]", "want FILE, or {set: FILE, count: N}" },
        { "images: {count: 3}", "want FILE, or {set: FILE, count: N}" },
        { "images: {set: a, counts: 3}", "did you mean count" },
        { "images: {set: a, count: 0}", "images.count = 0" },
        { "images: {set: a, mean: '0.5'}", "mean and std" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "base: resnet32\nvary: {batch: [1]}\n%s\n", cases[i].line);
        write_study(*state, "s.yaml", text);
        assert_fails(*state, "sweep @/s.yaml --db @/s.db", 2, cases[i].want);
    }
    write_study(*state, "s.yaml", "base: resnet32\nvary: {batch: [1]}\nimages: nowhere\n");
    char *out = succeed(*state, "sweep @/s.yaml --db @/s.db"); // a result like any other
    assert_non_null(strstr(out, "1 of these failed"));
    free(out);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_points_are_fnv_1a_of_128_bits),
        cmocka_unit_test(workers_that_die_or_stop_lose_their_own_piece_alone),
        IN_TMPDIR(a_document_is_that_of_run_but_for_the_host),
        IN_TMPDIR(fifty_random_points_are_those_of_run),
        cmocka_unit_test(points_that_differ_in_prices_alone_share_a_run),
        IN_TMPDIR(points_with_prices_are_those_of_run),
        IN_TMPDIR(a_study_that_was_killed_goes_on_to_the_same_table),
        IN_TMPDIR(a_signal_ends_in_good_order),
        IN_TMPDIR(a_signal_leaves_nothing_beside_the_database),
        IN_TMPDIR(a_changed_study_runs_what_is_new),
        IN_TMPDIR(a_wrong_database_is_one_line_and_stays),
        IN_TMPDIR(a_study_that_changes_while_it_runs_is_the_one_that_was_read),
        IN_TMPDIR(a_place_that_takes_no_file_is_one_line),
        IN_TMPDIR(memory_does_not_grow_with_the_points),
        IN_TMPDIR(a_full_disk_is_one_line_and_the_study_goes_on),
        IN_TMPDIR(shards_that_are_merged_are_the_whole),
        IN_TMPDIR(a_job_array_of_slurm_makes_the_whole_table),
        IN_TMPDIR(a_merged_point_that_failed_gives_way_and_names_are_kept),
        IN_TMPDIR(a_row_that_failed_gives_way_and_one_that_did_not_stays),
        IN_TMPDIR(points_that_failed_run_again_where_asked),
        IN_TMPDIR(status_says_how_far_a_study_is_and_what_is_best),
        IN_TMPDIR(a_point_runs_again_from_its_row_to_the_same_bytes),
        IN_TMPDIR(other_images_are_another_point),
        IN_TMPDIR(a_file_that_was_changed_is_another_point),
        IN_TMPDIR(a_study_of_no_points_is_one_line),
        IN_TMPDIR(a_table_of_points_has_each_column_once),
        IN_TMPDIR(a_wrong_wish_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
