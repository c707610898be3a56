/* A file of the wrong kind, given to every command and to options and keys that name files: one
 * line says what it is, what was wanted, and the command that works, which then does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "cli/command.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define IDX "\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\x80"
#define NPY "\x93NUMPY\1\0\x46\0{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1), }" \
            "       \n\x80"
#define ONNX "\x08\x07\x12\x01x" // version 7, made by x

enum { CONFIG = 1, STUDY = 2, DB = 4, MODEL = 8, RUN = 16, MACRO = 32, IMAGES = 64, ARRAY = 128,
       DEVICE = 256, CHIP = 512, OTHER = 0 };

struct file {
    unsigned    kind;
    const char *name, *bytes;
    size_t      n; // 0: a text
    bool        gzip;
    const char *what;
    const char *cure; // NULL: any; it ends with the file's name where it ends with a space or '='
    bool        works; // the cure is a command that this very file goes through
};

#define SHOW "use imcsim run resnet32_fmnist --images "
#define PRICE "use imcsim breakdown resnet32 --set energy."
#define HERE(bytes) bytes, sizeof bytes - 1, false
#define TEXT(text) text, 0, false
#define GZIP(text) text, sizeof text - 1, true

static const struct file files[] = {
    { CONFIG, "m.yaml", TEXT("# a machine\nbatch: 3\n"), "a configuration", "use imcsim run ",
      true },
    { CONFIG, "my machine", TEXT("core: {crossbar: {rows: 512}}\n"), "a configuration",
      "use imcsim run ", true },
    { STUDY, "s.yaml", TEXT("base: m.yaml\nvary: {batch: [1, 2]}\n"), "a study",
      "use imcsim sweep ", true },
    { STUDY, "it's one.yaml", TEXT("vary: {batch: [1, 2]}\nbase: m.yaml\n"), "a study",
      "use imcsim sweep ", true },
    { MACRO, "macro.yaml", TEXT("calibration: none\nmacro: {supply_v: 1}\n"), "a macro",
      "use imcsim breakdown ", false },
    { DEVICE, "device.yaml", TEXT("# cells\nformat: imcsim-device/1\nname: d\n"),
      "a memory device", PRICE "device=", false },
    { CHIP, "chip.yaml", TEXT("format: imcsim-chip/1\n"), "the costs of a chip", PRICE "chip=",
      false },
    { OTHER, "node.yaml", TEXT("format: imcsim-technology/1\n"), "a technology",
      PRICE "technology=22nm_lp", true },
    { OTHER, "factors.yaml", TEXT("level_shifter_wiring: {value: 1}\n"), "factors of circuits",
      "use imcsim circuit sub_array --set calibration=", false },
    { MODEL, "net.onnx", TEXT("anything"), "an ONNX model", NULL, false },
    { MODEL, "net", HERE(ONNX), "an ONNX model",
      "use imcsim run imagenet --set network.onnx=", false },
    { IMAGES, "set", HERE(IDX), "a set of images or labels (IDX)", SHOW, true },
    { IMAGES, "set.gz", GZIP(IDX), "a set of images or labels (IDX)", SHOW, true },
    { IMAGES | ARRAY, "set.npy", HERE(NPY), "an array of numpy", SHOW, true },
    { IMAGES, "set.npz", HERE("PK\3\4..........................arr_0.npy"),
      "arrays of numpy (.npz)", SHOW, false },
    { IMAGES, "one.png", HERE("\x89PNG\r\n\x1a\n"), "a PNG image", SHOW, false },
    { IMAGES, "one.jpeg", HERE("\xff\xd8\xff\xe0"), "a JPEG image", SHOW, false },
    { IMAGES, "test.bin", HERE("\x03\x04"), "bytes, as CIFAR has its images", SHOW, false },
    { RUN, "run.json", TEXT("{\"format\": \"imcsim-run/1\"}"), "the result of a run",
      "use imcsim breakdown ", false },
    { RUN, "result", TEXT("{\n  \"format\": \"imcsim-run/1\"}"), "the result of a run",
      "use imcsim breakdown ", false },
    { OTHER, "map.json", TEXT("{\"format\": \"imcsim-map/1\"}"),
      "a result (JSON) of another command than run", NULL, false },
    { OTHER, "t.json", TEXT("{\"traceEvents\":[]}"), "a timeline for Perfetto", NULL, false },
    { OTHER, "t.json.gz", GZIP("{\"traceEvents\":[]}"), "a timeline for Perfetto", NULL, false },
    { OTHER, "m.yaml.gz", GZIP("batch: 3\n"), "packed by gzip", "use gunzip -k ", false },
    { OTHER, "m.svg", TEXT("<svg xmlns=''></svg>"), "a picture (SVG)", NULL, false },
    { OTHER, "index.html", TEXT("\n<!DOCTYPE html>"), "a page for a browser", NULL, false },
    { OTHER, "t.vcd", TEXT("$date x $end"), "waveforms (VCD)", "use gtkwave", false },
    { OTHER, "p.dot", TEXT("digraph plan {}"), "a graph for Graphviz", "use dot -Tsvg ", false },
    { OTHER, "c.csv", TEXT("layer,cores\nL1,1\n"), "a table (CSV)", NULL, false },
    { OTHER, "n.nir", HERE("\x89HDF\r\n\x1a\n"), "a spiking network (NIR)",
      "use imcsim run nmnist_nir --set network.nir=", false },
    { OTHER, "w.h5", HERE("\x89HDF\r\n\x1a\n"), "HDF5, as NIR and Keras have it",
      "of NIR, use imcsim run nmnist_nir --set network.nir=", false },
    { OTHER, "w.pt", HERE("PK\3\4..........................archive/data.pkl"),
      "a checkpoint of PyTorch", "export it as ONNX, then use imcsim import", false },
    { OTHER, "w.tflite", HERE("\0\0\0\0TFL3"), "a model of TensorFlow Lite",
      "export it as ONNX, then use imcsim import", false },
    { OTHER, "lib.so", HERE("\x7f" "ELF\2"), "a program or library", NULL, false },
    { OTHER, "lib.a", TEXT("!<arch>\n"), "a library", NULL, false },
};
enum { N_FILE = sizeof files / sizeof *files };

static const struct reader {
    unsigned    takes;
    const char *before, *after; // the file
    const char *who, *reads;
} readers[] = {
    { CONFIG, "run", "", "imcsim run", "a configuration (YAML)" },
    { CONFIG, "map", "", "imcsim map", "a configuration (YAML)" },
    { CONFIG, "compare", "", "imcsim compare", "a configuration (YAML)" },
    { CONFIG, "fabric", "", "imcsim fabric", "a configuration (YAML)" },
    { CONFIG | MACRO | RUN, "breakdown", "", "imcsim breakdown",
      "a configuration (YAML), a macro or the result of a run (JSON)" },
    { STUDY, "sweep --dry-run", "", "imcsim sweep", "a study (YAML)" },
    { DB, "sweep --status", "", "imcsim sweep", "a database" },
    { DB, "sweep --db @/all.db --merge", "", "imcsim sweep", "a database" },
    { DB, "report", "", "imcsim report", "a database" },
    { MODEL, "import", " --images random -o @/o.onnx", "imcsim import", "an ONNX model" },
    { IMAGES, "run resnet32 --set network.depth=8 --images", "", "--images", "sets of images" },
    { ARRAY, "run resnet32 --set network.depth=8 --inputs", "", "--inputs",
      "an array of numpy (.npy)" },
    { RUN, "breakdown hermes_14nm --activity", "", "--activity",
      "the result of a run with images" },
    { MODEL, "run resnet32 --set network.onnx=", "", "network.onnx", "an ONNX model" },
    { DEVICE, "breakdown resnet32 --set energy.device=", "", "energy.device", "a memory device" },
    { DEVICE, "run resnet32 --set core.crossbar.device=", "", "core.crossbar.device",
      "a memory device" },
    { CHIP, "breakdown resnet32 --set energy.chip=", "", "energy.chip", "the costs of a chip" },
};
enum { N_READER = sizeof readers / sizeof *readers };

static int make_files(void **state)
{
    char path[TMPDIR_PATH_MAX];

    tmpdir_make(state);
    for (const struct file *f = files; f < files + N_FILE; f++)
        (f->gzip ? tmpdir_write_gzip : tmpdir_write)(*state, f->name, f->bytes,
                                                     f->n ? f->n : strlen(f->bytes));
    assert_int_equal(mkdir(tmpdir_path(path, *state, "pictures"), 0777), 0);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(tmpdir_path(path, *state, "some.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "create table t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    return 0;
}

/* The file's path as a shell takes it. */
static void quoted(char text[256], const char *dir, const char *name)
{
    bool odd = strchr(name, ' ') != NULL;
    size_t n = (size_t)sprintf(text, "%s%s/", odd ? "'" : "", dir);

    for (; *name; name++)
        if (*name == '\'')
            n += (size_t)sprintf(text + n, "'\\''");
        else
            text[n++] = *name;
    sprintf(text + n, "%s", odd ? "'" : "");
}

