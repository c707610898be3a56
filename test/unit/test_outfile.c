/* Tests of core/outfile.h. Each has a directory of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "core/outfile.h"

struct place {
    char            dir[32];
    char            path[64];
    struct err_msg  m;
    struct outfile *f;
};

static void visit_entries(const char *dir, int *n, bool do_remove)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.'))
            continue;
        ++*n;
        if (do_remove)
            assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
    }
    closedir(d);
}

static int n_entries(const struct place *p)
{
    int n = 0;
    visit_entries(p->dir, &n, false);
    return n;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    strcpy(p->dir, "/tmp/outfile-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    int n = 0;
    visit_entries(p->dir, &n, true);
    rmdir(p->dir);
    free(p);
    return 0;
}

static const char *in_dir(struct place *p, const char *name)
{
    snprintf(p->path, sizeof p->path, "%s/%s", p->dir, name);
    return p->path;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* gzread() takes plain files as they are. */
static void check_content(const char *path, const char *want)
{
    char got[256] = "";
    gzFile f = gzopen(path, "rb");
    assert_non_null(f);
    assert_true(gzread(f, got, sizeof got - 1) >= 0);
    gzclose(f);
    assert_string_equal(got, want);
}

static void check_error(const struct place *p, const char *path, const char *what)
{
    char want[256];
    snprintf(want, sizeof want, "%s: cannot write: %s", path, what);
    assert_string_equal(p->m.text, want);
}

static void file_is_there_whole_after_commit_and_not_at_all_before(void **state)
{
    struct place *p = *state;
    const char *path = in_dir(p, "x.json");

    assert_int_equal(outfile_open(&p->f, path, &p->m), ERR_NONE);
    fprintf(outfile_stream(p->f), "all of %s", "it");
    fflush(outfile_stream(p->f));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(outfile_commit(p->f, &p->m), ERR_NONE);
    check_content(path, "all of it");
    assert_int_equal(n_entries(p), 1);
}

static void discarded_file_leaves_the_older_one_and_nothing_else(void **state)
{
    struct place *p = *state;
    const char *path = in_dir(p, "x.json");

    put(path, "older");
    assert_int_equal(outfile_open(&p->f, path, &p->m), ERR_NONE);
    fputs("newer", outfile_stream(p->f));
    fflush(outfile_stream(p->f));
    assert_int_equal(n_entries(p), 2);
    outfile_discard(p->f);
    check_content(path, "older");
    assert_int_equal(n_entries(p), 1);
    outfile_discard(NULL);
}

static void two_files_of_one_directory_can_be_open_at_once(void **state)
{
    struct place *p = *state;
    struct outfile *other;
    char other_path[64];

    strcpy(other_path, in_dir(p, "b"));
    assert_int_equal(outfile_open(&other, other_path, &p->m), ERR_NONE);
    assert_int_equal(outfile_open(&p->f, in_dir(p, "a"), &p->m), ERR_NONE);
    fputs("A", outfile_stream(p->f));
    fputs("B", outfile_stream(other));
    assert_int_equal(outfile_commit(other, &p->m), ERR_NONE);
    assert_int_equal(outfile_commit(p->f, &p->m), ERR_NONE);
    check_content(p->path, "A");
    check_content(other_path, "B");
}

static void name_in_gz_is_compressed_to_the_same_bytes_each_time(void **state)
{
    struct place *p = *state;
    unsigned char bytes[2][128];
    size_t n[2];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(outfile_open(&p->f, in_dir(p, "x.csv.gz"), &p->m), ERR_NONE);
        fputs("a,b\n1,2\n", outfile_stream(p->f));
        assert_int_equal(outfile_commit(p->f, &p->m), ERR_NONE);
        check_content(p->path, "a,b\n1,2\n");
        FILE *f = fopen(p->path, "rb");
        n[i] = fread(bytes[i], 1, sizeof bytes[i], f);
        fclose(f);
    }
    assert_int_equal(bytes[0][0], 0x1f); // RFC 1952
    assert_int_equal(bytes[0][1], 0x8b);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
}

