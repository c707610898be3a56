/* imcsim run --trace, as a user meets it: what it writes, what it leaves alone, how it fails. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <zlib.h>

#include "core/kernel.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"
#include "test/vcd_read.h"

#define PLAIN  "configs/resnet32.yaml"
#define FMNIST "configs/resnet32_fmnist.yaml"
#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { MIB = 1 << 20, MOST_TRACE_MIB = 20 };

/* The bytes of a file, uncompressed, and a zero; the caller's. */
static char *read_gz(const char *dir, const char *name)
{
    char path[TMPDIR_PATH_MAX], buffer[65536], *text;
    size_t size;
    gzFile f = gzopen(tmpdir_path(path, dir, name), "rb");
    FILE *memory = open_memstream(&text, &size);

    assert_non_null(f);
    assert_non_null(memory);
    for (int n; (n = gzread(f, buffer, sizeof buffer)) != 0;) {
        assert_true(n > 0);
        fwrite(buffer, 1, (size_t)n, memory);
    }
    assert_int_equal(gzclose(f), Z_OK);
    fclose(memory);
    return text;
}

static off_t size_of(const char *dir, const char *name)
{
    char path[TMPDIR_PATH_MAX];
    struct stat s;

    assert_int_equal(stat(tmpdir_path(path, dir, name), &s), 0);
    return s.st_size;
}

static int n_files(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* ---- what it writes ---- */

static const struct vcd_signal *fire_of(const struct vcd_file *f, json_t *core)
{
    char path[256];

    snprintf(path, sizeof path, "chip.%s.fire", text_at(core, "name"));
    const struct vcd_signal *fire = vcd_find(f, path);
    if (!fire)
        fail_msg("no signal %s", path);
    return fire;
}

/* Both against the report of the same run: they share no code behind the chip. */
static void the_waveforms_of_an_image_agree_with_its_report_and_stay_small(void **state)
{
    json_t *doc = json_of(*state, "run " FMNIST " --images " IMAGES
                                  " --count 1 --trace @/t.vcd.gz --json -");
    json_t *cores = at(doc, "core_list"), *core, *layer;
    size_t i, k;

    assert_true(size_of(*state, "t.vcd.gz") <= (off_t)MOST_TRACE_MIB * MIB);
    char *text = read_gz(*state, "t.vcd.gz");
    struct vcd_file f = vcd_read(text);
    const struct vcd_signal *timestep = vcd_find(&f, "chip.timestep");
    assert_string_equal(f.timescale, "1 ns");
    assert_int_equal(json_array_size(cores), 43);
    json_array_foreach(cores, i, core)
        assert_int_equal(fire_of(&f, core)->n_change,
                         integer_at(core, "counters.firings"));
    json_array_foreach(at(doc, "layers"), i, layer) {
        uint64_t first = UINT64_MAX, mvms = 0, parts = 0;
        json_array_foreach(cores, k, core) {
            if (strcmp(text_at(core, "layer"), text_at(layer, "name")) != 0)
                continue;
            const struct vcd_signal *fire = fire_of(&f, core);
            uint64_t t = vcd_value_at(timestep, fire->change[0].time);
            first = t < first ? t : first;
            mvms += fire->n_change;
            parts++;
        }
        assert_int_equal(first, integer_at(layer, "first_timestep"));
        assert_int_equal(mvms, parts * (uint64_t)integer_at(layer, "mvms"));
    }
    json_decref(doc);
    vcd_file_release(&f);
    free(text);
}

/* JSON and statistics of a run, without how long it took. */
static json_t *results(const char *dir, const char *options, char **stats)
{
    char arguments[512];

    snprintf(arguments, sizeof arguments, "run " FMNIST " --images " IMAGES
             " --count 3 --json - --stats @/stats.txt %s", options);
    json_t *doc = json_of(dir, arguments);
    json_object_del(doc, "host");
    *stats = read_file(dir, "stats.txt");
    char *host = strstr(*stats, "\nhost");
    if (host)
        host[1] = '\0';
    return doc;
}

static void tracing_changes_no_result(void **state)
{
    static const char *const kernels[] = { "", "--kernel systemc" };
    static const char *const traces[] = {
        "--trace @/t.json --timeline @/t.svg",
        "--trace @/t.vcd.gz",
        "--trace @/t.vcd --trace-scope 'L1:fire' --trace-window 5:50",
    };
    const size_t n_kernel = kernel_available(KERNEL_SYSTEMC) ? 2 : 1;

    for (size_t k = 0; k < n_kernel; k++) {
        char *want_stats, *got_stats, options[256];
        json_t *want = results(*state, kernels[k], &want_stats);
        for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
            snprintf(options, sizeof options, "%s %s", kernels[k], traces[i]);
            json_t *got = results(*state, options, &got_stats);
            assert_true(json_equal(want, got));
            assert_string_equal(want_stats, got_stats);
            json_decref(got);
            free(got_stats);
        }
        json_decref(want);
        free(want_stats);
    }
}