static void give(char arguments[1024], const char *dir, const struct reader *r, const char *name)
{
    char word[256];
    bool glued = r->before[strlen(r->before) - 1] == '=';

    quoted(word, dir, name);
    snprintf(arguments, 1024, "%s%s%s%s", r->before, glued ? "" : " ", word, r->after);
}

/* The command in this process, which is quicker: the words before, the file, those after. */
static void refuses(const char *dir, const struct reader *r, const char *name, const char *want)
{
    char output[TMPDIR_PATH_MAX], path[TMPDIR_PATH_MAX + 64], text[2][256], *rest, *argv[16];
    struct err_msg m = { "" };
    int n = 1;

    argv[0] = output;
    tmpdir_path(output, dir, "output");
    snprintf(text[0], sizeof text[0], "%s", r->before);
    snprintf(text[1], sizeof text[1], "%s", r->after);
    for (int i = 0; i < 2; i++) {
        for (char *w = strtok_r(text[i], " ", &rest); w; w = strtok_r(NULL, " ", &rest))
            argv[n++] = strchr(w, '@') ? output : w;
        if (i > 0)
            break;
        bool glued = r->before[strlen(r->before) - 1] == '=';
        snprintf(path, sizeof path, "%s%s/%s", glued ? argv[n - 1] : "", dir, name);
        n -= glued;
        argv[n++] = path;
    }
    assert_int_equal(command_dispatch(n, argv, &m), ERR_INPUT);
    if (!strstr(m.text, want))
        fail_msg("%s %s: %s: want %s", r->before, name, m.text, want);
}