static void full_device_is_noticed_even_by_the_last_byte(void **state)
{
    struct place *p = *state;

    for (size_t n = 1; n <= 100000; n *= 10) {
        assert_int_equal(outfile_open(&p->f, "/dev/full", &p->m), ERR_NONE);
        for (size_t i = 0; i < n; i++)
            putc('x', outfile_stream(p->f));
        assert_int_equal(outfile_commit(p->f, &p->m), ERR_OUTPUT);
        check_error(p, "/dev/full", "No space left on device: want a disk with room");
    }
    assert_int_equal(access("/dev/full", F_OK), 0);
}

/* Writes n bytes of noise to a disk with room for 100, which a limit on file sizes plays. */
static enum err write_to_small_disk(struct place *p, int n)
{
    struct rlimit saved, small;
    uint32_t noise = 1;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
    small = saved;
    small.rlim_cur = 100;
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum err e = outfile_open(&p->f, p->path, &p->m);
    for (int i = 0; i < n && e == ERR_NONE; i++) {
        noise = noise * 1664525 + 1013904223;
        putc((int)(noise >> 24), outfile_stream(p->f));
    }
    if (e == ERR_NONE)
        e = outfile_commit(p->f, &p->m);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
    signal(SIGXFSZ, old_handler);
    return e;
}

static void disk_that_fills_up_leaves_the_older_file_and_nothing_else(void **state)
{
    struct place *p = *state;
    static const char *const names[] = { "x.json", "x.json.gz" };

    for (int i = 0; i < 2; i++) {
        put(in_dir(p, names[i]), "older");
        for (int n = 200; n <= 200000; n *= 1000) { // noticed at the end, and on the way
            assert_int_equal(write_to_small_disk(p, n), ERR_OUTPUT);
            check_error(p, p->path,
                        "File too large: want a higher limit on the size of files (ulimit -f)");
            check_content(p->path, "older");
            assert_int_equal(n_entries(p), i + 1);
        }
    }
}

static void missing_directory_is_an_error_when_opened(void **state)
{
    struct place *p = *state;

    assert_int_equal(outfile_open(&p->f, in_dir(p, "no/x.json"), &p->m), ERR_OUTPUT);
    assert_null(p->f);
    check_error(p, p->path, "No such file or directory: want a directory that exists");
    put(in_dir(p, "file"), "");
    assert_int_equal(outfile_open(&p->f, in_dir(p, "file/x.json"), &p->m), ERR_OUTPUT);
    check_error(p, p->path, "Not a directory: want a directory that exists");
    assert_int_equal(outfile_open(&p->f, "", &p->m), ERR_OUTPUT);
    check_error(p, "", "No such file or directory: want a directory that exists");
}

static void directory_as_a_path_is_an_error_when_opened(void **state)
{
    struct place *p = *state;

    assert_int_equal(outfile_open(&p->f, p->dir, &p->m), ERR_OUTPUT);
    check_error(p, p->dir, "Is a directory: want the path of a file");
}

/* Exit status of a user without rights who opens p->path: 0 if told what he should be. */
static int try_without_rights(struct place *p)
{
    char want[256];

    if (geteuid() == 0 && seteuid(65534) != 0)
        return 2;
    snprintf(want, sizeof want,
             "%s: cannot write: Permission denied: want a place that may be written", p->path);
    return outfile_open(&p->f, p->path, &p->m) != ERR_OUTPUT || strcmp(p->m.text, want) != 0;
}

static void file_or_directory_without_permission_is_an_error_when_opened(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *name;
        mode_t      dir_mode;
    } cases[] = { { "old", 0777 }, { "new", 0555 } };
    int status;

    put(in_dir(p, "old"), "older");
    assert_int_equal(chmod(p->path, 0444), 0);
    for (size_t i = 0; i < 2; i++) {
        in_dir(p, cases[i].name);
        assert_int_equal(chmod(p->dir, cases[i].dir_mode), 0);
        pid_t child = fork();
        if (child == 0)
            _exit(try_without_rights(p));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(chmod(p->dir, 0755), 0);
        assert_int_equal(status, 0);
        assert_int_equal(n_entries(p), 1);
    }
}