static void both_kernels_write_the_same_bytes(void **state)
{
    if (!kernel_available(KERNEL_SYSTEMC)) {
        print_message("skipped: this build has no SystemC kernel\n");
        skip();
    }
    static const char *const options[] = { "--trace @/t.vcd", "--trace @/t.json",
                                           "--timeline @/t.svg" };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *name = strchr(options[i], '@') + 2;
        char arguments[256];
        snprintf(arguments, sizeof arguments, "run " PLAIN " %s", options[i]);
        free(succeed(*state, arguments));
        char *native = read_file(*state, name);
        strcat(arguments, " --kernel systemc");
        free(succeed(*state, arguments));
        char *systemc = read_file(*state, name);
        assert_string_equal(native, systemc);
        free(native);
        free(systemc);
    }
}

/* ---- what GTKWave's tools make of it ---- */

/* From the n-th line on that begins with `mark`. */
static const char *from_line(const char *text, const char *mark, int n)
{
    while (n > 0) {
        text = strchr(text, '\n');
        if (!text)
            fail_msg("fewer lines %s than wanted", mark);
        n -= strncmp(++text, mark, strlen(mark)) == 0;
    }
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Its lines in order, to the caller, who frees the list; cuts the text. */
static char **sort_lines(char *text, size_t *n)
{
    char **list = calloc(strlen(text) + 1, sizeof *list), *rest;

    assert_non_null(list);
    *n = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        for (; strncmp(line, "b00", 3) == 0 || strncmp(line, "b01", 3) == 0; line++)
            line[1] = 'b'; // zeros in front
        list[(*n)++] = line;
    }
    qsort(list, *n, sizeof *list, by_text);
    return list;
}

/* Times and changes in any order: those of one time change places on the way. */
static void assert_same_changes(const char *a, const char *b)
{
    char *text[] = { strdup(a), strdup(b) };
    size_t n, n_other;
    char **one = sort_lines(text[0], &n), **other = sort_lines(text[1], &n_other);

    assert_int_equal(n, n_other);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(one[i], other[i]);
    for (int i = 0; i < 2; i++)
        free(text[i]);
    free(one);
    free(other);
}

/* The pipe of docs/waveforms.md, and back: names, times and values are those of the dump behind its
 * beginning, of which events do not come back. */
static void vcd2fst_reads_it_through_the_pipe_of_the_docs(void **state)
{
    if (system("command -v vcd2fst fst2vcd >/dev/null") != 0) {
        print_message("skipped: no vcd2fst here\n");
        skip();
    }
    char command[4 * TMPDIR_PATH_MAX];
    const char *dir = *state;

    free(succeed(*state, "run " PLAIN " --trace @/t.vcd.gz --trace-window 0:200 "
                          "--trace-scope conv1,conv2,conv3")); // few, whose letters it keeps
    snprintf(command, sizeof command,
             "cd %s && zcat t.vcd.gz | vcd2fst - t.fst && fst2vcd t.fst >back.vcd 2>err", dir);
    assert_int_equal(system(command), 0);
    char *ours = read_gz(dir, "t.vcd.gz"), *back = read_file(*state, "back.vcd");
    const char *names = from_line(ours, "$scope", 1), *theirs = from_line(back, "$scope", 1);
    assert_memory_equal(names, theirs, (size_t)(from_line(ours, "$enddefinitions", 1) - names));
    assert_same_changes(from_line(ours, "#", 2), from_line(back, "#", 2));
    free(ours);
    free(back);
}

static void a_compressed_trace_is_as_small_as_zlib_makes_it(void **state)
{
    free(succeed(*state, "run " PLAIN " --trace @/t.vcd.gz --trace-window 0:400"));
    char *text = read_gz(*state, "t.vcd.gz");
    uLong n = strlen(text), room = compressBound(n);
    Bytef *small = malloc(room);

    assert_non_null(small);
    assert_int_equal(compress(small, &room, (const Bytef *)text, n), Z_OK); // at the usual level
    assert_true((uLong)size_of(*state, "t.vcd.gz") <= room + room / 100);
    free(small);
    free(text);
}

/* ---- how it fails: see also test_faults.c ---- */

static void a_run_that_fails_leaves_an_older_trace_as_it_was(void **state)
{
    tmpdir_write(*state, "t.vcd", "old", 3);
    assert_fails(*state, "run " FMNIST " --images @/none --trace @/t.vcd", 2, "none");
    assert_fails(*state, "run " PLAIN " --trace @/t.vcd --trace-scope none", 2, "no such signal");
    assert_int_equal(size_of(*state, "t.vcd"), 3);
    assert_int_equal(n_files(*state), 3); // with out and err; no temporary file
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        IN_DIR(the_waveforms_of_an_image_agree_with_its_report_and_stay_small),
        IN_DIR(tracing_changes_no_result),
        IN_DIR(both_kernels_write_the_same_bytes),
        IN_DIR(vcd2fst_reads_it_through_the_pipe_of_the_docs),
        IN_DIR(a_compressed_trace_is_as_small_as_zlib_makes_it),
        IN_DIR(a_run_that_fails_leaves_an_older_trace_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