static void every_command_names_what_it_was_given_and_what_it_reads(void **state)
{
    char want[1024];

    for (size_t i = 0; i < N_FILE; i++)
        for (size_t j = 0; j < N_READER; j++) {
            const struct file *f = &files[i];
            if (f->kind & readers[j].takes)
                continue;
            snprintf(want, sizeof want, "/%s: this is %s, and %s reads %s: ", f->name, f->what,
                     readers[j].who, readers[j].reads);
            refuses(*state, &readers[j], f->name, want);
        }
}

static void directories_and_databases_are_named_too(void **state)
{
    for (size_t j = 0; j < N_READER; j++) {
        const struct reader *r = &readers[j];
        if (r->takes != IMAGES)
            refuses(*state, r, "pictures", "/pictures: this is a directory, and ");
        if (r->takes != DB)
            refuses(*state, r, "some.db", "/some.db: this is a database, and ");
    }
}

/* What is said behind "use imcsim" is done. */
static void the_command_that_is_named_works(void **state)
{
    char arguments[1024], want[600], word[256];

    for (const struct file *f = files; f < files + N_FILE; f++) {
        const struct reader *r = &readers[f->kind & CONFIG ? 8 : 3]; // report, fabric
        if (!f->cure)
            continue;
        bool named = strchr("= ", f->cure[strlen(f->cure) - 1]) != NULL;
        quoted(word, *state, f->name);
        snprintf(want, sizeof want, "%s%s", f->cure, named ? word : "");
        give(arguments, *state, r, f->name);
        struct outcome o = imcsim(*state, arguments);
        const char *cure = strstr(o.err, want);
        if (!cure)
            fail_msg("%s: %s: want %s", arguments, o.err, want);
        if (f->works) {
            snprintf(arguments, sizeof arguments, "%.600s%s%s",
                     f->cure + strlen("use imcsim "), named ? word : "",
                     f->kind & STUDY ? " --dry-run" : "");
            free(succeed(*state, arguments));
        }
        outcome_release(&o);
    }
}

/* A failure about something else keeps its line. */
static void a_file_of_the_right_kind_is_not_explained(void **state)
{
    assert_fails(*state, "run @/m.yaml --set batch=0", 2, "batch = 0: want");
    assert_fails(*state, "run @/s.yaml --table x", 2, "this is a study");
    assert_fails(*state, "run resnet32_fmnist --images @/net --image-shape 4x4", 2,
                 "images of 16 bytes");
    assert_fails(*state, "run resnet32 --set network.nir=models/lif_fmnist.nir", 2,
                 "want steps: input.coding");
}

/* Messages then begin with the path, not with the name. */
static void what_comes_along_is_known_by_its_name_too(void **state)
{
    assert_fails(*state, "run arrays", 2, "imcsim: arrays: this is a study, and imcsim run reads a "
                 "configuration (YAML): use imcsim sweep arrays");
    assert_fails(*state, "sweep resnet32", 2, "imcsim: resnet32: this is a configuration, and "
                 "imcsim sweep reads a study (YAML): use imcsim run resnet32");
}

static void a_file_that_is_not_there_says_what_was_wanted(void **state)
{
    assert_fails(*state, "run none", 2, "none: cannot open: No such file or directory: imcsim run "
                 "reads a configuration (YAML): imcsim list configs has some");
    assert_fails(*state, "sweep none.yaml", 2,
                 "reads a study (YAML): imcsim list studies has some");
    assert_fails(*state, "report none.db", 2, "reads a database: imcsim sweep STUDY writes one");
    assert_fails(*state, "import none --images random -o @/o.onnx", 2, "reads an ONNX model");
    assert_fails(*state, "breakdown none.json", 2, "or the result of a run (JSON)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_files, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        TEST(every_command_names_what_it_was_given_and_what_it_reads),
        TEST(directories_and_databases_are_named_too),
        TEST(the_command_that_is_named_works),
        TEST(a_file_of_the_right_kind_is_not_explained),
        TEST(what_comes_along_is_known_by_its_name_too),
        TEST(a_file_that_is_not_there_says_what_was_wanted),
    };
    return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