static void new_file_keeps_the_permissions_of_the_older_one(void **state)
{
    struct place *p = *state;
    struct stat st;
    const char *path = in_dir(p, "x");

    put(path, "older");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(outfile_open(&p->f, path, &p->m), ERR_NONE);
    assert_int_equal(outfile_commit(p->f, &p->m), ERR_NONE);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(st.st_size, 0);
}

static void symbolic_link_is_followed(void **state)
{
    struct place *p = *state;
    struct stat st;
    char file[64];

    strcpy(file, in_dir(p, "file"));
    put(file, "older");
    assert_int_equal(symlink("file", in_dir(p, "link")), 0);
    assert_int_equal(outfile_open(&p->f, p->path, &p->m), ERR_NONE);
    fputs("newer", outfile_stream(p->f));
    assert_int_equal(outfile_commit(p->f, &p->m), ERR_NONE);
    assert_int_equal(lstat(p->path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    check_content(file, "newer");
}

static void pipe_is_written_directly_and_stays_a_pipe(void **state)
{
    struct place *p = *state;
    struct stat st;
    char got[16] = "";
    const char *path = in_dir(p, "fifo");

    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_int_equal(outfile_open(&p->f, path, &p->m), ERR_NONE);
    fputs("text", outfile_stream(p->f));
    assert_int_equal(outfile_commit(p->f, &p->m), ERR_NONE);
    assert_int_equal(read(reader, got, sizeof got), 4);
    assert_string_equal(got, "text");
    close(reader);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

/* Standard output is a file while `write` runs. */
static void with_stdout_in(const char *path, void (*write)(struct place *p), struct place *p)
{
    fflush(stdout);
    int saved = dup(STDOUT_FILENO), fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    close(fd);
    write(p);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
}

static void write_dash(struct place *p)
{
    printf("before ");
    if (outfile_open(&p->f, "-", &p->m) == ERR_NONE) {
        fputs("dropped", outfile_stream(p->f));
        outfile_discard(p->f);
    }
    if (outfile_open(&p->f, "-", &p->m) == ERR_NONE) {
        fputs("inside", outfile_stream(p->f));
        outfile_commit(p->f, &p->m);
    }
    printf(" behind");
}

static void write_dev_stdout(struct place *p)
{
    printf("before ");
    fflush(stdout);
    if (outfile_open(&p->f, "/dev/stdout", &p->m) == ERR_NONE) {
        fputs("inside", outfile_stream(p->f));
        outfile_commit(p->f, &p->m);
    }
}

static void dash_is_the_standard_output_in_order(void **state)
{
    struct place *p = *state;
    const char *path = in_dir(p, "out");

    with_stdout_in(path, write_dash, p);
    check_content(path, "before inside behind");
}

static void dev_stdout_appends_to_where_output_goes(void **state)
{
    struct place *p = *state;
    const char *path = in_dir(p, "out");

    with_stdout_in(path, write_dev_stdout, p);
    check_content(path, "before inside");
    assert_int_equal(n_entries(p), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(file_is_there_whole_after_commit_and_not_at_all_before),
        TEST(discarded_file_leaves_the_older_one_and_nothing_else),
        TEST(two_files_of_one_directory_can_be_open_at_once),
        TEST(name_in_gz_is_compressed_to_the_same_bytes_each_time),
        TEST(full_device_is_noticed_even_by_the_last_byte),
        TEST(disk_that_fills_up_leaves_the_older_file_and_nothing_else),
        TEST(missing_directory_is_an_error_when_opened),
        TEST(directory_as_a_path_is_an_error_when_opened),
        TEST(file_or_directory_without_permission_is_an_error_when_opened),
        TEST(new_file_keeps_the_permissions_of_the_older_one),
        TEST(symbolic_link_is_followed),
        TEST(pipe_is_written_directly_and_stays_a_pipe),
        TEST(dash_is_the_standard_output_in_order),
        TEST(dev_stdout_appends_to_where_output_goes),
    };
    return cmocka_run_group_tests_name("outfile", tests, NULL, NULL);
}
